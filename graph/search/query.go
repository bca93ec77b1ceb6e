package search

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Query is what somebody searches.
type Query struct {
	// Text is split into words; a document must have all of them, or words
	// that begin with them. Empty: all documents by name.
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
// and kind alone and nothing else of it was searched but its name.
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

const (
	defaultFirst   = 25
	maxFirst       = 200
	maxFacetValues = 20
	maxColumnHits  = 5
)

// stage is where a hit ranks; the words are shown to people.
type stage int

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
// none of ours is graph.ErrInvalid.
func (x *Index) Query(q Query, filter graph.Filter) (Result, error) {
	after, err := readCursor(q.After)
	if err != nil {
		return Result{}, err
	}
	if q.First <= 0 {
		q.First = defaultFirst
	}
	q.First = min(q.First, maxFirst)
	x.lockSorted()
	defer x.mu.RUnlock()
	found := x.match(q, filter)
	r := Result{Total: len(found), Facets: facets(found)}
	slices.SortFunc(found, func(a, b match) int { return a.rank.compare(b.rank) })
	if after != nil {
		found = found[firstAfter(found, *after):]
	}
	r.HasNext = len(found) > q.First
	terms := words(q.Text)
	for _, m := range found[:min(len(found), q.First)] {
		hit, err := m.hit(terms)
		if err != nil {
			return Result{}, err
		}
		r.Hits = append(r.Hits, hit)
	}
	return r, nil
}

func firstAfter(found []match, after rank) int {
	at, exact := slices.BinarySearchFunc(found, after, func(m match, r rank) int { return m.rank.compare(r) })
	if exact {
		at++
	}
	return at
}

// match is a document that a query found.
type match struct {
	entry      *entry
	visibility graph.Visibility
	rank       rank
	near       bool
}

// match returns every document that has all words and passes both filters.
func (x *Index) match(q Query, filter graph.Filter) []match {
	terms := words(q.Text)
	var out []match
	keep := func(slot uint32, fields []field, near bool) {
		e := &x.docs[slot]
		visibility := filter.Of(e.doc.Asset, e.doc.Owners)
		if visibility == graph.Hidden || !q.admits(e, visibility) {
			return
		}
		s, ok := e.stage(strings.ToLower(strings.TrimSpace(q.Text)), fields, visibility)
		if !ok {
			return
		}
		out = append(out, match{e, visibility, rank{s, e.size, e.name, e.doc.Asset.Ref.String()}, near})
	}
	if len(terms) == 0 {
		for _, slot := range x.slots {
			keep(slot, nil, false)
		}
		return out
	}
	fields, near := x.intersect(terms)
	for slot, f := range fields {
		keep(slot, f, near)
	}
	return out
}

// intersect returns the documents that have all words, with the fields in
// which each word stands.
func (x *Index) intersect(terms []string) (found map[uint32][]field, near bool) {
	for i, term := range terms {
		with := map[uint32]field{}
		expanded, exact := x.expand(term)
		near = near || !exact
		for _, word := range expanded {
			for _, p := range x.terms[word] {
				if i == 0 || found[p.slot] != nil {
					with[p.slot] |= p.fields
				}
			}
		}
		next := make(map[uint32][]field, len(with))
		for slot, f := range with {
			next[slot] = append(slices.Clip(found[slot]), f)
		}
		found = next
	}
	return found, near
}

// stage returns how well a document matches; false where it does so only in
// what the principal may not know.
func (e *entry) stage(text string, fields []field, v graph.Visibility) (stage, bool) {
	worst := stageName
	for _, f := range fields {
		switch {
		case f&inName != 0:
		case v != graph.Visible:
			return 0, false
		case f&inStructure != 0:
			worst = max(worst, stageStructure)
		default:
			worst = max(worst, stageDescription)
		}
	}
	if text != "" && worst == stageName && (e.name == text || strings.ToLower(e.doc.Asset.Ref.Name) == text) {
		return stageExact, true
	}
	return worst, true
}

// admits says whether a document passes the query's own filter. Of an asset
// that is only discoverable, kind and owners alone can be asked.
func (q Query) admits(e *entry, v graph.Visibility) bool {
	a := e.doc.Asset
	if v != graph.Visible && len(q.Sources)+len(q.Parents)+len(q.Labels) > 0 {
		return false
	}
	meets := func(want, have []string) bool {
		return len(want) == 0 || slices.ContainsFunc(have, func(h string) bool { return slices.Contains(want, h) })
	}
	return meets(q.Kinds, []string{string(a.Kind)}) && meets(q.Sources, []string{a.Source}) &&
		(len(q.Parents) == 0 || slices.Contains(q.Parents, a.Parent)) &&
		meets(q.Owners, e.doc.Owners) && meets(q.Labels, e.doc.Labels)
}

func readCursor(s string) (*rank, error) {
	if s == "" {
		return nil, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(s)
	var r rank
	if err != nil || json.Unmarshal(data, &r) != nil {
		return nil, fmt.Errorf("cursor %q is none of this search's: %w", s, graph.ErrInvalid)
	}
	return &r, nil
}

func (r rank) cursor() (string, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("write cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(data), nil
}
