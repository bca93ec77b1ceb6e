package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// requeueSQL makes the jobs due again that a killed program left running. That
// it was killed is no failure of the job, and does not bring its end nearer.
const requeueSQL = "UPDATE river_job SET state = 'available', attempted_at = NULL, max_attempts = max_attempts + 1 WHERE state = 'running'"

// workers returns a client on the writer's handle, whose writes wait in line
// with commits. What a killed program left running is due again.
func (d *sqliteDB) workers(ctx context.Context, workers *river.Workers, c JobConfig) (worker, error) {
	if _, err := d.writer.ExecContext(ctx, requeueSQL); err != nil {
		return nil, fmt.Errorf("make jobs due again: %w", unavailable(err))
	}
	own, run := turns{running: map[string]bool{}}, &running{}
	client, err := river.NewClient(riversqlite.New(d.writer), riverConfig(d.log, workers, c, &oneAtATime{take: own.take, running: run}))
	if err != nil {
		return nil, err
	}
	return &kept{client, &sweep{db: d, look: c.Look, strays: strays{running: run}}}, nil
}

// sweep makes the jobs due again that stand as running and are not.
type sweep struct {
	db     *sqliteDB
	look   time.Duration
	strays strays

	cancel context.CancelFunc
	ended  sync.WaitGroup
}

func (s *sweep) start(ctx context.Context) error {
	ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.ended.Go(func() { every(ctx, s.db.log, s.look, s.requeue) })
	return nil
}

func (s *sweep) stop() {
	s.cancel()
	s.ended.Wait()
}

func (s *sweep) requeue(ctx context.Context) error {
	var found []stray
	err := each(ctx, s.db.readers, "SELECT id, attempt FROM river_job WHERE state = 'running'", nil, func(id int64, attempt int) {
		found = append(found, stray{id: id, attempt: attempt, own: true})
	})
	if err != nil {
		return err
	}
	ids, attempts := s.strays.due(found)
	if len(ids) == 0 {
		return nil
	}
	s.db.log.InfoContext(ctx, "jobs whose end was not written are due again", "job", ids)
	args := make([]any, 0, 2*len(ids))
	for i, id := range ids {
		args = append(args, id, attempts[i])
	}
	which := strings.TrimSuffix(strings.Repeat("(?, ?), ", len(ids)), ", ")
	_, err = s.db.writer.ExecContext(ctx, requeueSQL+" AND (id, attempt) IN (VALUES "+which+")", args...)
	return fault(err)
}
