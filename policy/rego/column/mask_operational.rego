package cadastre.column

# METADATA
# title: Operational data is shown once confirmed
# description: It is thought to be operational data, but nobody has confirmed that yet, so it is left empty.
# custom:
#   id: mask.operational
treatment["operational"] := protect(rego.metadata.rule(), "mask", "null")
