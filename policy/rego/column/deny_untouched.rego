package cadastre.column

# METADATA
# title: Untouched columns are not shown
# description: Nobody has looked at this column yet, so it is in no view.
# custom:
#   id: deny.untouched
verdicts contains verdict({"label": ""}, protect(rego.metadata.rule(), "deny", "")) if {
	input.column.assessment == "untouched"
}
