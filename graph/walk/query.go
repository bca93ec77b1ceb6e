package walk

import (
	"cmp"
	"fmt"

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
	l := &g.assets
	if q.Root.IsColumn() || q.Columns {
		l = &g.columns
	}
	w := newWalker(q, l)
	defer w.end()
	if !w.begin() {
		return Result{Complete: true}
	}
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

// result sorts and shows what was found.
func (w *walker) result(gaps map[string]graph.Outcome) Result {
	w.sort()
	r := Result{Complete: true, Nodes: make([]Node, 0, len(w.found))}
	for _, f := range w.found {
		more := w.survey(f)
		w.cut = w.cut || (more > 0 && abs(f.distance) < w.q.Depth)
		r.Nodes = append(r.Nodes, Node{Ref: w.ref(f.id), Visibility: w.visibilityOf(f.id), Distance: f.distance, More: more})
	}
	r.Edges = w.edges()
	if w.cut {
		r.Complete = false
		r.Reasons = append(r.Reasons, fmt.Sprintf("only %d are shown; narrow the question or raise the limit", len(r.Nodes)))
	}
	told := map[graph.Ref]bool{}
	for _, n := range r.Nodes {
		asset := n.Ref.Asset()
		if told[asset] || n.Visibility != graph.Visible {
			continue
		}
		told[asset] = true
		if outcome, ok := gaps[asset.Key()]; ok {
			r.Complete = false
			r.Reasons = append(r.Reasons, fmt.Sprintf("the lineage of the SQL that makes %s is %s", asset.Name, outcome))
		}
	}
	return r
}

func abs(n int) int { return max(n, -n) }
