package cadastre.column

# METADATA
# title: Pseudonyms are shown where tokens would be
# description: The column already holds pseudonyms in place of the data, as a person confirmed, and the purpose may use them.
# custom:
#   id: allow.pseudonymous
lifts contains lift(rego.metadata.rule(), fact) if {
	purpose.pseudonymous
	some fact in input.column.labels
	fact.form == "pseudonymous"
	fact.state == "confirmed"
	treatment[sensitivity(fact)].method == "hash"
}
