package cadastre.visibility

# granted are the configuration's grants to the person's groups, by visibility.
granted[grant.visibility] contains grant if {
	some grant in data.config.visibility
	some group in grant.groups
	group in input.principal.groups
}
