package cadastre.column

# METADATA
# title: Credentials are not shown
# description: Passwords, tokens and security codes are in no view.
# custom:
#   id: deny.credential
treatment["credential"] := protect(rego.metadata.rule(), "deny", "")
