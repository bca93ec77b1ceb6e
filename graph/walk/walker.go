package walk

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// walker is one query on its way through a layer. What is found goes by
// number: a node that is visible by its own, one that is only discoverable by
// that of its stub, which stands behind the numbers of all nodes.
type walker struct {
	q     Query
	layer *layer
	notes *notes
	found []found
	// root is the number of a root with edges, else noNode; roots are those
	// that are walked from.
	root  int32
	roots []int32
	// joins are the edges between visible nodes, stubs those to stubs by key.
	joins []int32
	stubs map[string]graph.Edge
	cut   bool
}

// found is a node or stub at a distance, negative upwards.
type found struct {
	id       int32
	distance int
}

// noNode stands for a root that no edge touches.
const noNode int32 = -1

func newWalker(q Query, l *layer) *walker {
	w := &walker{q: q, layer: l, notes: l.notes.Get().(*notes), root: noNode, stubs: map[string]graph.Edge{}}
	w.notes.begin()
	return w
}

// end gives the notes back; nothing of the walker may be used afterwards.
func (w *walker) end() { w.layer.notes.Put(w.notes) }

// begin puts the roots in their place, and says whether there may be any.
func (w *walker) begin() bool {
	visibility := w.ask(w.q.Root)
	switch {
	case visibility == graph.Hidden:
		return false
	case visibility == graph.Discoverable:
		w.q.Root = w.q.Root.Asset()
		w.found = []found{{id: noNode}}
		return true
	case !w.q.Columns || w.q.Root.IsColumn():
		if id, ok := w.layer.id[w.q.Root.Key()]; ok {
			w.root = id
			w.roots = []int32{id}
			w.place(id, 0, w.q.Limit)
		} else {
			w.found = []found{{id: noNode}}
		}
		return true
	}
	for _, id := range w.layer.of[w.q.Root.Key()] {
		switch {
		case !w.touched(id):
		case len(w.roots) == w.q.Limit:
			w.cut = true
		default:
			w.roots = append(w.roots, id)
			w.place(id, 0, w.q.Limit)
		}
	}
	return true
}

// touched says whether a node has an edge to anything that is not hidden.
func (w *walker) touched(id int32) bool {
	for _, sign := range []int{1, -1} {
		for _, i := range w.neighbours(id, sign) {
			if w.see(w.far(i, sign)) != graph.Hidden {
				return true
			}
		}
	}
	return false
}

// ask asks for the visibility of a ref.
func (w *walker) ask(r graph.Ref) graph.Visibility {
	if w.q.Visibility == nil {
		return graph.Hidden
	}
	return w.q.Visibility(r.Asset())
}

// see returns the visibility of a node, and asks for that of an asset once.
func (w *walker) see(id int32) graph.Visibility {
	asset := w.layer.asset[id]
	v, known := w.notes.visibility(asset)
	if !known {
		v = w.ask(w.layer.assets[asset])
		w.notes.saw(asset, v)
	}
	return v
}

// shown returns the number under which a node is shown, and false where it is
// hidden.
func (w *walker) shown(id int32) (int32, graph.Visibility, bool) {
	v := w.see(id)
	switch v {
	case graph.Visible:
		return id, v, true
	case graph.Discoverable:
		return int32(len(w.layer.refs)) + w.layer.asset[id], v, true
	case graph.Hidden:
	}
	return noNode, graph.Hidden, false
}

func (w *walker) isStub(id int32) bool { return int(id) >= len(w.layer.refs) }

// ref returns what a number stands for. The root keeps the spelling of the
// question.
func (w *walker) ref(id int32) graph.Ref {
	switch {
	case id == noNode || id == w.root:
		return w.q.Root
	case w.isStub(id):
		return w.layer.assets[int(id)-len(w.layer.refs)]
	}
	return w.layer.refs[id]
}

func (w *walker) visibilityOf(id int32) graph.Visibility {
	switch {
	case id == noNode:
		return w.ask(w.q.Root)
	case w.isStub(id):
		return graph.Discoverable
	}
	return graph.Visible
}

// spread goes breadth first in one direction, +1 down or -1 up, until Depth is
// reached or there are limit nodes.
func (w *walker) spread(sign, limit int) {
	w.notes.spread()
	front := w.roots
	for _, id := range front {
		w.notes.walk(id)
	}
	for depth := 1; depth <= w.q.Depth && len(front) > 0; depth++ {
		var next []int32
		for _, n := range front {
			for _, i := range w.neighbours(n, sign) {
				far := w.far(i, sign)
				if w.notes.walked(far) || !w.place(far, sign*depth, limit) {
					continue
				}
				w.notes.walk(far)
				next = append(next, far)
			}
		}
		front = next
	}
}

// place makes a node present, and says whether it is to be walked through.
func (w *walker) place(id int32, distance, limit int) bool {
	id, visibility, ok := w.shown(id)
	if !ok {
		return false
	}
	if !w.notes.present(id) {
		if len(w.found) >= limit {
			return false
		}
		w.notes.place(id)
		w.found = append(w.found, found{id, distance})
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

// sort orders what was found by distance and ref.
func (w *walker) sort() {
	slices.SortFunc(w.found, func(a, b found) int {
		if c := cmp.Compare(abs(a.distance), abs(b.distance)); c != 0 {
			return c
		}
		if w.isStub(a.id) || w.isStub(b.id) {
			return graph.CompareRefs(w.ref(a.id), w.ref(b.id))
		}
		return cmp.Compare(a.id, b.id)
	})
}

// survey takes the edges of a node to others that are here, and counts the
// neighbours that are not.
func (w *walker) survey(f found) int {
	if f.id == noNode || w.isStub(f.id) {
		return 0
	}
	var missing []int32
	for _, sign := range []int{1, -1} {
		for _, i := range w.neighbours(f.id, sign) {
			id, _, ok := w.shown(w.far(i, sign))
			switch {
			case !ok:
			case !w.notes.present(id):
				if w.asked(f, sign) {
					missing = append(missing, id)
				}
			case w.isStub(id):
				w.keepStub(w.layer.edges[i], w.ref(id), sign)
			case sign > 0:
				// Of an edge between two that are visible, each end sees it;
				// it is taken from above.
				w.joins = append(w.joins, i)
			}
		}
	}
	slices.Sort(missing)
	return len(slices.Compact(missing))
}

// asked says whether neighbours of a node in a direction belong to the answer.
func (w *walker) asked(f found, sign int) bool {
	if f.distance == 0 {
		return w.q.Direction == Both || (sign > 0) == (w.q.Direction == Down)
	}
	return (f.distance > 0) == (sign > 0)
}

// keepStub records an edge whose far end is a stub. What is done on the way is
// told only to those who may read both ends; of several edges to one stub the
// one that is known least stays.
func (w *walker) keepStub(e graph.Edge, far graph.Ref, sign int) {
	e = graph.Edge{From: e.From, To: e.To, Kind: graph.EdgeReads, Outcome: e.Outcome, Because: e.Because}
	if sign > 0 {
		e.To = far
	} else {
		e.From = far
	}
	key := e.Key()
	if was, ok := w.stubs[key]; !ok || worse(e, was) {
		w.stubs[key] = e
	}
}

// edges returns the edges by their keys. Those between visible nodes are
// sorted by number; those to stubs are put in between.
func (w *walker) edges() []graph.Edge {
	slices.Sort(w.joins)
	out := slices.Grow([]graph.Edge(nil), len(w.joins)+len(w.stubs))
	take := func(n int) {
		for _, i := range w.joins[:n] {
			out = append(out, w.layer.edges[i])
		}
		w.joins = w.joins[n:]
	}
	for _, key := range slices.Sorted(maps.Keys(w.stubs)) {
		n, _ := slices.BinarySearchFunc(w.joins, key, func(i int32, key string) int {
			return strings.Compare(w.layer.edges[i].Key(), key)
		})
		take(n)
		out = append(out, w.stubs[key])
	}
	take(len(w.joins))
	return out
}
