package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// model is a catalog kept in memory beside a store: what it was at each
// revision. The laws compare the two.
type model struct {
	at   []graph.Revision
	then map[graph.Revision]graph.Snapshot
}

// grow commits a random history into a store and remembers it.
func grow(t *testing.T, s *store.Store, w world, commits int) model {
	t.Helper()
	m := model{then: map[graph.Revision]graph.Snapshot{}}
	now := graph.Snapshot{}
	for range commits {
		next := w.next(now)
		at := commit(t, s, now, next)
		m.at, m.then[at], now = append(m.at, at), next, next
	}
	m.at = slices.Compact(m.at)
	return m
}

func (m model) newest() graph.Revision { return m.at[len(m.at)-1] }

// historyIsTheModels compares every version of everything about an asset with
// what the model saw begin and end.
func historyIsTheModels(t *testing.T, open Open) {
	w, s := newWorld(21), open(t, store.Config{})
	m := grow(t, s, w, 12)
	for n := range worldTables {
		ref := tableRef(n)
		if _, stands := m.then[m.newest()].Get(graph.Asset{Ref: ref}); !stands {
			continue
		}
		got := must[[]store.Version](t)(all(t, s).History(t.Context(), ref))
		if diff := cmp.Diff(m.history(ref), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("history of %s (-model +store):\n%s", ref, diff)
		}
	}
}

func (m model) history(ref graph.Ref) []store.Version {
	var versions []store.Version
	open := map[string]int{}
	was := graph.Snapshot{}
	for _, at := range m.at {
		for _, c := range graph.Diff(was, m.then[at]) {
			switch c.Item().(type) {
			case graph.Asset, graph.Column, graph.Owner, graph.Tag, graph.Grant, graph.Annotation:
			default:
				continue
			}
			if c.Item().About() != ref {
				continue
			}
			key := fmt.Sprintf("%T %s", c.Item(), c.Item().Key())
			if i, ok := open[key]; ok {
				versions[i].Ended = at
				delete(open, key)
			}
			if _, ended := c.(graph.Ended); !ended {
				open[key] = len(versions)
				versions = append(versions, store.Version{Item: c.Item(), Began: at})
			}
		}
		was = m.then[at]
	}
	slices.SortStableFunc(versions, func(a, b store.Version) int {
		if a.Began != b.Began {
			return int(a.Began - b.Began)
		}
		return graph.CompareItems(a.Item, b.Item)
	})
	return versions
}

// nounsAreTheModels asks by noun, at every revision, and compares with what the
// model holds.
func nounsAreTheModels(t *testing.T, open Open) {
	w, s := newWorld(22), open(t, store.Config{})
	m := grow(t, s, w, 8)
	refs := []graph.Ref{container(0), container(1), container(2)}
	for n := range worldTables {
		refs = append(refs, tableRef(n))
	}
	for _, at := range m.at {
		r, got := reader(t, s, graph.Everything(), at), graph.Snapshot{}
		ctx := t.Context()
		putBy(got, must[map[graph.Ref][]graph.Column](t)(r.Columns(ctx, refs...)))
		putBy(got, must[map[graph.Ref][]graph.Tag](t)(r.Tags(ctx, refs...)))
		putBy(got, must[map[graph.Ref][]graph.Owner](t)(r.Owners(ctx, refs...)))
		putBy(got, must[map[graph.Ref][]graph.Grant](t)(r.Grants(ctx, refs...)))
		putBy(got, must[map[graph.Ref][]graph.Annotation](t)(r.Annotations(ctx, refs...)))
		putBy(got, must[map[graph.Ref][]graph.Statement](t)(r.StatementsOf(ctx, refs...)))
		for _, i := range items(must[[]graph.Edge](t)(r.Edges(ctx, refs...))) {
			got.Put(i)
		}
		for _, view := range must[map[graph.Ref]store.AssetView](t)(r.Assets(ctx, refs...)) {
			got.Put(view.Asset)
		}
		bare := must[[]graph.Statement](t)(r.Statements(ctx, "job:0", "job:1", "job:2"))
		for _, i := range items(bare) {
			got.Put(i)
		}
		want(t, got, m.then[at])
	}
}

func putBy[T graph.Item](into graph.Snapshot, by map[graph.Ref][]T) {
	for _, of := range by {
		for _, i := range items(of) {
			into.Put(i)
		}
	}
}

// restrictedIsAPart compares what somebody with a filter gets with the whole:
// nothing is made up, and nothing that is to be seen is missing.
func restrictedIsAPart(t *testing.T, open Open) {
	w, s := newWorld(23), open(t, store.Config{})
	m := grow(t, s, w, 6)
	now := m.then[m.newest()]
	for range 40 {
		f := w.filter()
		seen := judge(now, f)
		got := must[graph.Snapshot](t)(reader(t, s, f, 0).Snapshot(t.Context(), graph.Scope{}))
		for _, i := range now {
			part, ok := got.Get(i)
			visible := seen[i.About()] == graph.Visible
			switch i := i.(type) {
			case graph.Column, graph.Owner, graph.Annotation:
				if ok != visible || ok && !cmp.Equal(i, part) {
					t.Errorf("%T %s: shown %v, want %v", i, i.Key(), ok, visible)
				}
			case graph.Asset, graph.Tag, graph.Statement:
				if ok != visible {
					t.Errorf("%T %s: shown %v, want %v", i, i.Key(), ok, visible)
				}
			case graph.Edge:
				if both := visible && seen[i.From.Asset()] == graph.Visible; both && !ok {
					t.Errorf("edge %s is missing", i.Key())
				}
			}
		}
		for _, i := range got {
			if _, ok := now.Get(i); ok {
				continue
			}
			if e, ok := i.(graph.Edge); !ok || e.Kind != graph.EdgeReads || seen[e.From] != graph.Discoverable {
				t.Errorf("%T %+v is made up", i, i)
			}
		}
	}
}

// theIndexFollows searches after every commit, so that the index follows step
// by step, and compares with a store that holds that catalog alone.
func theIndexFollows(t *testing.T, open Open) {
	w, s := newWorld(24), open(t, store.Config{})
	now := graph.Snapshot{}
	for range 10 {
		next := w.next(now)
		at := commit(t, s, now, next)
		now = next
		fresh := open(t, store.Config{})
		put(t, fresh, items(now.Sorted())...)
		for _, q := range []search.Query{{}, {Text: "qx"}, {Text: "email"}, {Text: "billing"}, {Labels: []string{"user.name"}}, {Kinds: []string{"view"}}, {Text: "sku", Owners: []string{"group:fraud"}}} {
			q.First = 200
			f := w.filter()
			want := must[search.Result](t)(reader(t, fresh, f, 0).Search(t.Context(), q))
			got := must[search.Result](t)(reader(t, s, f, at).Search(t.Context(), q))
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("search %+v at %d (-fresh +followed):\n%s", q, at, diff)
			}
		}
	}
}

// thePastIsSearched compares a search at each past revision with the answer
// that was given when it was the newest.
func thePastIsSearched(t *testing.T, open Open) {
	w, s := newWorld(25), open(t, store.Config{})
	now := graph.Snapshot{}
	given := map[graph.Revision]search.Result{}
	ask := func(at graph.Revision) search.Result {
		t.Helper()
		return must[search.Result](t)(reader(t, s, graph.Everything(), at).Search(t.Context(), search.Query{Text: "qx", First: 200}))
	}
	for range 8 {
		next := w.next(now)
		at := commit(t, s, now, next)
		given[at], now = ask(at), next
	}
	for at, then := range given {
		if diff := cmp.Diff(then, ask(at), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("search at %d (-then +now):\n%s", at, diff)
		}
	}
}

// walksAreTheModels compares lineage with a graph made of the model's edges,
// at every revision and for random filters.
func walksAreTheModels(t *testing.T, open Open) {
	w, s := newWorld(26), open(t, store.Config{})
	m := grow(t, s, w, 8)
	for range 60 {
		at := one(w, m.at...)
		then, f := m.then[at], w.filter()
		seen := judge(then, f)
		q := walk.Query{Root: one(w, w.column(), w.table()), Direction: walk.Both, Depth: 1 + w.IntN(4), Limit: 1 + w.IntN(20)}
		got, err := reader(t, s, f, at).Walk(t.Context(), q)
		if seen[q.Root.Asset()] == graph.Hidden {
			if err == nil {
				t.Errorf("walk from %s, which is hidden: %+v", q.Root, got)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var (
			edges      []graph.Edge
			statements []graph.Statement
		)
		for _, i := range then.Sorted() {
			switch i := i.(type) {
			case graph.Edge:
				edges = append(edges, i)
			case graph.Statement:
				statements = append(statements, i)
			}
		}
		q.Visibility = func(ref graph.Ref) graph.Visibility { return seen[ref] }
		if diff := cmp.Diff(walk.New(edges, statements).Walk(q), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("walk from %s at %d (-model +store):\n%s", q.Root, at, diff)
		}
	}
}

// theLedgerIsTheModels holds random decisions and compares what held at each
// revision, read then and read at the end.
func theLedgerIsTheModels(t *testing.T, open Open) {
	w, s := newWorld(27), open(t, store.Config{})
	then := map[graph.Revision]map[string]graph.Decision{}
	for range 25 {
		var now []graph.Decision
		held := map[string]graph.Decision{}
		for _, audience := range []string{"analysts", "fraud"} {
			for class := range 4 {
				if w.IntN(3) == 0 {
					continue
				}
				d := graph.Decision{Audience: audience, Class: graph.Class(fmt.Sprint(class)), Effect: one(w, graph.EffectAllow, graph.EffectDeny)}
				now, held[audience+fmt.Sprint(class)] = append(now, d), d
			}
		}
		w.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
		at := must[graph.Revision](t)(s.Commit(t.Context(), boss, "decide", func(tx *store.Tx) error { return tx.HoldDecisions(t.Context(), now) }))
		then[at] = held
	}
	for at, held := range then {
		got := map[string]graph.Decision{}
		for _, h := range must[[]graph.Held](t)(reader(t, s, graph.Everything(), at).Decisions(t.Context())) {
			if h.Ended == 0 {
				got[h.Decision.Audience+string(h.Decision.Class)] = h.Decision
			}
		}
		if diff := cmp.Diff(held, got); diff != "" {
			t.Errorf("held at %d (-model +store):\n%s", at, diff)
		}
	}
}

// readersAgree reads while others commit: whatever a reader is asked, and how
// late, it answers from its own revision.
func readersAgree(t *testing.T, open Open) {
	w, s := newWorld(28), open(t, store.Config{})
	var (
		mu   sync.RWMutex
		then = map[graph.Revision]graph.Snapshot{0: {}}
		done = make(chan struct{})
	)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				r, err := s.Reader(t.Context(), ana, graph.Everything(), 0)
				if err != nil {
					t.Error(err)
					return
				}
				first, err1 := r.Snapshot(t.Context(), graph.Scope{})
				second, err2 := r.Snapshot(t.Context(), graph.Scope{})
				if err1 != nil || err2 != nil || len(graph.Diff(first, second)) != 0 {
					t.Errorf("one reader at %d answers twice otherwise: %v, %v", r.Revision(), err1, err2)
					return
				}
				mu.RLock()
				want, known := then[r.Revision()]
				mu.RUnlock()
				if known && len(graph.Diff(want, first)) != 0 {
					t.Errorf("the reader at %d does not read that revision", r.Revision())
					return
				}
			}
		})
	}
	now := graph.Snapshot{}
	for range 30 {
		next := w.next(now)
		at := commit(t, s, now, next)
		mu.Lock()
		then[at] = next
		mu.Unlock()
		now = next
	}
	close(done)
	group.Wait()
}

// pagesAreOneList reads every list in pages of every size: the pages make up
// the list, whatever the size.
func pagesAreOneList(t *testing.T, open Open) {
	clock := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	w, s := newWorld(29), open(t, store.Config{Now: func() time.Time { return clock }})
	now := w.tables()
	put(t, s, items(now.Sorted())...)
	for n := range 4 {
		clock = clock.Add(time.Duration(n%2) * time.Minute) // some at the same time
		recordAll(t, s)
	}
	savePlans(t, s)
	filters := []graph.Filter{graph.Everything(), w.filter(), w.filter(), w.filter()}
	for _, f := range filters {
		r := reader(t, s, f, 0)
		for _, size := range []int{1, 2, 3, 7, 1000} {
			onePage(t, "assets", size, func(p store.Page) (store.List[store.AssetView], error) {
				return r.ListAssets(t.Context(), store.AssetsIn{}, p)
			}, func(v store.AssetView) string { return v.Asset.Ref.String() })
			onePage(t, "events", size, func(p store.Page) (store.List[audit.Event], error) {
				return r.Events(t.Context(), store.EventsIn{}, p)
			}, func(e audit.Event) string { return fmt.Sprint(e.Seq) })
			onePage(t, "plans", size, func(p store.Page) (store.List[graph.SavedPlan], error) { return r.Plans(t.Context(), p) },
				func(p graph.SavedPlan) string { return p.ID })
			onePage(t, "revisions", size, func(p store.Page) (store.List[store.RevisionInfo], error) { return r.Revisions(t.Context(), p) },
				func(i store.RevisionInfo) string { return fmt.Sprint(i.Number) })
		}
	}
}

func onePage[T any](t *testing.T, what string, size int, list func(store.Page) (store.List[T], error), name func(T) string) {
	t.Helper()
	names := func(of []T) (out []string) {
		for _, v := range of {
			out = append(out, name(v))
		}
		return out
	}
	whole := must[store.List[T]](t)(list(store.Page{First: 1000}))
	var got []string
	for page := (store.Page{First: size}); ; {
		part := must[store.List[T]](t)(list(page))
		if len(part.Items) > size {
			t.Errorf("%s: a page of %d, asked for %d", what, len(part.Items), size)
		}
		got = append(got, names(part.Items)...)
		if page.After = part.Next; part.Next == "" {
			break
		}
	}
	if diff := cmp.Diff(names(whole.Items), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s in pages of %d (-whole +pages):\n%s", what, size, diff)
	}
}
