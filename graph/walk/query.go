package walk

import (
	"cmp"
	"fmt"
	"slices"

	"cadastre.dev/cadastre/graph"
)

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
	Root graph.Ref
	// Columns asks to walk from all columns of a Root that is an asset.
	Columns   bool
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
	// Nodes are sorted by distance and ref, the root first. Where all columns
	// of an asset were asked for, those that no edge touches are left out.
	Nodes []Node
	// Edges are all that join two nodes, save two stubs. Of one that joins a
	// stub only the ends, the outcome and where it was learned are told.
	Edges []graph.Edge
	// Complete says whether all that the principal may know of within Depth
	// is here; Reasons say why not.
	Complete bool
	Reasons  []string
}

// Node is a column or asset in a Result. One that is only discoverable is a
// stub: it stands as its asset and is not walked through.
type Node struct {
	Ref        graph.Ref
	Visibility graph.Visibility
	// Distance is negative upwards.
	Distance int
	// More counts the neighbours that are not here, away from the root; of
	// the root itself, in the directions asked for.
	More int
}

// Walk answers a query. A root that is hidden gives nothing, one that no edge
// touches gives itself: the caller has looked at it before.
func (g *Graph) Walk(q Query) Result {
	q.Depth, q.Limit = max(q.Depth, 1), cmp.Or(max(q.Limit, 0), 200)
	w := walker{q: q, layer: &g.assets, nodes: map[string]*Node{}, visibility: map[graph.Ref]graph.Visibility{}}
	if q.Root.IsColumn() || q.Columns {
		w.layer = &g.columns
	}
	if w.see(q.Root) == graph.Hidden {
		return Result{Complete: true}
	}
	w.begin()
	switch q.Direction {
	case Down:
		w.spread(1, q.Limit)
	case Up:
		w.spread(-1, q.Limit)
	case Both:
		// Half of the places are kept for what is upstream; what it leaves
		// goes to what is downstream, and what that leaves goes back.
		w.spread(-1, (q.Limit+1)/2)
		w.spread(1, q.Limit)
		w.spread(-1, q.Limit)
	}
	return w.result(g.gaps)
}

type walker struct {
	q     Query
	layer *layer
	nodes map[string]*Node
	// roots are those that have edges.
	roots      []int32
	visibility map[graph.Ref]graph.Visibility
	cut        bool
}

// begin puts the roots in their place.
func (w *walker) begin() {
	visibility := w.see(w.q.Root)
	if !w.q.Columns || w.q.Root.IsColumn() || visibility != graph.Visible {
		w.nodes[w.q.Root.Key()] = &Node{Ref: w.q.Root, Visibility: visibility}
		if id, ok := w.layer.id[w.q.Root.Key()]; ok && visibility == graph.Visible {
			w.roots = []int32{id}
		}
		return
	}
	for _, id := range w.layer.of[w.q.Root.Key()] {
		switch {
		case !w.touched(id):
		case len(w.roots) == w.q.Limit:
			w.cut = true
		default:
			ref := w.layer.refs[id]
			w.nodes[ref.Key()], w.roots = &Node{Ref: ref, Visibility: visibility}, append(w.roots, id)
		}
	}
}

// touched says whether a node has an edge to anything that is not hidden.
func (w *walker) touched(id int32) bool {
	for _, sign := range []int{1, -1} {
		for _, i := range w.neighbours(id, sign) {
			if w.see(w.layer.refs[w.far(i, sign)]) != graph.Hidden {
				return true
			}
		}
	}
	return false
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

// spread goes breadth first in one direction, +1 down or -1 up, until Depth is
// reached or there are limit nodes.
func (w *walker) spread(sign, limit int) {
	seen, front := map[int32]bool{}, w.roots
	for _, id := range front {
		seen[id] = true
	}
	for depth := 1; depth <= w.q.Depth && len(front) > 0; depth++ {
		var next []int32
		for _, n := range front {
			for _, i := range w.neighbours(n, sign) {
				far := w.far(i, sign)
				if seen[far] || !w.place(far, sign*depth, limit) {
					continue
				}
				seen[far] = true
				next = append(next, far)
			}
		}
		front = next
	}
}

// place makes a node present, and says whether it is to be walked through.
func (w *walker) place(id int32, distance, limit int) bool {
	ref, visibility, ok := w.shown(w.layer.refs[id])
	if !ok {
		return false
	}
	if _, present := w.nodes[ref.Key()]; !present {
		if len(w.nodes) >= limit {
			return false
		}
		w.nodes[ref.Key()] = &Node{Ref: ref, Visibility: visibility, Distance: distance}
	}
	return visibility == graph.Visible
}

func (w *walker) neighbours(n int32, sign int) []int32 {
	if sign > 0 {
		return w.layer.down[w.layer.downFirst[n]:w.layer.downFirst[n+1]]
	}
	return w.layer.up[w.layer.upFirst[n]:w.layer.upFirst[n+1]]
}

func (w *walker) far(edge int32, sign int) int32 {
	if sign > 0 {
		return w.layer.to[edge]
	}
	return w.layer.from[edge]
}

func (w *walker) result(gaps map[string]graph.Outcome) Result {
	edges := map[string]graph.Edge{}
	for _, n := range w.nodes {
		w.survey(n, edges)
	}
	r := Result{Complete: true}
	for _, n := range w.nodes {
		r.Nodes = append(r.Nodes, *n)
	}
	slices.SortFunc(r.Nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(abs(a.Distance), abs(b.Distance)), graph.CompareRefs(a.Ref, b.Ref))
	})
	for _, e := range edges {
		r.Edges = append(r.Edges, e)
	}
	slices.SortFunc(r.Edges, func(a, b graph.Edge) int { return graph.CompareItems(a, b) })
	if w.cut {
		r.Complete = false
		r.Reasons = append(r.Reasons, fmt.Sprintf("only %d are shown; narrow the question or raise the limit", len(r.Nodes)))
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

// survey takes the edges of a node to others that are here, and counts the
// neighbours that are not.
func (w *walker) survey(n *Node, edges map[string]graph.Edge) {
	id, ok := w.layer.id[n.Ref.Key()]
	if !ok || n.Visibility != graph.Visible {
		return
	}
	missing := map[string]bool{}
	for _, sign := range []int{1, -1} {
		for _, i := range w.neighbours(id, sign) {
			ref, visibility, ok := w.shown(w.layer.refs[w.far(i, sign)])
			if !ok {
				continue
			}
			if _, present := w.nodes[ref.Key()]; present {
				keep(edges, w.layer.edges[i], ref, visibility, sign)
			} else if w.asked(n, sign) {
				missing[ref.Key()] = true
			}
		}
	}
	n.More = len(missing)
	w.cut = w.cut || (n.More > 0 && abs(n.Distance) < w.q.Depth)
}

// asked says whether neighbours of a node in a direction belong to the answer.
func (w *walker) asked(n *Node, sign int) bool {
	if n.Distance == 0 {
		return w.q.Direction == Both || (sign > 0) == (w.q.Direction == Down)
	}
	return (n.Distance > 0) == (sign > 0)
}

// keep records an edge with its far end as it is shown. What is done on the
// way is told only to those who may read both ends; of several edges to one
// stub the one that is known least stays.
func keep(edges map[string]graph.Edge, e graph.Edge, far graph.Ref, visibility graph.Visibility, sign int) {
	if visibility != graph.Visible {
		e = graph.Edge{From: e.From, To: e.To, Kind: graph.EdgeReads, Outcome: e.Outcome, Because: e.Because}
		if sign > 0 {
			e.To = far
		} else {
			e.From = far
		}
		if was, ok := edges[e.Key()]; ok && !worse(e, was) {
			return
		}
	}
	edges[e.Key()] = e
}

func abs(n int) int { return max(n, -n) }
