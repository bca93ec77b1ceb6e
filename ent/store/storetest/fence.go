package storetest

import (
	"errors"
	"sync"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

// fences lets several holders take one work in turns: only the newest may
// commit, and of those who take it at once each gets a number of its own.
func fences(t *testing.T, open Open) {
	s := open(t, store.Config{})
	const work = "crawl:warehouse"
	hold := func(number int64) error {
		_, err := s.Commit(t.Context(), boss, "crawl", func(tx *store.Tx) error {
			if err := tx.HoldFence(t.Context(), work, number); err != nil {
				return err
			}
			return tx.Apply(t.Context(), graph.Delta{graph.Began{Now: graph.Asset{Ref: tableRef(int(number)), Kind: graph.KindTable}}})
		})
		return err
	}
	if err := hold(0); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("a commit of nobody: %v, want a conflict", err)
	}
	first := must[int64](t)(s.TakeFence(t.Context(), work))
	second := must[int64](t)(s.TakeFence(t.Context(), work))
	if other := must[int64](t)(s.TakeFence(t.Context(), "crawl:registry")); first != 1 || second != 2 || other != 1 {
		t.Errorf("numbers are %d, %d and of another work %d, want 1, 2 and 1", first, second, other)
	}
	if err := hold(first); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("a commit of the older holder: %v, want a conflict", err)
	}
	if err := hold(second); err != nil {
		t.Errorf("a commit of the newest holder: %v", err)
	}
	if at := all(t, s).Revision(); at != 1 {
		t.Errorf("revision %d, want 1: refused commits leave nothing", at)
	}
	numbers := make([]int64, 8)
	var group sync.WaitGroup
	for i := range numbers {
		group.Go(func() {
			n, err := s.TakeFence(t.Context(), work)
			if err != nil {
				t.Error(err)
			}
			numbers[i] = n
		})
	}
	group.Wait()
	seen := map[int64]bool{}
	for _, n := range numbers {
		if seen[n] || n < 3 || n > 10 {
			t.Errorf("numbers are %v, want 3 to 10 each once", numbers)
		}
		seen[n] = true
	}
}
