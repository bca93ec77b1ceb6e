package cadastre.column

# METADATA
# title: Personal traits are left empty
# description: Date of birth, gender and other traits of a person are left empty.
# custom:
#   id: mask.demographic
treatment["demographic"] := protect(rego.metadata.rule(), "mask", "null")
