package serve

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/policy/view"
)

// bench is an app over a catalog that a test writes by hand: no warehouse, no
// worker and no jobs, so that each part of the path can be run alone.
type bench struct {
	t   *testing.T
	app *App
	now graph.Snapshot
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("made-up"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := Config{
		DataDir: dir,
		Policy:  Policy{Roles: map[string][]string{"auditor": {"auditors@shop.example"}, "owner": {"owners@shop.example"}}},
		Audiences: []AudienceConfig{
			{Name: "analysts", Groups: []string{"analysts@shop.example"}, Purpose: "analytics"},
			{Name: "fraud", Groups: []string{"fraud@shop.example"}, Purpose: "fraud_detection"},
		},
		Target: Target{Project: "shop", Publisher: "publisher@shop.example", Endpoint: "http://127.0.0.1:1", Token: "file:" + token},
		Worker: Worker{Path: filepath.Join(dir, "none")},
	}.withDefaults()
	app, err := Open(t.Context(), config, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{t: t, app: app, now: graph.Snapshot{}}
}

// put writes items beside what is there and returns the revision.
func (b *bench) put(items ...graph.Item) graph.Revision {
	b.t.Helper()
	return b.change(func(next graph.Snapshot) {
		for _, item := range items {
			next.Put(item)
		}
	})
}

// end takes items away and returns the revision.
func (b *bench) end(items ...graph.Item) graph.Revision {
	b.t.Helper()
	return b.change(func(next graph.Snapshot) {
		maps.DeleteFunc(next, func(_ string, was graph.Item) bool {
			return slices.ContainsFunc(items, func(i graph.Item) bool { return graph.CompareItems(i, was) == 0 })
		})
	})
}

func (b *bench) change(do func(graph.Snapshot)) graph.Revision {
	b.t.Helper()
	next := maps.Clone(b.now)
	do(next)
	at, err := b.app.store.Commit(b.t.Context(), system(), "test", func(tx *store.Tx) error {
		return tx.Apply(b.t.Context(), graph.Diff(b.now, next))
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.now = next
	return at
}

// decided lets decisions follow.
func (b *bench) decided() {
	b.t.Helper()
	if err := b.app.decide(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// reader reads everything at a revision; 0 is the newest.
func (b *bench) reader(at graph.Revision) *store.Reader {
	b.t.Helper()
	r, err := b.app.reader(b.t.Context(), system(), at)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// people is the table that most tests are about.
func people() graph.Asset {
	return graph.Asset{
		Ref: graph.BigQueryRef("shop", "raw", "people"), Kind: graph.KindTable, Source: "warehouse",
		Parent: graph.BigQueryRef("shop", "raw"), Location: "EU",
	}
}

// leaf is a column of an asset.
func leaf(of graph.Asset, path, typ string, position int) graph.Column {
	return graph.Column{Ref: of.Ref.Column(path), Position: position, Type: typ}
}

// word is what a person said of a column.
func word(of graph.Ref, label string, state graph.TagState) graph.Tag {
	return graph.Tag{
		Ref: of, Label: label, State: state, Form: graph.FormClear, Confidence: 1,
		Provenance: graph.Provenance{Kind: graph.ByPerson, Name: "olga@shop.example"},
	}
}

// publishedView is the view of an audience over an asset, as a crawl would find
// it, with the fields that it shows.
func (b *bench) publishedView(base graph.Asset, audience string, fields ...view.Field) (graph.Asset, []graph.Item) {
	b.t.Helper()
	names := b.app.target.naming
	container := names.Container(audience, base.Location)
	def := view.Definition{
		View: names.View(container, base.Ref), Base: base.Ref, Audience: audience, Fields: fields,
		Keys: names.Keys(base.Location), KeyIDs: map[string]string{"": "people"},
	}
	text, err := b.app.target.dialect.SQL(def)
	if err != nil {
		b.t.Fatal(err)
	}
	asset := graph.Asset{Ref: def.View, Kind: graph.KindView, Source: "warehouse", Parent: container, Location: base.Location, Definition: text}
	items := []graph.Item{asset}
	for i, f := range fields {
		items = append(items, leaf(asset, f.Path, f.Type, i))
	}
	return asset, items
}

// script is a source that tells what a test lets it tell.
type script struct {
	name string
	// crawl is what it does when it is crawled. Defaults to nothing.
	crawl func(since ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error)
	// list is what it does when it is asked for statements.
	list func(since ingest.Cursor, emit func(graph.Statement) error) (ingest.Cursor, error)
	// findings are what it lacks.
	findings []graph.Finding
}

func (s *script) Name() string { return s.name }

func (s *script) Crawl(_ context.Context, since ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
	return s.crawl(since, emit)
}

func (s *script) Statements(_ context.Context, since ingest.Cursor, emit func(graph.Statement) error) (ingest.Cursor, error) {
	return s.list(since, emit)
}

func (s *script) Check(context.Context) []graph.Finding { return s.findings }
