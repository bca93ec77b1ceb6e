package store_test

import (
	"context"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/internal/pgtest"
	"github.com/riverqueue/river"
)

// TestAJobWhoseEndWasNotWrittenIsDueAgain lets a job stand as running in a
// program that lives and does not run it, as it does where the database was
// away for longer than the queue tries to write that the job ended.
func TestAJobWhoseEndWasNotWrittenIsDueAgain(t *testing.T) {
	t.Parallel()
	const unwritten = "UPDATE river_job SET state = 'running', finalized_at = NULL WHERE state = 'completed'"
	for _, c := range []struct {
		name string
		open func(t *testing.T) (s *store.Store, exec func(string))
	}{
		{"sqlite", func(t *testing.T) (*store.Store, func(string)) {
			path := t.TempDir() + "/store.db"
			return openAt(t, path), func(statement string) { raw(t, path+"?_pragma=busy_timeout(10000)", statement) }
		}},
		{"postgres", func(t *testing.T) (*store.Store, func(string)) {
			server := pgtest.Start(t)
			return open(t, store.Config{URL: server.Database(t)}), func(statement string) { server.Exec(t, "t1", statement) }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, exec := c.open(t)
			ran := make(chan int, 100)
			workers := river.NewWorkers()
			river.AddWorker(workers, river.WorkFunc(func(_ context.Context, job *river.Job[store.DecideArgs]) error {
				ran <- job.Attempt
				return nil
			}))
			client, err := s.NewJobClient(t.Context(), workers, store.JobConfig{Look: 100 * time.Millisecond, Poll: 10 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if err := client.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			due(t, s, store.DecideArgs{})
			if attempt := <-ran; attempt != 1 {
				t.Errorf("first done at attempt %d", attempt)
			}
			if err := s.WaitIdle(t.Context()); err != nil {
				t.Fatal(err)
			}
			exec(unwritten)
			if attempt := <-ran; attempt < 2 {
				t.Errorf("done again at attempt %d", attempt)
			}
			if err := s.WaitIdle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := client.StopAndCancel(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
	}
}
