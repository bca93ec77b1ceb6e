package cadastre.column

# METADATA
# title: Locations are left empty
# description: Where somebody is or was is left empty.
# custom:
#   id: mask.location
treatment["location"] := protect(rego.metadata.rule(), "mask", "null")
