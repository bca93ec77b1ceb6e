package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"github.com/google/go-cmp/cmp"
)

// within commits what fn does, and fails the test where it cannot.
func within(t *testing.T, s *store.Store, fn func(tx *store.Tx) error) graph.Revision {
	t.Helper()
	return must[graph.Revision](t)(s.Commit(t.Context(), boss, "test", fn))
}

// sightings keeps digests of what was said, and forgets those of what somebody
// else changed since.
func sightings(t *testing.T, open Open) {
	s := open(t, store.Config{})
	a, b := tableRef(0), tableRef(1)
	column := graph.Column{Ref: a.Column("c")}
	bySource := graph.Provenance{Kind: graph.BySource, Name: "x"}
	byPerson := graph.Provenance{Kind: graph.ByPerson, Name: "ana"}
	put(t, s, graph.Asset{Ref: a, Kind: graph.KindTable, Source: "x"}, graph.Asset{Ref: b, Kind: graph.KindTable, Source: "x"})
	digest := func(n byte) []byte { return bytes.Repeat([]byte{n}, 16) }
	tell := func() {
		t.Helper()
		rev := within(t, s, func(tx *store.Tx) error {
			return errors.Join(
				tx.PutSeen(t.Context(), store.Seen{Source: "x", Digests: map[graph.Ref][]byte{a: digest(1), b: digest(2)}, At: time.UnixMicro(1)}),
				tx.PutSeen(t.Context(), store.Seen{Source: "y", Digests: map[graph.Ref][]byte{a: digest(3)}, At: time.UnixMicro(1)}),
			)
		})
		if rev != all(t, s).Revision() {
			t.Errorf("to keep what was seen made revision %d", rev)
		}
	}
	known := func(source string, refs ...graph.Ref) map[graph.Ref][]byte {
		t.Helper()
		return must[map[graph.Ref][]byte](t)(all(t, s).Sightings(t.Context(), source, refs...))
	}
	for _, c := range []struct {
		name  string
		delta graph.Delta
		// forgotten says that what was said of a stands no more, for anybody.
		forgotten bool
	}{
		{"nothing", nil, false},
		{"a column", graph.Delta{graph.Began{Now: column}}, true},
		{"a person's tag", graph.Delta{graph.Began{Now: graph.Tag{Ref: column.Ref, Label: "l", Provenance: byPerson}}}, false},
		{"a source's tag", graph.Delta{graph.Began{Now: graph.Tag{Ref: column.Ref, Label: "l", Provenance: bySource}}}, true},
		{"a person's owner", graph.Delta{graph.Began{Now: graph.Owner{Asset: a, Principal: "p", Provenance: byPerson}}}, false},
		{"a source's owner", graph.Delta{graph.Began{Now: graph.Owner{Asset: a, Principal: "p", Provenance: bySource}}}, true},
		{"a grant", graph.Delta{graph.Began{Now: graph.Grant{On: a, Principal: "p", Role: "r"}}}, true},
		{"an edge from it", graph.Delta{graph.Began{Now: graph.Edge{From: a, To: tableRef(4), Kind: graph.EdgeReads}}}, true},
		{"an edge to it", graph.Delta{graph.Began{Now: graph.Edge{From: tableRef(4), To: a, Kind: graph.EdgeReads}}}, false},
		{"a statement's edge", graph.Delta{graph.Began{Now: graph.Edge{From: a, To: tableRef(4), Kind: graph.EdgeReads, Statement: "job:1"}}}, false},
		{"its end", graph.Delta{graph.Ended{Was: graph.Asset{Ref: a, Kind: graph.KindTable, Source: "x"}}}, true},
	} {
		tell()
		within(t, s, func(tx *store.Tx) error { return tx.Apply(t.Context(), c.delta) })
		if x, y := known("x"), known("y", a); (len(x) == 1) != c.forgotten || (len(y) == 0) != c.forgotten || !bytes.Equal(x[b], digest(2)) {
			t.Errorf("%s: x said %v, y said %v, want a forgotten: %v", c.name, x, y, c.forgotten)
		}
	}
	tell()
	within(t, s, func(tx *store.Tx) error {
		return tx.PutSeen(t.Context(), store.Seen{Source: "x", Forget: []graph.Ref{b}, Digests: map[graph.Ref][]byte{a: digest(9)}})
	})
	if diff := cmp.Diff(map[graph.Ref][]byte{a: digest(9)}, known("x")); diff != "" {
		t.Errorf("x said (-want +got):\n%s", diff)
	}
	within(t, s, func(tx *store.Tx) error { return tx.ForgetSeen(t.Context(), "x") })
	if len(known("x")) != 0 || len(known("y")) != 1 {
		t.Errorf("after x was forgotten: %v and %v", known("x"), known("y"))
	}
}

// manySightings keeps more than one statement takes, and reads them by name.
func manySightings(t *testing.T, open Open) {
	s := open(t, store.Config{})
	digests, some := map[graph.Ref][]byte{}, []graph.Ref{}
	for n := range 1203 {
		ref := graph.BigQueryRef("p", "d", fmt.Sprintf("t%04d", n))
		digests[ref] = []byte(fmt.Sprintf("%016d", n))
		if n%2 == 0 {
			some = append(some, ref)
		}
	}
	for range 2 { // the second time over the first
		within(t, s, func(tx *store.Tx) error {
			if err := tx.PutSeen(t.Context(), store.Seen{Source: "x", Digests: digests}); err != nil {
				return err
			}
			found, err := tx.Sightings(t.Context(), "x", some...)
			if len(found) != len(some) {
				t.Errorf("%d of %d named are known, %v", len(found), len(some), err)
			}
			return err
		})
	}
	if diff := cmp.Diff(digests, must[map[graph.Ref][]byte](t)(all(t, s).Sightings(t.Context(), "x"))); diff != "" {
		t.Errorf("what is known (-want +got):\n%s", diff)
	}
}

// lastSeen tells of an asset when it was last told otherwise, or its scope was
// last seen whole.
func lastSeen(t *testing.T, open Open) {
	s := open(t, store.Config{})
	at := func(n int64) time.Time { return time.UnixMicro(n).UTC() }
	in := graph.Asset{Ref: tableRef(0), Kind: graph.KindTable, Source: "x", Parent: container(0)}
	beside := graph.Asset{Ref: tableRef(1), Kind: graph.KindTable, Source: "x", Parent: container(1)}
	other := graph.Asset{Ref: tableRef(4), Kind: graph.KindTopic, Source: "y"}
	box := graph.Asset{Ref: container(0), Kind: graph.KindDataset, Source: "x"}
	put(t, s, in, beside, other, box)
	refs := []graph.Ref{in.Ref, beside.Ref, other.Ref, box.Ref, tableRef(3)}
	for _, c := range []struct {
		name string
		seen store.Seen
		want map[graph.Ref]time.Time
	}{
		{"nothing", store.Seen{Source: "x"}, map[graph.Ref]time.Time{}},
		{"told", store.Seen{Source: "x", Digests: map[graph.Ref][]byte{in.Ref: {1}}, At: at(5)}, map[graph.Ref]time.Time{in.Ref: at(5)}},
		{"told by another", store.Seen{Source: "y", Digests: map[graph.Ref][]byte{in.Ref: {1}}, At: at(6)}, map[graph.Ref]time.Time{in.Ref: at(5)}},
		{"its container", store.Seen{Source: "x", Done: []graph.Ref{container(0)}, At: at(7)}, map[graph.Ref]time.Time{in.Ref: at(7), box.Ref: at(7)}},
		{"its source", store.Seen{Source: "x", Done: []graph.Ref{{}}, At: at(8)}, map[graph.Ref]time.Time{in.Ref: at(8), beside.Ref: at(8), box.Ref: at(8)}},
		{"its source again", store.Seen{Source: "x", Done: []graph.Ref{{}, container(1)}, At: at(9)}, map[graph.Ref]time.Time{in.Ref: at(9), beside.Ref: at(9), box.Ref: at(9)}},
	} {
		within(t, s, func(tx *store.Tx) error { return tx.PutSeen(t.Context(), c.seen) })
		if diff := cmp.Diff(c.want, must[map[graph.Ref]time.Time](t)(all(t, s).LastSeen(t.Context(), refs...))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	topics := graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"topic"}}}}}
	r := reader(t, s, topics, 0)
	if got := must[map[graph.Ref]time.Time](t)(r.LastSeen(t.Context(), refs...)); len(got) != 0 {
		t.Errorf("of what is hidden is told %v", got)
	}
	_, err := r.Sightings(t.Context(), "x")
	_, known := r.KnownOf(t.Context(), in.Ref)
	for what, err := range map[string]error{
		"sightings": err, "known": known,
		"standing": r.Standing(t.Context(), graph.Scope{Source: "x"}, func(graph.Ref, graph.Ref) error { return nil }),
	} {
		if !errors.Is(err, graph.ErrDenied) {
			t.Errorf("%s for somebody: %v, want denied", what, err)
		}
	}
}

// knownOfAssets reads what facts about assets are compared with.
func knownOfAssets(t *testing.T, open Open) {
	s := open(t, store.Config{})
	a := graph.Asset{Ref: tableRef(0), Kind: graph.KindTable, Source: "x", Parent: container(0)}
	b := graph.Asset{Ref: tableRef(1), Kind: graph.KindTable, Source: "x", Parent: container(1)}
	column := graph.Column{Ref: a.Ref.Column("c")}
	tag := graph.Tag{Ref: column.Ref, Label: "l"}
	from := graph.Edge{From: a.Ref, To: b.Ref, Kind: graph.EdgeReads}
	to := graph.Edge{From: tableRef(4), To: a.Ref, Kind: graph.EdgeReads}
	put(t, s, a, b, column, tag, from, to)
	for _, c := range []struct {
		name string
		refs []graph.Ref
		want []graph.Item
	}{
		{"none", nil, nil},
		{"one", []graph.Ref{a.Ref}, []graph.Item{a, column, tag, from, to}},
		{"where edges begin", []graph.Ref{tableRef(4)}, []graph.Item{to}},
		{"both", []graph.Ref{b.Ref, a.Ref, a.Ref}, []graph.Item{a, b, column, tag, from, to}},
	} {
		want(t, must[graph.Snapshot](t)(all(t, s).KnownOf(t.Context(), c.refs...)), graph.NewSnapshot(c.want...))
		within(t, s, func(tx *store.Tx) error {
			got, err := tx.KnownOf(t.Context(), c.refs...)
			want(t, got, graph.NewSnapshot(c.want...))
			return err
		})
	}
	enough := errors.New("enough")
	for _, c := range []struct {
		scope graph.Scope
		want  map[graph.Ref]graph.Ref
	}{
		{graph.Scope{Source: "x"}, map[graph.Ref]graph.Ref{a.Ref: container(0), b.Ref: container(1)}},
		{graph.Scope{Source: "x", Parent: container(1)}, map[graph.Ref]graph.Ref{b.Ref: container(1)}},
		{graph.Scope{Source: "x", Parent: a.Ref}, map[graph.Ref]graph.Ref{a.Ref: container(0)}},
		{graph.Scope{Source: "y"}, map[graph.Ref]graph.Ref{}},
	} {
		got := map[graph.Ref]graph.Ref{}
		take := func(ref, parent graph.Ref) error { //nolint:unparam // what Standing calls
			got[ref] = parent
			return nil
		}
		if err := all(t, s).Standing(t.Context(), c.scope, take); err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%+v holds %v, %v, want %v", c.scope, got, err, c.want)
		}
		within(t, s, func(tx *store.Tx) error { return tx.Standing(t.Context(), c.scope, take) })
		if err := all(t, s).Standing(t.Context(), c.scope, func(graph.Ref, graph.Ref) error { return enough }); len(c.want) > 0 && !errors.Is(err, enough) {
			t.Errorf("an error of the caller is answered %v", err)
		}
	}
}

func tokens(t *testing.T, open Open) {
	s := open(t, store.Config{})
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	first := store.Token{ID: "a", Name: "loader", Sources: []string{"crm", "dbt"}, CreatedBy: boss.ID, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
	second := store.Token{ID: "b", Name: "loader", CreatedBy: boss.ID, CreatedAt: at.Add(time.Minute), ExpiresAt: at.Add(time.Hour)}
	within(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.PutToken(t.Context(), first, []byte("one")), tx.PutToken(t.Context(), second, []byte("two")))
	})
	for _, again := range []struct {
		id, hash string
	}{{"a", "three"}, {"c", "one"}} {
		_, err := s.Commit(t.Context(), boss, "test", func(tx *store.Tx) error {
			return tx.PutToken(t.Context(), store.Token{ID: again.id}, []byte(again.hash))
		})
		if !errors.Is(err, graph.ErrConflict) {
			t.Errorf("token %s with hash %s: %v, want a conflict", again.id, again.hash, err)
		}
	}
	if diff := cmp.Diff([]store.Token{second, first}, must[[]store.Token](t)(s.Tokens(t.Context()))); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	within(t, s, func(tx *store.Tx) error {
		if err := tx.TouchToken(t.Context(), "a", at.Add(time.Second)); err != nil {
			return err
		}
		for _, when := range []time.Time{at.Add(2 * time.Second), at.Add(3 * time.Second)} { // the first one holds
			if _, err := tx.RevokeToken(t.Context(), "a", when); err != nil {
				return err
			}
		}
		return nil
	})
	first.LastUsedAt, first.RevokedAt = at.Add(time.Second), at.Add(2*time.Second)
	if diff := cmp.Diff(first, must[store.Token](t)(s.TokenBy(t.Context(), []byte("one")))); diff != "" {
		t.Errorf("token (-want +got):\n%s", diff)
	}
	_, none := s.TokenBy(t.Context(), []byte("none"))
	_, revoke := s.Commit(t.Context(), boss, "test", func(tx *store.Tx) error {
		_, err := tx.RevokeToken(t.Context(), "none", at)
		return err
	})
	if !errors.Is(none, graph.ErrNotFound) || !errors.Is(revoke, graph.ErrNotFound) {
		t.Errorf("a token of nobody: %v and %v, want not found", none, revoke)
	}
}

func pushes(t *testing.T, open Open) {
	s := open(t, store.Config{})
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	first := store.Push{Source: "crm", Key: "1", Digest: []byte{1, 2}, Answer: `{"revision": 1}`, At: at}
	within(t, s, func(tx *store.Tx) error {
		if _, err := tx.Push(t.Context(), "crm", "1"); !errors.Is(err, graph.ErrNotFound) {
			t.Errorf("a push that was not made: %v", err)
		}
		return errors.Join(tx.PutPush(t.Context(), first), tx.PutPush(t.Context(), store.Push{Source: "dbt", Key: "1", At: at.Add(time.Hour), Digest: []byte{3}}))
	})
	if _, err := s.Commit(t.Context(), boss, "test", func(tx *store.Tx) error { return tx.PutPush(t.Context(), first) }); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("the same key twice: %v, want a conflict", err)
	}
	within(t, s, func(tx *store.Tx) error {
		got, err := tx.Push(t.Context(), "crm", "1")
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("push (-want +got):\n%s", diff)
		}
		if tx.Revision() != 0 {
			t.Errorf("before any change the revision is %d", tx.Revision())
		}
		if err := tx.Apply(t.Context(), graph.Delta{graph.Began{Now: graph.Asset{Ref: tableRef(0)}}}); err != nil {
			return err
		}
		if tx.Revision() != 1 {
			t.Errorf("after a change the revision is %d", tx.Revision())
		}
		if n, err := tx.SweepPushes(t.Context(), at.Add(time.Minute)); err != nil || n != 1 {
			t.Errorf("%d were swept, %v, want the older one", n, err)
		}
		return err
	})
	within(t, s, func(tx *store.Tx) error {
		_, old := tx.Push(t.Context(), "crm", "1")
		_, young := tx.Push(t.Context(), "dbt", "1")
		if !errors.Is(old, graph.ErrNotFound) || young != nil {
			t.Errorf("after the sweep: %v and %v", old, young)
		}
		return nil
	})
}

// soon makes one job due for many commits, and none where one waits.
func soon(t *testing.T, open Open) {
	s := open(t, store.Config{})
	for range 3 {
		within(t, s, func(tx *store.Tx) error { return tx.EnqueueSoon(t.Context(), store.PropagateArgs{}) })
	}
	within(t, s, func(tx *store.Tx) error { return tx.Enqueue(t.Context(), store.PropagateArgs{}) })
	within(t, s, func(tx *store.Tx) error { return tx.EnqueueSoon(t.Context(), store.CrawlArgs{Source: "x"}) })
	due := must[[]store.Job](t)(s.Pending(t.Context()))
	if len(due) != 2 || due[0].Kind != "propagate" || due[0].State != "scheduled" || due[1].Subject != "x" {
		t.Errorf("due are %+v, want one of each", due)
	}
}

// heldCursor keeps what is held back with the source.
func heldCursor(t *testing.T, open Open) {
	s := open(t, store.Config{})
	for _, held := range []string{`{"hash":"1"}`, ""} {
		within(t, s, func(tx *store.Tx) error { return tx.PutCursor(t.Context(), store.Cursor{Source: "x", Held: held}) })
		within(t, s, func(tx *store.Tx) error {
			c, err := tx.Cursor(t.Context(), "x")
			if c.Held != held {
				t.Errorf("held is %q, want %q", c.Held, held)
			}
			return err
		})
	}
}
