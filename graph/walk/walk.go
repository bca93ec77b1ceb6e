package walk

import (
	"slices"
	"strings"

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

// layer is a graph over interned refs: the neighbours of node i are
// at[first[i]:first[i+1]], as indexes into edges.
type layer struct {
	refs      []graph.Ref
	id        map[string]int32
	edges     []graph.Edge
	from, to  []int32
	down, up  []int32
	downFirst []int32
	upFirst   []int32
	// of holds the sorted columns of each asset, by the asset's key.
	of map[string][]int32
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

func worse(a, b graph.Edge) bool {
	if badness[a.Outcome] != badness[b.Outcome] {
		return badness[a.Outcome] > badness[b.Outcome]
	}
	return a.Statement < b.Statement
}

func newLayer(edges []graph.Edge) layer {
	sortEdges(edges)
	l := layer{id: map[string]int32{}, of: map[string][]int32{}, edges: edges, from: make([]int32, len(edges)), to: make([]int32, len(edges))}
	for i, e := range edges {
		l.from[i], l.to[i] = l.intern(e.From), l.intern(e.To)
	}
	for _, columns := range l.of {
		slices.SortFunc(columns, func(a, b int32) int { return graph.CompareRefs(l.refs[a], l.refs[b]) })
	}
	l.downFirst, l.down = compress(l.from, len(l.refs))
	l.upFirst, l.up = compress(l.to, len(l.refs))
	return l
}

// sortEdges sorts by key, and makes each key once.
func sortEdges(edges []graph.Edge) {
	type keyed struct {
		key  string
		edge graph.Edge
	}
	all := make([]keyed, len(edges))
	for i, e := range edges {
		all[i] = keyed{e.Key(), e}
	}
	slices.SortFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	for i, k := range all {
		edges[i] = k.edge
	}
}

func (l *layer) intern(r graph.Ref) int32 {
	key := r.Key()
	if id, ok := l.id[key]; ok {
		return id
	}
	id := int32(len(l.refs))
	l.id[key] = id
	l.refs = append(l.refs, r)
	asset := r.Asset().Key()
	l.of[asset] = append(l.of[asset], id)
	return id
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
