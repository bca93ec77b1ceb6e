package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/migrations"
	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/crashtest"
	"cadastre.dev/cadastre/internal/pgtest"
	"github.com/google/go-cmp/cmp"
)

// migrateOnce opens a store of an older version.
func migrateOnce(ctx context.Context, c store.Config) error {
	fmt.Println(crashtest.Begin)
	s, err := store.Open(ctx, c)
	if err != nil {
		return err
	}
	fmt.Println(crashtest.End)
	<-ctx.Done()
	return s.Close()
}

// TestKilledWhileItMigrates kills a program that brings a file of the first
// version to the newest. Opened again the file is migrated whole, with all that
// was in it, and a whole copy of what was before stands beside it.
func TestKilledWhileItMigrates(t *testing.T) {
	t.Parallel()
	template, want := firstVersion(t)
	content, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	phase := crashtest.NewPhase(t, "migration, sqlite", 32, 30*time.Millisecond)
	for n := 0; phase.More(); n++ {
		path := filepath.Join(t.TempDir(), "store.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		phase.Strike(t, "migrate", victimStore+"="+path)
		wantMigrated(t, path, want)
		if left, err := filepath.Glob(path + "*.part"); err != nil || len(left) > 0 {
			t.Errorf("%v, %v is left of a copy that was cut off", left, err)
		}
		wantVersion(t, path+".v1.bak", 1)
		wantMigrated(t, path+".v1.bak", want) // a copy can be used in place of the file
	}
}

// standing is what a store holds.
type standing struct {
	Catalog string
	Items   graph.Snapshot
	Cursors []store.Cursor
	Jobs    []string
	Events  int
}

func standingOf(t *testing.T, s *store.Store) standing {
	t.Helper()
	items, err := readerAt(t, s, 0).Snapshot(t.Context(), graph.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	cursors, err := s.Cursors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := s.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end, _, err := s.EventsEnd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := standing{Catalog: s.Catalog(), Items: items, Cursors: cursors, Events: int(end)}
	for _, j := range jobs {
		out.Jobs = append(out.Jobs, j.Kind+" "+j.Subject)
	}
	slices.Sort(out.Jobs)
	return out
}

// wantMigrated opens a store and finds in it what was.
func wantMigrated(t *testing.T, where string, want standing) {
	t.Helper()
	s, err := store.Open(t.Context(), at(where))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if diff := cmp.Diff(want, standingOf(t, s)); diff != "" {
		t.Errorf("%s holds something else (-want +got):\n%s", where, diff)
	}
	wantAudit(t, s, want.Events)
	if _, err := s.TakeFence(t.Context(), "of the newest version"); err != nil {
		t.Errorf("what the newest version has is not there: %v", err)
	}
}

func wantVersion(t *testing.T, path string, want int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var version int
	var sound string
	err = errors.Join(db.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&version), db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&sound))
	if err != nil || version != want || sound != "ok" {
		t.Errorf("%s has version %d and is %s, %v, want %d and ok", path, version, sound, err, want)
	}
}

// firstVersion makes a file as the first version of the tables left it, with
// history and jobs in it, and says what it holds.
func firstVersion(t *testing.T) (path string, holds standing) {
	t.Helper()
	newest := filepath.Join(t.TempDir(), "newest.db")
	filled(t, newest)
	s := openAt(t, newest)
	_, err := s.Commit(t.Context(), boss, "more", func(tx *store.Tx) error {
		cursor := store.Cursor{Source: "warehouse", Cursor: []byte("here"), CrawledAt: time.Unix(1e9, 0).UTC(), Problems: []string{"none"}}
		return errors.Join(tx.Apply(t.Context(), graph.Diff(nil, model(100))), tx.PutCursor(t.Context(), cursor))
	})
	if err != nil {
		t.Fatal(err)
	}
	holds = standingOf(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "first.db")
	all, err := migrations.SQLite()
	if err != nil {
		t.Fatal(err)
	}
	raw(t, path, append(slices.Clone(all[0].Statements), "PRAGMA user_version = 1")...)
	copyTables(t, newest, path)
	return path, holds
}

// copyTables copies the rows of one file into the tables of another, which
// knows fewer columns, and the tables of the jobs as they are.
func copyTables(t *testing.T, from, to string) {
	t.Helper()
	db, err := sql.Open("sqlite", to)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), "ATTACH ? AS newest", from); err != nil {
		t.Fatal(err)
	}
	texts := func(query string, args ...any) (out []string) {
		rows, err := db.QueryContext(t.Context(), query, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			out = append(out, text)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, create := range texts("SELECT sql FROM newest.sqlite_master WHERE tbl_name LIKE 'river%' AND sql IS NOT NULL ORDER BY type = 'table' DESC") {
		if _, err := db.ExecContext(t.Context(), create); err != nil {
			t.Fatalf("%s: %v", create, err)
		}
	}
	for _, table := range texts("SELECT name FROM main.sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'") {
		columns := strings.Join(texts("SELECT quote(name) FROM pragma_table_info(?)", table), ", ")
		columns = strings.ReplaceAll(columns, "'", `"`)
		if _, err := db.ExecContext(t.Context(), fmt.Sprintf(`INSERT INTO main."%s" (%s) SELECT %s FROM newest."%s"`, table, columns, columns, table)); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
	}
}

// TestKilledWhileItMigratesPostgres kills a program that makes the tables of
// an empty schema. Opened again they are whole.
func TestKilledWhileItMigratesPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t)
	phase := crashtest.NewPhase(t, "migration, postgres", 24, 150*time.Millisecond)
	for n := 0; phase.More(); n++ {
		schema := fmt.Sprint("s", n)
		server.Exec(t, "t1", "CREATE SCHEMA "+schema)
		where := url + "&search_path=" + schema
		phase.Strike(t, "migrate", victimStore+"="+where)
		s, err := store.Open(t.Context(), at(where))
		if err != nil {
			t.Fatal(err)
		}
		at, err := s.Commit(t.Context(), boss, "first", func(tx *store.Tx) error {
			return errors.Join(tx.Apply(t.Context(), graph.Diff(nil, model(1))), tx.Enqueue(t.Context(), store.DecideArgs{}))
		})
		if err != nil || at != 1 {
			t.Errorf("the first commit made revision %d, %v", at, err)
		}
		if got := standingOf(t, s); len(graph.Diff(model(1), got.Items)) > 0 || !slices.Equal(got.Jobs, []string{"decide "}) {
			t.Errorf("it holds %d items and the jobs %q", len(got.Items), got.Jobs)
		}
		wantAudit(t, s, 1)
		if _, err := s.TakeFence(t.Context(), "of the newest version"); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
