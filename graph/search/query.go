package search

import (
	"fmt"

	"cadastre.dev/cadastre/graph"
)

// Query is what somebody searches.
type Query struct {
	// Text is split into words, at most thirty-two; a document must have all
	// of them, or words that begin with them. A word of four letters or more
	// with which nothing begins stands for those one edit away. Empty: all
	// documents by name.
	Text string
	// Within each field any value suffices; all fields must hold.
	Kinds, Sources []string
	Parents        []graph.Ref
	Owners, Labels []string
	// First is the size of the page. Defaults to 25; at most 200.
	First int
	// After is the Cursor of the hit before the page.
	After string
}

// Result is a page of hits with the counts of all.
type Result struct {
	Total int
	Hits  []Hit
	// HasNext says whether another page follows.
	HasNext bool
	// Facets count over all hits, each attribute's values by falling count.
	Facets []Facet
}

// Hit is an asset that matches.
type Hit struct {
	// Asset holds ref, kind, source and parent; what else it has is the
	// store's to tell. Where it is only discoverable it holds ref and kind
	// alone, and nothing else of it was searched but its name, with the
	// containers that its ref tells.
	Asset      graph.Asset
	Owners     []string
	Visibility graph.Visibility
	// Why says in words why it stands where it stands.
	Why        string
	Columns    []ColumnHit
	Highlights []Span
	Cursor     string
}

// ColumnHit is a column that matches, best first, at most five a hit.
type ColumnHit struct {
	Ref        graph.Ref
	Highlights []Span
}

const (
	defaultFirst   = 25
	maxFirst       = 200
	maxFacetValues = 20
	maxColumnHits  = 5
	maxWords       = 32
)

// Query answers from what the filter shows and nothing else. A cursor that is
// none of ours, or a text of too many words, is graph.ErrInvalid.
func (x *Index) Query(q Query, filter graph.Filter) (Result, error) {
	after, err := readCursor(q.After)
	if err != nil {
		return Result{}, err
	}
	texts := words(q.Text)
	if len(texts) > maxWords {
		return Result{}, fmt.Errorf("search for %d words: at most %d are allowed: %w", len(texts), maxWords, graph.ErrInvalid)
	}
	if q.First <= 0 {
		q.First = defaultFirst
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := x.newSearching(q, texts, filter)
	defer x.buffers.Put(s.buffers)
	s.match()
	r := Result{Total: s.some.count()}
	size := min(q.First, maxFirst)
	page := s.page(size+1, after)
	r.HasNext = len(page) > size
	for _, m := range page[:min(len(page), size)] {
		hit, err := s.hit(m)
		if err != nil {
			return Result{}, err
		}
		r.Hits = append(r.Hits, hit)
	}
	r.Facets = s.facets()
	return r, nil
}
