package store_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/internal/pgtest"
	"github.com/riverqueue/river"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	theJobs(t, open(t, store.Config{}))
}

func TestJobsInAFile(t *testing.T) {
	t.Parallel()
	theJobs(t, openAt(t, t.TempDir()+"/store.db"))
}

func TestJobsInPostgres(t *testing.T) {
	t.Parallel()
	theJobs(t, open(t, store.Config{URL: pgtest.Start(t).Database(t)}))
}

// crawler works crawls: it says that it began, and ends when it is let.
type crawler struct {
	river.WorkerDefaults[store.CrawlArgs]
	store      *store.Store
	began, let chan string
	running    atomic.Int64
	together   atomic.Int64
}

func (c *crawler) Work(ctx context.Context, job *river.Job[store.CrawlArgs]) error {
	if c.running.Add(1) > 1 {
		c.together.Add(1)
	}
	defer c.running.Add(-1)
	c.began <- job.Args.Source
	select {
	case <-c.let:
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := c.store.Commit(ctx, boss, "crawl", func(tx *store.Tx) error { return tx.Enqueue(ctx, store.DecideArgs{}) })
	return err
}

type decider struct {
	river.WorkerDefaults[store.DecideArgs]
	ran chan struct{}
}

func (d *decider) Work(context.Context, *river.Job[store.DecideArgs]) error {
	d.ran <- struct{}{}
	return nil
}

// theJobs is the story of the queue, for every database.
func theJobs(t *testing.T, s *store.Store) {
	t.Helper()
	enqueue := func(args river.JobArgs) {
		t.Helper()
		if _, err := s.Commit(t.Context(), boss, "due", func(tx *store.Tx) error { return tx.Enqueue(t.Context(), args) }); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		enqueue(store.CrawlArgs{Source: "warehouse"})
	}
	due, err := s.Pending(t.Context())
	if err != nil || len(due) != 1 || due[0].Kind != "crawl" || due[0].Subject != "warehouse" || due[0].State != "available" {
		t.Fatalf("due are %+v, %v, want the crawl once", due, err)
	}
	brief, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := s.WaitIdle(brief); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "crawl warehouse") {
		t.Errorf("wait with nobody working: %v, want the deadline and the job", err)
	}

	crawls, decides := &crawler{store: s, began: make(chan string), let: make(chan string)}, &decider{ran: make(chan struct{}, 10)}
	workers := river.NewWorkers()
	river.AddWorker(workers, crawls)
	river.AddWorker(workers, decides)
	client, err := s.NewJobClient(t.Context(), workers, store.JobConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.StopAndCancel(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if got := <-crawls.began; got != "warehouse" {
		t.Errorf("crawls %q", got)
	}
	// While one runs another is due, for it may have read before; it waits.
	// A decision that is due later runs, so the second crawl was put off.
	enqueue(store.CrawlArgs{Source: "warehouse"})
	enqueue(store.DecideArgs{})
	<-decides.ran
	crawls.let <- ""
	<-crawls.began
	crawls.let <- ""
	if err := s.WaitIdle(t.Context()); err != nil {
		t.Error(err)
	}
	if crawls.together.Load() != 0 {
		t.Error("two crawls of one source ran at once")
	}
	if n := len(decides.ran); n < 1 || n > 2 {
		t.Errorf("decided %d times after the crawls, want once or twice", n)
	}
}

// TestAnErrorIsSaid lets a job fail: it is tried again, and says why.
func TestAnErrorIsSaid(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{})
	if _, err := s.Commit(t.Context(), boss, "due", func(tx *store.Tx) error { return tx.Enqueue(t.Context(), store.ApplyArgs{Plan: "p1"}) }); err != nil {
		t.Fatal(err)
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[store.ApplyArgs]) error { return errors.New("no quota") }))
	client, err := s.NewJobClient(t.Context(), workers, store.JobConfig{Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	failed, stop := client.Subscribe(river.EventKindJobFailed)
	defer stop()
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-failed
	if err := client.StopAndCancel(context.Background()); err != nil {
		t.Error(err)
	}
	jobs, err := s.Pending(t.Context())
	if err != nil || len(jobs) != 1 || jobs[0].Subject != "p1" || jobs[0].Error != "no quota" || jobs[0].Attempt != 1 {
		t.Errorf("pending are %+v, %v, want the plan with its error", jobs, err)
	}
}

// TestKindsAreStable holds the names that stand in the queue's table: jobs
// that an older program enqueued are worked by a newer one.
func TestKindsAreStable(t *testing.T) {
	t.Parallel()
	for want, args := range map[string]river.JobArgs{
		"crawl": store.CrawlArgs{}, "analyze": store.AnalyzeArgs{}, "propagate": store.PropagateArgs{},
		"decide": store.DecideArgs{}, "apply": store.ApplyArgs{}, "undo": store.UndoArgs{},
	} {
		if args.Kind() != want {
			t.Errorf("%T is called %q, want %q", args, args.Kind(), want)
		}
	}
}
