package cadastre.column

# carried is a verdict as the column's type allows it: a method that does not
# fit gives way to an empty value, and that to a denial.
carried(v) := v if v.effect == "deny"

carried(v) := v if {
	v.effect == "mask"
	fitting(v.method)
}

carried(v) := object.union(v, {"method": "null", "domain": "", "rank": rank("mask", "null"), "unfit": true}) if {
	v.effect == "mask"
	not fitting(v.method)
	fitting("null")
}

carried(v) := object.union(v, {"effect": "deny", "method": "", "domain": "", "rank": rank("deny", ""), "unfit": true}) if {
	v.effect == "mask"
	not fitting(v.method)
	not fitting("null")
}

fitting(method) if input.column.type in data.methods[method].types

# METADATA
# title: The method does not fit the type
# description: The masking method of the rule does not fit the column's type, so the next stronger protection is used.
# custom:
#   id: mask.unfit
unfit_reasons := [reason(rego.metadata.rule()) | some v in decisive; v.unfit]
