package search

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
)

const rounds = 100

func query(t *testing.T, x *Index, q Query, f graph.Filter) Result {
	t.Helper()
	r, err := x.Query(q, f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// naive answers which documents match and in which order, by looking at every
// word of every document.
type naive struct {
	docs   map[graph.Ref]Doc
	filter graph.Filter
	// told keeps what stages said, for it is asked again for every word.
	told map[graph.Ref]map[string]stage
}

// stages returns the best stage of each word of a document, as far as the
// principal may know of it.
func (n naive) stages(d Doc) map[string]stage {
	if out, ok := n.told[d.Asset.Ref]; ok {
		return out
	}
	out := map[string]stage{}
	defer func() { n.told[d.Asset.Ref] = out }()
	put := func(s stage, texts ...string) {
		for _, text := range texts {
			for _, w := range words(text) {
				if was, ok := out[w]; !ok || s < was {
					out[w] = s
				}
			}
		}
	}
	visibility := n.filter.Of(d.Asset, d.Owners)
	if visibility == graph.Hidden {
		return out
	}
	put(stageName, d.Asset.Ref.Base())
	put(stageStructure, d.Asset.Ref.Name)
	if visibility == graph.Visible {
		put(stageDescription, d.Asset.Title, d.Asset.Description)
		put(stageDescription, d.Labels...)
		for key, value := range d.Asset.Labels {
			put(stageDescription, key, value)
		}
		for _, c := range d.Columns {
			put(stageStructure, c.Ref.Path)
			put(stageDescription, c.Description)
		}
	}
	return out
}

// meaning returns what decides whether a word matches a word of the query.
func (n naive) meaning(text string) func(string) bool {
	begins := func(w string) bool { return strings.HasPrefix(w, text) }
	if len([]rune(text)) < 4 {
		return begins
	}
	for _, d := range n.docs {
		for w := range n.stages(d) {
			if begins(w) {
				return begins
			}
		}
	}
	return func(w string) bool { return naiveOneEdit(text, w) }
}

func (n naive) rank(d Doc, meanings []func(string) bool, texts []string) (rank, bool) {
	at, stages := stageName, n.stages(d)
	for _, means := range meanings {
		best, found := stageDescription, false
		for w, s := range stages {
			if means(w) {
				best, found = min(best, s), true
			}
		}
		if !found {
			return rank{}, false
		}
		at = max(at, best)
	}
	base := words(d.Asset.Ref.Base())
	if len(texts) > 0 && (slices.Equal(base, texts) || slices.Equal(words(d.Asset.Ref.Name), texts)) {
		at = stageExact
	}
	r := rank{Stage: at, Size: len(base), Name: strings.ToLower(d.Asset.Ref.Base()), Ref: d.Asset.Ref.String()}
	for uses := min(d.Usage, 1000); uses > 0 && n.filter.Of(d.Asset, d.Owners) == graph.Visible; uses /= 2 {
		r.Usage++
	}
	return r, true
}

func (n naive) admits(d Doc, q Query) bool {
	if n.filter.Of(d.Asset, d.Owners) == graph.Discoverable && (q.Sources != nil || q.Parents != nil || q.Labels != nil) {
		return false
	}
	for _, c := range []struct{ want, have []string }{
		{q.Kinds, []string{string(d.Asset.Kind)}}, {q.Sources, []string{d.Asset.Source}}, {q.Owners, d.Owners}, {q.Labels, d.Labels},
	} {
		if c.want != nil && !slices.ContainsFunc(c.want, func(w string) bool { return slices.Contains(c.have, w) }) {
			return false
		}
	}
	return q.Parents == nil || slices.Contains(q.Parents, d.Asset.Parent)
}

func (n naive) query(q Query) (refs []string, facets map[string]map[string]int) {
	n.told = map[graph.Ref]map[string]stage{}
	texts := words(q.Text)
	var meanings []func(string) bool
	for _, text := range texts {
		meanings = append(meanings, n.meaning(text))
	}
	var ranks []rank
	facets = map[string]map[string]int{"kind": {}, "owner": {}, "source": {}, "parent": {}, "label": {}}
	for _, d := range n.docs {
		visibility := n.filter.Of(d.Asset, d.Owners)
		at, ok := n.rank(d, meanings, texts)
		if visibility == graph.Hidden || !ok || !n.admits(d, q) {
			continue
		}
		ranks = append(ranks, at)
		count := map[string][]string{"kind": {string(d.Asset.Kind)}, "owner": d.Owners}
		if visibility == graph.Visible {
			count["source"], count["parent"], count["label"] = []string{d.Asset.Source}, []string{d.Asset.Parent.String()}, d.Labels
		}
		for attribute, values := range count {
			for _, v := range slices.Compact(slices.Sorted(slices.Values(values))) {
				facets[attribute][v]++
			}
		}
	}
	slices.SortFunc(ranks, func(a, b rank) int {
		return cmp.Or(cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Size, b.Size), cmp.Compare(b.Usage, a.Usage), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Ref, b.Ref))
	})
	for _, r := range ranks {
		refs = append(refs, r.Ref)
	}
	return refs, facets
}

func refsOf(r Result) (refs []string) {
	for _, h := range r.Hits {
		refs = append(refs, h.Asset.Ref.String())
	}
	return refs
}

func facetsOf(r Result) map[string]map[string]int {
	out := map[string]map[string]int{}
	for _, f := range r.Facets {
		out[f.Attribute] = map[string]int{}
		for _, v := range f.Values {
			out[f.Attribute][v.Value] = v.Count
		}
	}
	return out
}

// Law: a query answers what looking at every document answers.
func TestQueryEqualsBruteForce(t *testing.T) {
	t.Parallel()
	found, near := 0, 0
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 1))
		docs, filter := randomDocs(r, 40), randomFilter(r)
		x := indexOf(docs)
		for range 10 {
			q := randomQuery(r)
			refs, facets := naive{docs: docs, filter: filter}.query(q)
			got := query(t, x, q, filter)
			if diff := gocmp.Diff(refs, refsOf(got)); diff != "" || got.Total != len(refs) {
				t.Fatalf("seed %d, %+v: total %d (-want +got):\n%s", seed, q, got.Total, diff)
			}
			if diff := gocmp.Diff(facets, facetsOf(got)); diff != "" {
				t.Fatalf("seed %d, %+v: facets (-want +got):\n%s", seed, q, diff)
			}
			found += got.Total
			if len(got.Hits) > 0 && strings.Contains(got.Hits[0].Why, "differently") {
				near++
			}
		}
	}
	if found < rounds || near < 10 {
		t.Errorf("only %d hits, and %d queries with misspelt words, were compared", found, near)
	}
}

// Law: so it does where documents are so many that hits are looked for in the
// order of all, page by page.
func TestManyDocumentsEqualBruteForce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 12))
		docs := map[graph.Ref]Doc{}
		for n := range 1500 {
			d := randomDoc(r)
			d.Asset.Ref.Name += fmt.Sprintf("_%d", n/2)
			docs[d.Asset.Ref] = d
		}
		x, filter := indexOf(docs), pick(r, graph.Everything(), randomFilter(r), graph.Filter{Visible: []graph.Clause{randomClause(r)}, Discoverable: []graph.Clause{{}}})
		for _, text := range []string{"", "a", "email", "cust 1", "12", "custmer", "city abd", "word"} {
			q := Query{Text: text, First: maxFirst}
			want, _ := naive{docs: docs, filter: filter}.query(q)
			var got []string
			for {
				page := query(t, x, q, filter)
				got = append(got, refsOf(page)...)
				if page.Total != len(want) {
					t.Fatalf("seed %d, %q: total %d, want %d", seed, text, page.Total, len(want))
				}
				if !page.HasNext {
					break
				}
				q.After = page.Hits[len(page.Hits)-1].Cursor
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, %q (-want +got):\n%s", seed, text, diff)
			}
		}
	}
}

// Law: an index that holds hidden documents answers, to the last highlight, as
// one that does not.
func TestHiddenDocumentsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 2))
		docs, filter := randomDocs(r, 40), randomFilter(r)
		shown := maps.Clone(docs)
		maps.DeleteFunc(shown, func(_ graph.Ref, d Doc) bool { return filter.Of(d.Asset, d.Owners) == graph.Hidden })
		all, without := indexOf(docs), indexOf(shown)
		for range 10 {
			q := randomQuery(r)
			q.First = 1 + r.IntN(20)
			if diff := gocmp.Diff(query(t, without, q, filter), query(t, all, q, filter)); diff != "" {
				t.Fatalf("seed %d, %+v (-without +with what is hidden):\n%s", seed, q, diff)
			}
		}
	}
}

// Law: of a document that is only discoverable, nothing but its ref, kind and
// owners has a part in any answer.
func TestDiscoverableDocumentsTellNamesAlone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 3))
		docs := randomDocs(r, 40)
		filter := graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeOwner, In: []string{"user:ana"}}}}, Discoverable: []graph.Clause{{}}}
		other := map[graph.Ref]Doc{}
		for ref, d := range docs {
			if filter.Of(d.Asset, d.Owners) == graph.Discoverable {
				e := randomDoc(r)
				e.Asset.Ref, e.Asset.Kind, e.Owners = d.Asset.Ref, d.Asset.Kind, d.Owners
				d = e
			}
			other[ref] = d
		}
		one, two := indexOf(docs), indexOf(other)
		for range 10 {
			q := randomQuery(r)
			if diff := gocmp.Diff(query(t, one, q, filter), query(t, two, q, filter)); diff != "" {
				t.Fatalf("seed %d, %+v: what may not be known differs, and the answers too:\n%s", seed, q, diff)
			}
		}
	}
}

// Law: paging gives each hit once and in order, whatever the size of the page,
// and every page has the same counts.
func TestPagesGiveEachHitOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 4))
		x, filter, q := indexOf(randomDocs(r, 60)), randomFilter(r), randomQuery(r)
		want := query(t, x, q, filter)
		q.First = 1 + r.IntN(7)
		var got []Hit
		for {
			p := query(t, x, q, filter)
			got = append(got, p.Hits...)
			if diff := gocmp.Diff(want.Facets, p.Facets); diff != "" || p.Total != want.Total {
				t.Fatalf("seed %d: total %d and facets of a page (-first +this):\n%s", seed, p.Total, diff)
			}
			if !p.HasNext {
				break
			}
			q.After = p.Hits[len(p.Hits)-1].Cursor
		}
		if diff := gocmp.Diff(want.Hits, got); diff != "" {
			t.Fatalf("seed %d (-all at once +by page):\n%s", seed, diff)
		}
	}
}

// Law: after any sequence of changes an index answers as one that is built of
// what is in it.
func TestChangedIndexEqualsRebuilt(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 5))
		x, docs := New(), map[graph.Ref]Doc{}
		filters := []graph.Filter{graph.Everything(), randomFilter(r), randomFilter(r)}
		for range 150 {
			if r.IntN(10) == 0 {
				// What a query prepares must follow the changes after it.
				query(t, x, randomQuery(r), pick(r, filters...))
			}
			d := randomDoc(r)
			if r.IntN(3) == 0 {
				x.Remove(d.Asset.Ref)
				delete(docs, d.Asset.Ref)
				continue
			}
			x.Put(d)
			docs[d.Asset.Ref] = d
		}
		rebuilt := indexOf(docs)
		if x.Len() != len(docs) || rebuilt.Len() != len(docs) {
			t.Fatalf("seed %d: %d and %d documents, want %d", seed, x.Len(), rebuilt.Len(), len(docs))
		}
		for range 10 {
			q, filter := randomQuery(r), pick(r, append(filters, randomFilter(r))...)
			if diff := gocmp.Diff(query(t, rebuilt, q, filter), query(t, x, q, filter)); diff != "" {
				t.Fatalf("seed %d, %+v (-rebuilt +changed):\n%s", seed, q, diff)
			}
		}
	}
}

// Queries and changes may run side by side; each query sees a whole document
// or none of it.
func TestQueriesAndChangesSideBySide(t *testing.T) {
	t.Parallel()
	x := New()
	docs := slices.Collect(maps.Values(randomDocs(rand.New(rand.NewPCG(1, 6)), 60)))
	var all sync.WaitGroup
	for worker := range uint64(4) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(worker, 7))
			for range 200 {
				d := docs[r.IntN(len(docs))]
				if r.IntN(3) == 0 {
					x.Remove(d.Asset.Ref)
				} else {
					x.Put(d)
				}
			}
		})
		all.Go(func() {
			r := rand.New(rand.NewPCG(worker, 8))
			for range 200 {
				result, err := x.Query(randomQuery(r), graph.Everything())
				if err != nil || len(result.Hits) > result.Total || x.Len() > len(docs) {
					t.Errorf("%d hits of %d, %v", len(result.Hits), result.Total, err)
				}
			}
		})
	}
	all.Wait()
	for _, d := range docs {
		x.Put(d)
	}
	if got := query(t, x, Query{}, graph.Everything()); got.Total != len(docs) {
		t.Errorf("%d documents, want %d", got.Total, len(docs))
	}
}
