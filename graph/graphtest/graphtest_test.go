package graphtest_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
)

// Law: all that names an asset or column of the company names one that is
// there, so that no test leans on a dangling ref.
func TestCompanyIsWhole(t *testing.T) {
	t.Parallel()
	c := graphtest.NewCompany()
	there := map[graph.Ref]bool{}
	for _, a := range graphtest.Of[graph.Asset](c.Items) {
		there[a.Ref] = true
	}
	for _, column := range graphtest.Of[graph.Column](c.Items) {
		there[column.Ref] = true
	}
	for _, i := range c.Items {
		for _, ref := range named(i) {
			if !there[ref] {
				t.Errorf("%T %s names %s, which is not there", i, i.Key(), ref)
			}
		}
	}
}

func named(i graph.Item) []graph.Ref {
	switch i := i.(type) {
	case graph.Column:
		return []graph.Ref{i.Ref.Asset()}
	case graph.Edge:
		return []graph.Ref{i.From, i.To}
	case graph.Tag:
		return []graph.Ref{i.Ref}
	case graph.Annotation:
		return []graph.Ref{i.Ref}
	case graph.Asset:
		if !i.Parent.IsZero() {
			return []graph.Ref{i.Parent}
		}
	}
	return []graph.Ref{i.About()}
}

func TestCompanyIsMadeAnew(t *testing.T) {
	t.Parallel()
	first, second := graphtest.NewCompany(), graphtest.NewCompany()
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two companies differ (-first +second):\n%s", diff)
	}
	first.Items[0] = nil
	if second.Items[0] == nil {
		t.Error("two companies share their items")
	}
}

func TestColumnsHavePathsAndPositions(t *testing.T) {
	t.Parallel()
	asset := graph.BigQueryRef("p", "d", "t")
	got := map[string]int{}
	for _, c := range graphtest.Columns(asset,
		graphtest.Leaf("id", "STRING"),
		graphtest.Record("items", graphtest.Leaf("sku", "STRING"), graphtest.Record("size", graphtest.Leaf("cm", "INT64"))).Repeated(),
		graphtest.Leaf("end", "DATE"),
	) {
		got[c.Ref.Path] = c.Position
	}
	want := map[string]int{"id": 0, "items": 1, "items[].sku": 2, "items[].size": 3, "items[].size.cm": 4, "end": 5}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("positions (-want +got):\n%s", diff)
	}
}

func TestAnalystSeesTheThreeVisibilities(t *testing.T) {
	t.Parallel()
	c := graphtest.NewCompany()
	want := map[graph.Ref]graph.Visibility{
		c.Customers: graph.Hidden, c.Raw: graph.Discoverable, c.Core: graph.Visible, c.Report: graph.Visible,
		c.View: graph.Visible, c.Salaries: graph.Hidden, c.Dataset: graph.Visible, c.Vault: graph.Hidden,
	}
	got := map[graph.Ref]graph.Visibility{}
	for _, a := range graphtest.Of[graph.Asset](c.Items) {
		got[a.Ref] = c.AnalystFilter().Of(a, nil)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("visibility (-want +got):\n%s", diff)
	}
}

// Law: one seed gives one snapshot.
func TestRandomSnapshotFollowsItsSeed(t *testing.T) {
	t.Parallel()
	draw := func() graph.Snapshot { return graphtest.RandomSnapshot(rand.New(rand.NewPCG(1, 2)), 50) }
	if diff := cmp.Diff(draw(), draw()); diff != "" {
		t.Errorf("one seed, two snapshots:\n%s", diff)
	}
	ranks := map[string]bool{}
	for _, i := range draw() {
		switch i.(type) {
		case graph.Asset:
			ranks["asset"] = true
		case graph.Edge:
			ranks["edge"] = true
		case graph.Tag:
			ranks["tag"] = true
		}
	}
	if len(ranks) != 3 {
		t.Errorf("fifty items are of these types alone: %v", ranks)
	}
}
