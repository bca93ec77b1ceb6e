package ingest_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/ingesttest"
)

// The law of digests: what runs commit does not depend on whether digests are
// known, whatever the sources tell, in whatever order, and whoever else
// changes the catalog in between.
func TestDigestsChangeNoDelta(t *testing.T) {
	t.Parallel()
	saved := 0
	for seed := range uint64(60) {
		with, without := &ingesttest.Catalog{}, &ingesttest.Catalog{Forgetful: true}
		rnd := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // Chance that can be repeated.
		tellers := []*ingesttest.Teller{ingesttest.NewTeller("x", rnd), ingesttest.NewTeller("y", rnd)}
		var history []graph.Delta
		for step := range 40 {
			if rnd.IntN(4) == 0 {
				delta := ingesttest.Somebody(rnd, with.All(), history)
				with.Put(delta)
				without.Put(delta)
				continue
			}
			s := tellers[rnd.IntN(2)]
			s.Tell()
			cfg := ingest.RunConfig{Removal: ingest.Removal{Threshold: 1}}
			a, err := ingest.Run(t.Context(), s, with, cfg)
			if err != nil {
				t.Fatal(err)
			}
			s.Shuffle()
			b, err := ingest.Run(t.Context(), s, without, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(b.Delta, a.Delta, cmpopts.EquateEmpty()); diff != "" || a.Revision != b.Revision {
				t.Fatalf("seed %d, step %d: revision %d, without digests %d; delta (-without +with):\n%s", seed, step, a.Revision, b.Revision, diff)
			}
			if diff := graph.Diff(without.All(), with.All()); len(diff) > 0 {
				t.Fatalf("seed %d, step %d: the catalogs differ: %v", seed, step, diff)
			}
			history = append(history, a.Delta)
			saved += with.Asked() - without.Asked()
		}
	}
	if saved >= 0 {
		t.Errorf("digests spared no asset the comparison")
	}
}
