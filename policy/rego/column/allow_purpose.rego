package cadastre.column

# METADATA
# title: A purpose that needs the data sees it
# description: The audience's purpose needs this data in the clear, and a person confirmed what it is.
# custom:
#   id: allow.purpose
lifts contains lift(rego.metadata.rule(), fact) if {
	some fact in input.column.labels
	sensitivity(fact) in purpose.clear
	fact.state == "confirmed"
	not data.vocabulary[fact.label].special
}
