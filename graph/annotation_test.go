package graph_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
)

func TestASourceAndAPersonStandSideBySide(t *testing.T) {
	t.Parallel()
	byPerson := graph.Provenance{Kind: graph.ByPerson, Name: "olu@example.org"}
	note := func(ref graph.Ref, of graph.TextAttribute, value string, p graph.Provenance) graph.Annotation {
		return graph.Annotation{Ref: ref, Attribute: of, Value: value, Provenance: p}
	}
	described := func(value string, p graph.Provenance, effective, differs bool) graph.Said {
		return graph.Said{Attribute: graph.AttributeDescription, Value: value, Provenance: p, Effective: effective, Differs: differs}
	}
	column := table.Column("Contact.Email")
	for _, tt := range []struct {
		name   string
		source string
		notes  []graph.Annotation
		want   []graph.Said
	}{
		{name: "nobody says anything"},
		{name: "the source alone", source: "s", want: []graph.Said{described("s", warehouse, true, false)}},
		{
			name:  "a person alone",
			notes: []graph.Annotation{note(column, graph.AttributeDescription, "p", byPerson)},
			want:  []graph.Said{described("p", byPerson, true, false)},
		},
		{
			name: "a person wins, and the source is seen to differ", source: "s",
			notes: []graph.Annotation{note(column, graph.AttributeDescription, "p", byPerson)},
			want:  []graph.Said{described("p", byPerson, true, false), described("s", warehouse, false, true)},
		},
		{
			name: "a person says the same", source: "s",
			notes: []graph.Annotation{note(column, graph.AttributeDescription, "s", byPerson)},
			want:  []graph.Said{described("s", byPerson, true, false), described("s", warehouse, false, false)},
		},
		{
			name: "what is said of other things", source: "s",
			notes: []graph.Annotation{
				note(table, graph.AttributeDescription, "of the asset", byPerson), note(column, graph.AttributeTitle, "a title", byPerson),
				note(table.Column("other"), graph.AttributeDescription, "of another", byPerson),
			},
			want: []graph.Said{described("s", warehouse, true, false)},
		},
		{
			name:  "the column spelled otherwise",
			notes: []graph.Annotation{note(table.Column("contact.EMAIL"), graph.AttributeDescription, "p", byPerson)},
			want:  []graph.Said{described("p", byPerson, true, false)},
		},
		{
			name: "a detector does not win over the source", source: "s",
			notes: []graph.Annotation{note(column, graph.AttributeDescription, "d", graph.Provenance{Kind: graph.ByDetector, Name: "guess"})},
			want: []graph.Said{
				described("s", warehouse, true, false), described("d", graph.Provenance{Kind: graph.ByDetector, Name: "guess"}, false, true),
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := graph.Column{Ref: column, Description: tt.source}.Says(warehouse.Name, tt.notes)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
		})
	}
}

// Law: of each attribute at most one word counts, it is a person's where a
// person spoke, and only what is not it can differ from it.
func TestOneWordCounts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 8))
		snapshot := graphtest.RandomSnapshot(r, 40)
		notes := graphtest.Of[graph.Annotation](snapshot.Sorted())
		for _, a := range graphtest.Of[graph.Asset](snapshot.Sorted()) {
			said := a.Says(notes)
			for _, of := range []graph.TextAttribute{graph.AttributeTitle, graph.AttributeDescription} {
				mine := slices.DeleteFunc(slices.Clone(said), func(s graph.Said) bool { return s.Attribute != of })
				effective := 0
				person := slices.ContainsFunc(mine, func(s graph.Said) bool { return s.Provenance.Kind == graph.ByPerson })
				for _, s := range mine {
					if s.Effective {
						effective++
					}
					if s.Effective && person && s.Provenance.Kind != graph.ByPerson {
						t.Fatalf("seed %d: a person spoke and %s counts", seed, s.Provenance.Kind)
					}
					if s.Differs != (s.Value != graph.EffectiveText(said, of)) {
						t.Fatalf("seed %d: %+v among %+v", seed, s, mine)
					}
				}
				if effective != min(1, len(mine)) {
					t.Fatalf("seed %d: %d words count of %+v", seed, effective, mine)
				}
			}
		}
	}
}

func TestAPersonsOwnersStandInPlaceOfTheSources(t *testing.T) {
	t.Parallel()
	person := graph.Provenance{Kind: graph.ByPerson, Name: "olu@example.org"}
	owner := func(asset graph.Ref, who string, role graph.OwnerRole, p graph.Provenance) graph.Owner {
		return graph.Owner{Asset: asset, Principal: who, Role: role, Provenance: p}
	}
	for _, tt := range []struct {
		name   string
		owners []graph.Owner
		want   []string
	}{
		{name: "nobody", want: []string{}},
		{
			name: "the source's alone", owners: []graph.Owner{owner(table, "a", graph.OwnerTechnical, warehouse), owner(table, "b", graph.OwnerAccountable, warehouse)},
			want: []string{"a", "b"},
		},
		{
			name: "a person's in one role", owners: []graph.Owner{
				owner(table, "a", graph.OwnerTechnical, warehouse), owner(table, "b", graph.OwnerAccountable, warehouse), owner(table, "c", graph.OwnerTechnical, person),
			},
			want: []string{"b", "c"},
		},
		{
			name: "a person's of another asset", owners: []graph.Owner{owner(table, "a", graph.OwnerTechnical, warehouse), owner(other, "c", graph.OwnerTechnical, person)},
			want: []string{"a", "c"},
		},
		{
			name: "one whom both name", owners: []graph.Owner{owner(table, "a", graph.OwnerTechnical, warehouse), owner(table, "a", graph.OwnerTechnical, person)},
			want: []string{"a"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, graph.Principals(tt.owners)); diff != "" {
				t.Errorf("owners (-want +got):\n%s", diff)
			}
		})
	}
}

// Law: the owners that count do not depend on the order, and those that count
// among them are all of them.
func TestEffectiveOwnersAreSettled(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 9))
		owners := graphtest.Of[graph.Owner](graphtest.RandomSnapshot(r, 60).Sorted())
		once := graph.EffectiveOwners(owners)
		if diff := cmp.Diff(once, graph.EffectiveOwners(once)); diff != "" {
			t.Fatalf("seed %d: twice is not once:\n%s", seed, diff)
		}
		r.Shuffle(len(owners), func(i, j int) { owners[i], owners[j] = owners[j], owners[i] })
		shuffled := graph.EffectiveOwners(owners)
		slices.SortFunc(shuffled, func(a, b graph.Owner) int { return graph.CompareItems(a, b) })
		if diff := cmp.Diff(once, shuffled); diff != "" {
			t.Fatalf("seed %d: the order matters:\n%s", seed, diff)
		}
	}
}

func ExampleAsset_Says() {
	asset := graph.Asset{Ref: graph.BigQueryRef("p", "d", "t"), Source: "warehouse", Description: "tbl, do not use"}
	word := graph.Annotation{
		Ref: asset.Ref, Attribute: graph.AttributeDescription, Value: "One row a customer",
		Provenance: graph.Provenance{Kind: graph.ByPerson, Name: "olu@example.org"},
	}
	for _, said := range asset.Says([]graph.Annotation{word}) {
		fmt.Printf("%s says %q, counts: %v\n", said.Provenance.Name, said.Value, said.Effective)
	}
	// Output:
	// olu@example.org says "One row a customer", counts: true
	// warehouse says "tbl, do not use", counts: false
}

func ExampleEffectiveOwners() {
	table := graph.BigQueryRef("p", "d", "t")
	owners := []graph.Owner{
		{Asset: table, Principal: "user:left@example.org", Role: graph.OwnerAccountable, Provenance: graph.Provenance{Kind: graph.BySource, Name: "warehouse"}},
		{Asset: table, Principal: "team:platform", Role: graph.OwnerTechnical, Provenance: graph.Provenance{Kind: graph.BySource, Name: "warehouse"}},
		{Asset: table, Principal: "user:olu@example.org", Role: graph.OwnerAccountable, Provenance: graph.Provenance{Kind: graph.ByPerson, Name: "ana@example.org"}},
	}
	for _, o := range graph.EffectiveOwners(owners) {
		fmt.Println(o.Role, o.Principal)
	}
	// Output:
	// technical team:platform
	// accountable user:olu@example.org
}
