package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"github.com/riverqueue/river"
)

// refuser works analyses: it gives up those of the source that it is told to.
type refuser struct {
	river.WorkerDefaults[store.AnalyzeArgs]
	mu     sync.Mutex
	refuse string
	note   func(ctx context.Context, id int64, note any) error
}

func (r *refuser) Work(ctx context.Context, j *river.Job[store.AnalyzeArgs]) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.note != nil {
		return errors.Join(r.note(ctx, j.ID, map[string]int{"done": 1}), r.note(ctx, j.ID, map[string]int{"done": 2}), river.JobCancel(errors.New("noted")))
	}
	if j.Args.Source == r.refuse {
		return river.JobCancel(errors.New("the SQL is unreadable"))
	}
	return nil
}

func TestFailures(t *testing.T) {
	t.Parallel()
	theFailures(t, open(t, store.Config{}))
}

// theFailures, for every database: a job that was given up is told until
// another of its kind and subject succeeds.
func theFailures(t *testing.T, s *store.Store) {
	t.Helper()
	w := &refuser{refuse: "warehouse"}
	workers := river.NewWorkers()
	river.AddWorker(workers, w)
	client, err := s.NewJobClient(t.Context(), workers, store.JobConfig{})
	if err == nil {
		err = client.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client.StopAndCancel(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	work := func(sources ...string) []store.Job {
		t.Helper()
		for _, name := range sources {
			_, err := s.Commit(t.Context(), boss, "due", func(tx *store.Tx) error {
				return tx.Enqueue(t.Context(), store.AnalyzeArgs{Source: name})
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.WaitIdle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		failed, err := s.Failed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return failed
	}
	if got := work("registry"); len(got) > 0 {
		t.Errorf("nothing failed, and there is %+v", got)
	}
	got := work("warehouse", "registry", "warehouse")
	if len(got) != 1 || got[0].Kind != "analyze" || got[0].Subject != "warehouse" || got[0].Error != "the SQL is unreadable" ||
		got[0].Attempt != 1 || got[0].EndedAt.IsZero() || got[0].StartedAt.IsZero() || got[0].State != "cancelled" {
		t.Errorf("failed are %+v", got)
	}
	w.mu.Lock()
	w.refuse = "registry"
	w.mu.Unlock()
	if got := work("warehouse"); len(got) > 0 {
		t.Errorf("a later success made up for it, and there is %+v", got)
	}
}

// What a worker last noted is read with its job.
func TestNotesAreReadWithTheJob(t *testing.T) {
	t.Parallel()
	s := openAt(t, t.TempDir()+"/store.db")
	workers := river.NewWorkers()
	river.AddWorker(workers, &refuser{note: s.Note})
	client, err := s.NewJobClient(t.Context(), workers, store.JobConfig{})
	if err == nil {
		err = client.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client.StopAndCancel(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	_, err = s.Commit(t.Context(), boss, "due", func(tx *store.Tx) error { return tx.Enqueue(t.Context(), store.AnalyzeArgs{Source: "w"}) })
	if err := errors.Join(err, s.WaitIdle(t.Context())); err != nil {
		t.Fatal(err)
	}
	failed, err := s.Failed(t.Context())
	if err != nil || len(failed) != 1 || string(failed[0].Note) != `{"done":2}` && string(failed[0].Note) != `{"done": 2}` {
		t.Errorf("noted is %+v, %v", failed, err)
	}
}
