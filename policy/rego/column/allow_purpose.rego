package cadastre.column

# METADATA
# title: A purpose that needs the data sees it
# description: The audience's purpose needs this data in the clear, and a person confirmed what it is.
# custom:
#   id: allow.purpose
lifts contains lift(rego.metadata.rule(), fact) if {
	some sensitivity in purpose.clear
	some fact in labelled[sensitivity]
	fact.state == "confirmed"
	not data.vocabulary[fact.label].special
}
