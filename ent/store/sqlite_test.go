package store_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river"
)

// filled makes a store at path with some history and closes it.
func filled(t *testing.T, path string) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		_, err := s.Commit(t.Context(), boss, fmt.Sprintf("marker%02d", n), func(tx *store.Tx) error {
			asset := graph.Asset{Ref: graph.BigQueryRef("p", "d", fmt.Sprintf("t%02d", n)), Kind: graph.KindTable}
			return errors.Join(tx.Apply(t.Context(), graph.Delta{graph.Began{Now: asset}}), tx.Enqueue(t.Context(), store.AnalyzeArgs{Source: fmt.Sprint(n % 3)}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// raw opens the file beside the store, as somebody who should not would.
func raw(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReopeningLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	filled(t, path)
	s := openAt(t, path)
	catalog := s.Catalog()
	r, err := s.Reader(t.Context(), boss, graph.Everything(), 0)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := r.Counts(t.Context())
	if err != nil || r.Revision() != 20 || counts.Assets != 20 {
		t.Errorf("revision %d with %+v, %v, want 20 with 20", r.Revision(), counts, err)
	}
	if report := audit.Verify(s.Events(t.Context())); !report.OK || report.Events != 20 {
		t.Errorf("audit: %+v", report)
	}
	if jobs, err := s.Pending(t.Context()); err != nil || len(jobs) != 3 {
		t.Errorf("%d jobs are due, %v, want 3", len(jobs), err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if again := openAt(t, path); again.Catalog() != catalog || catalog == "" {
		t.Errorf("catalog %q became %q", catalog, again.Catalog())
	}
}

func TestTheFileIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path)
	if _, err := s.Commit(t.Context(), boss, "x", func(tx *store.Tx) error { return tx.Enqueue(t.Context(), store.DecideArgs{}) }); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v, want the file and its log", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", file, info.Mode(), err)
		}
	}
}

func TestAPrivateStoreLeavesNoFile(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	s, err := store.Open(t.Context(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	during, err := os.ReadDir(folder)
	if err != nil || len(during) != 1 {
		t.Errorf("%d entries while it is open, %v, want 1", len(during), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadDir(folder); err != nil || len(after) != 0 {
		t.Errorf("%d entries after closing, %v, want none", len(after), err)
	}
}

func TestAFileOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	filled(t, path)
	known := version(t, path)
	raw(t, path, "PRAGMA user_version = 99")
	if _, err := store.Open(t.Context(), store.Config{Path: path}); !errors.Is(err, graph.ErrConflict) || !strings.Contains(err.Error(), "newer") {
		t.Errorf("open: %v, want a conflict that says what to do", err)
	}
	raw(t, path, fmt.Sprintf("PRAGMA user_version = %d", known))
	openAt(t, path)
}

func TestWhatCannotBeOpenedIsUnavailable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Config{Path: path}); !errors.Is(err, graph.ErrUnavailable) || !strings.Contains(err.Error(), path) {
		t.Errorf("open what is no database: %v, want unavailable and the path", err)
	}
	if _, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "no", "folder", "store.db")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("open in no folder: %v, want that it does not exist", err)
	}
}

// TestAChangedColumnIsFound changes every column of an audit event in turn.
func TestAChangedColumnIsFound(t *testing.T) {
	t.Parallel()
	for _, change := range []string{
		"UPDATE events SET at = at + 1 WHERE id = 7",
		"UPDATE events SET actor = 'somebody' WHERE id = 7",
		"UPDATE events SET action = 'read' WHERE id = 7",
		"UPDATE events SET object = '8' WHERE id = 7",
		"UPDATE events SET revision = 8 WHERE id = 7",
		"UPDATE events SET detail = replace(detail, 'marker06', 'marker60') WHERE id = 7",
		"UPDATE events SET detail = detail || ' ' WHERE id = 7",
		"UPDATE events SET hash = zeroblob(32) WHERE id = 7",
		"UPDATE events SET hash = zeroblob(31) WHERE id = 7",
		"DELETE FROM events WHERE id = 7",
		"UPDATE events SET id = 99 WHERE id = 7",
		"UPDATE events SET id = CASE id WHEN 7 THEN -8 ELSE -7 END WHERE id IN (7, 8); UPDATE events SET id = -id WHERE id < 0",
	} {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "store.db")
			filled(t, path)
			raw(t, path, change)
			report := audit.Verify(openAt(t, path).Events(t.Context()))
			if report.OK || report.Broken != 7 {
				t.Errorf("verify: %+v, want event 7 broken", report)
			}
		})
	}
}

// TestAFlippedByteIsFound flips single bits of the file itself, where the
// details and hashes of events stand.
func TestAFlippedByteIsFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	filled(t, path)
	s := openAt(t, path)
	var places [][]byte
	for e, err := range s.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, e.Hash[:], []byte(`"why":"`+e.Detail["why"]), binary.BigEndian.AppendUint64(nil, uint64(e.At.UnixMicro()))[1:])
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := 0
	for n, place := range places {
		at := bytes.LastIndex(whole, place)
		if at < 0 || n%3 == 2 && bytes.Count(whole, place) > 1 { // a time may stand in revisions too
			continue
		}
		broken := bytes.Clone(whole)
		broken[at+len(place)-1] ^= 1
		copied := filepath.Join(t.TempDir(), "store.db")
		if err := os.WriteFile(copied, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if report := audit.Verify(openAt(t, copied).Events(t.Context())); report.OK {
			t.Errorf("%q at byte %d was changed and not found", place, at)
		}
		flipped++
	}
	if flipped < 40 {
		t.Errorf("%d bytes were flipped, too few to mean anything", flipped)
	}
}

func TestATokenIsNotInTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	const token = "tokentokentokentoken"
	if err := s.Sessions().CommitCtx(t.Context(), token, []byte("data"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.Sessions().FindCtx(t.Context(), token); !found || err != nil {
		t.Fatalf("the session is not found: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil || bytes.Contains(whole, []byte(token)) {
		t.Errorf("the file holds the token, %v", err)
	}
}

func TestJobsOfAKilledProgramAreDueAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	filled(t, path)
	raw(t, path, "UPDATE river_job SET state = 'running', attempt = 1, attempted_at = CURRENT_TIMESTAMP")
	s := openAt(t, path)
	states := func() (out []string) {
		jobs, err := s.Pending(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range jobs {
			out = append(out, string(j.State))
		}
		return out
	}
	if diff := cmp.Diff([]string{"running", "running", "running"}, states()); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if _, err := s.NewJobClient(t.Context(), river.NewWorkers(), store.JobConfig{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"available", "available", "available"}, states()); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
}

func TestAClosedStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := s.Commit(t.Context(), boss, "late", func(*store.Tx) error { return nil })
	if !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("commit: %v, want unavailable", err)
	}
}

// TestACopiedPlanIsProved changes a saved plan in the file: nobody can apply
// what was not approved.
func TestACopiedPlanIsProved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path)
	var id string
	_, err := s.Commit(t.Context(), boss, "plan", func(tx *store.Tx) error {
		saved, err := tx.SavePlan(t.Context(), graph.Plan{Catalog: s.Catalog(), Target: "warehouse"})
		id = saved.ID
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	raw(t, path, "UPDATE plans SET content = replace(content, 'warehouse', 'elsewhere')")
	r, err := s.Reader(t.Context(), boss, graph.Everything(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Plan(t.Context(), id); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("read the plan: %v, want a conflict", err)
	}
}
