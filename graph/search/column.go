package search

import (
	"encoding/binary"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// interned numbers values by a text that tells them apart. A number is never
// taken back: what many documents share is little, and a start numbers anew.
type interned[T any] struct {
	ids map[string]uint32
	all []T
}

// id returns the number of a value, which is made where it is not known.
func (n *interned[T]) id(key string, value func() T) uint32 {
	id, ok := n.ids[key]
	if !ok {
		if n.ids == nil {
			n.ids = map[string]uint32{}
		}
		id = uint32(len(n.all))
		n.ids[strings.Clone(key)] = id
		n.all = append(n.all, value())
	}
	return id
}

// columnar holds what documents are counted and narrowed by, an array of
// numbers for each attribute: going through all documents then reads memory in
// order. Those of owners and labels number the whole list of a document.
type columnar struct {
	kinds, sources, parents column[string]
	owners, labels          column[[]uint32]
	// owner and label number what stands in the lists, parent the refs.
	owner, label interned[string]
	parent       interned[graph.Ref]
	// orphan is the number of the parent of what has none.
	orphan uint32
}

type column[T any] struct {
	values interned[T]
	of     []uint32
}

func newColumnar() columnar {
	var c columnar
	c.orphan = c.parentID(graph.Ref{})
	return c
}

// parentID numbers a container under its text, as filters name it.
func (c *columnar) parentID(ref graph.Ref) uint32 {
	text := ref.String()
	c.parent.id(text, func() graph.Ref { return clone(ref) })
	return c.parents.values.id(text, func() string { return strings.Clone(text) })
}

func clone(r graph.Ref) graph.Ref {
	return graph.Ref{Namespace: strings.Clone(r.Namespace), Name: strings.Clone(r.Name), Path: strings.Clone(r.Path)}
}

func (c *columnar) grow() {
	for _, of := range []*[]uint32{&c.kinds.of, &c.sources.of, &c.parents.of, &c.owners.of, &c.labels.of} {
		*of = append(*of, 0)
	}
}

func (c *columnar) put(slot uint32, d Doc) {
	one := func(in *column[string], value string) {
		in.of[slot] = in.values.id(value, func() string { return strings.Clone(value) })
	}
	one(&c.kinds, string(d.Asset.Kind))
	one(&c.sources, d.Asset.Source)
	c.parents.of[slot] = c.parentID(d.Asset.Parent)
	putList(&c.owners, slot, d.Owners, &c.owner)
	putList(&c.labels, slot, d.Labels, &c.label)
}

// putList numbers a list by the numbers of what stands in it.
func putList(c *column[[]uint32], slot uint32, values []string, of *interned[string]) {
	var (
		key  []byte
		list []uint32
	)
	for _, v := range values {
		id := of.id(v, func() string { return strings.Clone(v) })
		list = append(list, id)
		key = binary.AppendUvarint(key, uint64(id))
	}
	c.of[slot] = c.values.id(string(key), func() []uint32 { return list })
}

func (c *columnar) ownersOf(slot uint32) []string {
	var out []string
	for _, id := range c.owners.values.all[c.owners.of[slot]] {
		out = append(out, c.owner.all[id])
	}
	return out
}

// assetOf returns what of a document's asset is kept beside its ref.
func (c *columnar) assetOf(slot uint32, ref graph.Ref) graph.Asset {
	parent := c.parents.values.all[c.parents.of[slot]]
	return graph.Asset{
		Ref: ref, Kind: graph.Kind(c.kinds.values.all[c.kinds.of[slot]]), Source: c.sources.values.all[c.sources.of[slot]],
		Parent: c.parent.all[c.parent.ids[parent]],
	}
}

// wanted says of each number whether its value is one of those.
type wanted []bool

// wantOne marks the values among some.
func wantOne(values *interned[string], some []string) wanted {
	w := make(wanted, len(values.all))
	for _, v := range some {
		if id, ok := values.ids[v]; ok {
			w[id] = true
		}
	}
	return w
}

// wantAny marks the lists that have a value among some.
func wantAny(lists *interned[[]uint32], values *interned[string], some []string) wanted {
	one := wantOne(values, some)
	w := make(wanted, len(lists.all))
	for id, list := range lists.all {
		w[id] = slices.ContainsFunc(list, func(v uint32) bool { return one[v] })
	}
	return w
}

// keep leaves those slots in a bitmap whose number is wanted.
func (b bitmap) keep(of []uint32, w wanted) {
	b.each(func(slot uint32) {
		if !w[of[slot]] {
			b.drop(slot)
		}
	})
}
