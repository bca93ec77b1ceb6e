package cadastre.column

# METADATA
# title: Money matters are left empty
# description: What people owe, own or pay is left empty, except where the purpose needs it.
# custom:
#   id: mask.wealth
verdicts contains verdict(rego.metadata.rule(), fact, "mask", "null") if some fact in labelled.wealth
