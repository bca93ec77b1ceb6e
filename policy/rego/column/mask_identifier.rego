package cadastre.column

# METADATA
# title: Identifiers become tokens
# description: Numbers that stand for a person become keyed tokens, so that rows still join and nobody is named.
# custom:
#   id: mask.identifier
treatment["identifier"] := protect(rego.metadata.rule(), "mask", "hash")
