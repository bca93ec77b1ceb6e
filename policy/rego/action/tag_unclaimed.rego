package cadastre.action

# METADATA
# title: Data owners tag what nobody owns
# description: You may tag it because nobody owns it and you are a data owner.
# custom:
#   id: action.tag_unclaimed
permits contains reason(rego.metadata.rule()) if {
	input.action == "tag"
	"owner" in roles
	count(input.owners) == 0
	not data.config.domains[input.asset.domain]
}
