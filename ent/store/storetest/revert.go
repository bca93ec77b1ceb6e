package storetest

import (
	"errors"
	"strings"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"github.com/google/go-cmp/cmp"
)

// takeBack takes a revision back and returns the revision that does so.
func takeBack(t *testing.T, s *store.Store, at graph.Revision, keepLater bool) (graph.Revision, store.Reverted, error) {
	t.Helper()
	var did store.Reverted
	made, err := s.Commit(t.Context(), boss, "take back", func(tx *store.Tx) (err error) {
		did, err = tx.Revert(t.Context(), at, keepLater)
		return err
	})
	return made, did, err
}

func snapshotOf(t *testing.T, s *store.Store) graph.Snapshot {
	t.Helper()
	return must[graph.Snapshot](t)(all(t, s).Snapshot(t.Context(), graph.Scope{}))
}

// theLastIsTakenBack takes back the newest revision of random histories: what
// stands is what stood before it, and taking that back too is the original.
func theLastIsTakenBack(t *testing.T, open Open) {
	for seed := range uint64(6) {
		w, s := newWorld(300+seed), open(t, store.Config{})
		m := grow(t, s, w, 2+w.IntN(6))
		last := m.newest()
		before := graph.Snapshot{}
		if len(m.at) > 1 {
			before = m.then[m.at[len(m.at)-2]]
		}
		foreseen := must[store.Reverted](t)(s.Reverting(t.Context(), last))
		made, did, err := takeBack(t, s, last, false)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want(t, snapshotOf(t, s), before)
		if diff := cmp.Diff(foreseen, did); diff != "" {
			t.Errorf("seed %d: it was foreseen otherwise (-foreseen +done):\n%s", seed, diff)
		}
		want(t, must[graph.Snapshot](t)(reader(t, s, graph.Everything(), last).Snapshot(t.Context(), graph.Scope{})), m.then[last])
		if _, _, err := takeBack(t, s, made, false); err != nil {
			t.Fatalf("seed %d: again: %v", seed, err)
		}
		want(t, snapshotOf(t, s), m.then[last])
		if report := audit.Verify(s.Events(t.Context())); !report.OK {
			t.Errorf("audit: %+v", report)
		}
	}
}

// anOlderOneIsTakenBack takes back a revision that others follow, and compares
// with what the model holds: each item that is as the revision left it has its
// former content, each that later commits changed is untouched, and no asset
// is half gone.
func anOlderOneIsTakenBack(t *testing.T, open Open) {
	var back, kept int
	for seed := range uint64(12) {
		w, s := newWorld(400+seed), open(t, store.Config{})
		m := grow(t, s, w, 4+w.IntN(3))
		n := 1 + w.IntN(len(m.at)-2)
		was, left, now := m.then[m.at[n-1]], m.then[m.at[n]], m.then[m.newest()]
		expected, later := takenBack(was, left, now)
		events := len(events(t, s))
		if _, _, err := takeBack(t, s, m.at[n], false); len(later) > 0 != errors.Is(err, graph.ErrConflict) {
			t.Fatalf("seed %d: %d items are later, and the answer is %v", seed, len(later), err)
		} else if len(later) > 0 {
			want(t, snapshotOf(t, s), now)
			if after := countEvents(t, s); after != events {
				t.Errorf("seed %d: %d events became %d though it was refused", seed, events, after)
			}
			if !strings.Contains(err.Error(), "later commits") {
				t.Errorf("seed %d: the error does not say why: %v", seed, err)
			}
		}
		_, did, err := takeBack(t, s, m.at[n], true)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want(t, snapshotOf(t, s), expected)
		if len(later) > 0 {
			want(t, graph.NewSnapshot(did.Later...), later)
		}
		back, kept = back+len(did.Delta), kept+len(later)
	}
	if back < 100 || kept < 20 {
		t.Errorf("%d changes taken back and %d left: too few to mean anything", back, kept)
	}
}

func countEvents(t *testing.T, s *store.Store) int { return len(events(t, s)) }

// takenBack says by the snapshots alone what stands when a revision that
// turned was into left is taken back, and which items stay since later ones
// changed them.
func takenBack(was, left, now graph.Snapshot) (expected, later graph.Snapshot) {
	is := func(a, b graph.Snapshot, i graph.Item) bool {
		x, inA := a.Get(i)
		y, inB := b.Get(i)
		return inA == inB && cmp.Equal(x, y)
	}
	var delta graph.Delta
	later = graph.Snapshot{}
	keep := func(i graph.Item) {
		if derived := derivedItem(i); !derived {
			later.Put(i)
		}
	}
	for _, c := range graph.Diff(left, was) {
		switch i := c.Item(); {
		case is(now, left, i):
			delta = append(delta, c)
		case !is(now, was, i):
			keep(i)
		}
	}
	after := graph.Apply(now, delta)
	half := map[graph.Ref]bool{}
	for _, i := range now {
		asset := graph.Asset{Ref: i.About()}
		_, goes := after.Get(asset)
		_, stands := now.Get(asset)
		if _, stays := after.Get(i); stands && !goes && stays && shownBySource(i) && !is(left, now, i) {
			half[asset.Ref] = true
		}
	}
	for _, c := range delta {
		asset := graph.Asset{Ref: c.Item().About()}
		_, stood := left.Get(asset)
		_, stands := now.Get(asset)
		_, comes := after.Get(asset)
		if _, begins := c.(graph.Began); begins && shownBySource(c.Item()) && stood && !stands && !comes {
			half[asset.Ref] = true
		}
	}
	expected = now
	for _, c := range delta {
		if half[c.Item().About()] {
			keep(c.Item())
			continue
		}
		expected = graph.Apply(expected, graph.Delta{c})
	}
	return expected, later
}

func derivedItem(i graph.Item) bool {
	switch i := i.(type) {
	case graph.Statement:
		return true
	case graph.Edge:
		return i.Statement != ""
	case graph.Tag:
		return i.Provenance.Kind == graph.ByPropagation
	}
	return false
}

func shownBySource(i graph.Item) bool {
	switch i := i.(type) {
	case graph.Asset, graph.Column:
		return true
	case graph.Owner:
		return i.Provenance.Kind == graph.BySource
	case graph.Grant:
		return i.Provenance.Kind == graph.BySource
	case graph.Tag:
		return i.Provenance.Kind == graph.BySource
	}
	return false
}

// reverts are the stories of what may stand in the way.
func reverts(t *testing.T, open Open) {
	ref := tableRef(0)
	asset := graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "warehouse"}
	id, name := graph.Column{Ref: ref.Column("id"), Type: "STRING"}, graph.Column{Ref: ref.Column("name"), Type: "STRING"}
	person := graph.Provenance{Kind: graph.ByPerson, Name: "olu@example.org"}
	said := graph.Annotation{Ref: id.Ref, Attribute: graph.AttributeDescription, Value: "the number", Provenance: person}
	tag := graph.Tag{Ref: id.Ref, Label: "user.name", State: graph.TagConfirmed, Provenance: person}
	renamed := asset
	renamed.Description = "renamed"
	for _, c := range []struct {
		name string
		// past are the states of the catalog, the second of which is taken
		// back.
		past []graph.Snapshot
		want graph.Snapshot
		// later counts the items that stay.
		later int
	}{
		{
			name: "what people said since stays",
			past: []graph.Snapshot{graph.NewSnapshot(asset, id), graph.NewSnapshot(), graph.NewSnapshot(said, tag)},
			want: graph.NewSnapshot(asset, id, said, tag),
		},
		{
			name: "an asset that has more columns since stays whole",
			past: []graph.Snapshot{{}, graph.NewSnapshot(asset, id), graph.NewSnapshot(asset, id, name)},
			want: graph.NewSnapshot(asset, id, name), later: 2,
		},
		{
			name: "columns do not come back to an asset that is gone since",
			past: []graph.Snapshot{graph.NewSnapshot(asset, id, name), graph.NewSnapshot(asset, id), graph.NewSnapshot()},
			want: graph.NewSnapshot(), later: 1,
		},
		{
			name: "what was changed since stays, and the rest goes back",
			past: []graph.Snapshot{graph.NewSnapshot(asset, id), graph.NewSnapshot(renamed, name), graph.NewSnapshot(graph.Asset{Ref: ref, Kind: graph.KindView}, name)},
			want: graph.NewSnapshot(graph.Asset{Ref: ref, Kind: graph.KindView}, id), later: 1,
		},
		{
			name: "what was taken back by hand is as it should be",
			past: []graph.Snapshot{graph.NewSnapshot(asset), graph.NewSnapshot(renamed), graph.NewSnapshot(asset)},
			want: graph.NewSnapshot(asset),
		},
		{
			name: "what is the program's own to make again is in nobody's way",
			past: []graph.Snapshot{
				graph.NewSnapshot(asset),
				graph.NewSnapshot(asset, graph.Statement{ID: "job:1", Target: ref, Outcome: graph.OutcomeUnanalyzed}),
				graph.NewSnapshot(asset, graph.Statement{ID: "job:1", Target: ref, Outcome: graph.OutcomeExact}),
			},
			want: graph.NewSnapshot(asset, graph.Statement{ID: "job:1", Target: ref, Outcome: graph.OutcomeExact}),
		},
	} {
		s := open(t, store.Config{})
		was := graph.Snapshot{}
		var revisions []graph.Revision
		for _, now := range c.past {
			revisions = append(revisions, commit(t, s, was, now))
			was = now
		}
		second := revisions[1]
		_, _, err := takeBack(t, s, second, false)
		if refused := errors.Is(err, graph.ErrConflict); refused != (c.later > 0) {
			t.Errorf("%s: %v, want a refusal: %v", c.name, err, c.later > 0)
		}
		if err != nil && !errors.Is(err, graph.ErrConflict) {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err != nil {
			_, did, err := takeBack(t, s, second, true)
			if err != nil || len(did.Later) != c.later {
				t.Errorf("%s: %v, and %d items stay, want %d: %+v", c.name, err, len(did.Later), c.later, did.Later)
			}
		}
		want(t, snapshotOf(t, s), c.want)
	}
}

// whatIsNotThereIsNotTakenBack asks for revisions that are not there.
func whatIsNotThereIsNotTakenBack(t *testing.T, open Open) {
	s := open(t, store.Config{})
	at := put(t, s, graph.Asset{Ref: tableRef(0), Kind: graph.KindTable})
	for _, n := range []graph.Revision{-1, 0, at + 1} {
		if _, _, err := takeBack(t, s, n, true); !errors.Is(err, graph.ErrNotFound) {
			t.Errorf("revision %d: %v, want not found", n, err)
		}
		if _, err := s.Reverting(t.Context(), n); !errors.Is(err, graph.ErrNotFound) {
			t.Errorf("revision %d foreseen: %v, want not found", n, err)
		}
	}
}

// runs asks for commits by the reasons that they gave.
func runs(t *testing.T, open Open) {
	s := open(t, store.Config{})
	because := func(why string, items ...graph.Item) graph.Revision {
		return must[graph.Revision](t)(s.Commit(t.Context(), boss, why, func(tx *store.Tx) error {
			return tx.Apply(t.Context(), graph.Diff(nil, graph.NewSnapshot(items...)))
		}))
	}
	first := because("crawl a", graph.Asset{Ref: tableRef(0)}, graph.Column{Ref: tableRef(0).Column("id")})
	because("crawl ab", graph.Asset{Ref: tableRef(1)})
	third := because("undo 1 of a", graph.Asset{Ref: tableRef(2)})
	numbers := func(list []store.RevisionInfo, err error) (out []graph.Revision) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range list {
			out = append(out, i.Number)
		}
		return out
	}
	r := all(t, s)
	for _, c := range []struct {
		name    string
		first   int
		reasons []store.Reason
		want    []graph.Revision
	}{
		{"none", 9, nil, nil},
		{"these words", 9, []store.Reason{{Is: []string{"crawl a"}}}, []graph.Revision{first}},
		{"either", 9, []store.Reason{{Is: []string{"crawl a"}}, {Begins: "undo ", Ends: " of a"}}, []graph.Revision{third, first}},
		{"no more than asked", 1, []store.Reason{{Begins: "crawl "}, {Begins: "undo "}}, []graph.Revision{third}},
		{"words that nobody gave", 9, []store.Reason{{Begins: "crawl_"}}, nil},
	} {
		if diff := cmp.Diff(c.want, numbers(r.Committed(t.Context(), c.first, c.reasons...))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if diff := cmp.Diff([]graph.Revision{first, third}, numbers(r.Commits(t.Context(), third, first, 99))); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
	counts := must[map[string]int](t)(r.Changes(t.Context(), first))
	if diff := cmp.Diff(map[string]int{"assets.began": 1, "columns.began": 1}, counts); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if _, err := r.Changes(t.Context(), 99); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("changes of what is not there: %v", err)
	}
	some := reader(t, s, graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"table"}}}}}, 0)
	_, committed := some.Committed(t.Context(), 9, store.Reason{Begins: "crawl "})
	_, commits := some.Commits(t.Context(), first)
	_, changes := some.Changes(t.Context(), first)
	for what, err := range map[string]error{"by reason": committed, "by number": commits, "changes": changes} {
		if !errors.Is(err, graph.ErrDenied) {
			t.Errorf("%s, for whom something may be hidden from: %v, want denied", what, err)
		}
	}
}

// forgetting makes the next crawl read everything again.
func forgetting(t *testing.T, open Open) {
	s := open(t, store.Config{})
	for _, name := range []string{"a", "a#statements", "b"} {
		_, err := s.Commit(t.Context(), boss, "crawl", func(tx *store.Tx) error {
			return tx.PutCursor(t.Context(), store.Cursor{Source: name, Cursor: []byte("etags"), Problems: []string{"one"}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Commit(t.Context(), boss, "forget", func(tx *store.Tx) error {
		return tx.ForgetSource(t.Context(), "a", "crawl:a", "a", "a#statements")
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, cursor := range map[string]string{"a": "", "a#statements": "", "b": "etags"} {
		got := must[store.Cursor](t)(s.Cursor(t.Context(), name))
		if string(got.Cursor) != cursor || len(got.Problems) != 1 {
			t.Errorf("cursor of %s is %+v, want %q and its problem", name, got, cursor)
		}
	}
}
