package cadastre.action

# METADATA
# title: Data owners describe in their domain
# description: You may describe it because your group owns the data of its domain.
# custom:
#   id: action.describe_domain
permits contains reason(rego.metadata.rule()) if {
	input.action == "describe"
	some group in data.config.domains[input.asset.domain]
	group in input.principal.groups
}
