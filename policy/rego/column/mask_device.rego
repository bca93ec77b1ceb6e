package cadastre.column

# METADATA
# title: Device identifiers become tokens
# description: Addresses and codes of devices become keyed tokens, so that nobody is followed outside.
# custom:
#   id: mask.device
treatment["device"] := protect(rego.metadata.rule(), "mask", "hash")
