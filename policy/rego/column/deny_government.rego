package cadastre.column

# METADATA
# title: Government identifiers are not shown
# description: Numbers that a state gave a person are in no view.
# custom:
#   id: deny.government
treatment["government"] := protect(rego.metadata.rule(), "deny", "")
