package store

import (
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
)

// A move that breaks off leaves documents of several changes; nobody searches
// in them, and the next move begins with what may have changed in between.
func TestABrokenOffMoveIsMended(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	asset := graph.Asset{Ref: graph.BigQueryRef("p", "d", "t"), Description: "first"}
	was := graph.Snapshot{}
	write := func(description string) {
		t.Helper()
		asset.Description = description
		now := graph.NewSnapshot(asset)
		_, err := s.Commit(t.Context(), graph.Principal{ID: "boss"}, "test", func(tx *Tx) error {
			return tx.Apply(t.Context(), graph.Diff(was, now))
		})
		if err != nil {
			t.Fatal(err)
		}
		was = now
	}
	find := func(text string) int {
		t.Helper()
		r, err := s.Reader(t.Context(), graph.Principal{}, graph.Everything(), 0)
		if err != nil {
			t.Fatal(err)
		}
		found, err := r.Search(t.Context(), search.Query{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return found.Total
	}
	write("first")
	write("second")
	if find("second") != 1 {
		t.Fatal("the second is not found")
	}
	// As if a move back to the first had broken off before its first document,
	// and another back had broken off behind it.
	f := &s.derived.newest
	for _, left := range []string{"second", "first"} {
		torn := asset
		torn.Description = left
		f.index.Put(search.Doc{Asset: torn})
		f.low, f.high = 1, 2
		if _, ok, err := f.query(2, search.Query{}, graph.Everything()); ok || err != nil {
			t.Fatalf("a torn index answers: %v", err)
		}
		if find("second") != 1 || find("first") != 0 {
			t.Errorf("left at %s, the index is not mended", left)
		}
	}
	if f.low != 2 || f.high != 2 {
		t.Errorf("the index stands from %d to %d", f.low, f.high)
	}
}
