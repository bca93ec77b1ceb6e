package cadastre.action

# METADATA
# title: Whether a person may do something
# description: They may if any rule says so.
# entrypoint: true
answer := {"allow": true, "rules": [r | some r in permits]} if count(permits) > 0

answer := {"allow": false, "rules": [refusal]} if count(permits) == 0

# METADATA
# title: What no rule permits is refused
# description: No rule lets you do this.
# custom:
#   id: action.refused
refusal := reason(rego.metadata.rule())

# reason is what people are told of a rule.
reason(meta) := {"id": meta.custom.id, "why": meta.description}

# owns says whether the person, or a group they are in, owns the asset.
owns if {
	some owner in input.owners
	owner in input.principal.names
}

roles := data.cadastre.person.roles
