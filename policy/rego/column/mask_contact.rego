package cadastre.column

# METADATA
# title: Contact data becomes tokens
# description: E-mail addresses and phone numbers become keyed tokens, so that rows still join and nobody can be reached.
# custom:
#   id: mask.contact
treatment["contact"] := protect(rego.metadata.rule(), "mask", "hash")
