package view_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
)

func TestNames(t *testing.T) {
	t.Parallel()
	n := view.Naming{Project: "lumen-prod"}
	own := view.Naming{Project: "lumen-prod", Prefix: "safe_views", Home: "europe-west1"}
	container := n.Container("analysts", "EU")
	for _, test := range []struct{ name, got, want string }{
		{"a container at home", container.Name, "lumen-prod.cadastre_analysts"},
		{"a container elsewhere", n.Container("analysts", "europe-west1").Name, "lumen-prod.cadastre_analysts__europe_west1"},
		{"a container at another home", own.Container("analysts", "EUROPE-WEST1").Name, "lumen-prod.safe_views_analysts"},
		{"keys at home", n.Keys("eu").Name, "lumen-prod.cadastre_keys"},
		{"keys elsewhere", n.Keys("US").Name, "lumen-prod.cadastre_keys__us"},
		{"a view", n.View(container, graph.BigQueryRef("lumen-prod", "raw", "customers")).Name, "lumen-prod.cadastre_analysts.raw__customers"},
		{"a view of underscores", n.View(container, graph.BigQueryRef("lumen-prod", "raw_a", "b_c")).Name, "lumen-prod.cadastre_analysts.raw_a__b_c"},
	} {
		if test.got != test.want {
			t.Errorf("%s: %s, want %s", test.name, test.got, test.want)
		}
	}
}

// No two bases have one view, and no view's name is too long for BigQuery.
func TestViewNamesAreUnique(t *testing.T) {
	t.Parallel()
	n := view.Naming{Project: "p"}
	container := n.Container("a", "EU")
	long := strings.Repeat("x", 1000)
	seen := map[graph.Ref]graph.Ref{}
	for _, project := range []string{"p", "q", "example.com:p"} {
		for _, dataset := range []string{"a", "a_", "a__b", "a__", "A", "_a", "b", long} {
			for _, table := range []string{"b", "_b", "b__c", "__b", "B", "c", long, long + "y", "ü_b"} {
				base := graph.BigQueryRef(project, dataset, table)
				v := n.View(container, base)
				if other, taken := seen[v]; taken {
					t.Errorf("%s and %s are both %s", base, other, v)
				}
				seen[v] = base
				if len(v.Base()) > 1024 {
					t.Errorf("%s: %d bytes", base, len(v.Base()))
				}
			}
		}
	}
}

// Containers of different audiences and places never meet, and each is ours.
func TestContainersAreUnique(t *testing.T) {
	t.Parallel()
	n := view.Naming{Project: "p"}
	seen := map[string]bool{}
	for _, location := range []string{"EU", "US", "europe-west1", "europe-west12"} {
		refs := []graph.Ref{n.Keys(location)}
		for _, audience := range []string{"a", "a_eu", "us", "a_us", "keys_us"} {
			refs = append(refs, n.Container(audience, location))
		}
		for i, ref := range refs {
			if seen[ref.Name] {
				t.Errorf("%s twice", ref.Name)
			}
			seen[ref.Name] = true
			if !n.Owns(ref) || n.OwnsKeys(ref) != (i == 0) {
				t.Errorf("%s: ours %t, keys %t", ref.Name, n.Owns(ref), n.OwnsKeys(ref))
			}
		}
	}
	for _, name := range []string{"p.cadastre", "p.raw", "q.cadastre_a", "p.cadastrex_a"} {
		if n.Owns(graph.Ref{Namespace: graph.NamespaceBigQuery, Name: name}) {
			t.Errorf("%s is not ours", name)
		}
	}
}

// What a target must read is each thing once, in order.
func TestWant(t *testing.T) {
	t.Parallel()
	base := func(dataset, table, location string, kind graph.Kind) view.Base {
		return view.Base{Asset: graph.Asset{Ref: graph.BigQueryRef("p", dataset, table), Location: location, Kind: kind}}
	}
	d := view.Desired{
		Names: view.Naming{Project: "p"}, Audiences: []graph.Audience{{Name: "b"}, {Name: "a"}},
		Bases: []view.Base{
			base("raw", "t", "EU", graph.KindTable), base("raw", "s", "EU", graph.KindView), base("us", "t", "US", graph.KindExternalTable),
			base("raw", "j", "EU", graph.KindJob), base("cadastre_a", "raw__t", "EU", graph.KindView), base("lost", "t", "", graph.KindTable),
		},
	}
	for i := range d.Bases {
		d.Bases[i].Columns = []view.Column{{Class: "open", Assessment: graph.AssessedNone}}
	}
	d.Decisions = map[view.Asked]graph.Decision{{Audience: "a", Class: "open"}: {Effect: graph.EffectMask}}
	d.Bases = append(d.Bases, base("raw", "closed", "EU", graph.KindTable))
	d.Bases[1].Reads = []graph.Ref{graph.BigQueryRef("p", "core", "x"), {Namespace: "kafka://k", Name: "topic"}}
	refs := func(names ...string) []graph.Ref {
		var out []graph.Ref
		for _, name := range names {
			out = append(out, graph.BigQueryRef("p", name))
		}
		return out
	}
	want := view.Want{
		Names:      d.Names,
		Containers: refs("cadastre_a", "cadastre_a__us", "cadastre_b", "cadastre_b__us"),
		Keys:       refs("cadastre_keys", "cadastre_keys__us"),
		Sources:    refs("core", "lost", "raw", "us"),
		Bases:      refs("lost.t", "raw.s", "raw.t", "us.t"),
	}
	if diff := cmp.Diff(want, d.Want()); diff != "" {
		t.Errorf("want (-want +got):\n%s", diff)
	}
}
