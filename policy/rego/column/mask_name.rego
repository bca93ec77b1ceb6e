package cadastre.column

# METADATA
# title: Names are left empty
# description: Names of people are left empty.
# custom:
#   id: mask.name
treatment["name"] := protect(rego.metadata.rule(), "mask", "null")
