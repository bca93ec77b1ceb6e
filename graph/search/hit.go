package search

import (
	"cmp"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// hit shows a match as the principal may know it.
func (m match) hit(terms []string) (Hit, error) {
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
	h.Highlights = highlights(d.Asset.Ref.Base(), terms)
	return h, nil
}

func (m match) why(terms []string) string {
	why := m.rank.Stage.String()
	if len(terms) == 0 {
		why = "all, by name"
	}
	if m.near {
		why += ", spelled a little differently"
	}
	return why
}

// columnHits returns the columns that have the most words of the query, in the
// order of the schema among equals.
func columnHits(columns []DocColumn, terms []string) []ColumnHit {
	type scored struct {
		ColumnHit
		score int
	}
	var found []scored
	for _, c := range columns {
		spans := highlights(c.Ref.Path, terms)
		if len(spans) == 0 {
			continue
		}
		found = append(found, scored{ColumnHit{c.Ref, spans}, matched(c.Ref.Path, terms)})
	}
	slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var out []ColumnHit
	for _, f := range found[:min(len(found), maxColumnHits)] {
		out = append(out, f.ColumnHit)
	}
	return out
}

// matched counts the words of the query that a text has, those that are its
// last name doubly.
func matched(text string, terms []string) int {
	all := tokens(text)
	score := 0
	for _, term := range terms {
		for i, t := range all {
			if _, ok := matchLength(t.text, term); ok {
				score++
				if i == len(all)-1 {
					score++
				}
				break
			}
		}
	}
	return score
}

// highlights returns the parts of a text that match words of the query.
func highlights(text string, terms []string) []Span {
	var out []Span
	for _, t := range tokens(text) {
		longest := 0
		for _, term := range terms {
			if n, ok := matchLength(t.text, term); ok {
				longest = max(longest, n)
			}
		}
		if longest > 0 {
			out = append(out, Span{t.span.Start, t.span.Start + longest})
		}
	}
	return out
}

// matchLength returns how many code points of a word a term covers.
func matchLength(word, term string) (int, bool) {
	switch {
	case strings.HasPrefix(word, term):
		return len([]rune(term)), true
	case len([]rune(term)) >= 4 && oneEdit(term, word):
		return len([]rune(word)), true
	}
	return 0, false
}

// facets counts attributes over all matches. Of an asset that is only
// discoverable, kind and owners alone are counted.
func facets(found []match) []Facet {
	counts := map[string]map[string]int{"kind": {}, "source": {}, "parent": {}, "owner": {}, "label": {}}
	for _, m := range found {
		d := m.entry.doc
		counts["kind"][string(d.Asset.Kind)]++
		for _, o := range d.Owners {
			counts["owner"][o]++
		}
		if m.visibility != graph.Visible {
			continue
		}
		counts["source"][d.Asset.Source]++
		if !d.Asset.Parent.IsZero() {
			counts["parent"][d.Asset.Parent.String()]++
		}
		for _, l := range d.Labels {
			counts["label"][l]++
		}
	}
	out := make([]Facet, 0, len(counts))
	for _, attribute := range []string{"kind", "source", "parent", "owner", "label"} {
		out = append(out, Facet{attribute, topValues(counts[attribute])})
	}
	return out
}

func topValues(counts map[string]int) []FacetValue {
	values := make([]FacetValue, 0, len(counts))
	for value, count := range counts {
		values = append(values, FacetValue{value, count})
	}
	slices.SortFunc(values, func(a, b FacetValue) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return values[:min(len(values), maxFacetValues)]
}
