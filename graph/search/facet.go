package search

import (
	"cmp"
	"slices"

	"cadastre.dev/cadastre/graph"
)

// Facet counts the values of one attribute over all hits. It shows the most
// frequent of them, at most twenty, and how many others there are.
type Facet struct {
	Attribute string
	Values    []FacetValue
	// More is how many values are not shown.
	More int
}

// FacetValue is how many hits have a value.
type FacetValue struct {
	Value string
	Count int
}

// tally counts documents by the numbers of their values and lists, for each
// attribute.
type tally struct{ kinds, sources, parents, owners, labels []int32 }

// fit makes room for the numbers that are there by now.
func (t *tally) fit(c *columnar) {
	fit(&t.kinds, len(c.kinds.values.all))
	fit(&t.sources, len(c.sources.values.all))
	fit(&t.parents, len(c.parents.values.all))
	fit(&t.owners, len(c.owners.values.all))
	fit(&t.labels, len(c.labels.values.all))
}

func fit(counts *[]int32, size int) {
	if more := size - len(*counts); more > 0 {
		*counts = append(*counts, make([]int32, more)...)
	}
}

func (t *tally) clone() tally {
	return tally{slices.Clone(t.kinds), slices.Clone(t.sources), slices.Clone(t.parents), slices.Clone(t.owners), slices.Clone(t.labels)}
}

// add counts a document by; of one that is only discoverable kind and owners
// alone are known.
func (t *tally) add(c *columnar, slot uint32, v graph.Visibility, by int32) {
	t.kinds[c.kinds.of[slot]] += by
	t.owners[c.owners.of[slot]] += by
	if v == graph.Visible {
		t.sources[c.sources.of[slot]] += by
		t.parents[c.parents.of[slot]] += by
		t.labels[c.labels.of[slot]] += by
	}
}

// facets counts the documents that a query found, each attribute in the order
// in which it is shown. Where they are most of what the filter shows, what
// they are not is counted and taken off.
func (s *searching) facets() []Facet {
	c := &s.index.columns
	t := tally{}
	by := int32(1)
	if 2*s.some.count() > s.known.count() {
		t, by = s.view.all.clone(), -1
		for i, word := range s.known {
			s.some[i] ^= word
		}
	}
	t.fit(c)
	visible, discoverable := s.found[0], s.found[1]
	for i, word := range s.some {
		visible[i], discoverable[i] = word&s.view.visible[i], word&s.view.discoverable[i]
	}
	visible.each(func(slot uint32) { t.add(c, slot, graph.Visible, by) })
	discoverable.each(func(slot uint32) { t.add(c, slot, graph.Discoverable, by) })
	t.parents[c.orphan] = 0
	return []Facet{
		newFacet("kind", c.kinds.values.all, t.kinds), newFacet("source", c.sources.values.all, t.sources),
		newFacet("parent", c.parents.values.all, t.parents), newFacet("owner", c.owner.all, countEach(c.owners.values.all, t.owners, len(c.owner.all))),
		newFacet("label", c.label.all, countEach(c.labels.values.all, t.labels, len(c.label.all))),
	}
}

// countEach counts what stands in lists, from how often each list occurs. What
// stands twice in one counts once.
func countEach(lists [][]uint32, counts []int32, values int) []int32 {
	out := make([]int32, values)
	for id, n := range counts {
		if n == 0 {
			continue
		}
		for i, v := range lists[id] {
			if !slices.Contains(lists[id][:i], v) {
				out[v] += n
			}
		}
	}
	return out
}

// newFacet shows the values with the highest counts, equals by the alphabet.
func newFacet(attribute string, values []string, counts []int32) Facet {
	f := Facet{Attribute: attribute}
	var best []FacetValue
	better := func(a, b FacetValue) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	}
	for id, n := range counts {
		if n == 0 {
			continue
		}
		f.More++
		v := FacetValue{values[id], int(n)}
		if len(best) == maxFacetValues && better(v, best[maxFacetValues-1]) > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, v, better)
		best = slices.Insert(best[:min(len(best), maxFacetValues-1)], min(at, maxFacetValues-1), v)
	}
	f.Values = best
	f.More -= len(best)
	return f
}
