package cadastre.action

# METADATA
# title: Auditors audit
# description: You may read the audit log because you are an auditor.
# custom:
#   id: action.audit
permits contains reason(rego.metadata.rule()) if {
	input.action == "audit"
	"auditor" in roles
}
