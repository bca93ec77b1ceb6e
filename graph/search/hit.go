package search

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"cadastre.dev/cadastre/graph"
)

// hit shows a match as the principal may know it.
func (m match) hit(terms []term) (Hit, error) {
	cursor, err := m.rank.cursor()
	if err != nil {
		return Hit{}, err
	}
	d := m.entry.doc
	h := Hit{Asset: d.Asset, Owners: d.Owners, Visibility: m.visibility, Why: m.why(terms), Cursor: cursor}
	if m.visibility != graph.Visible {
		h.Asset = graph.Asset{Ref: d.Asset.Ref, Kind: d.Asset.Kind}
	} else {
		h.Columns = columnHits(d.Columns, terms)
	}
	h.Highlights = highlights(tokens(d.Asset.Ref.Base()), terms)
	return h, nil
}

func (m match) why(terms []term) string {
	if len(terms) == 0 {
		return "all, by name"
	}
	why := m.rank.Stage.String()
	if slices.ContainsFunc(terms, func(t term) bool { return t.near }) {
		why += ", spelled a little differently"
	}
	return why
}

// columnHits returns the columns that have the most words of the query, in the
// order of the schema among equals.
func columnHits(columns []DocColumn, terms []term) []ColumnHit {
	type scored struct {
		ColumnHit
		score int
	}
	var found []scored
	for _, c := range columns {
		path := tokens(c.Ref.Path)
		if spans := highlights(path, terms); len(spans) > 0 {
			found = append(found, scored{ColumnHit{c.Ref, spans}, score(path, terms)})
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
