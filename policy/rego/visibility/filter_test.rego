package cadastre.visibility_test

import data.cadastre.visibility

config := {
	"roles": {"auditor": ["auditors"]},
	"audiences": {"analysts": {"groups": ["analysts"]}},
	"containers": {"analysts": ["bigquery/p.views"]},
	"visibility": [
		{"groups": ["staff"], "visibility": "discoverable", "where": [{"attribute": "kind", "in": ["table"]}]},
		{"groups": ["staff"], "visibility": "visible", "where": [{"attribute": "kind", "in": ["topic"]}]},
	],
}

filter(groups) := f if {
	f := visibility.filter with data.config as config
		with input as {"principal": {"id": "x", "groups": groups, "names": ["user:x"]}}
}

own := [{"attribute": "owner", "in": ["user:x"]}]

test_a_stranger_sees_what_is_theirs if filter([]) == {"visible": [own], "discoverable": []}

test_an_auditor_sees_all if [] in filter(["auditors"]).visible

test_a_member_of_an_audience_sees_its_views if {
	visible := {c | some c in filter(["analysts"]).visible}
	visible == {
		own,
		[{"attribute": "parent", "in": ["bigquery/p.views"]}],
		[{"attribute": "ref", "in": ["bigquery/p.views"]}],
	}
}

test_staff_see_and_discover_what_the_configuration_says if {
	f := filter(["staff"])
	[{"attribute": "kind", "in": ["topic"]}] in f.visible
	f.discoverable == [[{"attribute": "kind", "in": ["table"]}]]
}
