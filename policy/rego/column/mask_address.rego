package cadastre.column

# METADATA
# title: Addresses are left empty
# description: Postal addresses and personal pages are left empty.
# custom:
#   id: mask.address
treatment["address"] := protect(rego.metadata.rule(), "mask", "null")
