package serve

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/policy/view"
)

// told is the exposure of a column at a revision.
func (b *bench) told(column graph.Ref, at graph.Revision) shape.WhoCouldSee {
	b.t.Helper()
	got, err := b.app.exposure(b.t.Context(), b.reader(at), column)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// ways are the exposure in short: form, principal, audience.
func (b *bench) ways(column graph.Ref, at graph.Revision) []string {
	b.t.Helper()
	out := []string{}
	for _, w := range b.told(column, at).Ways {
		out = append(out, strings.TrimSpace(w.Form+" "+w.Principal+" "+w.Audience))
	}
	return out
}

func granted(on graph.Ref, principal, role string) graph.Grant {
	return graph.Grant{On: on, Principal: principal, Role: role, Provenance: graph.Provenance{Kind: graph.BySource, Name: "warehouse"}}
}

// Each kind of right on the base or its container counts as it reads: a role
// that nobody knows may read, one that reads no rows does not count.
func TestEachRightOnTheBaseCountsAsItReads(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, principal, role string
		want, why             string
	}{
		{"a reader", "user:a@shop.example", "READER", "clear user:a@shop.example", "the role READER"},
		{"a writer reads too", "group:g@shop.example", "WRITER", "clear group:g@shop.example", "WRITER"},
		{"a whole domain", "domain:shop.example", "roles/bigquery.dataViewer", "clear domain:shop.example", "dataViewer"},
		{"everybody", "special:allAuthenticatedUsers", "READER", "clear special:allAuthenticatedUsers", "READER"},
		{"a filtered viewer", "user:a@shop.example", "roles/bigquery.filteredDataViewer", "clear user:a@shop.example", "filteredDataViewer"},
		{"a role of the company's own", "user:a@shop.example", "projects/shop/roles/peek", "clear user:a@shop.example", "not one of BigQuery's own"},
		{"who sees names alone", "user:a@shop.example", "roles/bigquery.metadataViewer", "", ""},
		{"who runs queries alone", "user:a@shop.example", "roles/bigquery.jobUser", "", ""},
		{"a view that may read on behalf", "view:bigquery/shop.views_analysts.raw__people", graph.RoleAuthorized, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			email := leaf(people(), "email", "STRING", 0)
			b.put(people(), email)
			for _, on := range []graph.Ref{people().Ref, people().Parent} {
				grant := granted(on, test.principal, test.role)
				at := b.put(graph.Asset{Ref: people().Parent, Kind: graph.KindDataset, Source: "warehouse"}, grant)
				var want []string
				if test.want != "" {
					want = []string{test.want}
				}
				got := b.told(email.Ref, 0)
				if diff := cmp.Diff(append([]string{}, want...), b.ways(email.Ref, 0)); diff != "" {
					t.Errorf("on %s (-want +got):\n%s", on, diff)
				}
				for _, w := range got.Ways {
					if !strings.Contains(w.Why, test.why) || w.Since != at || w.Through != people().Ref {
						t.Errorf("on %s: %+v, want since %d", on, w, at)
					}
				}
				b.end(grant)
				if left := b.ways(email.Ref, 0); len(left) > 0 {
					t.Errorf("taken away, the right on %s is still told: %v", on, left)
				}
				if then := b.ways(email.Ref, at); len(then) != len(want) {
					t.Errorf("that it was there is forgotten: %v", then)
				}
			}
		})
	}
}

func emailField(effect graph.Effect) view.Field {
	f := view.Field{Name: "email", Path: "email", Type: "STRING", Mode: graph.ModeNullable, Effect: effect}
	if effect == graph.EffectMask {
		f.Method = "email"
	}
	return f
}

// A view is a way for those who hold a right on it that reads, whether it lies
// on the container or on the view alone.
func TestEachRightOnAViewCountsAsItReads(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, principal, role, want string }{
		{"a group reads", "group:analysts@shop.example", "READER", "clear group:analysts@shop.example analysts"},
		{"a role that nobody knows", "user:a@shop.example", "projects/shop/roles/peek", "clear user:a@shop.example analysts"},
		{"the publisher keeps it", "user:publisher@shop.example", "OWNER", ""},
		{"what comes with the project", "special:projectOwners", "OWNER", ""},
		{"who sees names alone", "user:a@shop.example", "roles/bigquery.metadataViewer", ""},
		{"a view over the view", "view:bigquery/shop.other.v", graph.RoleAuthorized, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			email := leaf(people(), "email", "STRING", 0)
			b.put(people(), email)
			shown, items := b.publishedView(people(), "analysts", emailField(graph.EffectAllow))
			b.put(append(items, graph.Asset{Ref: shown.Parent, Kind: graph.KindDataset, Source: "warehouse"})...)
			want := []string{}
			if test.want != "" {
				want = append(want, test.want)
			}
			for _, on := range []graph.Ref{shown.Parent, shown.Ref} {
				grant := granted(on, test.principal, test.role)
				b.put(grant)
				if diff := cmp.Diff(want, b.ways(email.Ref, 0)); diff != "" {
					t.Errorf("on %s (-want +got):\n%s", on, diff)
				}
				b.end(grant)
			}
		})
	}
}

// What a view shows is told as its own text says, at each revision.
func TestAViewIsToldAsItStoodThen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	email := leaf(people(), "email", "STRING", 0)
	before := b.put(people(), email, word(email.Ref, "user.contact.email", graph.TagConfirmed))
	b.decided()
	shown, masked := b.publishedView(people(), "analysts", emailField(graph.EffectMask))
	grant := granted(shown.Parent, "group:analysts@shop.example", "READER")
	asMasked := b.put(append(masked, graph.Asset{Ref: shown.Parent, Kind: graph.KindDataset, Source: "warehouse"}, grant)...)
	_, unmasked := b.publishedView(people(), "analysts", emailField(graph.EffectAllow))
	asClear := b.put(unmasked...)
	foreign := shown
	foreign.Definition = "SELECT * FROM shop.raw.people"
	asForeign := b.put(foreign)
	gone := b.end(foreign, leaf(shown, "email", "STRING", 0))

	for _, test := range []struct {
		name  string
		at    graph.Revision
		want  []string
		since graph.Revision
		why   string
	}{
		{"before there was a view", before, []string{}, 0, ""},
		{"masked", asMasked, []string{"masked group:analysts@shop.example analysts"}, asMasked, ""},
		{"clear after the policy changed", asClear, []string{"clear group:analysts@shop.example analysts"}, asMasked, "by an earlier decision"},
		{"a text that is not ours is the worst", asForeign, []string{"clear group:analysts@shop.example analysts"}, asMasked, "not one that we wrote"},
		{"after it went", gone, []string{}, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, b.ways(email.Ref, test.at)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			got := b.told(email.Ref, test.at)
			if got.Revision != test.at || got.At.IsZero() || len(got.Reasons) == 0 {
				t.Errorf("told of revision %d at %v, for %v", got.Revision, got.At, got.Reasons)
			}
			for _, w := range got.Ways {
				if !strings.Contains(w.Why, test.why) || w.Why == "" || w.Since != test.since || w.Through != shown.Ref {
					t.Errorf("%+v", w)
				}
			}
		})
	}
	way := b.told(email.Ref, asMasked).Ways[0]
	if way.Method == "" || strings.Contains(way.Why, "earlier") {
		t.Errorf("the rule that held is not told: %+v", way)
	}
}

// However somebody spells a column, its exposure is that of the column.
func TestSpellingDoesNotChangeTheExposure(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	nested := leaf(people(), "contracts[].tariff", "STRING", 1)
	b.put(people(), leaf(people(), "contracts", "RECORD", 0), nested)
	shown, items := b.publishedView(people(), "analysts", view.Field{
		Name: "contracts", Path: "contracts", Type: "RECORD", Mode: graph.ModeRepeated,
		Fields: []view.Field{{Name: "tariff", Path: "contracts[].tariff", Type: "STRING", Mode: graph.ModeNullable, Effect: graph.EffectMask, Method: "null"}},
	})
	b.put(append(items,
		leaf(shown, "contracts[].tariff", "STRING", 1),
		graph.Asset{Ref: shown.Parent, Kind: graph.KindDataset, Source: "warehouse"},
		granted(shown.Parent, "group:analysts@shop.example", "READER"))...)
	want := []string{"masked group:analysts@shop.example analysts"}
	for _, path := range []string{"contracts[].tariff", "Contracts[].TARIFF", "CONTRACTS[].tariff"} {
		if diff := cmp.Diff(want, b.ways(people().Ref.Column(path), 0)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// A base that renames a column in letter case alone is still the base of the
// view that was made before.
func TestAColumnRenamedInCaseIsStillShownMasked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	was := leaf(people(), "email", "STRING", 0)
	b.put(people(), was)
	shown, items := b.publishedView(people(), "analysts", emailField(graph.EffectMask))
	b.put(append(items, graph.Asset{Ref: shown.Parent, Kind: graph.KindDataset, Source: "warehouse"}, granted(shown.Parent, "group:analysts@shop.example", "READER"))...)
	b.put(leaf(people(), "EMAIL", "STRING", 0))
	for _, path := range []string{"email", "EMAIL"} {
		if got := b.ways(people().Ref.Column(path), 0); !slices.Equal(got, []string{"masked group:analysts@shop.example analysts"}) {
			t.Errorf("%s: %v", path, got)
		}
	}
}
