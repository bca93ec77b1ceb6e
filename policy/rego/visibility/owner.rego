package cadastre.visibility

# METADATA
# title: Owners see what is theirs
# description: You see it because you own it.
# custom:
#   id: visibility.owner
visible contains [{"attribute": "owner", "in": input.principal.names}]
