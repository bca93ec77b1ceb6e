package cadastre.column

# METADATA
# title: Content is not shown
# description: Free text, pictures and recordings may hold anything about anybody, so they are in no view.
# custom:
#   id: deny.content
treatment["content"] := protect(rego.metadata.rule(), "deny", "")
