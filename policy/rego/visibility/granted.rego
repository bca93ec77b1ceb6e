package cadastre.visibility

# METADATA
# title: Groups see what the configuration shows them
# description: You see it because the configuration shows it to a group you are in.
# custom:
#   id: visibility.granted
visible contains grant.where if some grant in granted.visible
