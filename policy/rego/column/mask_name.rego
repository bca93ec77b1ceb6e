package cadastre.column

# METADATA
# title: Names are left empty
# description: Names of people are left empty.
# custom:
#   id: mask.name
verdicts contains verdict(rego.metadata.rule(), fact, "mask", "null") if some fact in labelled.name
