package bigquery

import (
	"testing"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/sandbox/directory"
)

// accessCase is one question with the answer that BigQuery gives.
type accessCase struct {
	name string
	ask  ask
	want bool
}

// entry is an access list of one entry, as it is after it was last written.
func entry(e bq.DatasetAccess) *datasetAccess {
	return &datasetAccess{entries: []*bq.DatasetAccess{&e}, views: map[string]int64{"p.d.v": 3}, datasets: map[string]int64{"p.d": 2}}
}

func theView() *viewer {
	return &viewer{project: "p", dataset: "d", table: "v", generation: 3, datasetGeneration: 2}
}

// accessCases are the questions. Between them, each check decides at least
// one: TestEachCheckDecides holds them to that.
func accessCases() []accessCase {
	with := func(roles ...string) directory.Principal {
		return directory.Principal{Email: "a@x.example", Roles: map[string][]string{"p": roles}}
	}
	a := with()
	member := directory.Principal{Email: "a@x.example", Groups: []string{"g@x.example"}}
	cleared := directory.Principal{Email: "a@x.example", FineGrained: []string{"tag"}}
	all := directory.Principal{Email: "a@x.example", FineGrained: []string{"*"}}
	read := func(who directory.Principal, access *datasetAccess) ask {
		return ask{who: who, want: tablesGetData, project: "p", dataset: access}
	}
	via := func(access *datasetAccess, by *viewer, want permission) ask {
		return ask{who: a, want: want, project: "p", dataset: access, via: by}
	}
	tagged := func(who directory.Principal) ask {
		q := read(who, entry(bq.DatasetAccess{Role: reader, SpecialGroup: "allAuthenticatedUsers"}))
		q.tags = []string{"tag"}
		return q
	}
	view := entry(bq.DatasetAccess{View: &bq.TableReference{ProjectId: "p", DatasetId: "d", TableId: "v"}})
	views := func(types ...string) *datasetAccess {
		return entry(bq.DatasetAccess{Dataset: &bq.DatasetAccessEntry{
			Dataset: &bq.DatasetReference{ProjectId: "p", DatasetId: "d"}, TargetTypes: types,
		}})
	}
	replaced, recreated, other := theView(), theView(), theView()
	replaced.generation, recreated.datasetGeneration, other.table = 4, 5, "w"
	conditional := bq.DatasetAccess{Role: reader, UserByEmail: "a@x.example", Condition: &bq.Expr{Expression: "true"}}
	return []accessCase{
		{"nobody in particular", read(a, entry(bq.DatasetAccess{Role: reader, UserByEmail: "b@x.example"})), false},
		{"no dataset", read(a, nil), false},
		{"project role", read(with("roles/bigquery.dataViewer"), nil), true},
		{"project role without the permission", read(with("roles/bigquery.metadataViewer"), nil), false},
		{"project role of another project", ask{who: with("roles/bigquery.admin"), want: tablesGetData, project: "q"}, false},
		{"unknown role", read(with("roles/nonsense"), nil), false},
		{"user entry, any case", read(a, entry(bq.DatasetAccess{Role: reader, UserByEmail: "A@X.example"})), true},
		{"user entry of a long role name", read(a, entry(bq.DatasetAccess{Role: "roles/bigquery.dataViewer", UserByEmail: "a@x.example"})), true},
		{"user entry of a role for metadata", read(a, entry(bq.DatasetAccess{Role: "roles/bigquery.metadataViewer", UserByEmail: "a@x.example"})), false},
		{"user entry under a condition", read(a, entry(conditional)), false},
		{"group entry", read(member, entry(bq.DatasetAccess{Role: reader, GroupByEmail: "g@x.example"})), true},
		{"group entry, not a member", read(a, entry(bq.DatasetAccess{Role: reader, GroupByEmail: "g@x.example"})), false},
		{"domain entry", read(a, entry(bq.DatasetAccess{Role: reader, Domain: "x.example"})), true},
		{"domain entry of a domain below", read(a, entry(bq.DatasetAccess{Role: reader, Domain: "example"})), false},
		{"member entry", read(a, entry(bq.DatasetAccess{Role: reader, IamMember: "user:a@x.example"})), true},
		{"member entry of a group", read(member, entry(bq.DatasetAccess{Role: reader, IamMember: "group:g@x.example"})), true},
		{"member entry of a domain", read(a, entry(bq.DatasetAccess{Role: reader, IamMember: "domain:x.example"})), true},
		{"member entry of everybody", read(a, entry(bq.DatasetAccess{Role: reader, IamMember: "allAuthenticatedUsers"})), true},
		{"member entry of another", read(a, entry(bq.DatasetAccess{Role: reader, IamMember: "serviceAccount:b@x.example"})), false},
		{"member entry of nobody", read(a, entry(bq.DatasetAccess{Role: reader, IamMember: "deleted:user:a@x.example"})), false},
		{"project readers", read(with("roles/viewer"), entry(bq.DatasetAccess{Role: reader, SpecialGroup: "projectReaders"})), true},
		{"project readers are no owners", read(with("roles/viewer"), entry(bq.DatasetAccess{Role: owner, SpecialGroup: "projectOwners"})), false},
		{"everybody with a token", read(a, entry(bq.DatasetAccess{Role: reader, SpecialGroup: "allAuthenticatedUsers"})), true},
		{"reader does not write", ask{who: a, want: tablesUpdateData, project: "p", dataset: entry(bq.DatasetAccess{Role: reader, UserByEmail: "a@x.example"})}, false},
		{"writer writes", ask{who: a, want: tablesUpdateData, project: "p", dataset: entry(bq.DatasetAccess{Role: writer, UserByEmail: "a@x.example"})}, true},
		{"writer does not share", ask{who: a, want: datasetsUpdate, project: "p", dataset: entry(bq.DatasetAccess{Role: writer, UserByEmail: "a@x.example"})}, false},
		{"owner shares", ask{who: a, want: datasetsUpdate, project: "p", dataset: entry(bq.DatasetAccess{Role: owner, UserByEmail: "a@x.example"})}, true},
		{"authorized view", via(view, theView(), tablesGetData), true},
		{"another view of the dataset", via(view, other, tablesGetData), false},
		{"the caller himself", via(view, nil, tablesGetData), false},
		{"authorized view, replaced since", via(view, replaced, tablesGetData), false},
		{"authorized view passes on no writing", via(view, theView(), tablesUpdateData), false},
		{"authorized dataset", via(views("VIEWS"), theView(), tablesGetData), true},
		{"authorized dataset, any of its views", via(views("VIEWS"), other, tablesGetData), true},
		{"authorized dataset, its view replaced since", via(views("VIEWS"), replaced, tablesGetData), true},
		{"authorized dataset, made anew since", via(views("VIEWS"), recreated, tablesGetData), false},
		{"dataset authorised for other things", via(views("ROUTINES"), theView(), tablesGetData), false},
		{"authorized dataset passes on no writing", via(views("VIEWS"), theView(), tablesUpdateData), false},
		{"protected column", tagged(a), false},
		{"protected column and its reader", tagged(cleared), true},
		{"protected column and the reader of all", tagged(all), true},
		{"own job", ask{who: a, want: jobsGet, project: "p", owner: "a@x.example"}, true},
		{"another's job", ask{who: a, want: jobsGet, project: "p", owner: "b@x.example"}, false},
		{"own job is no reason for data", ask{who: a, want: tablesGetData, project: "p", owner: "a@x.example"}, false},
	}
}

// wrong are the cases that a list of checks answers wrongly.
func wrong(checks []check) []string {
	var names []string
	for _, c := range accessCases() {
		c.ask.roles = newRoleBook(nil)
		if allowed(checks, c.ask) != c.want {
			names = append(names, c.name)
		}
	}
	return names
}

func TestAccess(t *testing.T) {
	t.Parallel()
	if names := wrong(accessChecks()); len(names) > 0 {
		t.Errorf("answered wrongly: %q", names)
	}
}

// TestEachCheckDecides switches each check off in turn, a grant so that it
// never grants and a limit so that it never limits, and requires that the
// cases notice.
func TestEachCheckDecides(t *testing.T) {
	t.Parallel()
	for i, c := range accessChecks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			checks := accessChecks()
			checks[i].holds = func(ask) bool { return !c.grant }
			if len(wrong(checks)) == 0 {
				t.Errorf("without the check %q no case is answered otherwise", c.name)
			}
		})
	}
}

// TestNoCheckNoAccess holds that access is denied where nothing grants it.
func TestNoCheckNoAccess(t *testing.T) {
	t.Parallel()
	for _, c := range accessCases() {
		if allowed(nil, c.ask) {
			t.Errorf("%s: allowed by no check", c.name)
		}
	}
}

func TestLimitsBelongToGrants(t *testing.T) {
	t.Parallel()
	grants := map[string]bool{"": true}
	for _, c := range accessChecks() {
		if c.grant {
			grants[c.name] = true
		}
	}
	for _, c := range accessChecks() {
		if !grants[c.of] {
			t.Errorf("limit %q belongs to %q, which is no grant", c.name, c.of)
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	book := newRoleBook(map[string][]string{"projects/p/roles/x": {"bigquery.tables.get"}})
	tests := []struct {
		name, role string
		want       permission
		gives      bool
	}{
		{"short name", reader, tablesGetData, true},
		{"metadata only", "roles/bigquery.metadataViewer", tablesGetData, false},
		{"jobs but no data", "roles/bigquery.resourceViewer", tablesGet, false},
		{"editor does not update a dataset", "roles/bigquery.dataEditor", datasetsUpdate, false},
		{"owner does", "roles/bigquery.dataOwner", datasetsUpdate, true},
		{"custom", "projects/p/roles/x", tablesGet, true},
		{"custom, not more", "projects/p/roles/x", tablesGetData, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := book.gives(tt.role, tt.want); got != tt.gives {
				t.Errorf("%s gives %s: %v", tt.role, tt.want, got)
			}
		})
	}
	for _, short := range []string{reader, writer, owner, "roles/bigquery.metadataViewer"} {
		if got := shortRole(longRole(short)); got != short {
			t.Errorf("%s became %s", short, got)
		}
	}
}
