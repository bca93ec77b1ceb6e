package search

import (
	"iter"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// match is a document that a query found.
type match struct {
	entry      *entry
	visibility graph.Visibility
	rank       rank
}

// term is a word of a query. It is near where nothing that the principal may
// know of begins with it, so that it stands for the words one edit away.
type term struct {
	text string
	near bool
}

// searching is one query on its way through the index.
type searching struct {
	index  *Index
	query  Query
	filter graph.Filter
	terms  []term
	// words are those of the query, joined.
	words string
	// seen holds the visibility of the documents that were looked at.
	seen []seen
}

type seen uint8

const (
	notLookedAt seen = iota
	seenHidden
	seenDiscoverable
	seenVisible
)

func newSearching(x *Index, q Query, texts []string, filter graph.Filter) *searching {
	s := &searching{index: x, query: q, filter: filter, words: strings.Join(texts, " "), seen: make([]seen, len(x.docs))}
	for _, text := range texts {
		s.terms = append(s.terms, term{text: text})
	}
	return s
}

// see returns how much of a document the principal may know.
func (s *searching) see(slot uint32) seen {
	if s.seen[slot] == notLookedAt {
		d := &s.index.docs[slot].doc
		switch s.filter.Of(d.Asset, d.Owners) {
		case graph.Visible:
			s.seen[slot] = seenVisible
		case graph.Discoverable:
			s.seen[slot] = seenDiscoverable
		case graph.Hidden:
			s.seen[slot] = seenHidden
		}
	}
	return s.seen[slot]
}

// known returns the fields of a posting that the principal may know of, none
// where the document is hidden.
func (s *searching) known(p posting) field {
	switch s.see(p.slot()) {
	case seenVisible:
		return p.fields()
	case seenDiscoverable:
		return p.fields() & open
	case seenHidden, notLookedAt:
	}
	return 0
}

// matches gives every document that has all words and passes both filters, in
// no order. Without words it gives all.
func (s *searching) matches() iter.Seq[match] {
	return func(yield func(match) bool) {
		// The documents are gone through as they lie in memory: where many
		// match, waiting for memory is what takes the time.
		with, stages := s.intersect()
		for slot := range s.index.docs {
			if (with != nil && with[slot] == 0) || s.index.docs[slot].ref == "" {
				continue
			}
			if m, ok := s.match(uint32(slot), stages[slot]); ok && !yield(m) {
				return
			}
		}
	}
}

// intersect returns where the last word stands in each document that has all
// words, nil where there is no word; and in which stage each document is: that
// of the word that stands worst.
func (s *searching) intersect() (with []field, stages []stage) {
	stages = make([]stage, len(s.index.docs))
	for i := range s.terms {
		before := with
		with = make([]field, len(s.index.docs))
		for _, word := range s.expand(&s.terms[i]) {
			for _, p := range s.index.terms[word] {
				if slot := p.slot(); i == 0 || before[slot] != 0 {
					with[slot] |= s.known(p)
				}
			}
		}
		for slot, f := range with {
			if f != 0 {
				stages[slot] = max(stages[slot], bestStage(f))
			}
		}
	}
	return with, stages
}

func bestStage(f field) stage {
	switch {
	case f&inName != 0:
		return stageName
	case f&(inContainer|inColumn) != 0:
		return stageStructure
	}
	return stageDescription
}

// expand returns the words of the index that a word of a query stands for, and
// sets whether it is near. Whether it is follows from what the principal may
// know of alone: a word of a hidden asset is none.
func (s *searching) expand(t *term) []string {
	found := s.index.beginning(t.text)
	if !canBeNear(t.text) || slices.ContainsFunc(found, s.knowsWord) {
		return found
	}
	t.near = true
	return s.index.near(t.text)
}

func (s *searching) knowsWord(word string) bool {
	return slices.ContainsFunc(s.index.terms[word], func(p posting) bool { return s.known(p) != 0 })
}

// match ranks a document, unless one of the filters leaves it out.
func (s *searching) match(slot uint32, at stage) (match, bool) {
	e := &s.index.docs[slot]
	visibility := graph.Visible
	switch s.see(slot) {
	case seenVisible:
	case seenDiscoverable:
		visibility = graph.Discoverable
	case seenHidden, notLookedAt:
		return match{}, false
	}
	if !s.query.admits(e, visibility) {
		return match{}, false
	}
	if s.words != "" && (e.nameWords == s.words || e.fullWords == s.words) {
		at = stageExact
	} else {
		at = max(at, stageName)
	}
	return match{e, visibility, rank{at, e.size, e.name, e.ref}}, true
}

// admits says whether a document passes the query's own filter. Of an asset
// that is only discoverable, kind and owners alone can be asked.
func (q Query) admits(e *entry, v graph.Visibility) bool {
	a := &e.doc.Asset
	if v != graph.Visible && len(q.Sources)+len(q.Parents)+len(q.Labels) > 0 {
		return false
	}
	some := func(want, have []string) bool {
		return len(want) == 0 || slices.ContainsFunc(have, func(h string) bool { return slices.Contains(want, h) })
	}
	one := func(want []string, have string) bool { return len(want) == 0 || slices.Contains(want, have) }
	return one(q.Kinds, string(a.Kind)) && one(q.Sources, a.Source) &&
		(len(q.Parents) == 0 || slices.Contains(q.Parents, a.Parent)) &&
		some(q.Owners, e.doc.Owners) && some(q.Labels, e.doc.Labels)
}

// page keeps the best matches behind a cursor, one more than its size: never
// are all matches sorted.
type page struct {
	size  int
	after *rank
	best  []match
}

func newPage(size int, after *rank) *page {
	return &page{size: size, after: after, best: make([]match, 0, size+2)}
}

func (p *page) offer(m match) {
	if p.after != nil && m.rank.compare(*p.after) <= 0 {
		return
	}
	if len(p.best) > p.size && m.rank.compare(p.best[p.size].rank) > 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(p.best, m, func(a, b match) int { return a.rank.compare(b.rank) })
	p.best = slices.Insert(p.best, at, m)
	p.best = p.best[:min(len(p.best), p.size+1)]
}

// sorted returns the page, and whether another follows.
func (p *page) sorted() (found []match, hasNext bool) {
	return p.best[:min(len(p.best), p.size)], len(p.best) > p.size
}
