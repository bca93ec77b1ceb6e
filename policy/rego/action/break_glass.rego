package cadastre.action

# METADATA
# title: Those on call break the glass
# description: You may break the glass because your role is to be called in an emergency.
# custom:
#   id: action.break_glass
permits contains reason(rego.metadata.rule()) if {
	input.action == "break_glass"
	"break_glass" in roles
}
