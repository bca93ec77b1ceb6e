package graph_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
)

func everyFact() graph.ColumnFacts {
	return graph.ColumnFacts{
		Assessment: graph.Tagged, Type: "STRING", Domain: "customer", Kind: graph.KindTable, Source: "warehouse",
		Labels: []graph.LabelFact{
			{Label: "b", State: graph.TagConfirmed, Form: graph.FormClear},
			{Label: "a", State: graph.TagProposed, Form: graph.FormPseudonymous},
		},
	}
}

// Law: a projection done twice is the projection done once, and the class
// follows from what it leaves.
func TestProjectionIsIdempotent(t *testing.T) {
	t.Parallel()
	facts := everyFact()
	for i := range 1 << len(graph.AllFacts()) {
		var p graph.Projection
		for bit, attribute := range graph.AllFacts() {
			if i&(1<<bit) != 0 {
				p = append(p, attribute)
			}
		}
		once := p.Of(facts)
		if diff := cmp.Diff(once, p.Of(once)); diff != "" {
			t.Errorf("%v (-once +twice):\n%s", p, diff)
		}
		if p.Class(facts) != p.Class(once) || p.Class(facts) != graph.AllFacts().Class(once) {
			t.Errorf("%v: the class does not follow from the projected facts", p)
		}
	}
}

func TestProjectionOfAllKeepsAllAndSortsLabels(t *testing.T) {
	t.Parallel()
	facts := everyFact()
	want := everyFact()
	slices.Reverse(want.Labels)
	if diff := cmp.Diff(want, graph.AllFacts().Of(facts)); diff != "" {
		t.Errorf("projected (-want +got):\n%s", diff)
	}
	if facts.Labels[0].Label != "b" {
		t.Error("the facts were changed")
	}
	if diff := cmp.Diff(graph.ColumnFacts{}, graph.Projection{}.Of(facts)); diff != "" {
		t.Errorf("the empty projection keeps (-want +got):\n%s", diff)
	}
}

// Texts that run together at their borders are different facts.
func TestClassTellsBordersApart(t *testing.T) {
	t.Parallel()
	all := graph.AllFacts()
	seen := map[graph.Class]graph.ColumnFacts{}
	for _, f := range []graph.ColumnFacts{
		{},
		{Type: "ab"},
		{Type: "a", Domain: "b"},
		{Domain: "ab"},
		{Type: `a""b`},
		{Type: `a"`, Domain: `"b`},
		{Labels: []graph.LabelFact{{Label: "a"}}},
		{Labels: []graph.LabelFact{{Label: "a"}, {}}},
		{Labels: []graph.LabelFact{{}, {}}},
	} {
		class := all.Class(f)
		if was, twice := seen[class]; twice {
			t.Errorf("%+v and %+v are one class", was, f)
		}
		seen[class] = f
	}
}
