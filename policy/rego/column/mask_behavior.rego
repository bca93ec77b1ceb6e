package cadastre.column

# METADATA
# title: Behaviour is left empty
# description: What people do or use is left empty, except where the purpose needs it.
# custom:
#   id: mask.behavior
verdicts contains verdict(rego.metadata.rule(), fact, "mask", "null") if some fact in labelled.behavior
