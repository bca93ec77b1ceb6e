package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
	"github.com/google/go-cmp/cmp"
)

func forget(t *testing.T, s *store.Store, before graph.Revision) (store.Forgotten, error) {
	t.Helper()
	var gone store.Forgotten
	_, err := s.Commit(t.Context(), boss, "forget", func(tx *store.Tx) (err error) {
		gone, err = tx.Forget(t.Context(), before)
		return err
	})
	return gone, err
}

// asOf is all that a reader at a revision answers of the catalog, but for what
// History tells of the time before.
func asOf(t *testing.T, s *store.Store, at graph.Revision) string {
	t.Helper()
	r, ctx := reader(t, s, graph.Everything(), at), t.Context()
	var b strings.Builder
	tell := func(v any, err error) {
		if errors.Is(err, graph.ErrNotFound) {
			v = "not found"
		} else if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(data, '\n'))
	}
	items, err := r.Snapshot(ctx, graph.Scope{})
	tell(items.Sorted(), err)
	for _, text := range []string{"", "qx", "id", "email"} {
		found, err := r.Search(ctx, search.Query{Text: text, First: 200})
		tell(found, err)
	}
	for n := range worldTables {
		walked, err := r.Walk(ctx, walk.Query{Root: tableRef(n), Direction: walk.Both, Depth: 9})
		tell(walked, err)
	}
	counts, err := r.Counts(ctx)
	tell(counts, err)
	held, err := r.Decisions(ctx)
	tell(held, err)
	revisions, err := r.Revisions(ctx, store.Page{First: 1000})
	tell(revisions.Items, err)
	return b.String()
}

// Law: whatever is forgotten, reads at the floor and after it answer the same,
// whether the indexes were warm or not, and those before it are refused.
func theRestStaysWhenSomeIsForgotten(t *testing.T, open Open) {
	for seed := range uint64(3) {
		w, s := newWorld(100+seed), open(t, store.Config{})
		m := grow(t, s, w, 14)
		past := map[graph.Revision]string{}
		for _, at := range m.at {
			past[at] = asOf(t, s, at)
		}
		for _, floor := range []graph.Revision{m.at[3], m.at[8], m.newest()} {
			gone := must[store.Forgotten](t)(forget(t, s, floor))
			if len(gone) == 0 {
				t.Errorf("seed %d: nothing is told of what went below %d", seed, floor)
			}
			for _, at := range m.at {
				if at < floor {
					_, err := s.Reader(t.Context(), ana, graph.Everything(), at)
					if !errors.Is(err, graph.ErrNotFound) || !strings.Contains(err.Error(), "removed under retention") {
						t.Errorf("seed %d: revision %d below %d: %v", seed, at, floor, err)
					}
					continue
				}
				if diff := cmp.Diff(past[at], asOf(t, s, at)); diff != "" {
					t.Errorf("seed %d: revision %d is another after forgetting below %d (-was +is):\n%s", seed, at, floor, diff)
				}
			}
		}
		next := w.next(m.then[m.newest()])
		at := commit(t, s, m.then[m.newest()], next)
		want(t, must[graph.Snapshot](t)(reader(t, s, graph.Everything(), at).Snapshot(t.Context(), graph.Scope{})), next)
	}
}

// The index that search follows must not keep what ended while nobody
// searched and was forgotten before anybody did.
func anOldIndexForgetsToo(t *testing.T, open Open) {
	s := open(t, store.Config{})
	one := graph.Asset{Ref: tableRef(0), Kind: graph.KindTable, Source: "warehouse"}
	two := graph.Asset{Ref: tableRef(1), Kind: graph.KindTable, Source: "warehouse"}
	put(t, s, one, two)
	found := must[search.Result](t)(all(t, s).Search(t.Context(), search.Query{}))
	if found.Total != 2 {
		t.Fatalf("%d assets are found, want 2", found.Total)
	}
	before := asOf(t, s, 0)
	ended := commit(t, s, graph.NewSnapshot(one), nil)
	must[store.Forgotten](t)(forget(t, s, ended))
	found = must[search.Result](t)(all(t, s).Search(t.Context(), search.Query{}))
	if found.Total != 1 || found.Hits[0].Asset.Ref != two.Ref {
		t.Errorf("after it ended and was forgotten, %+v is found", found.Hits)
	}
	if before == asOf(t, s, 0) {
		t.Error("that an asset ended changed nothing")
	}
}

func forgettingHistory(t *testing.T, open Open) {
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	s := open(t, store.Config{Now: func() time.Time { return now }})
	ctx := t.Context()
	if floor := must[store.Floor](t)(s.Floor(ctx)); floor != (store.Floor{}) {
		t.Errorf("before anything is forgotten the floor is %+v", floor)
	}
	_, err := forget(t, s, 1)
	if !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("an empty catalog forgets: %v", err)
	}
	asset := graph.Asset{Ref: tableRef(0), Kind: graph.KindTable, Source: "warehouse", Title: "one"}
	word := graph.Tag{Ref: tableRef(0), Label: "user", State: graph.TagConfirmed, Form: graph.FormClear, Confidence: 1, Provenance: graph.Provenance{Kind: graph.ByPerson, Name: "ana"}}
	put(t, s, asset, word)
	for _, title := range []string{"two", "three", "four"} {
		next := asset
		next.Title = title
		commit(t, s, graph.NewSnapshot(asset), graph.NewSnapshot(next))
		asset = next
	}
	recorded := len(events(t, s))
	gone := must[store.Forgotten](t)(forget(t, s, 3))
	if gone["assets"] != 2 || gone["tags"] != 0 {
		t.Errorf("below 3 went %v, want two assets", gone)
	}
	want := store.Floor{Revision: 3, At: now, Forgotten: now}
	if floor := must[store.Floor](t)(s.Floor(ctx)); floor != want {
		t.Errorf("the floor is %+v, want %+v", floor, want)
	}
	log := events(t, s)
	last := log[len(log)-1]
	if len(log) != recorded+1 || last.Action != "forget" || last.Actor != boss.ID || last.Detail["before"] != "3" || last.Detail["assets"] != "2" || last.Revision != 0 {
		t.Errorf("it is recorded as %+v", last)
	}
	for _, again := range []graph.Revision{1, 2, 3} {
		if gone := must[store.Forgotten](t)(forget(t, s, again)); len(gone) > 0 {
			t.Errorf("below %d went %v once more", again, gone)
		}
	}
	if len(events(t, s)) != recorded+1 || must[store.Floor](t)(s.Floor(ctx)) != want {
		t.Error("to forget twice is something")
	}
	for _, at := range []graph.Revision{0, -1, 9} {
		if _, err := forget(t, s, at); !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("before revision %d: %v", at, err)
		}
	}
	versions := must[[]store.Version](t)(all(t, s).History(ctx, asset.Ref))
	kept := slices.DeleteFunc(slices.Clone(versions), func(v store.Version) bool { return v.Item.Key() != asset.Key() })
	if len(kept) != 2 || kept[0].Item.(graph.Asset).Title != "three" || len(versions) != 3 {
		t.Errorf("its history is %+v", versions)
	}
	if log := must[store.List[store.RevisionInfo]](t)(all(t, s).Revisions(ctx, store.Page{})); len(log.Items) != 4 {
		t.Errorf("%d revisions are listed, want all 4", len(log.Items))
	}
}

// The ledger says, at every revision, by what it was decided and for whom.
func theLedgerNamesItsPolicy(t *testing.T, open Open) {
	s, ctx := open(t, store.Config{}), t.Context()
	put(t, s, graph.Asset{Ref: tableRef(0), Kind: graph.KindTable, Source: "warehouse"})
	hold := func(policy string, reads graph.Projection, audiences ...string) graph.Revision {
		at, err := s.Commit(ctx, boss, "decide", func(tx *store.Tx) error {
			var decisions []graph.Decision
			for _, name := range audiences {
				decisions = append(decisions, graph.Decision{Audience: name, Class: "c", Effect: graph.EffectDeny, Policy: policy})
			}
			if reads != nil {
				if err := tx.NotePolicy(ctx, policy, reads); err != nil {
					return err
				}
			}
			return tx.HoldDecisions(ctx, decisions)
		})
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	first := hold("one", graph.Projection{graph.FactLabels}, "fraud", "analysts")
	second := hold("two", nil, "analysts")
	third := hold("one", graph.AllFacts(), "analysts")
	for at, want := range map[graph.Revision]store.Ledger{
		first - 1: {},
		first:     {Policy: "one", Reads: graph.AllFacts(), Audiences: []string{"analysts", "fraud"}},
		second:    {Policy: "two", Audiences: []string{"analysts"}},
		third:     {Policy: "one", Reads: graph.AllFacts(), Audiences: []string{"analysts"}},
	} {
		if diff := cmp.Diff(want, must[store.Ledger](t)(reader(t, s, graph.Everything(), at).Ledger(ctx))); diff != "" {
			t.Errorf("at revision %d (-want +got):\n%s", at, diff)
		}
	}
}

// What is told of revisions is what their list tells, and nothing of what
// came after the reader's.
func revisionsByNumber(t *testing.T, open Open) {
	s, ctx := open(t, store.Config{}), t.Context()
	if began := must[time.Time](t)(s.Began(ctx)); !began.IsZero() {
		t.Errorf("the empty catalog began at %s", began)
	}
	grow(t, s, newWorld(5), 5)
	for _, f := range []graph.Filter{graph.Everything(), {}} {
		r := reader(t, s, f, 3)
		if r.Newest() != must[graph.Revision](t)(s.Head(ctx)) || r.Newest() == 3 {
			t.Errorf("the newest is %d", r.Newest())
		}
		listed := must[store.List[store.RevisionInfo]](t)(r.Revisions(ctx, store.Page{}))
		got := must[map[graph.Revision]store.RevisionInfo](t)(r.RevisionInfos(ctx, 1, 2, 3, 4, 99))
		if len(got) != 3 || len(listed.Items) != 3 {
			t.Fatalf("told of %v and listed %v", got, listed.Items)
		}
		for _, info := range listed.Items {
			if got[info.Number] != info {
				t.Errorf("revision %d is told as %+v and listed as %+v", info.Number, got[info.Number], info)
			}
		}
		if began := must[time.Time](t)(s.Began(ctx)); !began.Equal(got[1].At) {
			t.Errorf("the catalog began at %s and its first revision was made at %s", began, got[1].At)
		}
	}
}
