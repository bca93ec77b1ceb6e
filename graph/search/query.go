package search

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
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

// Hit is an asset that matches. Where it is only discoverable, Asset holds ref
// and kind alone and nothing else of it was searched but its name, with the
// containers that its ref tells.
type Hit struct {
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

// stage is where a hit ranks; the words are shown to people.
type stage uint8

const (
	stageExact stage = iota
	stageName
	stageStructure
	stageDescription
)

func (s stage) String() string {
	return [...]string{"exact name", "name", "column or container", "description"}[s]
}

// rank orders hits; it is the content of a cursor.
type rank struct {
	Stage stage  `json:"s"`
	Size  int    `json:"n"`
	Name  string `json:"a"`
	Ref   string `json:"r"`
}

func (a rank) compare(b rank) int {
	return cmp.Or(cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Ref, b.Ref))
}

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
	x.lockSorted()
	defer x.mu.RUnlock()
	s := newSearching(x, q, texts, filter)
	page := newPage(min(q.First, maxFirst), after)
	counts, total := x.facets.tally(), 0
	for m := range s.matches() {
		total++
		counts.add(m.entry.counted, m.visibility)
		page.offer(m)
	}
	r := Result{Total: total, Facets: x.facets.facets(counts)}
	found, hasNext := page.sorted()
	r.HasNext = hasNext
	for _, m := range found {
		hit, err := m.hit(s.terms)
		if err != nil {
			return Result{}, err
		}
		r.Hits = append(r.Hits, hit)
	}
	return r, nil
}

func readCursor(s string) (*rank, error) {
	if s == "" {
		return nil, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(s)
	var r rank
	if err != nil || json.Unmarshal(data, &r) != nil || r.Ref == "" {
		return nil, fmt.Errorf("cursor %q is none of this search's: %w", s, graph.ErrInvalid)
	}
	return &r, nil
}

func (a rank) cursor() (string, error) {
	data, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("write cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(data), nil
}
