package walk

import (
	"fmt"
	"slices"

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
	slices.SortFunc(edges, func(a, b graph.Edge) int { return graph.CompareItems(a, b) })
	l := layer{id: map[string]int32{}, edges: edges, from: make([]int32, len(edges)), to: make([]int32, len(edges))}
	for i, e := range edges {
		l.from[i], l.to[i] = l.intern(e.From), l.intern(e.To)
	}
	l.downFirst, l.down = compress(l.from, len(l.refs))
	l.upFirst, l.up = compress(l.to, len(l.refs))
	return l
}

func (l *layer) intern(r graph.Ref) int32 {
	key := r.Key()
	if id, ok := l.id[key]; ok {
		return id
	}
	id := int32(len(l.refs))
	l.id[key] = id
	l.refs = append(l.refs, r)
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

// Direction says which way to go.
type Direction int

// The directions.
const (
	Down Direction = iota
	Up
	Both
)

// Query asks for the surroundings of a column or asset.
type Query struct {
	// Root is a column to walk columns, an asset to walk assets.
	Root      graph.Ref
	Direction Direction
	// Depth is how many edges to go. Defaults to 1.
	Depth int
	// Limit is how many nodes to return at most. Defaults to 200.
	Limit int
	// Visibility says what the principal may know of an asset. Defaults to
	// everything being hidden.
	Visibility func(asset graph.Ref) graph.Visibility
}

// Result is a part of the graph. Nothing in it tells of a hidden asset.
type Result struct {
	// Nodes are sorted by distance and ref, the root first.
	Nodes []Node
	Edges []graph.Edge
	// Complete says whether all that the principal may know of within Depth
	// is here; Reasons say why not.
	Complete bool
	Reasons  []string
}

// Node is a column or asset in a Result. An end that is only discoverable
// stands as its asset and is not walked through.
type Node struct {
	Ref        graph.Ref
	Visibility graph.Visibility
	// Distance is negative upwards.
	Distance int
	// More counts the neighbours further on, in the directions asked for,
	// that are not here.
	More int
}

// Walk answers a query. A root that is hidden, or that no edge touches, gives
// itself or nothing: the caller has looked at it before.
func (g *Graph) Walk(q Query) Result {
	if q.Depth <= 0 {
		q.Depth = 1
	}
	if q.Limit <= 0 {
		q.Limit = 200
	}
	w := walker{q: q, layer: &g.assets, nodes: map[string]*Node{}, edges: map[string]graph.Edge{}, visibility: map[graph.Ref]graph.Visibility{}}
	if q.Root.IsColumn() {
		w.layer = &g.columns
	}
	if w.see(q.Root) == graph.Hidden {
		return Result{Complete: true}
	}
	w.nodes[q.Root.Key()] = &Node{Ref: q.Root, Visibility: w.see(q.Root)}
	if q.Direction != Up {
		w.walk(1)
	}
	if q.Direction != Down {
		w.walk(-1)
	}
	return w.result(g.gaps)
}

type walker struct {
	q          Query
	layer      *layer
	nodes      map[string]*Node
	edges      map[string]graph.Edge
	visibility map[graph.Ref]graph.Visibility
	cut        bool
}

func (w *walker) see(r graph.Ref) graph.Visibility {
	asset := r.Asset()
	v, ok := w.visibility[asset]
	if !ok {
		v = graph.Hidden
		if w.q.Visibility != nil {
			v = w.q.Visibility(asset)
		}
		w.visibility[asset] = v
	}
	return v
}

// shown returns how an end of an edge is shown, and false where it is hidden.
func (w *walker) shown(r graph.Ref) (graph.Ref, graph.Visibility, bool) {
	v := w.see(r)
	if v == graph.Discoverable {
		r = r.Asset()
	}
	return r, v, v != graph.Hidden
}

// walk goes breadth first in one direction, +1 down or -1 up.
func (w *walker) walk(sign int) {
	id, ok := w.layer.id[w.q.Root.Key()]
	if !ok || w.see(w.q.Root) != graph.Visible {
		return
	}
	seen, front := map[int32]bool{id: true}, []int32{id}
	for depth := 1; len(front) > 0; depth++ {
		var next []int32
		for _, n := range front {
			next = append(next, w.step(n, sign, depth, seen)...)
		}
		front = next
	}
}

// step visits the neighbours of one node. Beyond the depth, or past the limit
// of nodes, it only counts them.
func (w *walker) step(n int32, sign, depth int, seen map[int32]bool) []int32 {
	var next []int32
	counted := map[int32]bool{}
	here := w.nodes[w.layer.refs[n].Key()]
	for _, i := range w.neighbours(n, sign) {
		e := w.layer.edges[i]
		far, farID := e.To, w.layer.to[i]
		if sign < 0 {
			far, farID = e.From, w.layer.from[i]
		}
		ref, visibility, ok := w.shown(far)
		if !ok {
			continue
		}
		_, present := w.nodes[ref.Key()]
		if !present && (depth > w.q.Depth || len(w.nodes) >= w.q.Limit) {
			w.cut = w.cut || depth <= w.q.Depth
			if !counted[farID] {
				counted[farID] = true
				here.More++
			}
			continue
		}
		if depth > w.q.Depth {
			continue
		}
		if !present {
			w.nodes[ref.Key()] = &Node{Ref: ref, Visibility: visibility, Distance: sign * depth}
		}
		w.keep(e)
		if !seen[farID] && visibility == graph.Visible {
			seen[farID] = true
			next = append(next, farID)
		}
	}
	return next
}

func (w *walker) neighbours(n int32, sign int) []int32 {
	if sign > 0 {
		return w.layer.down[w.layer.downFirst[n]:w.layer.downFirst[n+1]]
	}
	return w.layer.up[w.layer.upFirst[n]:w.layer.upFirst[n+1]]
}

// keep records an edge with its ends as they are shown.
func (w *walker) keep(e graph.Edge) {
	from, fromVisibility, _ := w.shown(e.From)
	to, toVisibility, _ := w.shown(e.To)
	e.From, e.To = from, to
	if fromVisibility != graph.Visible || toVisibility != graph.Visible {
		// What a statement does is told only to those who may read both ends.
		e.Function, e.Statement = "", ""
	}
	w.edges[e.Key()] = e
}

func (w *walker) result(gaps map[string]graph.Outcome) Result {
	r := Result{Complete: true}
	for _, n := range w.nodes {
		r.Nodes = append(r.Nodes, *n)
	}
	slices.SortFunc(r.Nodes, func(a, b Node) int {
		if d := abs(a.Distance) - abs(b.Distance); d != 0 {
			return d
		}
		return graph.CompareRefs(a.Ref, b.Ref)
	})
	for _, e := range w.edges {
		r.Edges = append(r.Edges, e)
	}
	slices.SortFunc(r.Edges, func(a, b graph.Edge) int { return graph.CompareItems(a, b) })
	if w.cut {
		r.Complete = false
		r.Reasons = append(r.Reasons, fmt.Sprintf("only the first %d are shown; narrow the question or raise the limit", w.q.Limit))
	}
	told := map[graph.Ref]bool{}
	for _, n := range r.Nodes {
		asset := n.Ref.Asset()
		if outcome, ok := gaps[asset.Key()]; ok && n.Visibility == graph.Visible && !told[asset] {
			told[asset] = true
			r.Complete = false
			r.Reasons = append(r.Reasons, fmt.Sprintf("the lineage of the SQL that makes %s is %s", asset.Name, outcome))
		}
	}
	return r
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
