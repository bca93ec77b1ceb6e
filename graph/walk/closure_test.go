package walk_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
	"cadastre.dev/cadastre/graph/walk"
)

// Law: what one query notes has no part in another's answer, one after the
// other or side by side.
func TestQueriesDoNotMeet(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 30))
	edges := randomEdges(r, 60)
	shared := walk.New(slices.Clone(edges), nil)
	var queries []walk.Query
	for i := range 40 {
		hidden := r.IntN(4)
		queries = append(queries, walk.Query{
			Root: edges[r.IntN(len(edges))].From, Direction: walk.Direction(i % 3), Depth: 1 + r.IntN(5), Limit: 1 + r.IntN(30),
			Visibility: func(asset graph.Ref) graph.Visibility {
				return []graph.Visibility{graph.Hidden, graph.Discoverable, graph.Visible}[(int(asset.Name[len(asset.Name)-1])+hidden)%3]
			},
		})
	}
	var askers sync.WaitGroup
	for range 4 {
		askers.Go(func() {
			for i, q := range queries {
				want := walk.New(slices.Clone(edges), nil).Walk(q)
				if diff := cmp.Diff(want, shared.Walk(q)); diff != "" {
					t.Errorf("query %d (-alone +among others):\n%s", i, diff)
				}
			}
		})
	}
	askers.Wait()
}

// An edge between a column and an asset joins neither columns nor anything
// that is not there: the assets alone.
func TestEdgeBetweenColumnAndAssetJoinsAssets(t *testing.T) {
	t.Parallel()
	from, to := column("a", "x"), column("b", "y").Asset()
	g := walk.New([]graph.Edge{graphtest.Identity(from, to, "")}, nil)
	for _, tt := range []struct {
		name string
		root graph.Ref
		want int
	}{{"from the column", from, 1}, {"from its asset", from.Asset(), 2}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := g.Walk(walk.Query{Root: tt.root, Direction: walk.Both, Visibility: all})
			if len(r.Nodes) != tt.want || len(r.Edges) != tt.want-1 {
				t.Errorf("nodes %v, edges %v", r.Nodes, r.Edges)
			}
		})
	}
}

// A root that may only be discovered gives its asset, whichever column was
// asked for, and nothing around it.
func TestDiscoverableRootIsItsAsset(t *testing.T) {
	t.Parallel()
	from, to := column("a", "x"), column("b", "y")
	g := walk.New([]graph.Edge{graphtest.Identity(from, to, "")}, nil)
	want := walk.Result{Complete: true, Nodes: []walk.Node{{Ref: from.Asset(), Visibility: graph.Discoverable}}}
	for _, root := range []graph.Ref{from, from.Asset(), column("a", "not_there")} {
		got := g.Walk(walk.Query{Root: root, Direction: walk.Both, Columns: true, Visibility: func(graph.Ref) graph.Visibility { return graph.Discoverable }})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", root, diff)
		}
	}
}

// The root keeps the spelling of the question, and a column is one root whether
// or not all columns were asked for.
func TestRootKeepsItsSpelling(t *testing.T) {
	t.Parallel()
	from, to := column("a", "Email"), column("b", "y")
	g := walk.New([]graph.Edge{graphtest.Identity(from, to, "")}, nil)
	want := []walk.Node{{Ref: column("a", "eMAIL"), Visibility: graph.Visible}, {Ref: to, Visibility: graph.Visible, Distance: 1}}
	for _, columns := range []bool{false, true} {
		got := g.Walk(walk.Query{Root: column("a", "eMAIL"), Columns: columns, Visibility: all})
		if diff := cmp.Diff(want, got.Nodes); diff != "" {
			t.Errorf("columns %v (-want +got):\n%s", columns, diff)
		}
	}
}

// A way of which one end cannot be read is none.
func TestWayWithoutAnEnd(t *testing.T) {
	t.Parallel()
	from, to := column("a", "x"), column("b", "y")
	way := func(step string) graph.Tag {
		return graph.Tag{Ref: to, Label: "l", Evidence: []string{step}, Provenance: graph.Provenance{Kind: graph.ByPropagation, Name: from.String()}}
	}
	if _, ok := walk.Way(way(from.String() + " → " + to.String() + " (identity)")); !ok {
		t.Error("a whole way cannot be read")
	}
	for _, step := range []string{
		"nowhere → " + to.String() + " (identity)", from.String() + " → nowhere (identity)", from.String() + " (identity)",
	} {
		if refs, ok := walk.Way(way(step)); ok {
			t.Errorf("%q is the way %v", step, refs)
		}
	}
}

// BenchmarkClosure follows one column down to 100,000 others, by the graph and
// by a map of neighbours in turn, and reports how many times longer the second
// takes. Both return what they found with distances, in order.
func BenchmarkClosure(b *testing.B) {
	const layers, tables, columns = 51, 40, 50
	edges := estate(layers, tables, columns)
	for c := range columns {
		for t := range tables {
			edges = append(edges, graphtest.Identity(column("root", "c"), column(fmt.Sprintf("l0_t%d", t), fmt.Sprintf("c%d", c)), ""))
		}
	}
	g := walk.New(slices.Clone(edges), nil)
	down := map[graph.Ref][]graph.Ref{}
	for _, e := range edges {
		down[e.From] = append(down[e.From], e.To)
	}
	var ours, naive time.Duration
	nodes := 0
	for b.Loop() {
		start := time.Now()
		r := g.Walk(walk.Query{Root: column("root", "c"), Depth: layers, Limit: layers*tables*columns + 1, Visibility: all})
		middle := time.Now()
		reached := mapClosure(down, column("root", "c"))
		ours, naive = ours+middle.Sub(start), naive+time.Since(middle)
		if nodes = len(r.Nodes); nodes != len(reached) || !r.Complete {
			b.Fatalf("%d nodes, want %d; complete: %v", nodes, len(reached), r.Complete)
		}
	}
	b.ReportMetric(float64(nodes), "nodes")
	b.ReportMetric(ours.Seconds()*1000/float64(b.N), "walk-ms")
	b.ReportMetric(naive.Seconds()/ours.Seconds(), "map/walk")
}

// mapClosure goes breadth first over a map of neighbours.
func mapClosure(down map[graph.Ref][]graph.Ref, root graph.Ref) []graph.Ref {
	distance := map[graph.Ref]int{root: 0}
	reached := []graph.Ref{root}
	for i := 0; i < len(reached); i++ {
		for _, to := range down[reached[i]] {
			if _, seen := distance[to]; !seen {
				distance[to] = distance[reached[i]] + 1
				reached = append(reached, to)
			}
		}
	}
	slices.SortFunc(reached, func(a, b graph.Ref) int {
		if d := distance[a] - distance[b]; d != 0 {
			return d
		}
		return graph.CompareRefs(a, b)
	})
	return reached
}
