package cadastre.action

# METADATA
# title: Data owners approve plans
# description: You may approve a plan because you are a data owner.
# custom:
#   id: action.approve
permits contains reason(rego.metadata.rule()) if {
	input.action == "approve"
	"owner" in roles
}
