package cadastre.person

# METADATA
# title: Roles follow from groups
# description: A person has the roles that the configuration gives to the groups they are in.
# custom:
#   id: person.roles
roles contains role if {
	some role, groups in data.config.roles
	some group in groups
	group in input.principal.groups
}
