package cadastre.column

# METADATA
# title: Operational data is shown once confirmed
# description: It is thought to be operational data, but nobody has confirmed that yet, so it is left empty.
# custom:
#   id: mask.operational
verdicts contains verdict(rego.metadata.rule(), fact, "mask", "null") if some fact in labelled.operational
