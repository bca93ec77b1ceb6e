package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/crashtest"
	"cadastre.dev/cadastre/internal/pgtest"
	"github.com/riverqueue/river"
)

// TestManyProgramsOnOneDatabase opens an empty database from several programs
// at once: one of them migrates, and then their commits are in a line.
func TestManyProgramsOnOneDatabase(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t).Database(t)
	programs := make([]*store.Store, 4)
	var group sync.WaitGroup
	for n := range programs {
		group.Go(func() { programs[n] = open(t, store.Config{URL: url}) })
	}
	group.Wait()
	if t.Failed() {
		return
	}
	commitTogether(t, programs...)
}

// TestADatabaseOfANewerProgramIsRefused leaves it as it is.
func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t)
	open(t, store.Config{URL: url})
	server.Exec(t, "t1", "INSERT INTO migrations (version, name) VALUES (999, 'of tomorrow')")
	if _, err := store.Open(t.Context(), store.Config{URL: url}); !errors.Is(err, graph.ErrConflict) || !strings.Contains(err.Error(), "newer") {
		t.Errorf("open: %v, want a conflict that says what to do", err)
	}
}

// TestAURLIsNotTold opens what cannot be opened: the error says what is wrong
// and has no password in it.
func TestAURLIsNotTold(t *testing.T) {
	t.Parallel()
	for url, kind := range map[string]error{
		"postgres://u:qxsecret@127.0.0.1:1/none?connect_timeout=2": graph.ErrUnavailable,
		"postgres://u:qxsecret@127.0.0.1:port/none":                graph.ErrInvalid,
		"mysql://u:qxsecret@127.0.0.1/none?sslmode=qxsecret":       graph.ErrInvalid,
	} {
		if _, err := store.Open(t.Context(), store.Config{URL: url}); !errors.Is(err, kind) || strings.Contains(err.Error(), "qxsecret") {
			t.Errorf("open %s: %v, want %v and no password", url, err, kind)
		}
	}
}

// TestABackupOfPostgresSaysHow makes no file.
func TestABackupOfPostgresSaysHow(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{URL: pgtest.Start(t).Database(t)})
	if err := s.Backup(t.Context(), t.TempDir()+"/copy"); !errors.Is(err, graph.ErrInvalid) || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("backup: %v, want invalid and the tool that does it", err)
	}
}

// TestADatabaseThatRestartsLosesNothing stops the server again and again while
// two programs commit. Commits meanwhile fail as unavailable, later ones are
// made without either program being started again; afterwards none that was
// acknowledged is missing.
func TestADatabaseThatRestartsLosesNothing(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t)
	const rounds = 4
	var acknowledged [2]atomic.Int64
	done := make(chan struct{})
	var group sync.WaitGroup
	programs := []*store.Store{open(t, store.Config{URL: url}), open(t, store.Config{URL: url})}
	for p, s := range programs {
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				ref := graph.BigQueryRef("p", fmt.Sprint("d", p), fmt.Sprint("t", n))
				_, err := s.Commit(t.Context(), boss, "restart", func(tx *store.Tx) error {
					return tx.Apply(t.Context(), graph.Delta{graph.Began{Now: graph.Asset{Ref: ref}}, graph.Began{Now: graph.Column{Ref: ref.Column("a")}}})
				})
				switch {
				case err == nil:
					acknowledged[p].Add(1)
				case !errors.Is(err, graph.ErrUnavailable):
					t.Errorf("program %d: %v, want unavailable", p, err)
				}
			}
		})
	}
	for range rounds {
		more(t, &acknowledged[0], &acknowledged[1])
		server.Stop(t)
		server.Resume(t)
	}
	more(t, &acknowledged[0], &acknowledged[1])
	close(done)
	group.Wait()
	r := readerFor(t, programs[0], graph.Everything())
	counts, err := r.Counts(t.Context())
	sum := acknowledged[0].Load() + acknowledged[1].Load()
	// A commit whose answer was lost with the connection may have been made.
	if err != nil || int64(counts.Assets) < sum || int64(counts.Assets) > sum+2*rounds || counts.Assets != counts.Columns || counts.Assets != int(r.Revision()) {
		t.Errorf("%d assets and %d columns at %d, %v, and %d were acknowledged", counts.Assets, counts.Columns, r.Revision(), err, sum)
	}
	if report := audit.Verify(programs[1].Events(t.Context())); !report.OK {
		t.Errorf("audit: %+v", report)
	}
}

// more waits until each counter has risen by some.
func more(t *testing.T, counters ...*atomic.Int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, c := range counters {
		for from := c.Load(); c.Load() < from+5; {
			select {
			case <-ctx.Done():
				t.Fatal("nobody commits any more")
			case <-tick.C:
			}
		}
	}
}

// TestProgramsShareTheJobs works the jobs of one database from three programs:
// no two of one kind and subject together, and what is due while one runs is
// done after it.
func TestProgramsShareTheJobs(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t).Database(t)
	var together atomic.Int64
	var running, ran [3]atomic.Int64
	var programs []*store.Store
	for range 3 {
		s := open(t, store.Config{URL: url})
		programs = append(programs, s)
		work(t, s, func(ctx context.Context, job *river.Job[store.CrawlArgs]) error {
			subject := job.Args.Source[0] - 'a'
			if running[subject].Add(1) > 1 {
				together.Add(1)
			}
			defer running[subject].Add(-1)
			ran[subject].Add(1)
			_, err := s.Commit(ctx, boss, "crawl", func(tx *store.Tx) error {
				ref := graph.BigQueryRef("p", job.Args.Source, fmt.Sprint("t", job.ID))
				return tx.Apply(ctx, graph.Delta{graph.Began{Now: graph.Asset{Ref: ref}}})
			})
			return err
		})
	}
	for n := range 45 {
		due(t, programs[n%3], store.CrawlArgs{Source: string(rune('a' + n/3%3))})
	}
	if err := programs[0].WaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	counts, err := readerFor(t, programs[1], graph.Everything()).Counts(t.Context())
	if sum := ran[0].Load() + ran[1].Load() + ran[2].Load(); err != nil || int64(counts.Assets) != sum {
		t.Errorf("%d runs left %d assets, %v", sum, counts.Assets, err)
	}
	for subject := range ran {
		if ran[subject].Load() == 0 {
			t.Errorf("no crawl of %c ran", 'a'+subject)
		}
	}
	if together.Load() > 0 {
		t.Errorf("%d crawls ran beside another of the same source", together.Load())
	}
}

// TestTheJobOfAKilledProgramIsDoneByAnother kills a program in the middle of a
// job that it would never end.
func TestTheJobOfAKilledProgramIsDoneByAnother(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t).Database(t)
	s := open(t, store.Config{URL: url})
	due(t, s, store.CrawlArgs{Source: "warehouse"})
	victim := crashtest.Start(t, "hang", victimStore+"="+url)
	victim.Await("warehouse")
	done := make(chan int, 1)
	work(t, s, func(_ context.Context, job *river.Job[store.CrawlArgs]) error {
		done <- job.Attempt
		return nil
	})
	victim.Kill()
	if attempt := <-done; attempt != 2 {
		t.Errorf("done at attempt %d, want the second", attempt)
	}
	if err := s.WaitIdle(t.Context()); err != nil {
		t.Error(err)
	}
}

// hang works one job and never ends it.
func hang(ctx context.Context, c store.Config) error {
	s, err := store.Open(ctx, c)
	if err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[store.CrawlArgs]) error {
		fmt.Println(job.Args.Source)
		<-ctx.Done()
		return ctx.Err()
	}))
	client, err := s.NewJobClient(ctx, workers, store.JobConfig{})
	if err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// work works crawls until the test ends.
func work(t *testing.T, s *store.Store, crawl func(context.Context, *river.Job[store.CrawlArgs]) error) {
	t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(crawl))
	client, err := s.NewJobClient(t.Context(), workers, store.JobConfig{Parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.StopAndCancel(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func due(t *testing.T, s *store.Store, args river.JobArgs) {
	t.Helper()
	if _, err := s.Commit(t.Context(), boss, "due", func(tx *store.Tx) error { return tx.Enqueue(t.Context(), args) }); err != nil {
		t.Fatal(err)
	}
}
