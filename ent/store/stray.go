package store

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// The times of jobs that stand as running though nobody runs them: their
// program died, or it lives and could not write that they ended, because the
// database was away for longer than the queue tries.
const (
	// defaultLook is how often a program looks for them.
	defaultLook = 2 * time.Second
	// deadLooks is at how many looks in a row a program must not be seen.
	deadLooks = 2
	// ownLooks is at how many a program must not run a job of its own: more,
	// for the queue may still be trying to write that it ended.
	ownLooks = 15
)

// running are the jobs that this program runs, with their attempt.
type running struct {
	mu   sync.Mutex
	jobs map[int64]int
}

func (r *running) begin(job *rivertype.JobRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.jobs == nil {
		r.jobs = map[int64]int{}
	}
	r.jobs[job.ID] = job.Attempt
}

func (r *running) end(job *rivertype.JobRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.jobs, job.ID)
}

// stray is a job that stands as running and was not seen to be run.
type stray struct {
	id      int64
	attempt int
	// own says that it stands as running here, in a program that lives.
	own bool
}

// strays remembers the strays of the last looks.
type strays struct {
	running *running
	missed  map[stray]int
}

// due takes what a look found and returns those that were missed for long
// enough. A job that is seen to run meanwhile is no stray.
func (s *strays) due(found []stray) (ids []int64, attempts []int) {
	s.running.mu.Lock()
	defer s.running.mu.Unlock()
	missed := map[stray]int{}
	for _, f := range found {
		if attempt, ok := s.running.jobs[f.id]; ok && f.own && attempt == f.attempt {
			continue
		}
		looks, enough := s.missed[f]+1, deadLooks
		if f.own {
			enough = ownLooks
		}
		if looks < enough {
			missed[f] = looks
			continue
		}
		ids, attempts = append(ids, f.id), append(attempts, f.attempt)
	}
	s.missed = missed
	return ids, attempts
}

// keeper does something beside the jobs from their start until their stop.
type keeper interface {
	start(ctx context.Context) error
	stop()
}

// kept works jobs for as long as its keeper keeps them.
type kept struct {
	worker
	keeper keeper
}

// Start begins to keep, and then to work.
func (k *kept) Start(ctx context.Context) error {
	if err := k.keeper.start(ctx); err != nil {
		return err
	}
	if err := k.worker.Start(ctx); err != nil {
		k.keeper.stop()
		return err
	}
	return nil
}

// Stop lets what runs end, and then ends to keep.
func (k *kept) Stop(ctx context.Context) error {
	defer k.keeper.stop()
	return k.worker.Stop(ctx)
}

// StopAndCancel stops working, and then ends to keep.
func (k *kept) StopAndCancel(ctx context.Context) error {
	defer k.keeper.stop()
	return k.worker.StopAndCancel(ctx)
}

// every calls look again and again until ctx ends, and tells the log of what
// goes wrong.
func every(ctx context.Context, log *slog.Logger, period time.Duration, look func(context.Context) error) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := look(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "jobs that nobody runs are not looked after", "err", err)
		}
	}
}
