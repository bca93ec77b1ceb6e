package view_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

func isInvalid(err error) bool { return errors.Is(err, graph.ErrInvalid) }

func analystsContainer() graph.Ref { return viewtest.Names().Container("analysts", viewtest.Location) }

// Each risk and conflict is found, at its level, and says what to do; and what
// could not be planned safely is not planned.
func TestFindings(t *testing.T) {
	t.Parallel()
	raw := viewtest.Customers().Parent()
	keys := viewtest.Names().Keys(viewtest.Location)
	mine := viewtest.Names().View(analystsContainer(), viewtest.Customers())
	for _, test := range []struct {
		name    string
		applied bool
		change  func(*world)
		code    string
		level   graph.FindingLevel
		on      graph.Ref
		// unplanned is an object or base of which no step may be.
		unplanned graph.Ref
		// about are the assets that the sentences name beside on.
		about []graph.Ref
	}{
		{
			name: "a policy tag in the warehouse on a visible column", code: "protected", level: graph.FindingBlock, on: viewtest.Payments(), unplanned: viewtest.Payments(),
			change: func(w *world) {
				w.present.Bases[viewtest.Payments()].Columns["iban"] = view.Shape{Type: "STRING", Mode: graph.ModeNullable, Protection: "tags/1"}
			},
		},
		{
			name: "a policy tag in the catalog on a visible column", code: "protected", level: graph.FindingBlock, on: viewtest.Payments(), unplanned: viewtest.Payments(),
			change: func(w *world) { w.desired.Bases[1].Columns[1].PolicyTags = []string{"tags/1"} },
		},
		{
			name: "a column that the warehouse has no more", code: "schema-moved", level: graph.FindingWarn, on: viewtest.Payments(), unplanned: viewtest.Payments(),
			change: func(w *world) { delete(w.present.Bases[viewtest.Payments()].Columns, "amount") },
		},
		{
			name: "a column that has become repeated", code: "schema-moved", level: graph.FindingWarn, on: viewtest.Payments(), unplanned: viewtest.Payments(),
			change: func(w *world) {
				w.present.Bases[viewtest.Payments()].Columns["iban"] = view.Shape{Type: "STRING", Mode: graph.ModeRepeated}
			},
		},
		{
			name: "a column of another type under a view that stands", applied: true, code: "schema-moved", level: graph.FindingBlock, on: viewtest.Payments(), unplanned: viewtest.Payments(),
			change: func(w *world) {
				w.present.Bases[viewtest.Payments()].Columns["iban"] = view.Shape{Type: "BYTES", Mode: graph.ModeNullable}
			},
		},
		{
			name: "a base that the warehouse does not have", code: "base-missing", level: graph.FindingWarn, on: viewtest.Payments(), unplanned: viewtest.Payments(),
			change: func(w *world) { delete(w.present.Bases, viewtest.Payments()) },
		},
		{
			name: "a source that the publisher may not see", applied: true, code: "base-missing", level: graph.FindingWarn, on: viewtest.Payments(), unplanned: viewtest.Payments(),
			change: func(w *world) { delete(w.present.Containers, raw) },
		},
		{
			name: "a base of which the place is not known", code: "location-unknown", level: graph.FindingWarn, on: viewtest.Payments(), unplanned: viewtest.Payments(),
			change: func(w *world) { w.desired.Bases[1].Asset.Location = "" },
		},
		{
			name: "a base that is elsewhere in the warehouse", code: "location", level: graph.FindingWarn, on: viewtest.Payments(), unplanned: viewtest.Payments(),
			change: func(w *world) { w.setContainer(raw, func(c *view.Container) { c.Location = "US" }) },
		},
		{
			name: "a container of ours that is elsewhere", code: "location", level: graph.FindingBlock, on: analystsContainer(), unplanned: mine,
			change: func(w *world) {
				w.present.Containers[analystsContainer()] = view.Container{Etag: "x", Location: "US", Managed: true}
			},
		},
		{
			name: "a container of our name that is not ours", code: "foreign-container", level: graph.FindingBlock, on: analystsContainer(), unplanned: mine,
			change: func(w *world) {
				w.present.Containers[analystsContainer()] = view.Container{Etag: "x", Location: viewtest.Location}
			},
		},
		{
			name: "a key container of our name that is not ours", code: "foreign-container", level: graph.FindingBlock, on: keys, unplanned: mine,
			change: func(w *world) { w.present.Containers[keys] = view.Container{Etag: "x", Location: viewtest.Location} },
		},
		{
			name: "a foreign view of the name of ours", code: "foreign-view", level: graph.FindingBlock, on: mine, unplanned: mine,
			about:  []graph.Ref{viewtest.Customers()},
			change: func(w *world) { w.present.Views[mine] = view.View{SQL: "SELECT 1"} },
		},
		{
			name: "a foreign view that has the name of one of ours by chance", code: "foreign-view", level: graph.FindingWarn, on: mine,
			about: []graph.Ref{viewtest.Customers()},
			change: func(w *world) {
				w.present.Views[mine] = view.View{SQL: "SELECT 1"}
				for _, c := range w.desired.Bases[0].Columns {
					viewtest.Decide(&w.desired, "analysts", c.Class, graph.EffectDeny, "", "")
				}
			},
		},
		{
			name: "an edited view", applied: true, code: "edited-view", level: graph.FindingWarn, on: mine, about: []graph.Ref{viewtest.Customers()},
			change: func(w *world) {
				w.present.Views[mine] = view.View{Etag: "x", SQL: "SELECT 1", Managed: true, Edited: true}
			},
		},
		{
			name: "an audience that reads the base itself", code: "direct-read", level: graph.FindingBlock, on: raw,
			change: func(w *world) { w.grant(raw, "group:Analysts@house.example", "READER") },
		},
		{
			name: "an audience that reads the base by a role nobody knows", code: "direct-read", level: graph.FindingBlock, on: raw,
			change: func(w *world) { w.grant(raw, "group:analysts@house.example", "projects/house/roles/special") },
		},
		{
			name: "a whole domain that reads the base", code: "direct-read", level: graph.FindingBlock, on: raw,
			change: func(w *world) { w.grant(raw, "domain:house.example", "READER") },
		},
		{
			name: "everybody who reads the base", code: "direct-read", level: graph.FindingBlock, on: raw,
			change: func(w *world) { w.grant(raw, "special:allAuthenticatedUsers", "READER") },
		},
		{
			name: "an audience that reads one base itself", code: "direct-read", level: graph.FindingBlock, on: viewtest.Payments(),
			change: func(w *world) {
				w.desired.Bases[1].Grants = []graph.Grant{{On: viewtest.Payments(), Principal: "group:analysts@house.example", Role: "READER"}}
			},
		},
		{
			name: "direct reading where it is only warned of", code: "direct-read", level: graph.FindingWarn, on: raw,
			change: func(w *world) {
				w.desired.DirectRead = graph.FindingWarn
				w.grant(raw, "group:analysts@house.example", "READER")
			},
		},
		{
			name: "somebody who reads the keys", applied: true, code: "key-readable", level: graph.FindingBlock, on: keys,
			change: func(w *world) { w.grant(keys, "special:projectReaders", "READER") },
		},
		{
			name: "somebody else who owns the keys", applied: true, code: "key-readable", level: graph.FindingBlock, on: keys,
			change: func(w *world) { w.grant(keys, "user:boss@house.example", "OWNER") },
		},
		{
			name: "a view that is authorized on the keys", applied: true, code: "key-readable", level: graph.FindingBlock, on: keys,
			about:  []graph.Ref{graph.BigQueryRef("house", "raw", "peek")},
			change: func(w *world) { w.grant(keys, "view:bigquery/house.raw.peek", graph.RoleAuthorized) },
		},
		{
			name: "somebody who may write to our container", applied: true, code: "foreign-grant", level: graph.FindingWarn, on: analystsContainer(),
			change: func(w *world) { w.grant(analystsContainer(), "user:ana@house.example", "WRITER") },
		},
		{
			name: "a group without an address", code: "group-address", level: graph.FindingBlock, on: analystsContainer(),
			change: func(w *world) { w.desired.Audiences[0].Groups = []string{"analysts"} },
		},
		{
			name: "a column that the dialect cannot write", code: "unbuildable", level: graph.FindingWarn, on: viewtest.Payments(), unplanned: viewtest.Payments(),
			change: func(w *world) {
				odd := viewtest.Base(viewtest.Payments(), "unspeakable STRING")
				w.desired.Bases[1], w.present.Bases[viewtest.Payments()] = odd, viewtest.TableOf(odd)
				for _, a := range w.desired.Audiences {
					viewtest.Decide(&w.desired, a.Name, odd.Columns[0].Class, graph.EffectAllow, "", "")
				}
			},
		},
		{
			name: "a view that may not read what it reads", code: "base-unauthorized", level: graph.FindingWarn, on: viewtest.Payments(),
			about: []graph.Ref{viewtest.Customers(), raw},
			change: func(w *world) {
				w.desired.Bases[1].Asset.Kind = graph.KindView
				w.desired.Bases[1].Reads = []graph.Ref{viewtest.Customers()}
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.applied)
			test.change(w)
			plan := w.plan(t)
			at := slices.IndexFunc(plan.Findings, func(f graph.Finding) bool { return f.Code == test.code && f.Ref == test.on })
			if at < 0 {
				t.Fatalf("findings %+v, want %s on %s", plan.Findings, test.code, test.on)
			}
			f := plan.Findings[at]
			if f.Level != test.level || !strings.HasSuffix(f.What, ".") || !strings.HasSuffix(f.Do, ".") {
				t.Errorf("%+v, want level %s and two sentences", f, test.level)
			}
			if !slices.Equal(f.About, test.about) {
				t.Errorf("it names %v beside, want %v", f.About, test.about)
			}
			for _, s := range plan.Steps {
				if !test.unplanned.IsZero() && (s.Object == test.unplanned || s.Base == test.unplanned) {
					t.Errorf("%s is planned", line(s))
				}
			}
		})
	}
}

// What is no risk is not reported.
func TestNoFindings(t *testing.T) {
	t.Parallel()
	raw := viewtest.Customers().Parent()
	for _, test := range []struct {
		name   string
		change func(*world)
	}{
		{"a policy tag on a column that no view shows", func(w *world) {
			w.present.Bases[viewtest.Customers()].Columns["looked_at_by_nobody"] = view.Shape{Type: "STRING", Mode: graph.ModeNullable, Protection: "tags/1"}
		}},
		{"a column that only the warehouse has", func(w *world) {
			w.present.Bases[viewtest.Customers()].Columns["new"] = view.Shape{Type: "STRING"}
		}},
		{"a type in BigQuery's older words", func(w *world) {
			w.present.Bases[viewtest.Customers()].Columns["id"] = view.Shape{Type: "INT64", Mode: graph.ModeRequired}
		}},
		{"people outside the audience who read the base", func(w *world) { w.grant(raw, "group:engineers@house.example", "WRITER") }},
		{"an audience that sees the base's metadata", func(w *world) {
			w.grant(raw, "group:analysts@house.example", "roles/bigquery.metadataViewer")
		}},
		{"an audience that reads a base of which its view hides nothing", func(w *world) {
			w.desired.Bases = w.desired.Bases[1:]
			w.grant(raw, "group:fraud@house.example", "READER")
		}},
		{"the publisher and the project's owners, who own our containers", func(w *world) {
			for _, c := range []graph.Ref{analystsContainer(), viewtest.Names().Keys(viewtest.Location)} {
				w.grant(c, "user:publisher@house.example", "OWNER")
				w.grant(c, "special:projectOwners", "OWNER")
			}
		}},
		{"a view that is authorized on what it reads", func(w *world) {
			w.desired.Bases[1].Reads = []graph.Ref{viewtest.Customers()}
			w.grant(raw, "dataset:"+raw.String(), graph.RoleAuthorized)
		}},
		{"a base in a container of ours", func(w *world) {
			b := viewtest.Base(graph.BigQueryRef(viewtest.Project, "cadastre_fraud", "raw__customers"), "id INTEGER")
			w.desired.Bases = append(w.desired.Bases, b)
		}},
		{"an asset that holds no rows", func(w *world) {
			b := viewtest.Base(graph.BigQueryRef(viewtest.Project, "raw", "job"), "id INTEGER")
			b.Asset.Kind = graph.KindJob
			w.desired.Bases = append(w.desired.Bases, b)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, true)
			test.change(w)
			if plan := w.plan(t); len(plan.Findings) > 0 {
				t.Errorf("findings %+v, want none", plan.Findings)
			}
		})
	}
}

// A view that cannot be planned for one audience does not keep another's from
// being dropped.
func TestWhatIsKeptForOneIsNotKeptForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	for _, c := range w.desired.Bases[1].Columns {
		viewtest.Decide(&w.desired, "analysts", c.Class, graph.EffectDeny, "", "")
	}
	w.present.Bases[viewtest.Payments()].Columns["iban"] = view.Shape{Type: "STRING", Mode: graph.ModeNullable, Protection: "tags/1"}
	var dropped []string
	for _, s := range w.plan(t).Steps {
		if s.Kind == graph.StepDropView {
			dropped = append(dropped, s.Object.Name)
			if s.Base != viewtest.Payments() || s.Audience != "analysts" || s.Before == "" {
				t.Errorf("step %+v does not say what it drops", s)
			}
		}
	}
	if !slices.Equal(dropped, []string{"house.cadastre_analysts.raw__payments"}) {
		t.Errorf("dropped %q, want the analysts' view alone", dropped)
	}
}

// An authorization that no view needs any more is taken back, also on keys.
func TestUnneededAuthorizationsAreRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	for asked := range w.desired.Decisions {
		if asked.Audience == "analysts" {
			viewtest.Decide(&w.desired, "analysts", asked.Class, graph.EffectDeny, "", "")
		}
	}
	want := []string{
		"revoke house.cadastre_keys dataset:bigquery/house.cadastre_analysts",
		"revoke house.raw dataset:bigquery/house.cadastre_analysts",
		"drop_view house.cadastre_analysts.raw__customers",
		"drop_view house.cadastre_analysts.raw__payments",
	}
	if got := lines(w.plan(t)); !slices.Equal(got, want) {
		t.Errorf("steps %q, want %q", got, want)
	}
}
