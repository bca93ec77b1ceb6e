package cadastre.column

# METADATA
# title: Behaviour is left empty
# description: What people do or use is left empty, except where the purpose needs it.
# custom:
#   id: mask.behavior
treatment["behavior"] := protect(rego.metadata.rule(), "mask", "null")
