package search

import (
	"cmp"
	"slices"

	"cadastre.dev/cadastre/graph"
)

// Facet counts the values of one attribute, at most twenty.
type Facet struct {
	Attribute string
	Values    []FacetValue
}

// FacetValue is how many hits have a value.
type FacetValue struct {
	Value string
	Count int
}

// The attributes in the order in which they are shown. Those before
// firstClosed are known of an asset that is only discoverable.
const (
	facetKind = iota
	facetOwner
	facetSource
	facetParent
	facetLabel
	facetAttributes

	firstClosed = facetSource
)

// facetNames are the attributes by number, facetOrder is how they are shown.
var (
	facetNames = [facetAttributes]string{"kind", "owner", "source", "parent", "label"}
	facetOrder = [facetAttributes]int{facetKind, facetSource, facetParent, facetOwner, facetLabel}
)

// facetValues numbers the values of each attribute, so that counting is
// adding. A number is never taken back: there are few values.
type facetValues struct {
	ids    map[facetValue]uint32
	values []facetValue
}

type facetValue struct {
	attribute int
	value     string
}

// counted are the numbers of a document's values; the first open of them are
// known of an asset that is only discoverable.
type counted struct {
	ids  []uint32
	open int
}

// of returns what a document counts for.
func (f *facetValues) of(d Doc) counted {
	var c counted
	add := func(attribute int, values ...string) {
		for _, value := range values {
			if id := f.id(facetValue{attribute, value}); !slices.Contains(c.ids, id) {
				c.ids = append(c.ids, id)
			}
		}
		if attribute < firstClosed {
			c.open = len(c.ids)
		}
	}
	add(facetKind, string(d.Asset.Kind))
	add(facetOwner, d.Owners...)
	add(facetSource, d.Asset.Source)
	if !d.Asset.Parent.IsZero() {
		add(facetParent, d.Asset.Parent.String())
	}
	add(facetLabel, d.Labels...)
	return c
}

func (f *facetValues) id(v facetValue) uint32 {
	id, ok := f.ids[v]
	if !ok {
		id = uint32(len(f.values))
		f.ids[v] = id
		f.values = append(f.values, v)
	}
	return id
}

// tally counts values over matches.
type tally []int

func (f *facetValues) tally() tally { return make(tally, len(f.values)) }

func (t tally) add(c counted, v graph.Visibility) {
	ids := c.ids
	if v != graph.Visible {
		ids = ids[:c.open]
	}
	for _, id := range ids {
		t[id]++
	}
}

// facets returns the most frequent values of each attribute.
func (f *facetValues) facets(t tally) []Facet {
	var by [facetAttributes][]FacetValue
	for id, count := range t {
		if count > 0 {
			v := f.values[id]
			by[v.attribute] = append(by[v.attribute], FacetValue{v.value, count})
		}
	}
	out := make([]Facet, 0, facetAttributes)
	for _, attribute := range facetOrder {
		values := by[attribute]
		slices.SortFunc(values, func(a, b FacetValue) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
		})
		out = append(out, Facet{facetNames[attribute], values[:min(len(values), maxFacetValues)]})
	}
	return out
}
