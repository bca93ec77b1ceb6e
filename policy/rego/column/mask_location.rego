package cadastre.column

# METADATA
# title: Locations are left empty
# description: Where somebody is or was is left empty.
# custom:
#   id: mask.location
verdicts contains verdict(rego.metadata.rule(), fact, "mask", "null") if some fact in labelled.location
