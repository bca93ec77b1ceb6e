package graph_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
)

// Law: items that differ in what identifies them have different keys, and
// items that differ in all else have one.
func TestKeysIdentify(t *testing.T) {
	t.Parallel()
	person := graph.Provenance{Kind: graph.ByPerson, Name: "a"}
	for _, tt := range []struct {
		name              string
		item, same, other graph.Item
	}{
		{
			"asset: its ref, not its kind",
			graph.Asset{Ref: table, Kind: graph.KindTable},
			graph.Asset{Ref: table, Kind: graph.KindView},
			graph.Asset{Ref: other},
		},
		{
			"column: its folded path",
			graph.Column{Ref: table.Column("A.b")},
			graph.Column{Ref: table.Column("a.B"), Type: "STRING"},
			graph.Column{Ref: table.Column("a")},
		},
		{
			"owner: who in which role, by which sort of witness",
			graph.Owner{Asset: table, Principal: "user:a", Role: graph.OwnerTechnical, Provenance: person},
			graph.Owner{Asset: table, Principal: "user:a", Role: graph.OwnerTechnical, Provenance: graph.Provenance{Kind: graph.ByPerson, Name: "b"}},
			graph.Owner{Asset: table, Principal: "user:a", Role: graph.OwnerTechnical, Provenance: warehouse},
		},
		{
			"grant: who has which role on what",
			graph.Grant{On: table, Principal: "user:a", Role: "READER"},
			graph.Grant{On: table, Principal: "user:a", Role: "READER", Provenance: warehouse},
			graph.Grant{On: table, Principal: "user:a", Role: "OWNER"},
		},
		{
			"tag: a label by a sort of witness",
			said(graph.ByPerson, graph.TagConfirmed, "l"), said(graph.ByPerson, graph.TagRejected, "l"), said(graph.BySource, graph.TagConfirmed, "l"),
		},
		{
			"edge: its ends, its kind and its statement",
			graph.Edge{From: table, To: other, Kind: graph.EdgeReads, Statement: "s"},
			graph.Edge{From: table, To: other, Kind: graph.EdgeReads, Statement: "s", Outcome: graph.OutcomePartial},
			graph.Edge{From: table, To: other, Kind: graph.EdgeReads, Statement: "z"},
		},
		{
			"annotation: an attribute by a sort of witness",
			graph.Annotation{Ref: table, Attribute: graph.AttributeTitle, Value: "a", Provenance: person},
			graph.Annotation{Ref: table, Attribute: graph.AttributeTitle, Value: "b", Provenance: graph.Provenance{Kind: graph.ByPerson, Name: "b"}},
			graph.Annotation{Ref: table, Attribute: graph.AttributeDescription, Value: "a", Provenance: person},
		},
		{"statement: its ID", graph.Statement{ID: "a"}, graph.Statement{ID: "a", SQL: "x"}, graph.Statement{ID: "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.item.Key() != tt.same.Key() {
				t.Errorf("%q and %q are one", tt.item.Key(), tt.same.Key())
			}
			if tt.item.Key() == tt.other.Key() {
				t.Errorf("%q is two", tt.item.Key())
			}
		})
	}
}

// Law: the order of items is total, begins with assets, and does not depend on
// the order before.
func TestCompareItems(t *testing.T) {
	t.Parallel()
	items := graphtest.NewCompany().Items
	want := slices.Clone(items)
	r := rand.New(rand.NewPCG(1, 1))
	r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	slices.SortFunc(items, graph.CompareItems)
	if diff := cmp.Diff(want, items); diff != "" {
		t.Errorf("order (-before +after shuffling):\n%s", diff)
	}
	if _, ok := items[0].(graph.Asset); !ok {
		t.Errorf("first stands %T", items[0])
	}
}

// Law: what an item is about is an asset.
func TestItemsAreAboutAssets(t *testing.T) {
	t.Parallel()
	for _, i := range graphtest.NewCompany().Items {
		if about := i.About(); about.IsZero() || about.IsColumn() {
			t.Errorf("%T %s is about %v", i, i.Key(), about)
		}
	}
}

func TestEdgeKindsThatCarryValues(t *testing.T) {
	t.Parallel()
	for kind, want := range map[graph.EdgeKind]bool{
		graph.EdgeIdentity: true, graph.EdgeTransformation: true, graph.EdgeAggregation: true,
		graph.EdgeWindow: false, graph.EdgeFilter: false, graph.EdgeJoin: false, graph.EdgeGroup: false, graph.EdgeReads: false,
		"unknown": false,
	} {
		if got := kind.CarriesValue(); got != want {
			t.Errorf("%s carries a value: %v", kind, got)
		}
	}
}
