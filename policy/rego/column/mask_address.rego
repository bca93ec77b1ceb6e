package cadastre.column

# METADATA
# title: Addresses are left empty
# description: Postal addresses and personal pages are left empty.
# custom:
#   id: mask.address
verdicts contains verdict(rego.metadata.rule(), fact, "mask", "null") if some fact in labelled.address
