package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/crashtest"
	"cadastre.dev/cadastre/internal/pgtest"
)

// TestMain is also every victim of this package.
func TestMain(m *testing.M) {
	crashtest.Main(m, map[string]func(context.Context) error{
		"commit":  func(ctx context.Context) error { return commitForever(ctx, at(os.Getenv(victimStore))) },
		"migrate": func(ctx context.Context) error { return migrateOnce(ctx, at(os.Getenv(victimStore))) },
		"full":    func(ctx context.Context) error { return backUpOntoAFullDisk(ctx, os.Getenv(victimStore)) },
		"hang":    func(ctx context.Context) error { return hang(ctx, at(os.Getenv(victimStore))) },
	})
}

// victimStore is the variable that tells a victim which store is its own.
const victimStore = "CADASTRE_VICTIM_STORE"

// at is the configuration of a file, or of a database by its URL.
func at(where string) store.Config {
	if strings.HasPrefix(where, "postgres://") {
		return store.Config{URL: where}
	}
	return store.Config{Path: where}
}

// commitForever commits one revision after another, and says each as soon as
// it is acknowledged.
func commitForever(ctx context.Context, c store.Config) error {
	s, err := store.Open(ctx, c)
	if err != nil {
		return err
	}
	from, err := s.Head(ctx)
	if err != nil {
		return err
	}
	for n := int(from) + 1; ; n++ {
		delta := graph.Diff(model(n-1), model(n))
		fmt.Println(crashtest.Begin)
		at, err := s.Commit(ctx, boss, fmt.Sprintf("revision %d", n), func(tx *store.Tx) error {
			return errors.Join(tx.Apply(ctx, delta), tx.Enqueue(ctx, store.AnalyzeArgs{Source: fmt.Sprint(n)}))
		})
		if err != nil {
			return err
		}
		fmt.Println(at)
		fmt.Println(crashtest.End)
	}
}

// model is the whole catalog as the victim leaves it at a revision. Each one
// begins a table of some size, changes all columns of the one before, and ends
// that before it.
func model(revision int) graph.Snapshot {
	items := graph.Snapshot{}
	for n := max(1, revision-1); n <= revision; n++ {
		ref := graph.BigQueryRef("p", "d", fmt.Sprintf("t%d", n))
		items.Put(graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "warehouse"})
		for c := range 20 + n*37%180 {
			items.Put(graph.Column{Ref: ref.Column(fmt.Sprintf("c%d", c)), Position: c, Description: fmt.Sprint("as of ", revision-n)})
		}
	}
	return items
}

// TestKilledWhileItCommits kills a program that commits, again and again, at
// moments that have nothing to do with what it does. Afterwards the store
// opens, the audit log verifies, no acknowledged commit is missing, no half of
// one is seen, and no job is lost.
func TestKilledWhileItCommits(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	killCommits(t, crashtest.NewPhase(t, "commit, sqlite", 40, 30*time.Millisecond), func(n int) string {
		return filepath.Join(folder, fmt.Sprint("store", n))
	})
}

// TestKilledWhileItCommitsInPostgres does the same with a program beside
// another on one database.
func TestKilledWhileItCommitsInPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	killCommits(t, crashtest.NewPhase(t, "commit, postgres", 32, 30*time.Millisecond), func(int) string { return server.Database(t) })
}

// killCommits kills eight victims one after another over each store.
func killCommits(t *testing.T, phase *crashtest.Phase, fresh func(int) string) {
	t.Helper()
	for n := 0; phase.More(); n++ {
		where, acknowledged := fresh(n), 0
		beside := open(t, at(where))
		for i := 0; i < 8 && phase.More(); i++ {
			said, _ := phase.Strike(t, "commit", victimStore+"="+where)
			acknowledged = max(acknowledged, lastNumber(t, said))
			wantWhole(t, where, acknowledged)
		}
		if head, err := beside.Head(t.Context()); err != nil || int(head) < acknowledged {
			t.Errorf("the program beside it is at revision %d, %v, and %d was acknowledged", head, err, acknowledged)
		}
	}
}

// lastNumber is the last revision that a victim said.
func lastNumber(t *testing.T, said []string) (last int) {
	t.Helper()
	for _, line := range said {
		if line == crashtest.Begin || line == crashtest.End {
			continue
		}
		n, err := strconv.Atoi(line)
		if err != nil {
			t.Fatalf("the victim said %q", line)
		}
		last = n
	}
	return last
}

// wantWhole opens what a victim left and compares it with the model: at the
// newest revision, and at one before.
func wantWhole(t *testing.T, where string, acknowledged int) {
	t.Helper()
	s, err := store.Open(t.Context(), at(where))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	head, err := s.Head(t.Context())
	n := int(head)
	if err != nil || n < acknowledged || n > acknowledged+1 {
		t.Fatalf("revision %d, %v, but %d was acknowledged", n, err, acknowledged)
	}
	for _, revision := range []int{n, (n + 1) / 2} {
		if revision == 0 {
			continue // 0 asks for the newest
		}
		got, err := readerAt(t, s, graph.Revision(revision)).Snapshot(t.Context(), graph.Scope{})
		if err != nil {
			t.Fatal(err)
		}
		if differ := graph.Diff(model(revision), got); len(differ) > 0 {
			t.Errorf("revision %d differs from the model in %d items: %+v", revision, len(differ), differ[0])
		}
	}
	jobs, err := s.Pending(t.Context())
	due := map[string]bool{}
	for _, j := range jobs {
		due[j.Subject] = true
	}
	for i := 1; i <= n; i++ {
		if !due[fmt.Sprint(i)] {
			t.Errorf("the job of revision %d is lost", i)
		}
	}
	if err != nil || len(jobs) != n {
		t.Errorf("%d jobs are due, %v, want %d", len(jobs), err, n)
	}
	wantAudit(t, s, n)
}

// wantAudit verifies the audit log, its end too.
func wantAudit(t *testing.T, s *store.Store, events int) {
	t.Helper()
	report := audit.Verify(s.Events(t.Context()))
	if !report.OK || report.Events != int64(events) {
		t.Errorf("audit: %+v, want %d events", report, events)
	}
	if end, _, err := s.EventsEnd(t.Context()); err != nil || end != int64(events) {
		t.Errorf("the log was noted to end at %d, %v, want %d", end, err, events)
	}
}

func readerAt(t *testing.T, s *store.Store, at graph.Revision) *store.Reader {
	t.Helper()
	r, err := s.Reader(t.Context(), boss, graph.Everything(), at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestACancelledCommitLeavesNothing ends the context while a commit is under
// way, before and after it wrote.
func TestACancelledCommitLeavesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{})
	asset := graph.Asset{Ref: graph.BigQueryRef("p", "d", "t")}
	apply := func(ctx context.Context, tx *store.Tx) error {
		return tx.Apply(ctx, graph.Delta{graph.Began{Now: asset}})
	}
	for _, c := range []struct {
		name string
		fn   func(ctx context.Context, cancel func(), tx *store.Tx) error
	}{
		{"before it wrote", func(ctx context.Context, cancel func(), tx *store.Tx) error {
			cancel()
			return apply(ctx, tx)
		}},
		{"after it wrote", func(ctx context.Context, cancel func(), tx *store.Tx) error {
			defer cancel()
			return apply(ctx, tx)
		}},
		{"while its own error is returned", func(ctx context.Context, cancel func(), tx *store.Tx) error {
			cancel()
			return errors.Join(apply(ctx, tx), context.Cause(ctx))
		}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := s.Commit(ctx, boss, c.name, func(tx *store.Tx) error { return c.fn(ctx, cancel, tx) })
		if err == nil {
			t.Errorf("%s: committed", c.name)
		}
		if at, err := s.Head(t.Context()); err != nil || at != 0 {
			t.Errorf("%s: revision %d, %v", c.name, at, err)
		}
	}
	if _, err := s.Commit(t.Context(), boss, "whole", func(tx *store.Tx) error { return apply(t.Context(), tx) }); err != nil {
		t.Errorf("the next commit: %v", err)
	}
}

// TestAPanicLeavesNothing lets the function of a commit fail in the worst way:
// the writer is free again for others.
func TestAPanicLeavesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = s.Commit(t.Context(), boss, "panics", func(tx *store.Tx) error {
			if err := tx.Apply(t.Context(), graph.Delta{graph.Began{Now: graph.Asset{Ref: graph.BigQueryRef("p", "d", "t")}}}); err != nil {
				t.Error(err)
			}
			panic("on purpose")
		})
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	at, err := s.Commit(ctx, boss, "after it", func(*store.Tx) error { return nil })
	if err != nil || at != 0 {
		t.Errorf("the next commit: revision %d, %v", at, err)
	}
}

// TestLogsTellNoContent listens to all that the store says while it is used
// and while jobs fail: nothing of what is in the catalog is among it.
func TestLogsTellNoContent(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	s := open(t, store.Config{Path: filepath.Join(t.TempDir(), "store.db"), Logger: loggerInto(&said)})
	const secret = "qxsecret"
	column := graph.Column{Ref: graph.BigQueryRef("p", "d", "t").Column("c"), Description: secret}
	for range 2 { // the second is a conflict
		_, err := s.Commit(t.Context(), boss, secret, func(tx *store.Tx) error {
			tx.Record(audit.Event{Action: "read", Object: secret})
			return tx.Apply(t.Context(), graph.Delta{graph.Began{Now: column}})
		})
		column.Type = secret
		if err != nil && (!errors.Is(err, graph.ErrConflict) || strings.Contains(err.Error(), secret)) {
			t.Errorf("the error tells of the content: %v", err)
		}
	}
	if !strings.Contains(said.String(), "store migrated") || strings.Contains(said.String(), secret) {
		t.Errorf("the log says:\n%s", said.String())
	}
}
