package store

import (
	"context"
	"database/sql"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// database is what differs between SQLite and PostgreSQL: how a handle is
// opened, a write begun, rows written in bulk, the queue reached. All else is
// built by ent and the same for both. The set is closed: sqlite and postgres.
type database interface {
	// name is ent's name of the dialect.
	name() string
	// pool reads; it sees the last commit.
	pool() *sql.DB
	// begin begins a write. One that is exclusive waits until no other
	// exclusive write of any program is under way, and then sees all they
	// wrote: commits are in a line, whatever program makes them.
	begin(ctx context.Context, exclusive bool) (transaction, error)
	// queue lists the jobs.
	queue() queue
	// workers returns what works the jobs.
	workers(ctx context.Context, workers *river.Workers, c JobConfig) (worker, error)
	// backup writes a whole copy to a file, or says how one is made.
	backup(ctx context.Context, path string) error
	// close waits for what is under way.
	close() error
}

// transaction is one write. It ends with commit or rollback; after commit,
// rollback does nothing. One goroutine uses it.
type transaction interface {
	querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	// insert writes n rows in bulk; values returns the content of each in the
	// order of the columns. A row that a unique index knows is isDuplicate.
	insert(ctx context.Context, table string, columns []string, n int, values func(int) ([]any, error)) error
	// end ends the rows at a revision. Each must stand with the content that
	// it has here; the first that does not is returned, and then the
	// transaction must be rolled back.
	end(ctx context.Context, table string, at int64, rows []stored) (missed *stored, err error)
	// enqueue makes a job due when the transaction commits, unless one of the
	// same kind and arguments waits.
	enqueue(ctx context.Context, args river.JobArgs) error
	commit(ctx context.Context) error
	rollback()
}

// queue lists jobs, and notes what is told of them.
type queue interface {
	JobUpdate(ctx context.Context, id int64, params *river.JobUpdateParams) (*rivertype.JobRow, error)
	JobList(ctx context.Context, params *river.JobListParams) (*river.JobListResult, error)
}

// worker works jobs.
type worker interface {
	// Start begins; the jobs end with ctx.
	Start(ctx context.Context) error
	// Stop waits for the jobs that run, until ctx ends.
	Stop(ctx context.Context) error
	// StopAndCancel cancels the jobs that run and waits for them until ctx
	// ends.
	StopAndCancel(ctx context.Context) error
	// Subscribe tells of jobs that end in one of the ways, until cancel.
	Subscribe(kinds ...river.EventKind) (events <-chan *river.Event, cancel func())
}
