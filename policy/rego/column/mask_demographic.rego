package cadastre.column

# METADATA
# title: Personal traits are left empty
# description: Date of birth, gender and other traits of a person are left empty.
# custom:
#   id: mask.demographic
verdicts contains verdict(rego.metadata.rule(), fact, "mask", "null") if some fact in labelled.demographic
