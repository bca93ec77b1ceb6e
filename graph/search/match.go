package search

import (
	"slices"

	"cadastre.dev/cadastre/graph"
)

// term is a word of a query. It is near where nothing that the principal may
// know of begins with it, so that it stands for the words one edit away.
type term struct {
	text string
	near bool
}

// searching is one query on its way through the index. It works on sets of all
// documents at once, one bit each: no document is looked at but those of the
// page.
type searching struct {
	index *Index
	query Query
	view  *view
	terms []term
	*buffers
}

// buffers are the sets that a query works on; they are used again.
type buffers struct {
	// found is where one word of the query stands.
	found found
	// stages hold the documents that have all words so far, each at least in
	// the stage: exact name, name, structure, description.
	stages [stages]bitmap
	// known are the documents that are not hidden.
	known, some bitmap
}

func (x *Index) newSearching(q Query, texts []string, filter graph.Filter) *searching {
	s := &searching{index: x, query: q, view: x.view(filter)}
	for _, text := range texts {
		s.terms = append(s.terms, term{text: text})
	}
	s.buffers, _ = x.buffers.Get().(*buffers)
	if s.buffers == nil {
		s.buffers = &buffers{}
	}
	for _, b := range s.all() {
		*b = slices.Grow((*b)[:0], len(x.live))[:len(x.live)]
	}
	for i, word := range s.view.visible {
		s.known[i] = word | s.view.discoverable[i]
	}
	return s
}

func (b *buffers) all() []*bitmap {
	all := []*bitmap{&b.known, &b.some}
	for i := range b.found {
		all = append(all, &b.found[i])
	}
	for i := range b.stages {
		all = append(all, &b.stages[i])
	}
	return all
}

// match fills the stages. Without words all documents are in the second.
func (s *searching) match() {
	for _, b := range s.stages[stageName:] {
		copy(b, s.known)
	}
	clear(s.stages[stageExact])
	for i := range s.terms {
		s.expand(&s.terms[i])
		s.intersect()
	}
	s.narrow(s.stages[stageDescription])
	last := s.stages[stageDescription]
	for _, b := range s.stages[stageName:stageDescription] {
		for i, word := range last {
			b[i] &= word
		}
	}
	if len(s.terms) > 0 {
		s.exact()
	}
	s.apart()
}

// expand finds the words of the index that a word of the query stands for, and
// sets whether it is near. Whether it is follows from what the principal may
// know of alone: a word of a hidden asset is none.
func (s *searching) expand(t *term) {
	add := func(id uint32) { s.index.terms[id].into(&s.found) }
	s.found.clear()
	s.index.words.beginning(t.text, add)
	if canBeNear(t.text) && !s.knowsFound() {
		t.near = true
		s.found.clear()
		s.index.words.near(t.text, add)
	}
}

func (f *found) clear() {
	for _, b := range f {
		clear(b)
	}
}

// knowsFound says whether what was found stands anywhere where the principal
// may know of it.
func (s *searching) knowsFound() bool {
	name, container, column, description := s.fields()
	for i, known := range s.known {
		if (name[i]|container[i])&known|(column[i]|description[i])&s.view.visible[i] != 0 {
			return true
		}
	}
	return false
}

func (s *searching) fields() (name, container, column, description bitmap) {
	return s.found[0], s.found[1], s.found[2], s.found[3]
}

// intersect leaves in each stage the documents that have the found word too.
// A document is in the stage of the word that stands worst in it. Of one that
// is only discoverable, name and containers are known, as its ref tells them.
func (s *searching) intersect() {
	names, structures, descriptions := s.stages[stageName], s.stages[stageStructure], s.stages[stageDescription]
	name, container, column, description := s.fields()
	visible := s.view.visible
	for i, known := range s.known {
		in := name[i] & known
		names[i] &= in
		in |= container[i]&known | column[i]&visible[i]
		structures[i] &= in
		descriptions[i] &= in | description[i]&visible[i]
	}
}

// narrow leaves the documents that pass the query's own filter. Of one that is
// only discoverable, kind and owners alone can be asked.
func (s *searching) narrow(b bitmap) {
	q, c := &s.query, &s.index.columns
	if len(q.Sources)+len(q.Parents)+len(q.Labels) > 0 {
		for i, word := range s.view.visible {
			b[i] &= word
		}
	}
	if len(q.Kinds) > 0 {
		b.keep(c.kinds.of, wantOne(&c.kinds.values, q.Kinds))
	}
	if len(q.Sources) > 0 {
		b.keep(c.sources.of, wantOne(&c.sources.values, q.Sources))
	}
	if len(q.Parents) > 0 {
		var parents []string
		for _, ref := range q.Parents {
			parents = append(parents, ref.String())
		}
		b.keep(c.parents.of, wantOne(&c.parents.values, parents))
	}
	if len(q.Owners) > 0 {
		b.keep(c.owners.of, wantAny(&c.owners.values, &c.owner, q.Owners))
	}
	if len(q.Labels) > 0 {
		b.keep(c.labels.of, wantAny(&c.labels.values, &c.label, q.Labels))
	}
}

// exact finds the documents whose name, or whole name, has the words of the
// query and no others, in their order.
func (s *searching) exact() {
	x := s.index
	names, wholes := s.some, s.stages[stageExact]
	clear(names)
	x.bySize[len(s.terms)].into(names)
	x.byFullSize[len(s.terms)].into(wholes)
	for i, word := range s.stages[stageDescription] {
		names[i] &= word
		wholes[i] &= word
	}
	for _, t := range s.terms {
		s.found.clear()
		if id, ok := x.words.forward.id(t.text); ok {
			x.terms[id].into(&s.found)
		}
		name, container, _, _ := s.fields()
		for i, in := range name {
			names[i] &= in
			wholes[i] &= in | container[i]
		}
	}
	wholes.each(func(slot uint32) {
		if !s.spells(x.ref(slot).Name) {
			wholes.drop(slot)
		}
	})
	names.each(func(slot uint32) {
		if len(s.terms) == 1 || s.spells(x.entries[slot].base) {
			wholes.add(slot)
		}
	})
}

func (s *searching) spells(name string) bool {
	return slices.EqualFunc(words(name), s.terms, func(word string, t term) bool { return word == t.text })
}

// apart leaves each document in its best stage alone, and all that match in
// some.
func (s *searching) apart() {
	copy(s.some, s.stages[stageDescription])
	for at := stageDescription; at > stageExact; at-- {
		better, exact := s.stages[at-1], s.stages[stageExact]
		for i := range s.stages[at] {
			s.stages[at][i] &^= better[i] | exact[i]
		}
	}
}

// page returns the best hits behind a cursor, as many as asked for and one
// more.
func (s *searching) page(size int, after *rank) []match {
	var out []match
	for at := range stages {
		if after != nil && at < after.Stage {
			continue
		}
		behind := after
		if after != nil && at > after.Stage {
			behind = nil
		}
		// Usage has no part in the order of what is only discoverable, so
		// that those are found apart.
		visible := s.best(at, graph.Visible, behind, size-len(out))
		discoverable := s.best(at, graph.Discoverable, behind, size-len(out))
		both := slices.Concat(visible, discoverable)
		slices.SortFunc(both, func(a, b match) int { return a.rank.compare(b.rank) })
		if out = append(out, both[:min(len(both), size-len(out))]...); len(out) == size {
			break
		}
	}
	return out
}

// match is a document that a query found.
type match struct {
	slot       uint32
	visibility graph.Visibility
	rank       rank
}

// fewMatches is how many documents are compared with each other rather than
// looked for in the order of all.
const fewMatches = 512

// best returns the best documents of one stage and visibility, in order.
func (s *searching) best(at stage, v graph.Visibility, after *rank, size int) []match {
	shown, order := s.view.visible, &s.index.ranked
	if v != graph.Visible {
		shown = s.view.discoverable
	}
	if v != graph.Visible || !s.index.used {
		order = &s.index.plain
	}
	b := s.found[0]
	for i, word := range s.stages[at] {
		b[i] = word & shown[i]
	}
	behind := func(slot uint32) bool { return after == nil || s.index.compare(slot, v, *after) > 0 }
	var slots []uint32
	if n := b.count(); n == 0 {
		return nil
	} else if n <= fewMatches {
		b.each(func(slot uint32) {
			if behind(slot) {
				slots = append(slots, slot)
			}
		})
	} else {
		order.from(func(slot uint32) bool { return !behind(slot) }, func(slot uint32) bool {
			if b.has(slot) {
				slots = append(slots, slot)
			}
			return len(slots) < size
		})
	}
	found := make([]match, 0, len(slots))
	for _, slot := range slots {
		m := match{slot, v, s.index.rank(slot, v)}
		m.rank.Stage = at
		found = append(found, m)
	}
	slices.SortFunc(found, func(a, b match) int { return a.rank.compare(b.rank) })
	return found[:min(len(found), size)]
}
