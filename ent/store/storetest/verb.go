package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// whatMakesARevision commits one thing after another and says what each leaves
// behind: a revision, and events in the audit log.
func whatMakesARevision(t *testing.T, open Open) {
	s := open(t, store.Config{})
	asset := graph.Asset{Ref: tableRef(0), Kind: graph.KindTable}
	other := asset
	other.Title = "another"
	deny := graph.Decision{Audience: "analysts", Class: "c", Effect: graph.EffectDeny}
	apply := func(d ...graph.Change) func(context.Context, *store.Tx) error {
		return func(ctx context.Context, tx *store.Tx) error { return tx.Apply(ctx, d) }
	}
	revision, logged := graph.Revision(0), 0
	for _, c := range []struct {
		name      string
		fn        func(context.Context, *store.Tx) error
		revisions graph.Revision
		actions   []string
	}{
		{"nothing", func(context.Context, *store.Tx) error { return nil }, 0, nil},
		{"an empty delta", apply(), 0, nil},
		{"an item", apply(graph.Began{Now: asset}), 1, []string{"commit"}},
		{"the item again", apply(graph.Began{Now: asset}), 0, nil},
		{"a change", apply(graph.Changed{Was: asset, Now: other}), 1, []string{"commit"}},
		{"an end and a beginning", apply(graph.Ended{Was: other}, graph.Began{Now: asset}), 1, []string{"commit"}},
		{"a cursor", func(ctx context.Context, tx *store.Tx) error { return tx.PutCursor(ctx, store.Cursor{Source: "s"}) }, 0, nil},
		{"a job", func(ctx context.Context, tx *store.Tx) error { return tx.Enqueue(ctx, store.DecideArgs{}) }, 0, nil},
		{"an event", func(_ context.Context, tx *store.Tx) error {
			tx.Record(audit.Event{Actor: "service:gate", Action: "sign_in"})
			return nil
		}, 0, []string{"sign_in"}},
		{"a plan", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.SavePlan(ctx, graph.Plan{Catalog: s.Catalog()})
			return err
		}, 0, []string{"plan"}},
		{"a decision", func(ctx context.Context, tx *store.Tx) error { return tx.HoldDecisions(ctx, []graph.Decision{deny}) }, 1, []string{"commit", "decide"}},
		{"the decision again", func(ctx context.Context, tx *store.Tx) error { return tx.HoldDecisions(ctx, []graph.Decision{deny}) }, 0, nil},
		{"no decision", func(ctx context.Context, tx *store.Tx) error { return tx.HoldDecisions(ctx, nil) }, 1, []string{"commit", "decide"}},
		{"an item and an event", func(ctx context.Context, tx *store.Tx) error {
			tx.Record(audit.Event{Action: "tag", Object: asset.Ref.String()})
			return tx.Apply(ctx, graph.Delta{graph.Ended{Was: asset}})
		}, 1, []string{"commit", "tag"}},
	} {
		at := must[graph.Revision](t)(s.Commit(t.Context(), boss, c.name, func(tx *store.Tx) error { return c.fn(t.Context(), tx) }))
		revision += c.revisions
		if at != revision {
			t.Errorf("%s: revision %d, want %d", c.name, at, revision)
		}
		log := events(t, s)
		var actions []string
		for _, e := range log[logged:] {
			actions = append(actions, e.Action)
			if made := graph.Revision(0); c.revisions > 0 && e.Revision != at || c.revisions == 0 && e.Revision != made {
				t.Errorf("%s: the event %s is of revision %d", c.name, e.Action, e.Revision)
			}
		}
		if diff := cmp.Diff(c.actions, actions); diff != "" {
			t.Errorf("%s: events (-want +got):\n%s", c.name, diff)
		}
		logged = len(log)
	}
}

// commitsCount looks at what the audit log says of the size of commits.
func commitsCount(t *testing.T, open Open) {
	s := open(t, store.Config{})
	var first []graph.Item
	for n := range 5 {
		first = append(first, graph.Asset{Ref: tableRef(n)}, graph.Column{Ref: tableRef(n).Column("id")})
	}
	put(t, s, first...)
	was := graph.NewSnapshot(first...)
	now := graph.NewSnapshot(first[:4]...)
	now.Put(graph.Asset{Ref: tableRef(0), Title: "changed"})
	now.Put(graph.Tag{Ref: tableRef(0), Label: "l"})
	commit(t, s, was, now)
	log := events(t, s)
	for i, want := range []map[string]string{
		{"why": "test", "assets.began": "5", "columns.began": "5"},
		{"why": "test", "assets.changed": "1", "assets.ended": "3", "columns.ended": "3", "tags.began": "1"},
	} {
		if diff := cmp.Diff(want, log[i].Detail); diff != "" {
			t.Errorf("commit %d (-want +got):\n%s", i+1, diff)
		}
		if log[i].Object != strconv.Itoa(i+1) {
			t.Errorf("commit %d is of %q", i+1, log[i].Object)
		}
	}
}

// deltasOfEverySize writes, changes and ends so many rows that statements are
// just full, one short and one over.
func deltasOfEverySize(t *testing.T, open Open) {
	for _, size := range []int{1, 2, 99, 100, 101, 199, 200, 201, 499, 500, 501, 1001} {
		s := open(t, store.Config{})
		was, now := graph.Snapshot{}, graph.Snapshot{}
		for n := range size {
			c := graph.Column{Ref: tableRef(0).Column(fmt.Sprintf("c%04d", n)), Position: n, Type: "STRING"}
			was.Put(c)
			c.Type = "INT64"
			if n%3 > 0 {
				now.Put(c)
			}
		}
		for _, step := range [][2]graph.Snapshot{{nil, was}, {was, now}, {now, nil}, {nil, now}} {
			commit(t, s, step[0], step[1])
			got := must[graph.Snapshot](t)(all(t, s).Snapshot(t.Context(), graph.Scope{}))
			if len(got) != len(step[1]) || len(graph.Diff(got, step[1])) != 0 {
				t.Errorf("%d rows: %d stand, want %d", size, len(got), len(step[1]))
			}
		}
	}
}

// manyRefsAtOnce asks for more assets than one statement takes.
func manyRefsAtOnce(t *testing.T, open Open) {
	s := open(t, store.Config{})
	var (
		refs []graph.Ref
		all  []graph.Item
	)
	for n := range 1203 {
		ref := graph.BigQueryRef("p", "d", fmt.Sprintf("t%04d", n))
		refs = append(refs, ref, ref.Column("id"), ref) // some twice
		all = append(all, graph.Asset{Ref: ref, Kind: graph.KindTable}, graph.Column{Ref: ref.Column("id")})
	}
	put(t, s, all...)
	for name, f := range map[string]graph.Filter{"everything": graph.Everything(), "tables": {Visible: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"table"}}}}}} {
		r := reader(t, s, f, 0)
		views := must[map[graph.Ref]store.AssetView](t)(r.Assets(t.Context(), refs...))
		columns := must[map[graph.Ref][]graph.Column](t)(r.Columns(t.Context(), refs...))
		if len(views) != 1203 || len(columns) != 1203 {
			t.Errorf("%s: %d assets and %d with columns, want 1203", name, len(views), len(columns))
		}
		for ref, of := range columns {
			if len(of) != 1 {
				t.Errorf("%s: %s has %d columns, want 1", name, ref, len(of))
			}
		}
	}
}

// scopes reads parts of the catalog, by somebody who sees all and by somebody
// who does not.
func scopes(t *testing.T, open Open) {
	s := open(t, store.Config{})
	mine := graph.Asset{Ref: tableRef(0), Kind: graph.KindTable, Source: "warehouse", Parent: container(0)}
	secret := graph.Asset{Ref: tableRef(3), Kind: graph.KindView, Source: "warehouse", Parent: container(0), Definition: "SELECT 1"}
	beside := graph.Asset{Ref: tableRef(1), Kind: graph.KindTable, Source: "warehouse", Parent: container(1)}
	topic := graph.Asset{Ref: tableRef(4), Kind: graph.KindTopic, Source: "streams"}
	inMine, inSecret := graph.Column{Ref: mine.Ref.Column("a")}, graph.Column{Ref: secret.Ref.Column("a")}
	edge := graph.Edge{From: inSecret.Ref, To: inMine.Ref, Kind: graph.EdgeIdentity}
	put(t, s, mine, secret, beside, topic, inMine, inSecret, edge)
	tables := graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"table"}}}}}
	for _, c := range []struct {
		name   string
		filter graph.Filter
		scope  graph.Scope
		want   []graph.Item
	}{
		{"all of all", graph.Everything(), graph.Scope{}, []graph.Item{mine, secret, beside, topic, inMine, inSecret, edge}},
		{"a source", graph.Everything(), graph.Scope{Source: "streams"}, []graph.Item{topic}},
		{"a container", graph.Everything(), graph.Scope{Source: "warehouse", Parent: container(0)}, []graph.Item{mine, secret, inMine, inSecret, edge}},
		{"a container of another source", graph.Everything(), graph.Scope{Source: "streams", Parent: container(0)}, nil},
		{"tables of all", tables, graph.Scope{}, []graph.Item{mine, beside, inMine}},
		{"tables of a container", tables, graph.Scope{Source: "warehouse", Parent: container(0)}, []graph.Item{mine, inMine}},
		{"tables of the topics' source", tables, graph.Scope{Source: "streams"}, nil},
		{"nothing of all", graph.Filter{}, graph.Scope{}, nil},
	} {
		got := must[graph.Snapshot](t)(reader(t, s, c.filter, 0).Snapshot(t.Context(), c.scope))
		if diff := cmp.Diff(graph.NewSnapshot(c.want...), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// eventsAreFiltered lists the audit log by who, what and when.
func eventsAreFiltered(t *testing.T, open Open) {
	noon := time.Date(2026, 3, 3, 12, 0, 0, 123456789, time.FixedZone("somewhere", 3600))
	clock := noon
	s := open(t, store.Config{Now: func() time.Time { return clock }})
	for n, e := range []audit.Event{
		{Actor: "ana", Action: "read", Object: "a"}, {Actor: "bo", Action: "read", Object: "b"}, {Action: "tag", Object: "a", Detail: map[string]string{"label": "<user> & \"co\""}},
	} {
		clock = noon.Add(time.Duration(n) * time.Hour)
		_, err := s.Commit(t.Context(), boss, "look", func(tx *store.Tx) error {
			tx.Record(e)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		in   store.EventsIn
		want []int64
	}{
		{"all, newest first", store.EventsIn{}, []int64{3, 2, 1}},
		{"of somebody", store.EventsIn{Actor: "bo"}, []int64{2}},
		{"of the committer, where none is named", store.EventsIn{Actor: boss.ID}, []int64{3}},
		{"of an action", store.EventsIn{Action: "read"}, []int64{2, 1}},
		{"on an object", store.EventsIn{Object: "a"}, []int64{3, 1}},
		{"of an action on an object", store.EventsIn{Action: "read", Object: "a"}, []int64{1}},
		{"since", store.EventsIn{Since: noon.Add(time.Hour).Truncate(time.Microsecond)}, []int64{3, 2}},
		{"until", store.EventsIn{Until: noon.Add(time.Hour).Truncate(time.Microsecond)}, []int64{1}},
		{"in an hour without any", store.EventsIn{Since: noon.Add(5 * time.Hour), Until: noon.Add(6 * time.Hour)}, nil},
		{"of nobody", store.EventsIn{Actor: "nobody"}, nil},
	} {
		var got []int64
		for _, e := range must[store.List[audit.Event]](t)(all(t, s).Events(t.Context(), c.in, store.Page{})).Items {
			got = append(got, e.Seq)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	log := events(t, s)
	if want := noon.Add(2 * time.Hour).UTC().Truncate(time.Microsecond); !log[2].At.Equal(want) || log[2].At.Location() != time.UTC {
		t.Errorf("the time is %s, want %s", log[2].At, want)
	}
	if log[2].Detail["label"] != "<user> & \"co\"" {
		t.Errorf("the detail is %v", log[2].Detail)
	}
}

// expiredSessionsAreSwept keeps many sessions over time: those that have
// expired are gone, others stay.
func expiredSessionsAreSwept(t *testing.T, open Open) {
	clock := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	s := open(t, store.Config{Now: func() time.Time { return clock }})
	keep := s.Sessions()
	for n := range 10 {
		if err := keep.CommitCtx(t.Context(), fmt.Sprint("token", n), []byte{byte(n)}, clock.Add(time.Duration(n)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	clock = clock.Add(5 * time.Minute)
	if err := keep.CommitCtx(t.Context(), "another", nil, clock.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(-5 * time.Minute) // what was swept does not come back with the clock
	for n := range 10 {
		data, found, err := keep.FindCtx(t.Context(), fmt.Sprint("token", n))
		if err != nil || found != (n > 5) || found && data[0] != byte(n) {
			t.Errorf("session %d: found %v with %v, %v, want it found: %v", n, found, data, err, n > 5)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := keep.FindCtx(cancelled, "another")
	for what, err := range map[string]error{"find": err, "commit": keep.CommitCtx(cancelled, "x", nil, clock), "delete": keep.DeleteCtx(cancelled, "another")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s after the request ended: %v, want that it was cancelled", what, err)
		}
	}
}
