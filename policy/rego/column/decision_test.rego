package cadastre.column_test

import data.cadastre.column

# methods and audiences stand for what the engine lays into data.
methods := {
	"null": {"rank": 3, "types": ["STRING", "INT64", "FLOAT64"]},
	"hash": {"rank": 2, "types": ["STRING", "INT64"]},
	"email": {"rank": 1, "types": ["STRING"]},
}

audiences := {
	"analysts": {"purpose": "analytics"},
	"fraud": {"purpose": "fraud_detection"},
	"aimless": {"purpose": "whatever"},
}

fact(label) := {"label": label, "state": "confirmed", "form": "clear"}

ask(audience, typ, labels) := decision if {
	decision := column.decision with input as {
		"audience": audience,
		"column": {"assessment": "tagged", "type": typ, "labels": labels},
	}
		with data.methods as methods
		with data.config.audiences as audiences
}

ids(rules) := [r.id | some r in rules]

# Every label of the vocabulary is decided, for every audience and type.
test_every_label_is_decided if {
	every label, _ in data.vocabulary {
		every audience in ["fraud", "nobody"] {
			every typ in ["STRING", "GEOMETRY"] {
				ask(audience, typ, [fact(label)]).effect in ["deny", "mask", "allow"]
			}
		}
	}
}

# What is only proposed is in the clear for nobody.
test_a_proposal_protects if {
	every label, _ in data.vocabulary {
		every audience in ["analysts", "fraud"] {
			proposed := object.union(fact(label), {"state": "proposed"})
			ask(audience, "STRING", [proposed]).effect != "allow"
		}
	}
}

# No purpose reads what the law sets apart.
test_special_categories_stay_hidden if {
	special := [label | some label, entry in data.vocabulary; entry.special]
	count(special) > 0
	every label in special {
		every purpose, _ in data.purposes {
			decision := column.decision with input as {
				"audience": "any",
				"column": {"assessment": "tagged", "type": "STRING", "labels": [fact(label)]},
			}
				with data.methods as methods
				with data.config.audiences as {"any": {"purpose": purpose}}
			decision.effect == "deny"
		}
	}
}

# A label that is set apart stays so even where a purpose names its sensitivity.
test_no_purpose_lifts_a_special_label if {
	decision := column.decision with input as {
		"audience": "fraud",
		"column": {"assessment": "tagged", "type": "STRING", "labels": [fact("user.special.health")]},
	}
		with data.methods as methods
		with data.config.audiences as audiences
		with data.purposes as {"fraud_detection": {"clear": ["special"], "pseudonymous": true}}
	decision.effect == "deny"
}

test_untouched_is_denied if {
	decision := column.decision with input as {
		"audience": "fraud",
		"column": {"assessment": "untouched", "type": "STRING", "labels": []},
	}
		with data.methods as methods
		with data.config.audiences as audiences
	decision.effect == "deny"
	ids(decision.rules) == ["deny.untouched"]
}

test_assessed_none_is_allowed if {
	decision := column.decision with input as {
		"audience": "analysts",
		"column": {"assessment": "none", "type": "STRING", "labels": []},
	}
		with data.methods as methods
		with data.config.audiences as audiences
	decision.effect == "allow"
	ids(decision.rules) == ["allow.assessed"]
}

test_the_most_protective_verdict_wins if {
	hashed := fact("user.contact.email")
	emptied := fact("user.name")
	denied := fact("user.content.free_text")
	ask("analysts", "STRING", [hashed]).method == "hash"
	ask("analysts", "STRING", [hashed, emptied]).method == "null"
	ask("analysts", "STRING", [hashed, emptied, denied]).effect == "deny"
	ids(ask("analysts", "STRING", [hashed, emptied]).overruled) == ["mask.contact"]
}

# One label that a purpose lifts does not lift another.
test_an_exception_lifts_its_own_label_alone if {
	decision := ask("fraud", "STRING", [fact("user.contact.email"), fact("user.demographic.gender")])
	decision.method == "null"
	ids(decision.rules) == ["mask.demographic"]
	ids(decision.overruled) == ["mask.contact", "allow.purpose"]
}

# Whoever says one thing twice, once for sure and once not, is not sure.
test_an_exception_lifts_no_proposal_of_the_same_label if {
	sure := fact("user.contact.email")
	decision := ask("fraud", "STRING", [sure, object.union(sure, {"state": "proposed"})])
	decision.method == "hash"
}

test_a_method_that_does_not_fit_gives_way_to_a_stronger_one if {
	emptied := ask("analysts", "FLOAT64", [fact("user.contact.phone")])
	emptied.method == "null"
	emptied.domain == ""
	ids(emptied.rules) == ["mask.contact", "mask.unfit"]
	denied := ask("analysts", "GEOMETRY", [fact("user.contact.phone")])
	denied.effect == "deny"
	ids(denied.rules) == ["mask.contact", "mask.unfit"]
}

test_pseudonyms_are_shown_for_a_purpose_that_may_use_them if {
	pseudonym := object.union(fact("user.contact.email"), {"form": "pseudonymous"})
	ask("analysts", "STRING", [pseudonym]).effect == "allow"
	ask("aimless", "STRING", [pseudonym]).method == "hash"
}

test_an_unknown_label_is_denied if {
	ids(ask("fraud", "STRING", [fact("user.shoe_size")]).rules) == ["deny.unknown_label"]
}

# A label with a sensitivity that no rule treats leaves the decision undefined,
# and so denied.
test_a_label_without_a_rule_is_undefined if {
	not ask("fraud", "STRING", [fact("new")]) with data.vocabulary as {"new": {"sensitivity": "unheard_of"}}
}

# Data that is hashed has a key domain.
test_every_hashed_label_has_a_domain if {
	every label, entry in data.vocabulary {
		decision := ask("aimless", "STRING", [fact(label)])
		hashed := object.get(decision, "method", "") == "hash"
		named := entry.domain != ""
		hashed == named
	}
}
