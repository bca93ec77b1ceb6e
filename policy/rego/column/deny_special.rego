package cadastre.column

# METADATA
# title: Special categories are not shown
# description: Data that the law sets apart, such as health or belief, is in no view.
# custom:
#   id: deny.special
verdicts contains verdict(rego.metadata.rule(), fact, "deny", "") if some fact in labelled.special
