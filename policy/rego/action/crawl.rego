package cadastre.action

# METADATA
# title: Data owners and publishers crawl
# description: You may start a crawl because you are a data owner or publisher.
# custom:
#   id: action.crawl
permits contains reason(rego.metadata.rule()) if {
	input.action == "crawl"
	some role in ["owner", "publisher"]
	role in roles
}
