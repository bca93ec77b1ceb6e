package cadastre.column

# METADATA
# title: Payment numbers become tokens
# description: Bank account and card numbers become keyed tokens, so that rows still join and nothing can be charged.
# custom:
#   id: mask.payment
verdicts contains verdict(rego.metadata.rule(), fact, "mask", "hash") if some fact in labelled.payment
