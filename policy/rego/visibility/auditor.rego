package cadastre.visibility

# METADATA
# title: Auditors see everything
# description: You see it because auditors see all of the catalog.
# custom:
#   id: visibility.auditor
visible contains [] if "auditor" in data.cadastre.person.roles
