package cadastre.column

# METADATA
# title: Identifiers become tokens
# description: Numbers that stand for a person become keyed tokens, so that rows still join and nobody is named.
# custom:
#   id: mask.identifier
verdicts contains verdict(rego.metadata.rule(), fact, "mask", "hash") if some fact in labelled.identifier
