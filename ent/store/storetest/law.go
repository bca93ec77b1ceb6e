package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
	"github.com/google/go-cmp/cmp"
)

func thePastNeverChanges(t *testing.T, open Open) {
	for seed := range uint64(4) {
		w, s := newWorld(seed), open(t, store.Config{})
		past := map[graph.Revision]graph.Snapshot{}
		was := graph.Snapshot{}
		for range 12 {
			now := w.next(was)
			past[commit(t, s, was, now)] = now
			was = now
			for at, then := range past {
				got := must[graph.Snapshot](t)(reader(t, s, graph.Everything(), at).Snapshot(t.Context(), graph.Scope{}))
				want(t, got, then)
			}
		}
		if len(past) < 10 {
			t.Errorf("seed %d: %d revisions, too few to mean anything", seed, len(past))
		}
	}
}

func sameFactsTwice(t *testing.T, open Open) {
	w, s := newWorld(1), open(t, store.Config{})
	now := w.next(w.next(nil))
	first := commit(t, s, nil, now)
	before := events(t, s)
	for name, delta := range map[string]graph.Delta{
		"the difference of nothing": graph.Diff(now, now),
		"all of it begun again":     graph.Diff(nil, now),
		"changed into itself":       changedIntoItself(now),
	} {
		at, err := s.Commit(t.Context(), boss, name, func(tx *store.Tx) error { return tx.Apply(t.Context(), delta) })
		if err != nil || at != first {
			t.Errorf("%s: revision %d, %v, want %d again", name, at, err, first)
		}
	}
	if after := events(t, s); len(after) != len(before) {
		t.Errorf("%d events became %d though nothing changed", len(before), len(after))
	}
}

func changedIntoItself(s graph.Snapshot) graph.Delta {
	var d graph.Delta
	for _, i := range s.Sorted() {
		d = append(d, graph.Changed{Was: i, Now: i})
	}
	return d
}

// hiddenLeavesNoTrace asks a reader for everything there is, prints it, and
// searches it for the names of what is hidden.
func hiddenLeavesNoTrace(t *testing.T, open Open) {
	for seed := range uint64(3) {
		w, s := newWorld(seed), open(t, store.Config{})
		now, last := w.tables(), w.tables()
		put(t, s, items(now.Sorted())...)
		for range 4 {
			next := w.next(now)
			commit(t, s, now, next)
			recordAll(t, s)
			now = next
			remember(last, now)
		}
		savePlans(t, s)
		for range 15 {
			f := w.filter()
			seen := judge(last, f)
			r := reader(t, s, f, 0)
			said := everythingOf(t, r)
			for n := range worldTables {
				if seen[tableRef(n)] != graph.Hidden {
					continue
				}
				if at := strings.Index(said, token(n)); at >= 0 {
					t.Fatalf("seed %d: %s is hidden by %+v and told of:\n…%s…", seed, tableRef(n), f, said[max(0, at-300):min(len(said), at+200)])
				}
			}
		}
	}
}

// remember keeps assets as they last were, with the owners they have now: one
// that ended is as hidden as it was.
func remember(last, now graph.Snapshot) {
	for key, i := range last {
		if _, ok := i.(graph.Owner); ok {
			delete(last, key)
		}
	}
	for _, i := range now {
		switch i.(type) {
		case graph.Asset, graph.Owner:
			last.Put(i)
		}
	}
}

// recordAll commits, as somebody else, words that name every table.
func recordAll(t *testing.T, s *store.Store) {
	t.Helper()
	_, err := s.Commit(t.Context(), boss, "looked at "+token(0)+" to "+token(worldTables-1), func(tx *store.Tx) error {
		for n := range worldTables {
			tx.Record(audit.Event{Action: "read", Object: tableRef(n).String(), Detail: map[string]string{"beside": tableRef((n + 1) % worldTables).String()}})
		}
		owner := graph.Owner{Asset: container(0), Principal: fmt.Sprintf("user:%d@example.org", len(events(t, s))), Role: graph.OwnerAccountable}
		return tx.Apply(t.Context(), graph.Delta{graph.Began{Now: owner}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func savePlans(t *testing.T, s *store.Store) {
	t.Helper()
	_, err := s.Commit(t.Context(), boss, "plan", func(tx *store.Tx) error {
		for n := range worldTables {
			p := graph.Plan{Catalog: s.Catalog(), Target: "warehouse", Steps: []graph.Step{{Kind: graph.StepCreateView, Object: graph.BigQueryRef("p", "views", "v"), Base: tableRef(n)}}}
			p.Findings = []graph.Finding{{Ref: tableRef((n + 2) % worldTables), Level: graph.FindingInfo}}
			if _, err := tx.SavePlan(t.Context(), p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// everythingOf asks a reader for all that it can be asked, and prints the
// answers. The errors are printed too, but for the ref that was asked for.
func everythingOf(t *testing.T, r *store.Reader) string {
	t.Helper()
	var b strings.Builder
	tell := func(v any, err error) {
		switch {
		case errors.Is(err, graph.ErrNotFound) || errors.Is(err, graph.ErrDenied):
		case err != nil:
			t.Fatal(err)
		default:
			fmt.Fprintf(&b, "%T %+v\n", v, v)
		}
	}
	var refs []graph.Ref
	for n := range worldTables {
		refs = append(refs, tableRef(n))
	}
	ctx := t.Context()
	for _, ref := range refs {
		a, err := r.Asset(ctx, ref)
		tell(a, err)
		h, err := r.History(ctx, ref)
		tell(h, err)
		e, err := r.Edges(ctx, ref)
		tell(e, err)
		for _, root := range []graph.Ref{ref, ref.Column("id")} {
			l, err := r.Walk(ctx, walk.Query{Root: root, Direction: walk.Both, Depth: 9})
			tell(l.Nodes, err)
			tell(l.Edges, err)
			tell(l.Reasons, err)
		}
		s, err := r.Statements(ctx, ref.String())
		tell(s, err)
	}
	tellByAsset(t, r, refs, tell)
	for _, text := range []string{"", "q", "qx", "id", "email", "billing"} {
		found, err := r.Search(ctx, search.Query{Text: text, First: 200})
		tell(found, err)
	}
	list, err := r.ListAssets(ctx, store.AssetsIn{}, store.Page{First: 1000})
	tell(list.Items, err)
	log, err := r.Events(ctx, store.EventsIn{}, store.Page{First: 1000})
	tell(log.Items, err)
	saved, err := r.Plans(ctx, store.Page{First: 1000})
	tell(saved.Items, err)
	revisions, err := r.Revisions(ctx, store.Page{First: 1000})
	tell(revisions.Items, err)
	snapshot, err := r.Snapshot(ctx, graph.Scope{})
	tell(snapshot.Sorted(), err)
	return b.String()
}

// tellByAsset asks for what is answered by asset. The map's own keys are those
// that were asked for, so only what is there is printed.
func tellByAsset(t *testing.T, r *store.Reader, refs []graph.Ref, tell func(any, error)) {
	t.Helper()
	ctx := t.Context()
	assets, err := r.Assets(ctx, refs...)
	tell(assets, err)
	columns, err := r.Columns(ctx, refs...)
	tell(columns, err)
	tags, err := r.Tags(ctx, refs...)
	tell(tags, err)
	said, err := r.Annotations(ctx, refs...)
	tell(said, err)
	owners, err := r.Owners(ctx, refs...)
	tell(owners, err)
	grants, err := r.Grants(ctx, append(refs, container(0), container(1))...)
	tell(grants, err)
	statements, err := r.StatementsOf(ctx, refs...)
	tell(statements, err)
}

// filterIsFilter compares what the store compiles to SQL, and what it judges
// row by row, with the filter itself over everything.
func filterIsFilter(t *testing.T, open Open) {
	for seed := range uint64(4) {
		w, s := newWorld(100+seed), open(t, store.Config{})
		now := w.next(w.next(w.next(nil)))
		at := commit(t, s, nil, now)
		commit(t, s, now, w.next(now)) // what is newer must not matter
		for range 40 {
			f := w.filter()
			seen := judge(now, f)
			r := reader(t, s, f, at)
			visibility := must[map[graph.Ref]graph.Visibility](t)(r.Visibility(t.Context(), slices.Collect(mapKeys(seen))...))
			if diff := cmp.Diff(seen, visibility); diff != "" {
				t.Fatalf("seed %d: visibility by %+v (-filter +store):\n%s", seed, f, diff)
			}
			wantShown(t, r, now, seen)
		}
	}
}

func mapKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// wantShown compares lists, counts and search with what may be known.
func wantShown(t *testing.T, r *store.Reader, now graph.Snapshot, seen map[graph.Ref]graph.Visibility) {
	t.Helper()
	c := store.Counts{ByKind: map[graph.Kind]int{}, Outcomes: map[graph.Outcome]int{}}
	var listed []graph.Ref
	for _, i := range now.Sorted() {
		visible := seen[i.About()] == graph.Visible
		switch i := i.(type) {
		case graph.Asset:
			if seen[i.Ref] != graph.Hidden {
				c.Assets++
				c.ByKind[i.Kind]++
				listed = append(listed, i.Ref)
			}
		case graph.Column:
			c.Columns += one01(visible)
		case graph.Tag:
			c.Tags += one01(visible)
		case graph.Annotation:
			c.Annotations += one01(visible)
		case graph.Edge:
			c.Edges += one01(visible && seen[i.From.Asset()] == graph.Visible)
		case graph.Statement:
			if visible {
				c.Outcomes[i.Outcome]++
			}
		}
	}
	if diff := cmp.Diff(c, must[store.Counts](t)(r.Counts(t.Context()))); diff != "" {
		t.Errorf("counts (-filter +store):\n%s", diff)
	}
	list := must[store.List[store.AssetView]](t)(r.ListAssets(t.Context(), store.AssetsIn{}, store.Page{First: 1000}))
	var got []graph.Ref
	for _, v := range list.Items {
		got = append(got, v.Asset.Ref)
		if v.Visibility != seen[v.Asset.Ref] {
			t.Errorf("%s is listed as %s, want %s", v.Asset.Ref, v.Visibility, seen[v.Asset.Ref])
		}
	}
	if diff := cmp.Diff(listed, got); diff != "" {
		t.Errorf("listed (-filter +store):\n%s", diff)
	}
	found := must[search.Result](t)(r.Search(t.Context(), search.Query{}))
	if found.Total != c.Assets {
		t.Errorf("search finds %d, want %d", found.Total, c.Assets)
	}
}

func one01(b bool) int {
	if b {
		return 1
	}
	return 0
}

var errOnPurpose = errors.New("on purpose")

func rollbackLeavesNothing(t *testing.T, open Open) {
	w, s := newWorld(3), open(t, store.Config{})
	now := w.next(nil)
	at := commit(t, s, nil, now)
	before := events(t, s)
	_, err := s.Commit(t.Context(), boss, "fails", func(tx *store.Tx) error {
		ctx := t.Context()
		tx.Record(audit.Event{Action: "tag", Object: "x"})
		saved, err := tx.SavePlan(ctx, graph.Plan{Catalog: s.Catalog()})
		return errors.Join(err,
			tx.Apply(ctx, graph.Diff(now, w.next(now))),
			tx.Enqueue(ctx, store.CrawlArgs{Source: "warehouse"}),
			tx.HoldDecisions(ctx, []graph.Decision{{Audience: "analysts", Class: "c"}}),
			tx.PutCursor(ctx, store.Cursor{Source: "warehouse"}),
			notFoundIs(saved.ID == "", "no plan"), errOnPurpose)
	})
	if !errors.Is(err, errOnPurpose) || errors.Is(err, graph.ErrConflict) {
		t.Fatalf("commit: %v, want the error on purpose alone", err)
	}
	r := all(t, s)
	want(t, must[graph.Snapshot](t)(r.Snapshot(t.Context(), graph.Scope{})), now)
	if r.Revision() != at || len(events(t, s)) != len(before) {
		t.Errorf("revision %d with %d events, want %d with %d", r.Revision(), len(events(t, s)), at, len(before))
	}
	if jobs := must[[]store.Job](t)(s.Pending(t.Context())); len(jobs) != 0 {
		t.Errorf("a job is due: %+v", jobs)
	}
	if saved := must[store.List[graph.SavedPlan]](t)(r.Plans(t.Context(), store.Page{})); len(saved.Items) != 0 {
		t.Errorf("a plan is saved: %+v", saved)
	}
	if held := must[[]graph.Held](t)(r.Decisions(t.Context())); len(held) != 0 {
		t.Errorf("a decision holds: %+v", held)
	}
	if _, err := s.Cursor(t.Context(), "warehouse"); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("cursor: %v, want not found", err)
	}
}

func notFoundIs(bad bool, what string) error {
	if bad {
		return errors.New(what)
	}
	return nil
}

// commitsSerialise lets many change one asset at once: each sees what the one
// before left, so that no update is lost.
func commitsSerialise(t *testing.T, open Open) {
	s := open(t, store.Config{})
	ref := tableRef(0)
	put(t, s, graph.Asset{Ref: ref, Kind: graph.KindTable})
	const writers, rounds = 8, 10
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range rounds {
				_, err := s.Commit(t.Context(), ana, "longer", func(tx *store.Tx) error {
					was, err := tx.About(t.Context(), ref)
					if err != nil {
						return err
					}
					item, _ := was.Get(graph.Asset{Ref: ref})
					asset := item.(graph.Asset)
					asset.Description += "x"
					return tx.Apply(t.Context(), graph.Diff(was, graph.NewSnapshot(asset)))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	r := all(t, s)
	view := must[store.AssetView](t)(r.Asset(t.Context(), ref))
	if n := len(view.Asset.Description); n != writers*rounds || r.Revision() != writers*rounds+1 {
		t.Errorf("%d changes at revision %d, want %d at %d", n, r.Revision(), writers*rounds, writers*rounds+1)
	}
	if report := audit.Verify(s.Events(t.Context())); !report.OK {
		t.Errorf("audit: %+v", report)
	}
}

func oldDeltaConflicts(t *testing.T, open Open) {
	s := open(t, store.Config{})
	was := graph.Asset{Ref: tableRef(0), Kind: graph.KindTable}
	now, other := was, was
	now.Kind, other.Kind = graph.KindView, graph.KindTopic
	put(t, s, was)
	commit(t, s, graph.NewSnapshot(was), graph.NewSnapshot(now))
	for _, c := range []struct {
		name  string
		delta graph.Delta
		want  error
	}{
		{"changed from what it is no more", graph.Delta{graph.Changed{Was: was, Now: other}}, graph.ErrConflict},
		{"ended as it is no more", graph.Delta{graph.Ended{Was: was}}, graph.ErrConflict},
		{"ended though never there", graph.Delta{graph.Ended{Was: graph.Asset{Ref: tableRef(1)}}}, graph.ErrConflict},
		{"begun though there otherwise", graph.Delta{graph.Began{Now: other}}, graph.ErrConflict},
		{"begun twice", graph.Delta{graph.Began{Now: graph.Asset{Ref: tableRef(2)}}, graph.Began{Now: graph.Asset{Ref: tableRef(2)}}}, graph.ErrConflict},
		{"changed into another", graph.Delta{graph.Changed{Was: now, Now: graph.Asset{Ref: tableRef(3)}}}, graph.ErrInvalid},
	} {
		_, err := s.Commit(t.Context(), boss, c.name, func(tx *store.Tx) error { return tx.Apply(t.Context(), c.delta) })
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	want(t, must[graph.Snapshot](t)(all(t, s).Snapshot(t.Context(), graph.Scope{})), graph.NewSnapshot(now))
}
