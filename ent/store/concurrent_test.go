package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"github.com/riverqueue/river"
)

// locked is a log that several goroutines write.
type locked struct {
	mu   sync.Mutex
	said strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}

// TestTheQueueAndCommitsLiveTogether works jobs that commit, while others
// commit and read: nobody is ever told that the database is busy, no job fails
// and none is lost.
func TestTheQueueAndCommitsLiveTogether(t *testing.T) {
	t.Parallel()
	var log locked
	s := open(t, store.Config{Path: filepath.Join(t.TempDir(), "store.db"), Logger: loggerInto(&log)})
	const sources = 12
	var worked atomic.Int64
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[store.CrawlArgs]) error {
		worked.Add(1)
		_, err := s.Commit(ctx, boss, "crawl", func(tx *store.Tx) error {
			asset := graph.Asset{Ref: graph.BigQueryRef("p", "crawled", "t"+job.Args.Source), Source: job.Args.Source}
			return errors.Join(tx.Apply(ctx, graph.Delta{graph.Began{Now: asset}}), tx.Enqueue(ctx, store.AnalyzeArgs(job.Args)))
		})
		return err
	}))
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[store.AnalyzeArgs]) error {
		worked.Add(1)
		return nil
	}))
	client, err := s.NewJobClient(t.Context(), workers, store.JobConfig{Parallel: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for n := range sources {
		group.Go(func() {
			_, err := s.Commit(t.Context(), boss, "due", func(tx *store.Tx) error {
				asset := graph.Asset{Ref: graph.BigQueryRef("p", "begun", fmt.Sprint("t", n))}
				return errors.Join(tx.Apply(t.Context(), graph.Delta{graph.Began{Now: asset}}), tx.Enqueue(t.Context(), store.CrawlArgs{Source: fmt.Sprint(n)}))
			})
			if err != nil {
				t.Error(err)
			}
			if _, err := readerFor(t, s, graph.Everything()).Counts(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if err := s.WaitIdle(t.Context()); err != nil {
		t.Error(err)
	}
	if err := client.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	counts, err := readerFor(t, s, graph.Everything()).Counts(t.Context())
	if err != nil || counts.Assets != 2*sources || worked.Load() != 2*sources {
		t.Errorf("%d assets after %d jobs, %v, want %d after as many", counts.Assets, worked.Load(), err, 2*sources)
	}
	for _, word := range []string{"BUSY", "locked", "level=ERROR", "level=WARN"} {
		if strings.Contains(log.String(), word) {
			t.Errorf("the log has %q:\n%s", word, log.String())
		}
	}
	if report := audit.Verify(s.Events(t.Context())); !report.OK || report.Events != 2*sources {
		t.Errorf("audit: %+v", report)
	}
}

// TestTwoProgramsOnOneFile opens one file twice, as a command line beside a
// server does: both commit, one after another, and each sees the other's.
func TestTwoProgramsOnOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	commitTogether(t, openAt(t, path), openAt(t, path))
}

func commitTogether(t *testing.T, programs ...*store.Store) {
	t.Helper()
	const rounds = 10
	var group sync.WaitGroup
	for n, s := range programs {
		if s.Catalog() != programs[0].Catalog() {
			t.Errorf("one database is two catalogs: %q and %q", programs[0].Catalog(), s.Catalog())
		}
		group.Go(func() {
			for i := range rounds {
				_, err := s.Commit(t.Context(), boss, "both", func(tx *store.Tx) error {
					asset := graph.Asset{Ref: graph.BigQueryRef("p", fmt.Sprint("d", n), fmt.Sprint("t", i))}
					return tx.Apply(t.Context(), graph.Delta{graph.Began{Now: asset}})
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	want := len(programs) * rounds
	for n, s := range programs {
		r := readerFor(t, s, graph.Everything())
		counts, err := r.Counts(t.Context())
		if err != nil || counts.Assets != want || int(r.Revision()) != want {
			t.Errorf("program %d sees %d assets at %d, %v, want %d", n, counts.Assets, r.Revision(), err, want)
		}
		if report := audit.Verify(s.Events(t.Context())); !report.OK {
			t.Errorf("program %d: audit: %+v", n, report)
		}
	}
}

// TestABackupIsWhole copies the store while others commit: the copy opens, its
// audit log verifies, and it is the catalog as of one revision.
func TestABackupIsWhole(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := openAt(t, filepath.Join(folder, "store.db"))
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			default:
			}
			ref := graph.BigQueryRef("p", "d", fmt.Sprint("t", n))
			begin(t, s, graph.NewSnapshot(graph.Asset{Ref: ref}, graph.Column{Ref: ref.Column("a")}, graph.Column{Ref: ref.Column("b")}))
		}
	})
	for round := range 5 {
		path := filepath.Join(folder, "copy.db")
		if err := s.Backup(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		copied, err := store.Open(t.Context(), store.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		r := readerFor(t, copied, graph.Everything())
		counts, err := r.Counts(t.Context())
		if at := int(r.Revision()); err != nil || counts.Assets != at || counts.Columns != 2*at {
			t.Errorf("copy %d at %d has %+v, %v", round, at, counts, err)
		}
		if report := audit.Verify(copied.Events(t.Context())); !report.OK {
			t.Errorf("copy %d: audit: %+v", round, report)
		}
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}
	close(done)
	group.Wait()
	if err := s.Backup(t.Context(), filepath.Join(folder, "no", "such", "folder")); err == nil {
		t.Error("a copy into no folder was made")
	}
}

// TestReopeningChangesNoAnswer closes and opens the store after each commit:
// what follows from the rows in memory (search, lineage, what was judged) is
// made again and is the same.
func TestReopeningChangesNoAnswer(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	kept := openAt(t, filepath.Join(folder, "kept.db"))
	for n := range 6 {
		ref := graph.BigQueryRef("p", "d", fmt.Sprint("t", n))
		items := graph.NewSnapshot(
			graph.Asset{Ref: ref, Kind: graph.KindTable}, graph.Column{Ref: ref.Column("email")},
			graph.Owner{Asset: ref, Principal: fmt.Sprint("user:", n%2)},
			graph.Edge{From: graph.BigQueryRef("p", "d", fmt.Sprint("t", n-1)).Column("email"), To: ref.Column("email"), Kind: graph.EdgeIdentity},
		)
		again := openAt(t, filepath.Join(folder, "again.db"))
		begin(t, kept, items)
		begin(t, again, items)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		again = openAt(t, filepath.Join(folder, "again.db"))
		mine := graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeOwner, In: []string{"user:0"}}}}, Discoverable: []graph.Clause{{}}}
		for name, f := range map[string]graph.Filter{"everything": graph.Everything(), "mine": mine} {
			sameAnswers(t, fmt.Sprint(name, " after ", n), readerFor(t, kept, f), readerFor(t, again, f))
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
