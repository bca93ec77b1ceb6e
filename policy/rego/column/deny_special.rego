package cadastre.column

# METADATA
# title: Special categories are not shown
# description: Data that the law sets apart, such as health or belief, is in no view.
# custom:
#   id: deny.special
treatment["special"] := protect(rego.metadata.rule(), "deny", "")
