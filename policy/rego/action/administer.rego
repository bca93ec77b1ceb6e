package cadastre.action

# METADATA
# title: Administrators say which services may push
# description: You may administer tokens because you are an administrator.
# custom:
#   id: action.administer
permits contains reason(rego.metadata.rule()) if {
	input.action == "administer"
	"administrator" in roles
}
