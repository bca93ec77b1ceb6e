package walk

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"cadastre.dev/cadastre/graph"
)

// Graph is the lineage of one revision. It is immutable and safe for
// concurrent use. An edge takes eight bytes in each direction, beside the
// edge itself.
type Graph struct {
	columns, assets layer
	// gaps holds the outcome of the statement that makes an asset where its
	// lineage is not known whole. The statement's own reason is left out: it
	// may name what is hidden from the one who asks.
	gaps map[string]graph.Outcome
}

// layer is a graph over numbered refs: the edges from node i are
// down[downFirst[i]:downFirst[i+1]], as numbers of edges.
type layer struct {
	// refs are the nodes in the order of graph.CompareRefs; id finds one by
	// its key.
	refs []graph.Ref
	id   map[string]int32
	// edges are sorted by key.
	edges     []graph.Edge
	from, to  []int32
	down, up  []int32
	downFirst []int32
	upFirst   []int32
	// asset is the number of each node's asset, assets their refs, and of the
	// columns of each asset by its key.
	asset  []int32
	assets []graph.Ref
	of     map[string][]int32
	// notes are kept from one query to the next.
	notes *sync.Pool
}

// New builds the graph of the edges. The statements say of which assets the
// lineage is not known whole.
func New(edges []graph.Edge, statements []graph.Statement) *Graph {
	g := &Graph{gaps: map[string]graph.Outcome{}}
	var columns []graph.Edge
	for _, e := range edges {
		if e.From.IsColumn() && e.To.IsColumn() {
			columns = append(columns, e)
		}
	}
	g.columns = newLayer(columns)
	g.assets = newLayer(assetEdges(edges))
	for _, s := range statements {
		if s.Outcome != graph.OutcomeExact && !s.Target.IsZero() {
			g.gaps[s.Target.Key()] = s.Outcome
		}
	}
	return g
}

// assetEdges folds the edges between two assets into one, with the worst
// outcome of them.
func assetEdges(edges []graph.Edge) []graph.Edge {
	type ends struct{ from, to graph.Ref }
	folded := map[ends]graph.Edge{}
	for _, e := range edges {
		at := ends{e.From.Asset(), e.To.Asset()}
		if at.from == at.to {
			continue
		}
		was, ok := folded[at]
		if !ok || worse(e, was) {
			folded[at] = graph.Edge{From: at.from, To: at.to, Kind: graph.EdgeReads, Outcome: e.Outcome, Because: e.Because, Statement: e.Statement}
		}
	}
	out := make([]graph.Edge, 0, len(folded))
	for _, e := range folded {
		out = append(out, e)
	}
	return out
}

var badness = map[graph.Outcome]int{graph.OutcomeExact: 0, graph.OutcomePartial: 1, graph.OutcomeFailed: 2, graph.OutcomeUnanalyzed: 3}

// worse says which of two edges is told where one stands for both: the one that
// is known least. Among equals it looks at what is told of the edge and never
// at its ends, whose columns may be nobody's to know.
func worse(a, b graph.Edge) bool {
	if badness[a.Outcome] != badness[b.Outcome] {
		return badness[a.Outcome] > badness[b.Outcome]
	}
	return cmp.Or(cmp.Compare(a.Statement, b.Statement), cmp.Compare(a.Because, b.Because)) < 0
}

func newLayer(edges []graph.Edge) layer {
	l := layer{id: map[string]int32{}, edges: sortEdges(edges), of: map[string][]int32{}}
	for _, e := range l.edges {
		l.intern(e.From)
		l.intern(e.To)
	}
	l.number()
	l.from, l.to = make([]int32, len(l.edges)), make([]int32, len(l.edges))
	for i, e := range l.edges {
		l.from[i], l.to[i] = l.id[e.From.Key()], l.id[e.To.Key()]
	}
	l.downFirst, l.down = compress(l.from, len(l.refs))
	l.upFirst, l.up = compress(l.to, len(l.refs))
	nodes, assets := len(l.refs), len(l.assets)
	l.notes = &sync.Pool{New: func() any { return newNotes(nodes, assets) }}
	return l
}

// sortEdges sorts by key, makes each key once, and of two edges with one key
// keeps the first.
func sortEdges(edges []graph.Edge) []graph.Edge {
	type keyed struct {
		key  string
		edge graph.Edge
	}
	all := make([]keyed, len(edges))
	for i, e := range edges {
		all[i] = keyed{e.Key(), e}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	all = slices.CompactFunc(all, func(a, b keyed) bool { return a.key == b.key })
	for i, k := range all {
		edges[i] = k.edge
	}
	return edges[:len(all)]
}

func (l *layer) intern(r graph.Ref) {
	key := r.Key()
	if _, ok := l.id[key]; !ok {
		l.id[key] = int32(len(l.refs))
		l.refs = append(l.refs, r)
	}
}

// number gives the nodes their numbers in the order of their refs, so that
// sorting nodes is sorting numbers, and numbers their assets.
func (l *layer) number() {
	slices.SortFunc(l.refs, graph.CompareRefs)
	l.asset = make([]int32, len(l.refs))
	for i, r := range l.refs {
		l.id[r.Key()] = int32(i)
		asset := r.Asset()
		if len(l.assets) == 0 || l.assets[len(l.assets)-1] != asset {
			l.assets = append(l.assets, asset)
		}
		l.asset[i] = int32(len(l.assets) - 1)
		l.of[asset.Key()] = append(l.of[asset.Key()], int32(i))
	}
}

// compress sorts edge numbers by one of their ends (counting sort), keeping
// their order.
func compress(ends []int32, nodes int) (first, sorted []int32) {
	first = make([]int32, nodes+1)
	for _, n := range ends {
		first[n+1]++
	}
	for i := range nodes {
		first[i+1] += first[i]
	}
	sorted, next := make([]int32, len(ends)), slices.Clone(first)
	for i, n := range ends {
		sorted[next[n]] = int32(i)
		next[n]++
	}
	return first, sorted
}
