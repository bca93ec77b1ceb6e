package cadastre.action

# METADATA
# title: Data owners describe what nobody owns
# description: You may describe it because nobody owns it and you are a data owner.
# custom:
#   id: action.describe_unclaimed
permits contains reason(rego.metadata.rule()) if {
	input.action == "describe"
	"owner" in roles
	count(input.owners) == 0
	not data.config.domains[input.asset.domain]
}
