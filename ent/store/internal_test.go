package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cadastre.dev/cadastre/ent/migrations"
	"cadastre.dev/cadastre/graph"
)

// TestAMigrationIsPrecededByACopy opens a file with a program that knows one
// migration more.
func TestAMigrationIsPrecededByACopy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	catalog := s.Catalog()
	all, err := migrations.SQLite()
	if err != nil {
		t.Fatal(err)
	}
	more := append(slices.Clip(all), migrations.Migration{Version: len(all) + 1, Name: "more.sql", Statements: []string{"CREATE TABLE more (id integer)"}})
	for range 2 {
		if err := sqliteOf(s).migrate(t.Context(), path, true, more); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sqliteOf(s).writer.ExecContext(t.Context(), "INSERT INTO more VALUES (1)"); err != nil {
		t.Error(err)
	}
	copies, err := filepath.Glob(path + ".v*.bak")
	if err != nil || len(copies) != 1 {
		t.Fatalf("copies %v, %v, want one", copies, err)
	}
	if info, err := os.Stat(copies[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info.Mode(), err)
	}
	before, err := Open(t.Context(), Config{Path: copies[0]})
	if err != nil {
		t.Fatal(err)
	}
	if before.Catalog() != catalog {
		t.Errorf("the copy is of catalog %q, want %q", before.Catalog(), catalog)
	}
	if err := before.Close(); err != nil {
		t.Error(err)
	}
}

func TestAFailedMigrationChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	all, err := migrations.SQLite()
	if err != nil {
		t.Fatal(err)
	}
	broken := append(slices.Clip(all), migrations.Migration{Version: len(all) + 1, Name: "broken.sql", Statements: []string{"CREATE TABLE more (id integer)", "no SQL"}})
	if err := sqliteOf(s).migrate(t.Context(), path, true, broken); err == nil || !strings.Contains(err.Error(), "broken.sql") {
		t.Errorf("migrate: %v, want an error that names the file", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), Config{Path: path}); err != nil {
		t.Fatalf("open after it: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestEveryItemComesBackAsItWas writes one of each type with every field set.
func TestEveryItemComesBackAsItWas(t *testing.T) {
	t.Parallel()
	ref, from := graph.BigQueryRef("p", "d", "t"), graph.Ref{Namespace: "kafka://h:1", Name: "a/b#c%d"}
	says := graph.Provenance{Kind: graph.ByPerson, Name: "ana", Why: "so"}
	now := graph.NewSnapshot(
		graph.Asset{Ref: ref, Kind: graph.KindView, Source: "s", Parent: ref.Parent(), Location: "EU", Title: "T", Description: "D", Labels: map[string]string{"k": "v"}, Definition: "SELECT 1", Unread: "403"},
		graph.Column{Ref: ref.Column("a[].B"), Position: 3, Type: "STRING", Mode: graph.ModeRepeated, Description: "D", PolicyTags: []string{"x", "y"}},
		graph.Owner{Asset: ref, Principal: "user:a", Role: graph.OwnerAccountable, Provenance: says},
		graph.Grant{On: ref, Principal: "group:g", Role: "READER", Provenance: says},
		graph.Tag{Ref: ref.Column("a[].B"), Label: "l", State: graph.TagConfirmed, Form: graph.FormPseudonymous, Confidence: 0.1, Evidence: []string{"e"}, Provenance: says},
		graph.Edge{From: from.Column("x.Y"), To: ref.Column("a[].B"), Kind: graph.EdgeWindow, Function: "F", Masking: true, Outcome: graph.OutcomePartial, Because: graph.EvidenceConnector, Statement: "job:1"},
		graph.Statement{ID: "job:1", Source: "s", Because: graph.EvidenceJob, Dialect: "bigquery", Project: "p", Dataset: "d", Target: ref, SQL: "S", Author: "a", Outcome: graph.OutcomeFailed, Unresolved: []string{"u"}, Reason: "r"},
		graph.Annotation{Ref: ref.Column("a[].B"), Attribute: graph.AttributeDescription, Value: "V", Provenance: says},
	)
	s, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	_, err = s.Commit(t.Context(), graph.Principal{ID: "x"}, "all", func(tx *Tx) error { return tx.Apply(t.Context(), graph.Diff(nil, now)) })
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Reader(t.Context(), graph.Principal{}, graph.Everything(), 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Snapshot(t.Context(), graph.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range graph.Diff(now, got) {
		t.Errorf("%T: %+v", c, c)
	}
	if len(tables()) != len(now) {
		t.Errorf("%d tables and %d types of item in this test", len(tables()), len(now))
	}
}

// TestAnItemFitsItsOwnRowAlone keeps tableOf and the rows together.
func TestAnItemFitsItsOwnRowAlone(t *testing.T) {
	t.Parallel()
	for _, i := range []graph.Item{graph.Asset{}, graph.Column{}, graph.Owner{}, graph.Grant{}, graph.Tag{}, graph.Edge{}, graph.Statement{}, graph.Annotation{}} {
		own, err := tableOf(i)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range tables() {
			err := table.row().put(i)
			if fits := table.name == own.name; fits != (err == nil) || !fits && !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("%T in %s: %v", i, table.name, err)
			}
			if len(table.row().fields()) != len(table.payload) {
				t.Errorf("%s has %d fields for %d columns", table.name, len(table.row().fields()), len(table.payload))
			}
		}
	}
}

func TestTheCacheKeepsTwo(t *testing.T) {
	t.Parallel()
	var (
		c    cached[graph.Revision]
		made int
	)
	get := func(at graph.Revision) {
		t.Helper()
		v, err := c.get(at, func() (graph.Revision, error) {
			made++
			return at, nil
		})
		if err != nil || v != at {
			t.Errorf("got %d at %d, %v", v, at, err)
		}
	}
	for _, at := range []graph.Revision{5, 1, 5, 1, 5} {
		get(at)
	}
	if made != 2 {
		t.Errorf("made %d values, want 2", made)
	}
	get(6) // drives out 1, the older
	get(5)
	if made != 3 {
		t.Errorf("made %d values, want 3", made)
	}
	broken := errors.New("broken")
	if _, err := c.get(9, func() (graph.Revision, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("a failed build: %v", err)
	}
	get(9)
	if made != 4 {
		t.Errorf("made %d values, want 4: what failed is not kept", made)
	}
}

// FuzzPageAfter reads cursors of anybody: they are ours, or invalid.
func FuzzPageAfter(f *testing.F) {
	f.Add(cursorOf(int64(7)))
	f.Add(cursorOf("bigquery/p.d.t"))
	f.Add("%%%")
	f.Fuzz(func(t *testing.T, after string) {
		var (
			n int64
			s string
		)
		for _, err := range []error{Page{After: after}.after(&n), Page{After: after}.after(&s)} {
			if err != nil && !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("%q: %v, want invalid", after, err)
			}
		}
		if (Page{After: cursorOf(after)}).after(&s) == nil && len(after) > 0 && s == "" {
			t.Errorf("%q does not come back", after)
		}
	})
}

// Where the database has a program of its own for copies, the error says which
// and how.
func TestABackupOfAnotherDatabaseSaysHow(t *testing.T) {
	t.Parallel()
	err := (&Store{dialect: "postgres", db: &postgresDB{}}).Backup(t.Context(), filepath.Join(t.TempDir(), "copy"))
	var elsewhere *BackupElsewhereError
	if !errors.As(err, &elsewhere) || elsewhere.Dialect != "postgres" || !errors.Is(err, graph.ErrInvalid) || !strings.Contains(err.Error(), "pg_dump --format=custom") || !strings.Contains(err.Error(), "keys") {
		t.Errorf("got %v", err)
	}
}

func TestALockIsWaitedFor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	held, give := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- exclusively(t.Context(), path, func() error {
			close(held)
			<-give
			return nil
		})
	}()
	<-held
	brief, cancel := context.WithTimeout(t.Context(), 3*lockAgain)
	defer cancel()
	if err := exclusively(brief, path, func() error { return errors.New("both") }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while it is held: %v", err)
	}
	close(give)
	if err := errors.Join(<-ended, exclusively(t.Context(), path, func() error { return nil })); err != nil {
		t.Error(err)
	}
}
