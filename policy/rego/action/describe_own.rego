package cadastre.action

# METADATA
# title: Owners describe what is theirs
# description: You may describe it because you own it.
# custom:
#   id: action.describe_own
permits contains reason(rego.metadata.rule()) if {
	input.action == "describe"
	owns
}
