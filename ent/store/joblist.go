package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// keptJobs is how long jobs that ended are kept. One that failed is kept less
// long than one that succeeded, so that a failure is gone before the success
// that made up for it.
const (
	keptFailed = 14 * 24 * time.Hour
	keptDone   = 15 * 24 * time.Hour
)

// Job is a job that waits, runs, or was given up.
type Job struct {
	ID   int64
	Kind string
	// Subject is the source or plan it is about; empty for none.
	Subject string
	State   rivertype.JobState
	// Attempt counts the runs so far, of at most Attempts; Error is the last
	// one's.
	Attempt, Attempts int
	Error             string
	// NextAt is when it may run next; StartedAt is when it last began to run,
	// EndedAt when it was given up. The zero time: not.
	NextAt, StartedAt, EndedAt time.Time
	// Note is what its worker last told of it, in JSON; nil for nothing.
	Note []byte
}

func jobOf(row *rivertype.JobRow) Job {
	job := Job{
		ID: row.ID, Kind: row.Kind, State: row.State, Attempt: row.Attempt, Attempts: row.MaxAttempts,
		Subject: subjectOf(row.EncodedArgs), NextAt: row.ScheduledAt.UTC(), Note: row.Output(),
	}
	if n := len(row.Errors); n > 0 {
		job.Error = strings.TrimPrefix(row.Errors[n-1].Error, "JobCancelError: ")
	}
	if row.AttemptedAt != nil {
		job.StartedAt = row.AttemptedAt.UTC()
	}
	if row.FinalizedAt != nil {
		job.EndedAt = row.FinalizedAt.UTC()
	}
	return job
}

// Failed returns the jobs that were given up and that none of the same kind
// and subject has made up for since, the last of each, newest first.
func (s *Store) Failed(ctx context.Context) ([]Job, error) {
	ended := func(kinds []string, states ...rivertype.JobState) ([]*rivertype.JobRow, error) {
		params := river.NewJobListParams().States(states...).OrderBy(river.JobListOrderByFinalizedAt, river.SortOrderDesc).First(maxJobs)
		if len(kinds) > 0 {
			params = params.Kinds(kinds...)
		}
		found, err := s.db.queue().JobList(ctx, params)
		if err != nil {
			return nil, fmt.Errorf("list jobs that failed: %w", unavailable(err))
		}
		return found.Jobs, nil
	}
	failed, err := ended(nil, rivertype.JobStateDiscarded, rivertype.JobStateCancelled)
	if err != nil || len(failed) == 0 {
		return nil, err
	}
	var kinds []string
	for _, row := range failed {
		kinds = append(kinds, row.Kind)
	}
	done, err := ended(kinds, rivertype.JobStateCompleted)
	if err != nil {
		return nil, err
	}
	// The newest success of each kind and subject, then the newest failure.
	last := map[string]time.Time{}
	for _, row := range done {
		if key := sameWork(row); last[key].Before(*row.FinalizedAt) {
			last[key] = *row.FinalizedAt
		}
	}
	var out []Job
	for _, row := range failed {
		if key := sameWork(row); row.FinalizedAt.After(last[key]) {
			last[key] = *row.FinalizedAt
			out = append(out, jobOf(row))
		}
	}
	return out, nil
}

// sameWork is equal for jobs of one kind and subject.
func sameWork(row *rivertype.JobRow) string {
	return row.Kind + "\x00" + subjectOf(row.EncodedArgs)
}

// Note keeps with a job that runs what its worker tells of it, in JSON; it
// takes the place of the last.
func (s *Store) Note(ctx context.Context, id int64, note any) error {
	if _, err := s.db.queue().JobUpdate(ctx, id, &river.JobUpdateParams{Output: note}); err != nil {
		return fmt.Errorf("note job %d: %w", id, fault(err))
	}
	return nil
}
