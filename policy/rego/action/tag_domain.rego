package cadastre.action

# METADATA
# title: Data owners tag in their domain
# description: You may tag it because your group owns the data of its domain.
# custom:
#   id: action.tag_domain
permits contains reason(rego.metadata.rule()) if {
	input.action == "tag"
	some group in data.config.domains[input.asset.domain]
	group in input.principal.groups
}
