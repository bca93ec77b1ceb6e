package cadastre.column

# METADATA
# title: Personal data of no known kind is not shown
# description: It is personal, but nobody said of what kind, so it is in no view.
# custom:
#   id: deny.unspecified
treatment["unspecified"] := protect(rego.metadata.rule(), "deny", "")
