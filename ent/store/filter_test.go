package store_test

import (
	"errors"
	"io"
	"log/slog"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"github.com/google/go-cmp/cmp"
)

func loggerInto(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// TestFilters shows what each sort of condition selects, listed through SQL and
// judged one by one.
func TestFilters(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{})
	table := graph.Asset{Ref: graph.BigQueryRef("p", "d", "table"), Kind: graph.KindTable, Source: "warehouse", Parent: graph.BigQueryRef("p", "d")}
	quoted := graph.Asset{Ref: graph.BigQueryRef("p", "d", `o'clock"; DROP TABLE assets --`), Kind: graph.KindView, Source: "it's", Parent: graph.BigQueryRef("p", "d")}
	topic := graph.Asset{Ref: graph.Ref{Namespace: "kafka://h:1", Name: "topic"}, Kind: graph.KindTopic, Source: "streams"}
	was := graph.NewSnapshot(table, quoted, topic,
		graph.Owner{Asset: table.Ref, Principal: "user:ana@example.org", Role: graph.OwnerTechnical},
		graph.Owner{Asset: quoted.Ref, Principal: "group:old", Role: graph.OwnerTechnical, Provenance: graph.Provenance{Kind: graph.BySource}},
		graph.Owner{Asset: quoted.Ref, Principal: "group:other", Role: graph.OwnerAccountable, Provenance: graph.Provenance{Kind: graph.BySource}},
		graph.Owner{Asset: quoted.Ref, Principal: "group:new", Role: graph.OwnerTechnical, Provenance: graph.Provenance{Kind: graph.ByPerson}},
		graph.Owner{Asset: topic.Ref, Principal: "group:fraud", Role: graph.OwnerTechnical})
	begin(t, s, was)
	is := func(a graph.Attribute, in ...string) graph.Condition { return graph.Condition{Attribute: a, In: in} }
	for _, c := range []struct {
		name    string
		visible []graph.Clause
		want    []graph.Asset
	}{
		{"no clause", nil, nil},
		{"a clause without conditions", []graph.Clause{{}}, []graph.Asset{quoted, table, topic}},
		{"a condition without values", []graph.Clause{{is(graph.AttributeKind)}}, nil},
		{"kind", []graph.Clause{{is(graph.AttributeKind, "table", "topic")}}, []graph.Asset{table, topic}},
		{"source", []graph.Clause{{is(graph.AttributeSource, "streams")}}, []graph.Asset{topic}},
		{"a value with quotes", []graph.Clause{{is(graph.AttributeSource, "it's")}}, []graph.Asset{quoted}},
		{"a ref with quotes", []graph.Clause{{is(graph.AttributeRef, quoted.Ref.String())}}, []graph.Asset{quoted}},
		{"a value that would be SQL", []graph.Clause{{is(graph.AttributeSource, "x') OR ('1'='1")}}, nil},
		{"ref", []graph.Clause{{is(graph.AttributeRef, table.Ref.String())}}, []graph.Asset{table}},
		{"the ref of a column", []graph.Clause{{is(graph.AttributeRef, table.Ref.Column("c").String())}}, nil},
		{"namespace", []graph.Clause{{is(graph.AttributeNamespace, "bigquery")}}, []graph.Asset{quoted, table}},
		{"parent", []graph.Clause{{is(graph.AttributeParent, "bigquery/p.d")}}, []graph.Asset{quoted, table}},
		{"no parent, as a ref writes it", []graph.Clause{{is(graph.AttributeParent, graph.Ref{}.String())}}, []graph.Asset{topic}},
		{"no parent, as the database keeps it", []graph.Clause{{is(graph.AttributeParent, "")}}, nil},
		{"owner", []graph.Clause{{is(graph.AttributeOwner, "user:ana@example.org", "group:none")}}, []graph.Asset{table}},
		{"an owner whom a person named", []graph.Clause{{is(graph.AttributeOwner, "group:new")}}, []graph.Asset{quoted}},
		{"an owner in whose place a person named another", []graph.Clause{{is(graph.AttributeOwner, "group:old")}}, nil},
		{"an owner in a role of which no person spoke", []graph.Clause{{is(graph.AttributeOwner, "group:other")}}, []graph.Asset{quoted}},
		{"both conditions", []graph.Clause{{is(graph.AttributeNamespace, "bigquery"), is(graph.AttributeKind, "table")}}, []graph.Asset{table}},
		{"either clause", []graph.Clause{{is(graph.AttributeKind, "view")}, {is(graph.AttributeOwner, "group:fraud")}}, []graph.Asset{quoted, topic}},
		{"an attribute of the future", []graph.Clause{{is("sensitivity", "low")}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := readerFor(t, s, graph.Filter{Visible: c.visible})
			list, err := r.ListAssets(t.Context(), store.AssetsIn{}, store.Page{})
			if err != nil {
				t.Fatal(err)
			}
			want, got := map[graph.Ref]bool{}, map[graph.Ref]bool{}
			for _, a := range c.want {
				want[a.Ref] = true
			}
			for _, v := range list.Items {
				got[v.Asset.Ref] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("listed (-want +got):\n%s", diff)
			}
			for _, a := range []graph.Asset{table, quoted, topic} {
				if _, err := r.Asset(t.Context(), a.Ref); (err == nil) != want[a.Ref] || err != nil && !errors.Is(err, graph.ErrNotFound) {
					t.Errorf("%s alone: %v, want it shown: %v", a.Ref, err, want[a.Ref])
				}
			}
		})
	}
}

// TestAFilterIsOfItsTime reads the past with the owners of the past: what
// somebody owned then is shown then, and not now.
func TestAFilterIsOfItsTime(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{})
	asset := graph.Asset{Ref: graph.BigQueryRef("p", "d", "t"), Kind: graph.KindTable}
	owner := graph.Owner{Asset: asset.Ref, Principal: "user:ana@example.org", Role: graph.OwnerTechnical}
	owned := begin(t, s, graph.NewSnapshot(asset, owner))
	left := begin(t, s, nil, graph.Ended{Was: owner})
	mine := graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeOwner, In: []string{owner.Principal}}}}}
	for at, want := range map[graph.Revision]int{owned: 1, left: 0} {
		r, err := s.Reader(t.Context(), boss, mine, at)
		if err != nil {
			t.Fatal(err)
		}
		counts, err := r.Counts(t.Context())
		if err != nil || counts.Assets != want {
			t.Errorf("at %d: %d assets, %v, want %d", at, counts.Assets, err, want)
		}
		if r.Principal().ID != boss.ID {
			t.Errorf("the reader is for %v", r.Principal())
		}
	}
}

// TestWhatATagSaysOfItsWay shows a tag that came down the lineage over a middle
// to people who may know less and less of the way.
func TestWhatATagSaysOfItsWay(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{})
	origin := graph.Asset{Ref: graph.BigQueryRef("p", "d", "origin"), Kind: graph.KindTopic}
	middle := graph.Asset{Ref: graph.BigQueryRef("p", "d", "middle"), Kind: graph.KindView}
	below := graph.Asset{Ref: graph.BigQueryRef("p", "d", "below"), Kind: graph.KindTable}
	from, over, to := origin.Ref.Column("email"), middle.Ref.Column("email"), below.Ref.Column("mail")
	tag := graph.Tag{
		Ref: to, Label: "user.contact.email", State: graph.TagProposed,
		Evidence:   []string{from.String() + " → " + over.String() + " (identity)", over.String() + " → " + to.String() + " (identity)"},
		Provenance: graph.Provenance{Kind: graph.ByPropagation, Name: from.String(), Why: "down the lineage"},
	}
	begin(t, s, graph.NewSnapshot(origin, middle, below, tag))
	kind := func(name string) graph.Clause {
		return graph.Clause{{Attribute: graph.AttributeKind, In: []string{name}}}
	}
	bare := tag
	bare.Evidence, bare.Provenance = nil, graph.Provenance{Kind: graph.ByPropagation}
	for _, c := range []struct {
		name   string
		filter graph.Filter
		want   graph.Tag
	}{
		{"everything", graph.Everything(), tag},
		{"all of the way is visible", graph.Filter{Visible: []graph.Clause{kind("table"), kind("view"), kind("topic")}}, tag},
		{"the origin is discoverable", graph.Filter{Visible: []graph.Clause{kind("table"), kind("view")}, Discoverable: []graph.Clause{kind("topic")}}, bare},
		{"the origin is hidden", graph.Filter{Visible: []graph.Clause{kind("table"), kind("view")}}, bare},
		{"the middle is discoverable", graph.Filter{Visible: []graph.Clause{kind("table"), kind("topic")}, Discoverable: []graph.Clause{kind("view")}}, bare},
		{"the middle is hidden", graph.Filter{Visible: []graph.Clause{kind("table"), kind("topic")}}, bare},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := readerFor(t, s, c.filter).Tags(t.Context(), below.Ref)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]graph.Tag{c.want}, got[below.Ref]); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhoseGrantsAreShown shows rights of people, and of views and containers
// that may be hidden themselves.
func TestWhoseGrantsAreShown(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{})
	table := graph.Asset{Ref: graph.BigQueryRef("p", "d", "t"), Kind: graph.KindTable}
	view := graph.Asset{Ref: graph.BigQueryRef("p", "d", "v"), Kind: graph.KindView}
	holder := graph.Asset{Ref: graph.BigQueryRef("p", "views"), Kind: graph.KindDataset}
	grant := func(principal string) graph.Grant {
		return graph.Grant{On: table.Ref, Principal: principal, Role: graph.RoleAuthorized}
	}
	people, byView, byHolder := grant("group:analysts"), grant("view:"+view.Ref.String()), grant("dataset:"+holder.Ref.String())
	unknown, odd := grant("view:bigquery/p.d.gone"), grant("view:p.d.odd")
	begin(t, s, graph.NewSnapshot(table, view, holder, people, byView, byHolder, unknown, odd))
	kinds := func(names ...string) []graph.Clause {
		return []graph.Clause{{{Attribute: graph.AttributeKind, In: names}}}
	}
	for _, c := range []struct {
		name   string
		filter graph.Filter
		want   []graph.Grant
	}{
		{"everything", graph.Everything(), []graph.Grant{people, byView, byHolder, unknown, odd}},
		{"all is discoverable", graph.Filter{Visible: kinds("table"), Discoverable: []graph.Clause{{}}}, []graph.Grant{people, byView, byHolder, unknown, odd}},
		{"the view is discoverable", graph.Filter{Visible: kinds("table"), Discoverable: kinds("view")}, []graph.Grant{people, byView}},
		{"the container is visible", graph.Filter{Visible: kinds("table", "dataset")}, []graph.Grant{people, byHolder}},
		{"both are hidden", graph.Filter{Visible: kinds("table")}, []graph.Grant{people}},
		{"the table is hidden", graph.Filter{Visible: kinds("view", "dataset")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := readerFor(t, s, c.filter).Grants(t.Context(), table.Ref)
			if err != nil {
				t.Fatal(err)
			}
			shown, want := graph.Snapshot{}, graph.Snapshot{}
			for _, g := range got[table.Ref] {
				shown.Put(g)
			}
			for _, g := range c.want {
				want.Put(g)
			}
			if diff := cmp.Diff(want, shown); diff != "" {
				t.Errorf("grants (-want +got):\n%s", diff)
			}
		})
	}
}

// begin commits a snapshot's items and further changes.
func begin(t *testing.T, s *store.Store, items graph.Snapshot, more ...graph.Change) graph.Revision {
	t.Helper()
	at, err := s.Commit(t.Context(), boss, "begin", func(tx *store.Tx) error {
		return tx.Apply(t.Context(), append(graph.Diff(nil, items), more...))
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func readerFor(t *testing.T, s *store.Store, f graph.Filter) *store.Reader {
	t.Helper()
	r, err := s.Reader(t.Context(), boss, f, 0)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
