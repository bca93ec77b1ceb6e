package cadastre.action

# METADATA
# title: Owners tag what is theirs
# description: You may tag it because you own it.
# custom:
#   id: action.tag_own
permits contains reason(rego.metadata.rule()) if {
	input.action == "tag"
	owns
}
