package search

import (
	"strconv"
	"strings"
	"sync"

	"cadastre.dev/cadastre/graph"
)

// view is what one filter shows of the index: the slots of the documents that
// are visible, and of those that are only discoverable.
type view struct {
	filter                graph.Filter
	visible, discoverable bitmap
	// all counts them.
	all tally
}

// views keeps the views of the filters that were used last, and brings them
// along with every change: judging all documents is the work of a first query.
type views struct {
	mu   sync.Mutex
	last []keyedView
}

type keyedView struct {
	key string
	*view
}

// How many views are kept: people differ by what they own, so that each has a
// filter of their own. Every change is judged by all of them, and together they
// may take so many bytes, each of a million documents about 400,000.
const (
	minViews  = 32
	maxViews  = 256
	viewBytes = 64 << 20
)

func (x *Index) maxViews() int {
	c := &x.columns
	one := 16*len(x.live) + 4*(len(c.owners.values.all)+len(c.labels.values.all)+len(c.parents.values.all)) + 1
	return max(minViews, min(maxViews, viewBytes/one))
}

// view returns what a filter shows. The lock of the index is held for reading,
// so that nothing changes meanwhile.
func (x *Index) view(f graph.Filter) *view {
	key := keyOf(f)
	x.views.mu.Lock()
	defer x.views.mu.Unlock()
	all := x.views.last
	for i, v := range all {
		if v.key == key {
			copy(all[1:i+1], all[:i])
			all[0] = v
			return v.view
		}
	}
	v := x.newView(f)
	if all = all[:min(len(all), x.maxViews())]; len(all) < x.maxViews() {
		all = append(all, keyedView{})
	}
	copy(all[1:], all)
	all[0] = keyedView{key, v}
	x.views.last = all
	return v
}

// keyOf tells filters apart, by every value of theirs.
func keyOf(f graph.Filter) string {
	var b strings.Builder
	put := func(s string) {
		b.WriteString(strconv.Itoa(len(s)))
		b.WriteByte(':')
		b.WriteString(s)
	}
	for _, clauses := range [][]graph.Clause{f.Visible, f.Discoverable} {
		for _, c := range clauses {
			for _, condition := range c {
				put(string(condition.Attribute))
				for _, value := range condition.In {
					put(value)
				}
				b.WriteByte(';')
			}
			b.WriteByte('|')
		}
		b.WriteByte('/')
	}
	return b.String()
}

func (v *views) put(c *columnar, slot uint32, d Doc) {
	for _, one := range v.last {
		one.put(c, slot, one.filter.Of(d.Asset, d.Owners))
	}
}

func (v *view) put(c *columnar, slot uint32, how graph.Visibility) {
	switch how {
	case graph.Visible:
		v.visible.add(slot)
	case graph.Discoverable:
		v.discoverable.add(slot)
	case graph.Hidden:
		return
	}
	v.all.fit(c)
	v.all.add(c, slot, how, 1)
}

func (v *views) drop(c *columnar, slot uint32) {
	for _, one := range v.last {
		switch {
		case one.visible.has(slot):
			one.visible.drop(slot)
			one.all.add(c, slot, graph.Visible, -1)
		case one.discoverable.has(slot):
			one.discoverable.drop(slot)
			one.all.add(c, slot, graph.Discoverable, -1)
		}
	}
}

func (v *views) grow() {
	for _, one := range v.last {
		one.visible, one.discoverable = append(one.visible, 0), append(one.discoverable, 0)
	}
}

// newView judges all documents as the filter would one by one, but by their
// numbers: a condition names few values, and many documents share them.
func (x *Index) newView(f graph.Filter) *view {
	v := &view{filter: f, visible: x.satisfying(f.Visible), discoverable: x.satisfying(f.Discoverable)}
	for i, word := range v.visible {
		v.discoverable[i] &^= word
	}
	v.all.fit(&x.columns)
	v.visible.each(func(slot uint32) { v.all.add(&x.columns, slot, graph.Visible, 1) })
	v.discoverable.each(func(slot uint32) { v.all.add(&x.columns, slot, graph.Discoverable, 1) })
	return v
}

// satisfying returns the documents for which any of the clauses holds.
func (x *Index) satisfying(clauses []graph.Clause) bitmap {
	out := make(bitmap, len(x.live))
	some := make(bitmap, len(x.live))
	for _, c := range clauses {
		copy(some, x.live)
		for _, condition := range c {
			x.satisfy(some, condition)
		}
		for i, word := range some {
			out[i] |= word
		}
	}
	return out
}

// satisfy leaves those documents for which the condition holds.
func (x *Index) satisfy(some bitmap, c graph.Condition) {
	switch c.Attribute {
	case graph.AttributeKind:
		some.keep(x.columns.kinds.of, wantOne(&x.columns.kinds.values, c.In))
	case graph.AttributeSource:
		some.keep(x.columns.sources.of, wantOne(&x.columns.sources.values, c.In))
	case graph.AttributeParent:
		some.keep(x.columns.parents.of, wantOne(&x.columns.parents.values, c.In))
	case graph.AttributeOwner:
		some.keep(x.columns.owners.of, wantAny(&x.columns.owners.values, &x.columns.owner, c.In))
	case graph.AttributeNamespace:
		in := map[string]bool{}
		for _, namespace := range c.In {
			in[namespace] = true
		}
		some.each(func(slot uint32) {
			if !in[x.places.all[x.entries[slot].place].namespace] {
				some.drop(slot)
			}
		})
	case graph.AttributeRef:
		named := make(bitmap, len(some))
		for _, text := range c.In {
			if ref, err := graph.ParseRef(text); err == nil {
				if slot, ok := x.slotOf(ref); ok && some.has(slot) {
					named.add(slot)
				}
			}
		}
		copy(some, named)
	default:
		// The filter itself says of any other what it says of the little
		// that is kept of an asset.
		f := graph.Filter{Visible: []graph.Clause{{c}}}
		some.each(func(slot uint32) {
			if f.Of(x.columns.assetOf(slot, x.ref(slot)), x.columns.ownersOf(slot)) != graph.Visible {
				some.drop(slot)
			}
		})
	}
}
