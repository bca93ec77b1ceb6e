package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/crashtest"
)

// everything is the snapshot of a store at a revision.
func everything(t *testing.T, s *store.Store, at graph.Revision) graph.Snapshot {
	t.Helper()
	r, err := s.Reader(t.Context(), boss, graph.Everything(), at)
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.Snapshot(t.Context(), graph.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// table commits one table more.
func table(ctx context.Context, s *store.Store, n int) error {
	_, err := s.Commit(ctx, boss, "table", func(tx *store.Tx) error {
		ref := graph.BigQueryRef("p", "d", fmt.Sprintf("more%03d", n))
		return tx.Apply(ctx, graph.Delta{
			graph.Began{Now: graph.Asset{Ref: ref, Kind: graph.KindTable}},
			graph.Began{Now: graph.Column{Ref: ref.Column("a"), Position: 0}},
		})
	})
	return err
}

// A copy made while others commit is the catalog as it was at one revision:
// neither a half commit nor a gap in the log.
func TestACopyMadeDuringCommitsIsOneRevision(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	filled(t, filepath.Join(folder, "store.db"))
	s, other := openAt(t, filepath.Join(folder, "store.db")), openAt(t, filepath.Join(folder, "store.db"))
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	writers.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			if err := table(t.Context(), other, n); err != nil {
				t.Error(err)
				return
			}
		}
	})
	var copies []string
	for n := range 8 {
		path := filepath.Join(folder, fmt.Sprintf("copy%d.db", n))
		if err := s.Backup(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, path)
	}
	stop()
	writers.Wait()
	for _, path := range copies {
		said, err := store.Inspect(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != said.Bytes {
			t.Errorf("%s is %v, %v", path, info, err)
		}
		restored := openAt(t, path)
		head, err := restored.Head(t.Context())
		if err != nil || head != said.Revision || restored.Catalog() != s.Catalog() || said.Catalog != s.Catalog() {
			t.Errorf("the copy is at %d, %v, and said %+v", head, err, said)
		}
		if diff := graph.Diff(everything(t, s, said.Revision), everything(t, restored, 0)); len(diff) > 0 {
			t.Errorf("at revision %d the copy differs in %d", said.Revision, len(diff))
		}
		if report := audit.Verify(restored.Events(t.Context())); !report.OK || report.Events != said.Events || int64(said.Revision) != said.Events {
			t.Errorf("audit: %+v of %+v", report, said)
		}
	}
	if parts, _ := filepath.Glob(filepath.Join(folder, "*.part")); len(parts) > 0 {
		t.Errorf("left behind: %v", parts)
	}
}

func TestWhatIsNoCatalogIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	good := filepath.Join(folder, "good.db")
	s := openAt(t, filepath.Join(folder, "store.db"))
	for n := range 40 {
		if err := table(t.Context(), s, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Backup(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	overwritten := append([]byte{}, whole...)
	for i := len(overwritten) / 2; i < len(overwritten)/2+8192; i++ {
		overwritten[i] = 0xff
	}
	foreign := filepath.Join(folder, "foreign.db")
	raw(t, foreign, "CREATE TABLE cats (name text)", "PRAGMA user_version = 1")
	none := filepath.Join(folder, "none.db")
	raw(t, none, "CREATE TABLE cats (name text)")
	newer := filepath.Join(folder, "newer.db")
	if err := os.WriteFile(newer, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	raw(t, newer, "PRAGMA user_version = 99")
	put := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		name, path string
		kind       error
		text       string
	}{
		{"empty", put("empty", nil), graph.ErrInvalid, "no catalog"},
		{"a text", put("text", []byte(strings.Repeat("no catalog at all ", 500))), graph.ErrInvalid, "no catalog"},
		{"cut off", put("cut", whole[:len(whole)/2]), graph.ErrInvalid, "damaged"},
		{"cut off in its head", put("head", whole[:50]), graph.ErrInvalid, "damaged"},
		{"overwritten", put("overwritten", overwritten), graph.ErrInvalid, "damaged"},
		{"of another program", foreign, graph.ErrInvalid, "no catalog"},
		{"without a version", none, graph.ErrInvalid, "no catalog"},
		{"newer", newer, graph.ErrConflict, "newer program"},
		{"not there", filepath.Join(folder, "gone"), graph.ErrNotFound, "gone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if c, err := store.Inspect(t.Context(), test.path); !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %+v, %v, want %v with %q", c, err, test.kind, test.text)
			}
		})
	}
	if c, err := store.Inspect(t.Context(), good); err != nil || c.Revision != 40 || c.Events != 40 {
		t.Errorf("the whole copy is %+v, %v", c, err)
	}
}

// backUpOntoAFullDisk is the victim of TestAFullDiskLeavesNoHalfCopy: no file
// of it may grow beyond a few pages.
func backUpOntoAFullDisk(ctx context.Context, path string) error {
	s, err := store.Open(ctx, store.Config{Path: path})
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ) // what the kernel sends beside the error
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 64 << 10, Max: 64 << 10}); err != nil {
		return err
	}
	err = s.Backup(ctx, path+".copy")
	if !errors.Is(err, graph.ErrUnavailable) {
		return fmt.Errorf("the backup without room says %w", err)
	}
	fmt.Println(crashtest.End)
	return nil
}

func TestAFullDiskLeavesNoHalfCopy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	filled(t, path)
	if err := os.WriteFile(path+".copy", []byte("the older copy"), 0o600); err != nil {
		t.Fatal(err)
	}
	victim := crashtest.Start(t, "full", victimStore+"="+path)
	victim.Await(crashtest.End)
	if left, _ := filepath.Glob(path + ".copy?*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if older, err := os.ReadFile(path + ".copy"); err != nil || string(older) != "the older copy" {
		t.Errorf("the older copy is %q, %v", older, err)
	}
	openAt(t, path)
}

// Several programs open an old file at once: one migrates, the others wait, and
// the file is copied once before.
func TestOneProgramMigratesWhileOthersWait(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	older(t, path)
	var opening sync.WaitGroup
	for range 6 {
		opening.Go(func() {
			s, err := store.Open(t.Context(), store.Config{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(s.Ready(t.Context()), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	opening.Wait()
	copies, err := filepath.Glob(path + ".v*.bak")
	if err != nil || len(copies) != 1 {
		t.Fatalf("copies %v, %v, want one", copies, err)
	}
	if c, err := store.Inspect(t.Context(), copies[0]); err != nil || c.Version != 1 || c.Revision != 0 {
		t.Errorf("the copy is %+v, %v", c, err)
	}
}

// older makes a file as the first version of the program left it.
func older(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "migrations", "sqlite", "0001_catalog.sql"))
	if err != nil {
		t.Fatal(err)
	}
	raw(t, path, string(text), "PRAGMA user_version = 1", "INSERT INTO meta (id, value) VALUES ('catalog', 'OLD')")
}

// A store that a newer program has migrated meanwhile is not ready.
func TestAStoreMigratedByANewerProgramIsNotReady(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("a fresh store: %v", err)
	}
	raw(t, path, "PRAGMA user_version = 99")
	if err := s.Ready(t.Context()); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("after a newer program: %v, want a conflict", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("closed: %v, want unavailable", err)
	}
}

// version is that of the tables of a file.
func version(t *testing.T, path string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err == nil {
		err = errors.Join(db.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&n), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}
