package cadastre.column

# METADATA
# title: Operational data is shown
# description: It is about machines and processes and says nothing of any person.
# custom:
#   id: allow.operational
lifts contains lift(rego.metadata.rule(), fact) if {
	some fact in input.column.labels
	sensitivity(fact) == "operational"
	fact.state == "confirmed"
}
