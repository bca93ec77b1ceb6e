package store

import (
	"context"
	"database/sql"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// CrawlArgs asks to crawl a source.
type CrawlArgs struct {
	Source string `json:"source"`
}

// AnalyzeArgs asks to analyze the statements of a source that were not yet.
type AnalyzeArgs struct {
	Source string `json:"source"`
}

// PropagateArgs asks to carry tags down the lineage.
type PropagateArgs struct{}

// DecideArgs asks to decide anew what each audience gets.
type DecideArgs struct{}

// ApplyArgs asks to apply an approved plan.
type ApplyArgs struct {
	Plan string `json:"plan"`
}

// UndoArgs asks to undo a plan.
type UndoArgs struct {
	Plan string `json:"plan"`
}

// Kind names the job in the queue.
func (CrawlArgs) Kind() string { return "crawl" }

// Kind names the job in the queue.
func (AnalyzeArgs) Kind() string { return "analyze" }

// Kind names the job in the queue.
func (PropagateArgs) Kind() string { return "propagate" }

// Kind names the job in the queue.
func (DecideArgs) Kind() string { return "decide" }

// Kind names the job in the queue.
func (ApplyArgs) Kind() string { return "apply" }

// Kind names the job in the queue.
func (UndoArgs) Kind() string { return "undo" }

// Job is a job that waits or runs.
type Job struct {
	ID   int64
	Kind string
	// Subject is the source or plan it is about; empty for none.
	Subject string
	State   rivertype.JobState
	// Attempt counts the runs so far; Error is the last one's.
	Attempt int
	Error   string
}

// JobConfig says how jobs are worked.
type JobConfig struct {
	// Parallel is how many jobs run at a time. Two of one kind and subject
	// never do. Defaults to 4.
	Parallel int
}

// NewJobClient returns a client that works the jobs of this store; the caller
// starts and stops it. Jobs that a killed program left running are due again.
// One program works the jobs of a SQLite file at a time.
func (s *Store) NewJobClient(ctx context.Context, workers *river.Workers, c JobConfig) (*river.Client[*sql.Tx], error) {
	return nil, errSkeleton
}

// Pending returns the jobs that wait, run or will be tried again.
func (s *Store) Pending(ctx context.Context) ([]Job, error) { return nil, errSkeleton }

// WaitIdle waits until no job is pending. The error of a done context names
// the jobs that are.
func (s *Store) WaitIdle(ctx context.Context) error { return errSkeleton }
