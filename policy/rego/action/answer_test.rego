package cadastre.action_test

import data.cadastre.action

config := {
	"roles": {"owner": ["owners"], "auditor": ["auditors"], "publisher": ["publishers"], "analyst": ["analysts"], "administrator": ["admins"], "break_glass": ["oncall"]},
	"domains": {"customer": ["customer-owners"]},
}

ask(what, groups, owners, domain) := a if {
	a := action.answer with data.config as config
		with input as {
			"action": what,
			"asset": {"domain": domain},
			"owners": owners,
			"principal": {"id": "x", "groups": groups, "names": ["user:x"]},
		}
}

# permitted are the roles that may do each thing to the installation.
permitted := {
	"plan": {"owners", "publishers"},
	"approve": {"owners"},
	"apply": {"owners", "publishers"},
	"audit": {"auditors"},
	"crawl": {"owners", "publishers"},
	"administer": {"admins"},
	"break_glass": {"oncall"},
}

test_each_role_may_do_what_is_its_own_and_no_more if {
	every what, allowed in permitted {
		every group in ["owners", "auditors", "publishers", "analysts", "admins", "oncall", "strangers"] {
			may := group in allowed
			ask(what, [group], [], "").allow == may
		}
	}
}

test_an_owner_tags_what_is_theirs if {
	ask("tag", [], ["user:x"], "").rules[0].id == "action.tag_own"
	not ask("tag", ["auditors"], ["user:y"], "").allow
}

test_a_domains_group_tags_in_it if {
	ask("tag", ["customer-owners"], ["user:y"], "customer").rules[0].id == "action.tag_domain"
	not ask("tag", ["customer-owners"], ["user:y"], "finance").allow
}

test_data_owners_tag_what_nobody_owns if {
	ask("tag", ["owners"], [], "").rules[0].id == "action.tag_unclaimed"
	not ask("tag", ["owners"], ["user:y"], "").allow
	not ask("tag", ["owners"], [], "customer").allow
}

test_who_tags_describes_too if {
	every case in [
		[[], ["user:x"], "", "action.describe_own"],
		[["customer-owners"], ["user:y"], "customer", "action.describe_domain"],
		[["owners"], [], "", "action.describe_unclaimed"],
	] {
		ask("describe", case[0], case[1], case[2]).rules[0].id == case[3]
	}
	not ask("describe", ["auditors"], ["user:y"], "").allow
	not ask("describe", ["customer-owners"], ["user:y"], "finance").allow
	not ask("describe", ["owners"], ["user:y"], "").allow
	not ask("describe", ["owners"], [], "customer").allow
}

test_nobody_may_do_what_is_not_named if {
	answer := ask("destroy", ["owners", "auditors", "publishers"], ["user:x"], "")
	not answer.allow
	answer.rules == [{"id": "action.refused", "why": "No rule lets you do this."}]
}
