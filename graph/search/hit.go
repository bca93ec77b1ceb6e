package search

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	"cadastre.dev/cadastre/graph"
)

// hit shows a match as the principal may know it.
func (s *searching) hit(m match) (Hit, error) {
	cursor, err := m.rank.cursor()
	if err != nil {
		return Hit{}, err
	}
	ref := s.index.ref(m.slot)
	h := Hit{Asset: s.index.columns.assetOf(m.slot, ref), Owners: s.index.columns.ownersOf(m.slot), Visibility: m.visibility, Why: s.why(m.rank), Cursor: cursor}
	if m.visibility != graph.Visible {
		h.Asset = graph.Asset{Ref: ref, Kind: h.Asset.Kind}
	} else {
		h.Columns = columnHits(ref, s.index.pathsOf(m.slot), s.terms)
	}
	h.Highlights = highlights(tokens(ref.Base()), s.terms)
	return h, nil
}

func (s *searching) why(r rank) string {
	if len(s.terms) == 0 {
		return "all, by name"
	}
	why := r.Stage.String()
	if slices.ContainsFunc(s.terms, func(t term) bool { return t.near }) {
		why += ", spelled a little differently"
	}
	return why
}

// pathsOf returns the paths of a document's columns in the order of the schema.
func (x *Index) pathsOf(slot uint32) []string {
	var out []string
	for rest := []byte(x.entries[slot].paths); len(rest) > 0; {
		id, n := binary.Uvarint(rest)
		out, rest = append(out, x.paths.all[id].text), rest[n:]
	}
	return out
}

// columnHits returns the columns that have the most words of the query, in the
// order of the schema among equals.
func columnHits(asset graph.Ref, paths []string, terms []term) []ColumnHit {
	type scored struct {
		ColumnHit
		score int
	}
	var found []scored
	for _, text := range paths {
		path := tokens(text)
		if spans := highlights(path, terms); len(spans) > 0 {
			found = append(found, scored{ColumnHit{asset.Column(text), spans}, score(path, terms)})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var out []ColumnHit
	for _, f := range found[:min(len(found), maxColumnHits)] {
		out = append(out, f.ColumnHit)
	}
	return out
}

// score counts the words of the query that a path has, doubly where it is the
// path's last word.
func score(path []token, terms []term) int {
	sum := 0
	for _, t := range terms {
		best := 0
		for i, word := range path {
			if t.covers(word.text) == 0 {
				continue
			}
			best = max(best, 1)
			if i == len(path)-1 {
				best = 2
			}
		}
		sum += best
	}
	return sum
}

// highlights returns the parts of a text that match words of the query.
func highlights(text []token, terms []term) []Span {
	var out []Span
	for _, word := range text {
		longest := 0
		for _, t := range terms {
			longest = max(longest, t.covers(word.text))
		}
		if longest > 0 {
			out = append(out, Span{word.span.Start, word.span.Start + longest})
		}
	}
	return out
}

// covers returns how many code points of a word the term matches; 0 where it
// does not match.
func (t term) covers(word string) int {
	switch {
	case t.near && oneEdit(t.text, word):
		return utf8.RuneCountInString(word)
	case !t.near && strings.HasPrefix(word, t.text):
		return utf8.RuneCountInString(t.text)
	}
	return 0
}
