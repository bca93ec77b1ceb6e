package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

// rivals is how many writers want the same at once.
const rivals = 6

// rounds is how often they do.
const rounds = 8

// noUpdateIsLost lets several writers read the same state and then all write
// what follows from it: one does, and the others are told that there was
// another. What then stands is what the one wrote.
func noUpdateIsLost(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		// read reads the state of a round and returns what a rival does to it,
		// and what stands where that rival alone wrote.
		read func(t *testing.T, s *store.Store, round int) (write func(*store.Tx, int) error, standing func(*testing.T) int)
	}{
		{"tags", readTag},
		{"one asset with others beside it", readAsset},
		{"the end of what others change", readEnd},
		{"plans", readPlan},
		{"crawls with their cursors", readCrawl},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, store.Config{})
			for round := range rounds {
				write, standing := c.read(t, s, round)
				won := race(t, s, write)
				if got := standing(t); got != won {
					t.Fatalf("round %d: rival %d was acknowledged and the work of %d stands", round, won, got)
				}
			}
		})
	}
}

// race lets all rivals write and returns the one that could.
func race(t *testing.T, s *store.Store, write func(*store.Tx, int) error) (won int) {
	t.Helper()
	var (
		group sync.WaitGroup
		errs  [rivals]error
	)
	for rival := range rivals {
		group.Go(func() {
			_, errs[rival] = s.Commit(t.Context(), boss, "rival", func(tx *store.Tx) error { return write(tx, rival) })
		})
	}
	group.Wait()
	won = -1
	for rival, err := range errs {
		switch {
		case err == nil && won >= 0:
			t.Fatalf("rivals %d and %d were both acknowledged", won, rival)
		case err == nil:
			won = rival
		case !errors.Is(err, graph.ErrConflict):
			t.Fatalf("rival %d: %v, want a conflict", rival, err)
		}
	}
	if won < 0 {
		t.Fatalf("no rival was acknowledged: %v", errs[0])
	}
	return won
}

// readTag: all have read that nobody said anything of a column, and each says
// something in the name of the same person.
func readTag(t *testing.T, s *store.Store, _ int) (func(*store.Tx, int) error, func(*testing.T) int) {
	tag := func(rival int) graph.Tag {
		return graph.Tag{
			Ref: tableRef(1).Column("mail"), Label: "user", State: graph.TagConfirmed, Form: graph.FormClear, Confidence: 1,
			Provenance: graph.Provenance{Kind: graph.ByPerson, Name: "ana", Why: fmt.Sprint(rival)},
		}
	}
	was := must[graph.Snapshot](t)(all(t, s).Snapshot(t.Context(), graph.Scope{}))
	if len(was) > 0 {
		commit(t, s, was, nil) // a round begins with nothing said
	}
	return func(tx *store.Tx, rival int) error {
			return tx.Apply(t.Context(), graph.Diff(nil, graph.NewSnapshot(tag(rival))))
		}, func(t *testing.T) int {
			for rival := range rivals {
				if got, ok := must[graph.Snapshot](t)(all(t, s).Snapshot(t.Context(), graph.Scope{})).Get(tag(rival)); ok && len(graph.Diff(graph.NewSnapshot(got), graph.NewSnapshot(tag(rival)))) == 0 {
					return rival
				}
			}
			return -1
		}
}

// readAsset: all change one asset, and each adds a column that nobody else
// does. Of those who lose no column is left.
func readAsset(t *testing.T, s *store.Store, round int) (func(*store.Tx, int) error, func(*testing.T) int) {
	asset := graph.Asset{Ref: tableRef(round), Kind: graph.KindTable, Source: fmt.Sprint("source", round)}
	put(t, s, asset)
	changed := func(rival int) graph.Snapshot {
		now := asset
		now.Description = fmt.Sprint(rival)
		return graph.NewSnapshot(now, graph.Column{Ref: tableRef(round).Column(fmt.Sprint("c", rival))})
	}
	return func(tx *store.Tx, rival int) error {
			return tx.Apply(t.Context(), graph.Diff(graph.NewSnapshot(asset), changed(rival)))
		}, func(t *testing.T) int {
			now := must[graph.Snapshot](t)(all(t, s).Snapshot(t.Context(), graph.Scope{Source: asset.Source}))
			for rival := range rivals {
				if len(graph.Diff(now, changed(rival))) == 0 {
					return rival
				}
			}
			return -1
		}
}

// readEnd: one ends an asset and the others change it.
func readEnd(t *testing.T, s *store.Store, round int) (func(*store.Tx, int) error, func(*testing.T) int) {
	asset := graph.Asset{Ref: tableRef(round), Kind: graph.KindTable}
	put(t, s, asset)
	return func(tx *store.Tx, rival int) error {
			if rival == 0 {
				return tx.Apply(t.Context(), graph.Delta{graph.Ended{Was: asset}})
			}
			now := asset
			now.Description = fmt.Sprint(rival)
			return tx.Apply(t.Context(), graph.Delta{graph.Changed{Was: asset, Now: now}})
		}, func(t *testing.T) int {
			view, err := all(t, s).Asset(t.Context(), tableRef(round))
			if errors.Is(err, graph.ErrNotFound) {
				return 0
			}
			if err != nil {
				t.Fatal(err)
			}
			for rival := 1; rival < rivals; rival++ {
				if view.Asset.Description == fmt.Sprint(rival) {
					return rival
				}
			}
			return -1
		}
}

// readPlan: all want to move one plan from the state that they have seen.
func readPlan(t *testing.T, s *store.Store, round int) (func(*store.Tx, int) error, func(*testing.T) int) {
	var id string
	must[graph.Revision](t)(s.Commit(t.Context(), boss, "plan", func(tx *store.Tx) error {
		saved, err := tx.SavePlan(t.Context(), graph.Plan{Catalog: s.Catalog(), Target: fmt.Sprint("warehouse", round)})
		id = saved.ID
		return err
	}))
	return func(tx *store.Tx, rival int) error {
			_, err := tx.MovePlan(t.Context(), id, store.PlanMove{From: []graph.PlanState{graph.PlanPlanned}, To: graph.PlanApproved, Reason: fmt.Sprint(rival)})
			return err
		}, func(t *testing.T) int {
			plan := must[graph.SavedPlan](t)(all(t, s).Plan(t.Context(), id))
			for rival := range rivals {
				if plan.State == graph.PlanApproved && plan.Reason == fmt.Sprint(rival) {
					return rival
				}
			}
			return -1
		}
}

// readCrawl: all have begun the crawl of one source, one after another. The
// one that began last commits, whoever is first to try.
func readCrawl(t *testing.T, s *store.Store, round int) (func(*store.Tx, int) error, func(*testing.T) int) {
	source := fmt.Sprint("warehouse", round)
	var numbers [rivals]int64
	for rival := range rivals {
		numbers[rival] = must[int64](t)(s.TakeFence(t.Context(), source))
	}
	return func(tx *store.Tx, rival int) error {
			if err := tx.HoldFence(t.Context(), source, numbers[rival]); err != nil {
				if !errors.Is(err, store.ErrTaken) {
					t.Errorf("rival %d: %v, want that another took it", rival, err)
				}
				return err
			}
			return tx.PutCursor(t.Context(), store.Cursor{Source: source, Cursor: fmt.Append(nil, rival)})
		}, func(t *testing.T) int {
			cursor := must[store.Cursor](t)(s.Cursor(t.Context(), source))
			for rival := range rivals {
				if string(cursor.Cursor) == fmt.Sprint(rival) {
					return rival
				}
			}
			return -1
		}
}
