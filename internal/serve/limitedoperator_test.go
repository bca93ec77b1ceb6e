package serve

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// limitedOperator is an app in which who crawls sees one table, may discover a
// second, and must not know of a third.
func limitedOperator(t *testing.T) (app *App, tables [3]graph.Asset) {
	t.Helper()
	for i, name := range []string{"seen", "named", "hidden"} {
		ref := graph.BigQueryRef("shop", "set_"+name, name)
		tables[i] = graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "crm", Parent: ref.Parent()}
	}
	app = auditApp(t, t.TempDir(), func(c *Config) {
		group := []string{company.Auditors}
		c.Policy.Roles = map[string][]string{"publisher": group}
		for i, visibility := range []string{"visible", "discoverable"} {
			refs := []string{tables[i].Ref.String(), tables[i].Parent.String()}
			c.Policy.Visibility = append(c.Policy.Visibility, VisibilityConfig{Groups: group, Visibility: visibility, Where: map[string][]string{"ref": refs}})
		}
	})
	return app, tables
}

// commitTables puts the tables into the catalog as a run of their source, each with
// a title, and their containers.
func commitTables(t *testing.T, app *App, tables [3]graph.Asset, title string) graph.Revision {
	t.Helper()
	before, err := app.reader(t.Context(), system(), 0)
	if err != nil {
		t.Fatal(err)
	}
	was, err := before.Snapshot(t.Context(), graph.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	now := graph.Snapshot{}
	for _, table := range tables {
		table.Title = title
		now.Put(table)
		now.Put(graph.Asset{Ref: table.Parent, Kind: graph.KindDataset, Source: "crm"})
	}
	made, err := app.store.Commit(t.Context(), system(), crawlWhy("crm"), func(tx *store.Tx) error { return tx.Apply(t.Context(), graph.Diff(was, now)) })
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// Who crawls is told how much a removal would end, and names of it only what
// they may know.
func TestAHeldRemovalNamesNothingHidden(t *testing.T) {
	t.Parallel()
	app, tables := limitedOperator(t)
	commitTables(t, app, tables, "title")
	held := ingest.Held{Hash: "abc", At: standingAt(), Total: 3}
	want := shape.HeldRemoval{Hash: "abc", At: standingAt(), Total: 3}
	for i, table := range tables {
		held.Examples = append(held.Examples, table.Ref)
		held.Scopes = append(held.Scopes, ingest.HeldScope{Parent: table.Parent, Ends: 1, Of: 1})
		if i < 2 {
			want.Examples = append(want.Examples, table.Ref)
			want.Scopes = append(want.Scopes, shape.HeldScope{Parent: table.Parent, Ends: 1, Of: 1})
		}
	}
	data, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	_, err = app.store.Commit(t.Context(), system(), "hold", func(tx *store.Tx) error {
		token := store.Token{ID: "token", Name: "loader", Sources: []string{"crm"}, CreatedAt: standingAt(), ExpiresAt: standingAt().Add(time.Hour)}
		if err := tx.PutToken(t.Context(), token, []byte("hash")); err != nil {
			return err
		}
		return tx.PutCursor(t.Context(), store.Cursor{Source: "crm", Held: string(data)})
	})
	if err != nil {
		t.Fatal(err)
	}
	sources, err := app.Sources(t.Context(), audra())
	if err != nil || len(sources) != 1 || sources[0].Held == nil {
		t.Fatalf("told of %+v, %v", sources, err)
	}
	if diff := cmp.Diff(want, *sources[0].Held); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	whole, err := app.Sources(t.Context(), app.LocalPrincipal())
	if err != nil || len(whole[0].Held.Examples) != 3 || len(whole[0].Held.Scopes) != 3 {
		t.Errorf("who holds the data directory is told %+v, %v", whole, err)
	}
}

// That something of an asset changed is told to those who see it.
func TestWhatIsLaterIsNamedToThoseWhoSeeIt(t *testing.T) {
	t.Parallel()
	app, tables := limitedOperator(t)
	run := commitTables(t, app, tables, "first")
	commitTables(t, app, tables, "second")
	would, err := app.UndoPreview(t.Context(), audra(), run)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]graph.Ref{tables[0].Ref}, would.Later); diff != "" || would.LaterTotal != 3 {
		t.Errorf("%d are later (-want +got):\n%s", would.LaterTotal, diff)
	}
}
