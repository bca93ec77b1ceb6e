package cadastre.column

# METADATA
# title: Payment numbers become tokens
# description: Bank account and card numbers become keyed tokens, so that rows still join and nothing can be charged.
# custom:
#   id: mask.payment
treatment["payment"] := protect(rego.metadata.rule(), "mask", "hash")
