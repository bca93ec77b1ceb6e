package storetest

import (
	"errors"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
	"github.com/google/go-cmp/cmp"
)

func events(t *testing.T, s *store.Store) []audit.Event {
	t.Helper()
	var out []audit.Event
	for e, err := range s.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func auditHolds(t *testing.T, open Open) {
	w, s := newWorld(5), open(t, store.Config{})
	now := graph.Snapshot{}
	for range 5 {
		next := w.next(now)
		commit(t, s, now, next)
		recordAll(t, s)
		now = next
	}
	log := events(t, s)
	if report := audit.Verify(s.Events(t.Context())); !report.OK || report.Events != int64(len(log)) {
		t.Fatalf("verify: %+v of %d events", report, len(log))
	}
	if log[0].Action != "commit" || log[0].Actor != boss.ID || log[0].Revision != 1 || log[0].Detail["why"] != "test" {
		t.Errorf("the first event is %+v", log[0])
	}
	mine := must[store.List[audit.Event]](t)(all(t, s).Events(t.Context(), store.EventsIn{Action: "read", Object: tableRef(3).String(), Actor: boss.ID}, store.Page{}))
	if len(mine.Items) != 5 || mine.Items[0].Seq < mine.Items[4].Seq {
		t.Errorf("%d events on one table, want 5, newest first", len(mine.Items))
	}
	later := must[store.List[audit.Event]](t)(all(t, s).Events(t.Context(), store.EventsIn{Since: time.Now().Add(time.Hour)}, store.Page{}))
	earlier := must[store.List[audit.Event]](t)(all(t, s).Events(t.Context(), store.EventsIn{Until: time.Now().Add(time.Hour)}, store.Page{First: 1000}))
	if len(later.Items) != 0 || len(earlier.Items) != len(log) {
		t.Errorf("%d events later and %d earlier, want 0 and %d", len(later.Items), len(earlier.Items), len(log))
	}
	_, err := s.Commit(t.Context(), boss, "bad", func(tx *store.Tx) error {
		tx.Record(audit.Event{Action: "read", Object: "\xff"})
		return nil
	})
	if !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("text that is not UTF-8: %v, want invalid", err)
	}
}

func known(t *testing.T, open Open) {
	s := open(t, store.Config{})
	d0, d1 := container(0), container(1)
	mine := graph.Asset{Ref: tableRef(0), Source: "warehouse", Parent: d0}
	beside := graph.Asset{Ref: tableRef(1), Source: "warehouse", Parent: d1}
	foreign := graph.Asset{Ref: tableRef(3), Source: "other", Parent: d0}
	column := graph.Column{Ref: mine.Ref.Column("Id")}
	edge := graph.Edge{From: beside.Ref.Column("id"), To: mine.Ref.Column("Id"), Kind: graph.EdgeIdentity, Statement: "job:1"}
	loose := graph.Statement{ID: "job:1", Source: "warehouse"}
	holder := graph.Asset{Ref: d0, Source: "warehouse", Kind: graph.KindDataset}
	put(t, s, mine, beside, foreign, column, edge, loose, holder)
	_, err := s.Commit(t.Context(), boss, "look", func(tx *store.Tx) error {
		for _, c := range []struct {
			name string
			read func() (graph.Snapshot, error)
			want graph.Snapshot
		}{
			{
				"a container", func() (graph.Snapshot, error) {
					return tx.Known(t.Context(), graph.Scope{Source: "warehouse", Parent: d0})
				},
				graph.NewSnapshot(mine, column, edge, holder),
			},
			{
				"a source", func() (graph.Snapshot, error) { return tx.Known(t.Context(), graph.Scope{Source: "warehouse"}) },
				graph.NewSnapshot(mine, column, edge, holder, beside, loose),
			},
			{
				"everything", func() (graph.Snapshot, error) { return tx.Known(t.Context(), graph.Scope{}) },
				graph.NewSnapshot(mine, column, edge, holder, beside, loose, foreign),
			},
			{
				"about an asset", func() (graph.Snapshot, error) { return tx.About(t.Context(), mine.Ref.Column("x"), tableRef(9)) },
				graph.NewSnapshot(mine, column, edge),
			},
			{"by key, in another spelling", func() (graph.Snapshot, error) {
				return tx.Current(t.Context(), graph.Column{Ref: mine.Ref.Column("ID")}, graph.Asset{Ref: tableRef(9)})
			}, graph.NewSnapshot(column)},
			{
				"learned from a statement", func() (graph.Snapshot, error) { return tx.Learned(t.Context(), "job:1") },
				graph.NewSnapshot(loose, edge),
			},
		} {
			got, err := c.read()
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// discover shows tables and lets the rest be discovered.
var discover = graph.Filter{
	Visible:      []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"table"}}}},
	Discoverable: []graph.Clause{{{Attribute: graph.AttributeSource, In: []string{"warehouse"}}}},
}

func assets(t *testing.T, open Open) {
	s := open(t, store.Config{})
	table := graph.Asset{Ref: tableRef(0), Kind: graph.KindTable, Source: "warehouse", Description: "ours", Labels: map[string]string{"a": "b"}}
	view := graph.Asset{Ref: tableRef(1), Kind: graph.KindView, Source: "warehouse", Description: "theirs", Definition: "SELECT 1"}
	topic := graph.Asset{Ref: tableRef(4), Kind: graph.KindTopic, Source: "streams"}
	owner := graph.Owner{Asset: view.Ref, Principal: "user:bo@example.org", Role: graph.OwnerTechnical}
	columns := []graph.Column{
		{Ref: table.Ref.Column("zip"), Position: 0, Type: "STRING"}, {Ref: table.Ref.Column("address"), Position: 1, Type: "RECORD", PolicyTags: []string{"t"}},
	}
	tag := graph.Tag{Ref: columns[0].Ref, Label: "user.name", Confidence: 0.5, Evidence: []string{"so"}}
	grant := graph.Grant{On: table.Ref, Principal: "group:x", Role: "READER"}
	put(t, s, table, view, topic, owner, columns[0], columns[1], tag, grant, graph.Column{Ref: view.Ref.Column("secret")})
	r := reader(t, s, discover, 0)
	ctx := t.Context()

	views := must[map[graph.Ref]store.AssetView](t)(r.Assets(ctx, table.Ref, view.Ref, topic.Ref))
	wantViews := map[graph.Ref]store.AssetView{
		table.Ref: {Asset: table, Visibility: graph.Visible},
		view.Ref:  {Asset: graph.Asset{Ref: view.Ref, Kind: graph.KindView}, Visibility: graph.Discoverable, Owners: []graph.Owner{owner}},
	}
	if diff := cmp.Diff(wantViews, views); diff != "" {
		t.Errorf("assets (-want +got):\n%s", diff)
	}
	if _, err := r.Asset(ctx, topic.Ref); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("a hidden asset: %v, want not found", err)
	}
	if got := must[store.AssetView](t)(r.Asset(ctx, columns[0].Ref)); got.Asset.Description != "ours" {
		t.Errorf("the asset of a column is %+v", got)
	}
	got := must[map[graph.Ref][]graph.Column](t)(r.Columns(ctx, table.Ref, view.Ref, topic.Ref))
	if diff := cmp.Diff(map[graph.Ref][]graph.Column{table.Ref: columns}, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	owners := must[map[graph.Ref][]graph.Owner](t)(r.Owners(ctx, table.Ref, view.Ref, topic.Ref))
	if diff := cmp.Diff(map[graph.Ref][]graph.Owner{view.Ref: {owner}}, owners); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	tags := must[map[graph.Ref][]graph.Tag](t)(r.Tags(ctx, table.Ref))
	if diff := cmp.Diff(map[graph.Ref][]graph.Tag{table.Ref: {tag}}, tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	grants := must[map[graph.Ref][]graph.Grant](t)(r.Grants(ctx, table.Ref))
	if diff := cmp.Diff(map[graph.Ref][]graph.Grant{table.Ref: {grant}}, grants); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
}

func pages(t *testing.T, open Open) {
	s := open(t, store.Config{})
	var items []graph.Item
	for n := range worldTables {
		items = append(items, graph.Asset{Ref: tableRef(n), Kind: graph.KindTable, Source: "warehouse", Parent: tableRef(n).Parent()})
	}
	put(t, s, items...)
	r := all(t, s)
	seen := map[graph.Ref]bool{}
	page := store.Page{First: 5}
	for turns := 0; ; turns++ {
		list := must[store.List[store.AssetView]](t)(r.ListAssets(t.Context(), store.AssetsIn{Source: "warehouse", Kind: graph.KindTable}, page))
		for _, v := range list.Items {
			if seen[v.Asset.Ref] {
				t.Errorf("%s is on two pages", v.Asset.Ref)
			}
			seen[v.Asset.Ref] = true
		}
		if page.After = list.Next; list.Next == "" {
			break
		}
		if turns > worldTables {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) != worldTables {
		t.Errorf("%d assets on all pages, want %d", len(seen), worldTables)
	}
	inside := must[store.List[store.AssetView]](t)(r.ListAssets(t.Context(), store.AssetsIn{Parent: container(0)}, store.Page{}))
	for _, v := range inside.Items {
		if v.Asset.Parent != container(0) {
			t.Errorf("%s is not in %s", v.Asset.Ref, container(0))
		}
	}
	if len(inside.Items) == 0 || inside.Next != "" {
		t.Errorf("%d assets in a container, next %q", len(inside.Items), inside.Next)
	}
	bad := store.Page{After: "no cursor!"}
	_, err1 := r.ListAssets(t.Context(), store.AssetsIn{}, bad)
	_, err2 := r.Events(t.Context(), store.EventsIn{}, bad)
	_, err3 := r.Plans(t.Context(), bad)
	_, err4 := r.Revisions(t.Context(), bad)
	for _, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("a cursor of nobody: %v, want invalid", err)
		}
	}
}

func lineage(t *testing.T, open Open) {
	s := open(t, store.Config{})
	table := graph.Asset{Ref: tableRef(0), Kind: graph.KindTable, Source: "warehouse"}
	below := graph.Asset{Ref: tableRef(1), Kind: graph.KindTable, Source: "warehouse"}
	view := graph.Asset{Ref: tableRef(2), Kind: graph.KindView, Source: "warehouse"}
	topic := graph.Asset{Ref: tableRef(4), Kind: graph.KindTopic, Source: "streams"}
	edge := func(from, to graph.Asset, statement string) graph.Edge {
		return graph.Edge{From: from.Ref.Column("a"), To: to.Ref.Column("b"), Kind: graph.EdgeIdentity, Outcome: graph.OutcomeExact, Because: graph.EvidenceJob, Statement: statement}
	}
	plain, stub, secret := edge(table, below, "job:1"), edge(view, table, "job:2"), edge(topic, below, "job:3")
	statement := func(id string, target graph.Asset, outcome graph.Outcome) graph.Statement {
		return graph.Statement{ID: id, Source: "warehouse", Target: target.Ref, SQL: "SELECT " + id, Outcome: outcome}
	}
	one, two, three, four := statement("job:1", below, graph.OutcomeExact), statement("job:2", table, graph.OutcomeExact),
		statement("job:3", below, graph.OutcomeExact), statement("job:4", below, graph.OutcomePartial)
	put(t, s, table, below, view, topic, plain, stub, secret, one, two, three, four)
	r := reader(t, s, discover, 0)

	edges := must[[]graph.Edge](t)(r.Edges(t.Context(), table.Ref, below.Ref, view.Ref))
	reduced := graph.Edge{From: view.Ref, To: table.Ref, Kind: graph.EdgeReads, Outcome: graph.OutcomeExact, Because: graph.EvidenceJob}
	if diff := cmp.Diff(graph.NewSnapshot(plain, reduced), graph.NewSnapshot(items(edges)...)); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	two.SQL, three.SQL, four.SQL = "", "", ""
	got := must[[]graph.Statement](t)(r.Statements(t.Context(), "job:1", "job:2", "job:3", "job:4", "job:5"))
	if diff := cmp.Diff([]graph.Statement{one, two, three, four}, got); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
	of := must[map[graph.Ref][]graph.Statement](t)(r.StatementsOf(t.Context(), below.Ref, topic.Ref))
	if diff := cmp.Diff(map[graph.Ref][]graph.Statement{below.Ref: {one, three, four}}, of); diff != "" {
		t.Errorf("statements by target (-want +got):\n%s", diff)
	}
	if _, err := r.Walk(t.Context(), walk.Query{Root: topic.Ref}); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("walk from what is hidden: %v, want not found", err)
	}
	up := must[walk.Result](t)(r.Walk(t.Context(), walk.Query{Root: below.Ref.Column("b"), Direction: walk.Up, Depth: 5}))
	if len(up.Edges) != 1 {
		t.Errorf("upwards are %+v, want the edge from the table alone", up.Edges)
	}
	whole := must[walk.Result](t)(all(t, s).Walk(t.Context(), walk.Query{Root: below.Ref.Column("b"), Direction: walk.Up, Depth: 5}))
	if len(whole.Edges) != 2 {
		t.Errorf("upwards are %+v, want both edges", whole.Edges)
	}
	mine := graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeOwner, In: ana.Names()}}}}
	put(t, s, graph.Owner{Asset: table.Ref, Principal: "user:" + ana.ID})
	for _, c := range []struct {
		name string
		own  []graph.Item
		want int
	}{
		{"while the source is another's", nil, 0},
		{"once it is one's own", []graph.Item{graph.Owner{Asset: below.Ref, Principal: "user:" + ana.ID}}, 1},
	} {
		if c.own != nil {
			put(t, s, c.own...)
		}
		got := must[walk.Result](t)(reader(t, s, mine, 0).Walk(t.Context(), walk.Query{Root: table.Ref.Column("a"), Depth: 5}))
		if len(got.Edges) != c.want {
			t.Errorf("%s: edges %+v, want %d", c.name, got.Edges, c.want)
		}
	}
	before := all(t, s).Revision()
	commit(t, s, graph.NewSnapshot(plain), graph.Snapshot{})
	then := must[walk.Result](t)(reader(t, s, graph.Everything(), before).Walk(t.Context(), walk.Query{Root: table.Ref.Column("a"), Depth: 5}))
	now := must[walk.Result](t)(all(t, s).Walk(t.Context(), walk.Query{Root: table.Ref.Column("a"), Depth: 5}))
	if len(then.Edges) != 1 || len(now.Edges) != 0 {
		t.Errorf("%d edges then and %d now, want 1 and 0", len(then.Edges), len(now.Edges))
	}
}

func items[T graph.Item](of []T) []graph.Item {
	out := make([]graph.Item, len(of))
	for i, v := range of {
		out[i] = v
	}
	return out
}

func searches(t *testing.T, open Open) {
	s := open(t, store.Config{})
	ref := graph.BigQueryRef("p", "d", "customers")
	was := graph.NewSnapshot(graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "warehouse"}, graph.Column{Ref: ref.Column("email")})
	first := commit(t, s, nil, was)
	find := func(at graph.Revision, f graph.Filter, q search.Query) int {
		t.Helper()
		return must[search.Result](t)(reader(t, s, f, at).Search(t.Context(), q)).Total
	}
	none := graph.Filter{}
	expect := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d hits, want %d", what, got, want)
		}
	}
	expect("by column", find(0, graph.Everything(), search.Query{Text: "email"}), 1)
	expect("hidden", find(0, none, search.Query{Text: "email"}), 0)
	now := graph.Apply(was, graph.Delta{
		graph.Ended{Was: graph.Column{Ref: ref.Column("email")}},
		graph.Began{Now: graph.Column{Ref: ref.Column("phone")}},
		graph.Began{Now: graph.Tag{Ref: ref.Column("phone"), Label: "user.contact.phone", State: graph.TagProposed}},
	})
	second := commit(t, s, was, now)
	expect("a column that ended", find(0, graph.Everything(), search.Query{Text: "email"}), 0)
	expect("a column that began", find(0, graph.Everything(), search.Query{Text: "phone"}), 1)
	expect("a label", find(0, graph.Everything(), search.Query{Labels: []string{"user.contact.phone"}}), 1)
	expect("in the past", find(first, graph.Everything(), search.Query{Text: "email"}), 1)
	expect("in the past, hidden", find(first, none, search.Query{Text: "email"}), 0)
	said := graph.Annotation{
		Ref: ref, Attribute: graph.AttributeDescription, Value: "people who pay",
		Provenance: graph.Provenance{Kind: graph.ByPerson, Name: boss.ID},
	}
	ofColumn := said
	ofColumn.Ref, ofColumn.Value = ref.Column("PHONE"), "dial it"
	told := graph.Apply(now, graph.Delta{graph.Began{Now: said}, graph.Began{Now: ofColumn}})
	commit(t, s, now, told)
	expect("a word of a person", find(0, graph.Everything(), search.Query{Text: "pay"}), 1)
	expect("a person's word of a column", find(0, graph.Everything(), search.Query{Text: "dial"}), 1)
	expect("a person's word, hidden", find(0, none, search.Query{Text: "pay"}), 0)
	now = told
	commit(t, s, now, graph.Snapshot{})
	expect("an asset that ended", find(0, graph.Everything(), search.Query{}), 0)
	expect("before it ended", find(second, graph.Everything(), search.Query{Text: "phone"}), 1)
}

func history(t *testing.T, open Open) {
	s := open(t, store.Config{})
	ref := tableRef(0)
	asset := graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "warehouse"}
	tag := graph.Tag{Ref: ref.Column("id"), Label: "user.name", State: graph.TagProposed}
	sure := tag
	sure.State = graph.TagConfirmed
	first := put(t, s, asset, tag)
	second := commit(t, s, graph.NewSnapshot(tag), graph.NewSnapshot(sure))
	third := commit(t, s, graph.NewSnapshot(sure), graph.Snapshot{})
	_, err := s.Commit(t.Context(), boss, "begun and ended at once", func(tx *store.Tx) error {
		return errors.Join(tx.Apply(t.Context(), graph.Delta{graph.Began{Now: tag}}), tx.Apply(t.Context(), graph.Delta{graph.Ended{Was: tag}}))
	})
	if err != nil {
		t.Fatal(err)
	}
	wantNow := []store.Version{{Item: asset, Began: first, Ended: 0}, {Item: tag, Began: first, Ended: second}, {Item: sure, Began: second, Ended: third}}
	if diff := cmp.Diff(wantNow, must[[]store.Version](t)(all(t, s).History(t.Context(), ref))); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	wantThen := []store.Version{{Item: asset, Began: first, Ended: 0}, {Item: tag, Began: first, Ended: second}, {Item: sure, Began: second, Ended: 0}}
	if diff := cmp.Diff(wantThen, must[[]store.Version](t)(reader(t, s, graph.Everything(), second).History(t.Context(), ref))); diff != "" {
		t.Errorf("history then (-want +got):\n%s", diff)
	}
	put(t, s, graph.Grant{On: ref, Principal: "view:" + tableRef(1).String(), Role: graph.RoleAuthorized})
	grants := func(f graph.Filter) (n int) {
		t.Helper()
		for _, v := range must[[]store.Version](t)(reader(t, s, f, 0).History(t.Context(), ref)) {
			if _, ok := v.Item.(graph.Grant); ok {
				n++
			}
		}
		return n
	}
	tables := discover.Visible
	for _, c := range []struct {
		name   string
		filter graph.Filter
		want   int
	}{
		{"who sees all", graph.Everything(), 1},
		{"from whom nothing is hidden", graph.Filter{Visible: tables, Discoverable: []graph.Clause{{}}}, 1},
		{"from whom something may be hidden", graph.Filter{Visible: tables}, 0},
	} {
		if got := grants(c.filter); got != c.want {
			t.Errorf("%s is shown %d grants of the past, want %d", c.name, got, c.want)
		}
	}
	if _, err := reader(t, s, graph.Filter{}, 0).History(t.Context(), ref); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("history of what is hidden: %v, want not found", err)
	}
}

func revisions(t *testing.T, open Open) {
	noon := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	clock := noon
	s := open(t, store.Config{Now: func() time.Time { return clock }})
	empty := all(t, s)
	if empty.Revision() != 0 {
		t.Errorf("the empty catalog is at %d", empty.Revision())
	}
	for n := range 3 {
		clock = noon.Add(time.Duration(n) * time.Hour)
		put(t, s, graph.Asset{Ref: tableRef(n)})
	}
	clock = noon // set back: history keeps its order
	put(t, s, graph.Asset{Ref: tableRef(3)})
	r := all(t, s)
	for _, c := range []struct {
		name string
		at   time.Time
		want graph.Revision
	}{
		{"at the first", noon, 1},
		{"between", noon.Add(90 * time.Minute), 2},
		{"after the last", noon.Add(9 * time.Hour), 4},
	} {
		if got := must[graph.Revision](t)(r.RevisionAt(t.Context(), c.at)); got != c.want {
			t.Errorf("%s: revision %d, want %d", c.name, got, c.want)
		}
	}
	if _, err := r.RevisionAt(t.Context(), noon.Add(-time.Second)); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("before the first: %v, want not found", err)
	}
	if got := must[graph.Revision](t)(reader(t, s, graph.Everything(), 2).RevisionAt(t.Context(), noon.Add(9*time.Hour))); got != 2 {
		t.Errorf("read at 2, the last is %d", got)
	}
	list := must[store.List[store.RevisionInfo]](t)(r.Revisions(t.Context(), store.Page{First: 3}))
	rest := must[store.List[store.RevisionInfo]](t)(r.Revisions(t.Context(), store.Page{First: 3, After: list.Next}))
	if len(list.Items) != 3 || list.Items[0].Number != 4 || len(rest.Items) != 1 || rest.Items[0].Number != 1 || rest.Next != "" {
		t.Errorf("revisions are %+v, then %+v", list, rest)
	}
	if list.Items[0].Why != "test" || list.Items[0].Actor != boss.ID {
		t.Errorf("the newest revision is %+v", list.Items[0])
	}
	restricted := must[store.List[store.RevisionInfo]](t)(reader(t, s, graph.Filter{}, 0).Revisions(t.Context(), store.Page{}))
	if restricted.Items[0].Why != "" {
		t.Errorf("somebody else's reason is shown: %q", restricted.Items[0].Why)
	}
	for _, at := range []graph.Revision{-1, 5} {
		if _, err := s.Reader(t.Context(), ana, graph.Everything(), at); !errors.Is(err, graph.ErrNotFound) {
			t.Errorf("a reader at %d: %v, want not found", at, err)
		}
	}
}
