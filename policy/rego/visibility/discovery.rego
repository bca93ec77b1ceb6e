package cadastre.visibility

# METADATA
# title: Groups discover what the configuration lets them
# description: You may know that it exists, so that you can ask its owner.
# custom:
#   id: visibility.discovery
discoverable contains grant.where if some grant in granted.discoverable
