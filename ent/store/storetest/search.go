package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
	"cadastre.dev/cadastre/graph/search"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// theIndexGoesBackAndForth searches at revisions in any order, many assets
// changing between them, and compares each answer with that of a store that
// holds that catalog alone.
func theIndexGoesBackAndForth(t *testing.T, open Open) {
	e := graphtest.NewEstate(31, 700, 3)
	s := open(t, store.Config{})
	now := graph.Snapshot{}
	var at []graph.Revision
	want := map[graph.Revision]search.Result{}
	q := search.Query{Text: "or", First: 50}
	f := graph.Filter{
		Visible:      []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"table"}}}},
		Discoverable: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"view"}}}},
	}
	r := rand.New(rand.NewPCG(31, 1)) //nolint:gosec // drawn for a test
	for step := range 6 {
		next := graph.NewSnapshot(now.Sorted()...)
		// The first step is larger than what one statement reads, the others
		// change few assets.
		from, to := 100*step+100, 100*step+150
		if step == 0 {
			from, to = 0, 600
		}
		for n := from; n < to; n++ {
			seen := e.At(n)
			if step > 0 && r.IntN(2) == 0 {
				seen.Asset.Description = fmt.Sprintf("orders of step %d", step)
			}
			next.Put(seen.Asset)
			for _, c := range seen.Columns {
				next.Put(c)
			}
		}
		revision := commit(t, s, now, next)
		now, at = next, append(at, revision)
		fresh := open(t, store.Config{})
		put(t, fresh, now.Sorted()...)
		want[revision] = must[search.Result](t)(reader(t, fresh, f, 0).Search(t.Context(), q))
	}
	for range 30 {
		revision := at[r.IntN(len(at))]
		got := must[search.Result](t)(reader(t, s, f, revision).Search(t.Context(), q))
		if diff := cmp.Diff(want[revision], got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("search at %d (-fresh +moved):\n%s", revision, diff)
		}
	}
}

// searchesAgreeWhileOthersCommit searches with readers that stay at their
// revision while commits come and other readers drive the index on.
func searchesAgreeWhileOthersCommit(t *testing.T, open Open) {
	s := open(t, store.Config{})
	asset := func(n int) graph.Asset {
		return graph.Asset{Ref: graph.BigQueryRef("p", "d", fmt.Sprint("t_", n)), Kind: graph.KindTable, Source: "w"}
	}
	put(t, s, asset(0))
	if err := s.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		for n := range 40 {
			_, err := s.Commit(t.Context(), boss, "more", func(tx *store.Tx) error {
				return tx.Apply(t.Context(), graph.Diff(nil, graph.NewSnapshot(asset(n+1))))
			})
			if err != nil {
				t.Errorf("commit %d: %v", n, err)
				return
			}
		}
	})
	for range 3 {
		all.Go(func() {
			for range 40 {
				r, err := s.Reader(t.Context(), ana, graph.Everything(), 0)
				if err != nil {
					t.Error(err)
					return
				}
				// Revision n holds n assets.
				for range 3 {
					found, err := r.Search(t.Context(), search.Query{Text: "t", First: 1})
					if err != nil || found.Total != int(r.Revision()) {
						t.Errorf("at %d: %d found, %v", r.Revision(), found.Total, err)
						return
					}
				}
			}
		})
	}
}

// warmIsTheFirstSearch warms an empty store and one with assets.
func warmIsTheFirstSearch(t *testing.T, open Open) {
	s := open(t, store.Config{})
	if err := s.Warm(t.Context()); err != nil {
		t.Fatalf("an empty store: %v", err)
	}
	e := graphtest.NewEstate(32, 5, 3)
	put(t, s, slices.Collect(e.Items())...)
	if err := s.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := must[search.Result](t)(all(t, s).Search(t.Context(), search.Query{})); found.Total != e.Len()+e.Containers() {
		t.Errorf("%d found, want %d", found.Total, e.Len()+e.Containers())
	}
}
