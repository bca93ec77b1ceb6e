package serve

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/riverqueue/river"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/ingesttest"
)

// forgetful is a catalog that knows of nothing that was said before.
type forgetful struct{ crawlCatalog }

func (forgetful) Sightings(context.Context, string, ...graph.Ref) (map[graph.Ref]ingest.Digest, error) {
	return nil, nil
}

// The law of digests over the real store: revisions and deltas are those that
// there would be without, whoever else writes in between.
func TestDigestsChangeNoRevision(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // Chance that can be repeated.
		with, without := newBench(t), newBench(t)
		tellers := []*ingesttest.Teller{ingesttest.NewTeller("x", rnd), ingesttest.NewTeller("y", rnd)}
		var history []graph.Delta
		for step := range 30 {
			if rnd.IntN(4) == 0 {
				delta := ingesttest.Somebody(rnd, with.everything(), history)
				for _, b := range []*bench{with, without} {
					b.apply(delta)
				}
				continue
			}
			s := tellers[rnd.IntN(2)]
			s.Tell()
			cfg := ingest.RunConfig{Removal: ingest.Removal{Threshold: 1}}
			a, err := ingest.Run(t.Context(), s, fenced(t, with.app, store.PropagateArgs{}), cfg)
			if err != nil {
				t.Fatal(err)
			}
			s.Shuffle()
			b, err := ingest.Run(t.Context(), s, forgetful{fenced(t, without.app, store.PropagateArgs{})}, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(b.Delta, a.Delta, cmpopts.EquateEmpty()); diff != "" || a.Revision != b.Revision {
				t.Fatalf("seed %d, step %d: revision %d, without digests %d; delta (-without +with):\n%s", seed, step, a.Revision, b.Revision, diff)
			}
			history = append(history, a.Delta)
		}
		if diff := graph.Diff(without.everything(), with.everything()); len(diff) > 0 {
			t.Fatalf("seed %d: the catalogs differ: %v", seed, diff)
		}
	}
}

// everything is all that the catalog holds.
func (b *bench) everything() graph.Snapshot {
	b.t.Helper()
	all, err := b.reader(0).Snapshot(b.t.Context(), graph.Scope{})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// apply writes a delta as somebody else would.
func (b *bench) apply(delta graph.Delta) {
	b.t.Helper()
	_, err := b.app.store.Commit(b.t.Context(), system(), "test", func(tx *store.Tx) error { return tx.Apply(b.t.Context(), delta) })
	if err != nil {
		b.t.Fatal(err)
	}
}

// fenced is the catalog as a crawl that has just begun sees it.
func fenced(t testing.TB, app *App, then river.JobArgs) crawlCatalog {
	t.Helper()
	held, err := app.takeFence(t.Context(), "crawl")
	if err != nil {
		t.Fatal(err)
	}
	return crawlCatalog{app, then, held}
}
