package cadastre.visibility

# METADATA
# title: Members of an audience see its views
# description: You see it because it is made for an audience you belong to.
# custom:
#   id: visibility.audience
visible contains [{"attribute": attribute, "in": containers}] if {
	some name, containers in data.config.containers
	some group in data.config.audiences[name].groups
	group in input.principal.groups
	some attribute in ["ref", "parent"]
}
