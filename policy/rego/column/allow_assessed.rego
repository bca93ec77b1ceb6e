package cadastre.column

# METADATA
# title: Assessed columns without personal data are shown
# description: Somebody looked at this column and found nothing personal in it.
# custom:
#   id: allow.assessed
clearances contains lift(rego.metadata.rule(), {"label": ""}) if {
	input.column.assessment == "none"
	count(input.column.labels) == 0
}
