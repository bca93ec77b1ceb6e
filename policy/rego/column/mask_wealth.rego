package cadastre.column

# METADATA
# title: Money matters are left empty
# description: What people owe, own or pay is left empty, except where the purpose needs it.
# custom:
#   id: mask.wealth
treatment["wealth"] := protect(rego.metadata.rule(), "mask", "null")
