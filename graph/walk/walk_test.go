package walk_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
	"cadastre.dev/cadastre/graph/walk"
)

const rounds = 200

func all(graph.Ref) graph.Visibility { return graph.Visible }

func column(asset, name string) graph.Ref {
	return graph.BigQueryRef("p", "d", asset).Column(name)
}

// short writes refs of BigQuery as "t" or "t#c".
func short(r graph.Ref) string {
	if r.IsColumn() {
		return r.Base() + "#" + r.Path
	}
	return r.Base()
}

// shortly writes nodes as "ref distance more" and edges as "from→to kind".
func shortly(r walk.Result) (nodes, edges []string) {
	for _, n := range r.Nodes {
		text := fmt.Sprintf("%s %d", short(n.Ref), n.Distance)
		if n.More > 0 {
			text += fmt.Sprintf(" +%d", n.More)
		}
		if n.Visibility != graph.Visible {
			text += " " + string(n.Visibility)
		}
		nodes = append(nodes, text)
	}
	for _, e := range r.Edges {
		edges = append(edges, short(e.From)+"→"+short(e.To)+" "+string(e.Kind))
	}
	return nodes, edges
}

func company() (graphtest.Company, *walk.Graph) {
	c := graphtest.NewCompany()
	return c, walk.New(graphtest.Of[graph.Edge](c.Items), graphtest.Of[graph.Statement](c.Items))
}

func TestWalkTheCompany(t *testing.T) {
	t.Parallel()
	c, g := company()
	analyst := func(r graph.Ref) graph.Visibility {
		for _, a := range graphtest.Of[graph.Asset](c.Items) {
			if a.Ref == r {
				return c.AnalystFilter().Of(a, nil)
			}
		}
		return graph.Hidden
	}
	for _, tt := range []struct {
		name         string
		query        walk.Query
		nodes, edges []string
		incomplete   bool
	}{
		{
			name:  "assets around one, one edge away",
			query: walk.Query{Root: c.Core, Direction: walk.Both, Visibility: all},
			nodes: []string{"customers 0", "customersPerCity 1", "customers_raw -1 +1", "customers_view 1"},
			edges: []string{"customers→customersPerCity reads", "customers→customers_view reads", "customers_raw→customers reads"}, incomplete: true,
		},
		{
			name:  "assets upwards to the source",
			query: walk.Query{Root: c.View, Direction: walk.Up, Depth: 9, Visibility: all},
			nodes: []string{"customers_view 0", "customers -1", "customers_raw -2", "customers -3"},
			edges: []string{"customers→customers_view reads", "customers_raw→customers reads", "customers→customers_raw reads"},
		},
		{
			name:  "a column downwards through a mask",
			query: walk.Query{Root: c.Raw.Column("contact.email"), Direction: walk.Down, Depth: 2, Visibility: all},
			nodes: []string{"customers_raw#contact.email 0", "customers#email 1", "customers#email_hash 1", "customersPerCity#someEmail 2"},
			edges: []string{
				"customers#email→customersPerCity#someEmail aggregation",
				"customers_raw#contact.email→customers#email transformation", "customers_raw#contact.email→customers#email_hash transformation",
			}, incomplete: true,
		},
		{
			name:  "all columns of an asset, those without edges left out",
			query: walk.Query{Root: c.View, Columns: true, Direction: walk.Up, Visibility: all},
			nodes: []string{"customers_view#city 0", "customers_view#id 0", "customers#city -1 +1", "customers#id -1 +1"},
			edges: []string{"customers#city→customers_view#city identity", "customers#id→customers_view#id identity"},
		},
		{
			name:  "what is hidden leaves no trace, what is discoverable is a stub",
			query: walk.Query{Root: c.Core, Direction: walk.Both, Depth: 9, Visibility: analyst},
			nodes: []string{"customers 0", "customersPerCity 1", "customers_raw -1 discoverable", "customers_view 1"},
			edges: []string{"customers→customersPerCity reads", "customers→customers_view reads", "customers_raw→customers reads"}, incomplete: true,
		},
		{
			name:  "a stub stands for all its columns",
			query: walk.Query{Root: c.Core, Columns: true, Direction: walk.Up, Visibility: analyst},
			nodes: []string{
				"customers#city 0", "customers#email 0", "customers#email_hash 0", "customers#id 0", "customers#name 0", "customers_raw -1 discoverable",
			},
			edges: []string{
				"customers_raw→customers#city reads", "customers_raw→customers#email reads", "customers_raw→customers#email_hash reads",
				"customers_raw→customers#id reads", "customers_raw→customers#name reads",
			},
		},
		{
			name:  "a stub is not walked through",
			query: walk.Query{Root: c.Raw, Direction: walk.Both, Depth: 9, Visibility: analyst}, nodes: []string{"customers_raw 0 discoverable"},
		},
		{name: "a hidden root", query: walk.Query{Root: c.Salaries, Direction: walk.Both, Visibility: analyst}},
		{name: "no visibility hides everything", query: walk.Query{Root: c.Core, Direction: walk.Both}},
		{
			name:  "a root without edges",
			query: walk.Query{Root: c.Core.Column("nothing"), Direction: walk.Both, Visibility: all}, nodes: []string{"customers#nothing 0"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			result := g.Walk(tt.query)
			nodes, edges := shortly(result)
			if diff := cmp.Diff(tt.nodes, nodes); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.edges, edges, cmpopts.SortSlices(strings.Compare)); diff != "" {
				t.Errorf("edges (-want +got):\n%s", diff)
			}
			if result.Complete == tt.incomplete || result.Complete != (len(result.Reasons) == 0) {
				t.Errorf("complete %v: %q", result.Complete, result.Reasons)
			}
		})
	}
}

func TestStubsTellNothingOfTheWay(t *testing.T) {
	t.Parallel()
	from, to := column("secret", "a"), column("open", "b")
	masked := graphtest.Masked(from, to, "SHA256", "job:1")
	masked.Outcome = graph.OutcomePartial
	g := walk.New([]graph.Edge{masked, graphtest.Identity(column("secret", "other"), to, "job:2")}, nil)
	result := g.Walk(walk.Query{Root: to, Direction: walk.Up, Visibility: func(r graph.Ref) graph.Visibility {
		if r == to.Asset() {
			return graph.Visible
		}
		return graph.Discoverable
	}})
	want := []graph.Edge{{From: from.Asset(), To: to, Kind: graph.EdgeReads, Outcome: graph.OutcomePartial, Because: graph.EvidenceJob}}
	if diff := cmp.Diff(want, result.Edges); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
}

// Law: which of several edges to a stub is told does not follow from the names
// of the columns behind it.
func TestAStubsEdgeDoesNotFollowFromHiddenNames(t *testing.T) {
	t.Parallel()
	edges := func(first, second string) walk.Result {
		one := graph.Edge{From: column("dim", first), To: column("seen", "c"), Kind: graph.EdgeIdentity, Outcome: graph.OutcomeExact, Because: graph.EvidenceView}
		two := graph.Edge{From: column("dim", second), To: column("seen", "c"), Kind: graph.EdgeIdentity, Outcome: graph.OutcomeExact, Because: graph.EvidenceJob}
		return walk.New([]graph.Edge{one, two}, nil).Walk(walk.Query{
			Root: column("seen", "c"), Direction: walk.Up,
			Visibility: func(r graph.Ref) graph.Visibility {
				if r.Base() == "dim" {
					return graph.Discoverable
				}
				return graph.Visible
			},
		})
	}
	if diff := cmp.Diff(edges("a", "z"), edges("z", "a")); diff != "" {
		t.Errorf("the names of columns that are nobody's to know change the answer:\n%s", diff)
	}
}

func TestGapsAreTold(t *testing.T) {
	t.Parallel()
	c, g := company()
	result := g.Walk(walk.Query{Root: c.Report, Direction: walk.Up, Visibility: all})
	want := []string{"the lineage of the SQL that makes shop.sales.customersPerCity is partial"}
	if diff := cmp.Diff(want, result.Reasons); diff != "" || result.Complete {
		t.Errorf("complete %v, reasons (-want +got):\n%s", result.Complete, diff)
	}
}

// fan is a root with n sources and n targets.
func fan(n int) *walk.Graph {
	var edges []graph.Edge
	for i := range n {
		edges = append(edges,
			graphtest.Identity(column(fmt.Sprintf("in%02d", i), "c"), column("root", "c"), ""),
			graphtest.Identity(column("root", "c"), column(fmt.Sprintf("out%02d", i), "c"), ""))
	}
	return walk.New(edges, nil)
}

func TestLimitIsSharedByBothDirections(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		limit    int
		up, down int
		more     int
		complete bool
	}{
		{"room for all", 100, 10, 10, 0, true},
		{"room for exactly all", 21, 10, 10, 0, true},
		{"half for each", 11, 5, 5, 10, false},
		{"what one leaves the other takes", 17, 8, 8, 4, false},
		{"the root alone", 1, 0, 0, 20, false},
		{"a limit below zero is the default", -1, 10, 10, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			result := fan(10).Walk(walk.Query{Root: column("root", "c"), Direction: walk.Both, Limit: tt.limit, Visibility: all})
			up, down := 0, 0
			for _, n := range result.Nodes {
				switch n.Distance {
				case -1:
					up++
				case 1:
					down++
				}
			}
			if up != tt.up || down != tt.down || result.Nodes[0].More != tt.more || result.Complete != tt.complete {
				t.Errorf("up %d, down %d, more %d, complete %v; want %+v", up, down, result.Nodes[0].More, result.Complete, tt)
			}
		})
	}
}

func TestDiamondsAndCycles(t *testing.T) {
	t.Parallel()
	a, b, c, d := column("a", "x"), column("b", "x"), column("c", "x"), column("d", "x")
	g := walk.New([]graph.Edge{
		graphtest.Identity(a, b, ""), graphtest.Identity(a, c, ""), graphtest.Identity(b, d, ""), graphtest.Identity(c, d, ""),
		graphtest.Identity(b, c, ""), graphtest.Identity(d, a, ""), graphtest.Identity(d, d, ""),
	}, nil)
	nodes, edges := shortly(g.Walk(walk.Query{Root: a, Direction: walk.Down, Depth: 50, Visibility: all}))
	if diff := cmp.Diff([]string{"a#x 0", "b#x 1", "c#x 1", "d#x 2"}, nodes); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if len(edges) != 7 {
		t.Errorf("edges: %v", edges)
	}
	nodes, edges = shortly(g.Walk(walk.Query{Root: a, Direction: walk.Down, Visibility: all}))
	if diff := cmp.Diff([]string{"a#x 0", "b#x 1 +1", "c#x 1 +1"}, nodes); diff != "" {
		t.Errorf("nodes one edge away (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a#x→b#x identity", "a#x→c#x identity", "b#x→c#x identity"}, edges); diff != "" {
		t.Errorf("edges among those shown (-want +got):\n%s", diff)
	}
}

func TestAssetEdgesShowTheWorst(t *testing.T) {
	t.Parallel()
	partial := graphtest.Identity(column("a", "y"), column("b", "y"), "job:2")
	partial.Outcome = graph.OutcomePartial
	inside := graphtest.Identity(column("b", "x"), column("b", "y"), "job:2")
	reads := graph.Edge{From: column("a", "").Asset(), To: column("c", "").Asset(), Kind: graph.EdgeReads, Outcome: graph.OutcomeFailed, Because: graph.EvidenceJob}
	g := walk.New([]graph.Edge{graphtest.Identity(column("a", "x"), column("b", "x"), "job:1"), partial, inside, reads}, nil)
	result := g.Walk(walk.Query{Root: column("a", "").Asset(), Direction: walk.Down, Visibility: all})
	var got []string
	for _, e := range result.Edges {
		got = append(got, short(e.From)+"→"+short(e.To)+" "+string(e.Outcome)+" "+e.Statement)
	}
	if diff := cmp.Diff([]string{"a→b partial job:2", "a→c failed "}, got); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
}

// naive answers by walking the list of edges again and again.
func naive(edges []graph.Edge, root graph.Ref, up bool, depth int) map[graph.Ref]int {
	distance := map[graph.Ref]int{root: 0}
	for d := 1; d <= depth; d++ {
		for _, e := range edges {
			near, far, sign := e.From, e.To, 1
			if up {
				near, far, sign = e.To, e.From, -1
			}
			if at, ok := distance[near]; ok && at == sign*(d-1) {
				if _, ok := distance[far]; !ok {
					distance[far] = sign * d
				}
			}
		}
	}
	return distance
}

func randomEdges(r *rand.Rand, n int) []graph.Edge {
	edges := graph.Snapshot{}
	for range n {
		edges.Put(graphtest.RandomEdge(r))
	}
	return graphtest.Of[graph.Edge](edges.Sorted())
}

// Law: with everything visible and no limit the nodes are those that the naive
// way finds, at the same distances, and the edges are all among them.
func TestWalkEqualsTheNaiveWay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 1))
		edges := randomEdges(r, 12)
		root, depth, up := edges[r.IntN(len(edges))].From, 1+r.IntN(4), r.IntN(2) == 0
		q := walk.Query{Root: root, Depth: depth, Limit: 1000, Visibility: all}
		if up {
			q.Direction = walk.Up
		}
		result := walk.New(slices.Clone(edges), nil).Walk(q)
		got := map[graph.Ref]int{}
		for _, n := range result.Nodes {
			got[n.Ref] = n.Distance
		}
		want := naive(edges, root, up, depth)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: distances (-naive +walk):\n%s", seed, diff)
		}
		var among []graph.Edge
		for _, e := range edges {
			_, from := want[e.From]
			_, to := want[e.To]
			if from && to {
				among = append(among, e)
			}
		}
		if diff := cmp.Diff(among, result.Edges); diff != "" || !result.Complete {
			t.Fatalf("seed %d: complete %v, edges (-naive +walk):\n%s", seed, result.Complete, diff)
		}
	}
}

// Law: the answer is the same, to the last count and reason, as if the hidden
// assets and all edges to them were not there.
func TestHiddenAssetsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 2))
		edges := randomEdges(r, 25)
		visibility := map[graph.Ref]graph.Visibility{}
		see := func(ref graph.Ref) graph.Visibility {
			if _, ok := visibility[ref]; !ok {
				visibility[ref] = []graph.Visibility{graph.Hidden, graph.Discoverable, graph.Visible}[r.IntN(3)]
			}
			return visibility[ref]
		}
		var shown []graph.Edge
		var statements, shownStatements []graph.Statement
		for _, e := range edges {
			if see(e.From.Asset()) != graph.Hidden && see(e.To.Asset()) != graph.Hidden {
				shown = append(shown, e)
			}
		}
		for ref := range visibility {
			s := graph.Statement{ID: ref.String(), Target: ref, Outcome: graph.OutcomePartial}
			statements = append(statements, s)
			if see(ref) != graph.Hidden {
				shownStatements = append(shownStatements, s)
			}
		}
		whole, reduced := walk.New(slices.Clone(edges), statements), walk.New(slices.Clone(shown), shownStatements)
		for _, e := range edges {
			q := walk.Query{Root: e.From, Direction: walk.Both, Depth: 1 + r.IntN(3), Limit: 1 + r.IntN(6), Visibility: see}
			if r.IntN(2) == 0 {
				q.Root, q.Columns = q.Root.Asset(), r.IntN(2) == 0
			}
			got := whole.Walk(q)
			if diff := cmp.Diff(reduced.Walk(q), got); diff != "" {
				t.Fatalf("seed %d, %+v (-without hidden +with hidden):\n%s", seed, q.Root, diff)
			}
			for _, n := range got.Nodes {
				if see(n.Ref.Asset()) == graph.Hidden || (n.Ref.IsColumn() && see(n.Ref.Asset()) != graph.Visible && n.Ref != q.Root) {
					t.Fatalf("seed %d: node %v is %s", seed, n.Ref, see(n.Ref.Asset()))
				}
			}
		}
	}
}

// Law: a limited answer is part of the unlimited one, is never longer than the
// limit, and says so when it is cut.
func TestLimitedAnswersSaySo(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 3))
		edges := randomEdges(r, 25)
		g := walk.New(slices.Clone(edges), nil)
		q := walk.Query{Root: edges[0].From, Direction: walk.Direction(r.IntN(3)), Depth: 1 + r.IntN(3), Limit: 1000, Visibility: all}
		whole := g.Walk(q)
		q.Limit = 1 + r.IntN(8)
		limited := g.Walk(q)
		if len(limited.Nodes) > q.Limit {
			t.Fatalf("seed %d: %d nodes, limit %d", seed, len(limited.Nodes), q.Limit)
		}
		if limited.Complete != (len(limited.Nodes) == len(whole.Nodes)) {
			t.Fatalf("seed %d: %d of %d nodes, complete %v", seed, len(limited.Nodes), len(whole.Nodes), limited.Complete)
		}
		there := map[graph.Ref]bool{}
		for _, n := range whole.Nodes {
			there[n.Ref] = true
		}
		for _, n := range limited.Nodes {
			if !there[n.Ref] {
				t.Fatalf("seed %d: %v is in the limited answer alone", seed, n.Ref)
			}
		}
	}
}

// estate is layers of tables with columns, each made from the layer before.
func estate(layers, tables, columns int) []graph.Edge {
	var edges []graph.Edge
	for l := range layers - 1 {
		for t := range tables {
			for c := range columns {
				name := fmt.Sprintf("c%d", c)
				to := column(fmt.Sprintf("l%d_t%d", l+1, t), name)
				edges = append(edges,
					graphtest.Identity(column(fmt.Sprintf("l%d_t%d", l, t), name), to, ""),
					graphtest.Identity(column(fmt.Sprintf("l%d_t%d", l, (t+1)%tables), name), to, ""))
			}
		}
	}
	return edges
}

func BenchmarkNew(b *testing.B) {
	edges := estate(6, 100, 50)
	b.ReportMetric(float64(len(edges)), "edges")
	b.ReportAllocs()
	for b.Loop() {
		walk.New(slices.Clone(edges), nil)
	}
}

func BenchmarkWalk(b *testing.B) {
	edges := estate(6, 100, 50)
	g := walk.New(slices.Clone(edges), nil)
	root := column("l3_t7", "c3")
	b.Run("one edge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.Walk(walk.Query{Root: root, Direction: walk.Both, Visibility: all})
		}
	})
	b.Run("all the way", func(b *testing.B) {
		for b.Loop() {
			g.Walk(walk.Query{Root: root, Direction: walk.Both, Depth: 10, Visibility: all})
		}
	})
	b.Run("naive", func(b *testing.B) {
		for b.Loop() {
			naive(edges, root, true, 10)
			naive(edges, root, false, 10)
		}
	})
}

func ExampleGraph_Walk() {
	raw, core := graph.BigQueryRef("p", "d", "raw").Column("email"), graph.BigQueryRef("p", "d", "core").Column("email")
	g := walk.New([]graph.Edge{{From: raw, To: core, Kind: graph.EdgeIdentity, Outcome: graph.OutcomeExact}}, nil)
	result := g.Walk(walk.Query{
		Root: core, Direction: walk.Up,
		Visibility: func(graph.Ref) graph.Visibility { return graph.Visible },
	})
	for _, n := range result.Nodes {
		fmt.Println(n.Distance, n.Ref)
	}
	fmt.Println(result.Complete)
	// Output:
	// 0 bigquery/p.d.core#email
	// -1 bigquery/p.d.raw#email
	// true
}
