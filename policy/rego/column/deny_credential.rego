package cadastre.column

# METADATA
# title: Credentials are not shown
# description: Passwords, tokens and security codes are in no view.
# custom:
#   id: deny.credential
verdicts contains verdict(rego.metadata.rule(), fact, "deny", "") if some fact in labelled.credential
