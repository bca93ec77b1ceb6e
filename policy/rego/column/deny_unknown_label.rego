package cadastre.column

# METADATA
# title: Unknown labels are not shown
# description: The column bears a label that the vocabulary does not know, so it is in no view.
# custom:
#   id: deny.unknown_label
verdicts contains verdict(fact, protect(rego.metadata.rule(), "deny", "")) if {
	some fact in input.column.labels
	not data.vocabulary[fact.label]
}
