package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	"github.com/google/go-cmp/cmp"
)

// dueTimes: what was made due is kept with the transaction, and with it alone.
func dueTimes(t *testing.T, open Open) {
	s := open(t, store.Config{})
	first, second := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC), time.Date(2031, 5, 1, 13, 0, 0, 0, time.UTC)
	note := func(name string, at time.Time, end error) {
		t.Helper()
		_, err := s.Commit(t.Context(), boss, "due", func(tx *store.Tx) error {
			if err := tx.PutDue(t.Context(), name, at); err != nil {
				return err
			}
			if seen := must[map[string]time.Time](t)(tx.Due(t.Context())); !seen[name].Equal(at) {
				t.Errorf("the transaction sees %v", seen)
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	if got := must[map[string]time.Time](t)(s.Due(t.Context())); len(got) > 0 {
		t.Errorf("at first %v", got)
	}
	note("crawl:warehouse", first, nil)
	note("crawl:registry", first, nil)
	note("crawl:warehouse", second, nil)
	note("crawl:registry", second, errors.New("no"))
	want := map[string]time.Time{"crawl:warehouse": second, "crawl:registry": first}
	if diff := cmp.Diff(want, must[map[string]time.Time](t)(s.Due(t.Context()))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if at := must[graph.Revision](t)(s.Head(t.Context())); at != 0 {
		t.Errorf("that a work was due made revision %d", at)
	}
}

// states: the numbers of the store are those of what was written.
func states(t *testing.T, open Open) {
	now := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	s := open(t, store.Config{Now: func() time.Time { return now }})
	if got := must[store.State](t)(s.State(t.Context())); got.Revision != 0 || got.Events != 0 || got.Sessions != 0 || len(got.Jobs) > 0 || got.Bytes == 0 {
		t.Errorf("at first %+v", got)
	}
	put(t, s, graph.Asset{Ref: graph.BigQueryRef("p", "d", "t"), Kind: graph.KindTable})
	_, err := s.Commit(t.Context(), boss, "due", func(tx *store.Tx) error {
		return errors.Join(tx.Enqueue(t.Context(), store.DecideArgs{}), tx.Enqueue(t.Context(), store.CrawlArgs{Source: "a"}), tx.Enqueue(t.Context(), store.CrawlArgs{Source: "b"}))
	})
	if err := errors.Join(err, s.Sessions().CommitCtx(t.Context(), "one", nil, now.Add(time.Hour)), s.Sessions().CommitCtx(t.Context(), "two", nil, now.Add(time.Minute))); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Minute)
	got := must[store.State](t)(s.State(t.Context()))
	want := store.State{Revision: 1, Events: 1, Sessions: 1, Bytes: got.Bytes, Jobs: map[store.JobsOf]int{
		{Kind: "crawl", State: "available"}: 2, {Kind: "decide", State: "available"}: 1,
	}}
	if diff := cmp.Diff(want, got); diff != "" || got.Bytes < 4096 {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := errors.Join(s.Ready(t.Context()), s.Sessions().EndAll(t.Context())); err != nil {
		t.Errorf("ready: %v", err)
	}
	if got := must[store.State](t)(s.State(t.Context())); got.Sessions != 0 {
		t.Errorf("%d sessions outlive their end", got.Sessions)
	}
}

// watcher notes what a store does.
type watcher struct {
	mu    sync.Mutex
	works []string
	made  []store.Committed
}

func (w *watcher) Begin(ctx context.Context, what string) (context.Context, func(error)) {
	return ctx, func(err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil {
			what += " failed"
		}
		w.works = append(w.works, what)
	}
}

func (w *watcher) Committed(c store.Committed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made = append(w.made, c)
}

// observed: an observer is told of each work and of each commit that was kept.
func observed(t *testing.T, open Open) {
	w := &watcher{}
	s := open(t, store.Config{Observer: w})
	table := graph.Asset{Ref: graph.BigQueryRef("p", "d", "t"), Kind: graph.KindTable}
	put(t, s, table, graph.Column{Ref: table.Ref.Column("a")})
	if _, err := s.Commit(t.Context(), boss, "nothing", func(*store.Tx) error { return graph.ErrDenied }); !errors.Is(err, graph.ErrDenied) {
		t.Fatal(err)
	}
	_, err := s.Commit(t.Context(), boss, "due", func(tx *store.Tx) error { return tx.Enqueue(t.Context(), store.DecideArgs{}) })
	if err != nil {
		t.Fatal(err)
	}
	r := all(t, s)
	must[graph.Snapshot](t)(r.Snapshot(t.Context(), graph.Scope{}))
	must[search.Result](t)(r.Search(t.Context(), search.Query{First: 1}))
	if diff := cmp.Diff([]string{"commit", "commit failed", "commit", "snapshot", "search"}, w.works); diff != "" {
		t.Errorf("works (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]store.Committed{{Revision: 1, Changes: 2, Events: 1}, {}}, w.made); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
}
