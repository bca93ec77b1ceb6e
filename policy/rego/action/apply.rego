package cadastre.action

# METADATA
# title: Data owners and publishers apply plans
# description: You may apply an approved plan because you are a data owner or publisher.
# custom:
#   id: action.apply
permits contains reason(rego.metadata.rule()) if {
	input.action == "apply"
	some role in ["owner", "publisher"]
	role in roles
}
