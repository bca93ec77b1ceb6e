package cadastre.action

# METADATA
# title: Data owners and publishers plan
# description: You may make a plan because you are a data owner or publisher.
# custom:
#   id: action.plan
permits contains reason(rego.metadata.rule()) if {
	input.action == "plan"
	some role in ["owner", "publisher"]
	role in roles
}
