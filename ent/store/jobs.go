package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

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

// The limits of jobs. No job that still runs is ever rescued: rescue comes
// after the time at which its context ended.
const (
	jobTimeout  = 12 * time.Hour
	jobRescue   = 24 * time.Hour
	jobAttempts = 5
	jobPoll     = 250 * time.Millisecond
	jobAgain    = time.Second
)

// quiet lets through of a library's log what operators should know.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(atLeast{log.Handler(), slog.LevelWarn}) }

type atLeast struct {
	slog.Handler
	level slog.Level
}

func (h atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.level && h.Handler.Enabled(ctx, l)
}

// Enqueue makes a job due when the transaction commits. A job of the same kind
// and arguments that still waits makes it superfluous; one that runs does not,
// for it may have read before this transaction.
func (t *Tx) Enqueue(ctx context.Context, args river.JobArgs) error {
	if err := t.tx.enqueue(ctx, args); err != nil {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}

// enqueue is Enqueue for one sort of transaction.
func enqueue[T any](ctx context.Context, queue *river.Client[T], tx T, args river.JobArgs) error {
	data, err := json.Marshal(args)
	if err != nil {
		return err
	}
	waiting := river.NewJobListParams().Kinds(args.Kind()).First(maxJobs).States(
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateScheduled)
	found, err := queue.JobListTx(ctx, tx, waiting)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(found.Jobs, func(j *rivertype.JobRow) bool { return sameJSON(j.EncodedArgs, data) }) {
		return nil
	}
	_, err = queue.InsertTx(ctx, tx, args, nil)
	return err
}

// maxJobs is how many jobs are looked at. There is one a kind and subject.
const maxJobs = 10_000

func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// JobConfig says how jobs are worked.
type JobConfig struct {
	// Parallel is how many jobs run at a time. Two of one kind and subject
	// never do. Defaults to 4.
	Parallel int
	// Look is how often a program looks for jobs that stand as running and
	// that nobody runs, to make them due again: after two looks those of a
	// program that has gone, after fifteen those whose end it could not write.
	// Defaults to 2 s.
	Look time.Duration
	// Poll is how often the database is asked for jobs that are due. Defaults
	// to 250 ms.
	Poll time.Duration
}

// JobClient works the jobs of a store.
type JobClient struct{ worker }

// NewJobClient returns a client that works the jobs of this store; the caller
// starts and stops it. Jobs that a killed program left running are due again:
// at once on SQLite, whose jobs one program works at a time, and on PostgreSQL,
// where any number of programs do, as soon as the others see that it is gone.
func (s *Store) NewJobClient(ctx context.Context, workers *river.Workers, c JobConfig) (*JobClient, error) {
	if c.Parallel <= 0 {
		c.Parallel = 4
	}
	if c.Poll <= 0 {
		c.Poll = jobPoll
	}
	if c.Look <= 0 {
		c.Look = defaultLook
	}
	w, err := s.db.workers(ctx, workers, c)
	if err != nil {
		return nil, fmt.Errorf("open the job client: %w", err)
	}
	return &JobClient{w}, nil
}

// riverConfig is how jobs are worked on either database.
func riverConfig(log *slog.Logger, workers *river.Workers, c JobConfig, turn *oneAtATime) *river.Config {
	return &river.Config{
		Logger:               quiet(log),
		Workers:              workers,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: c.Parallel}},
		FetchPollInterval:    c.Poll,
		FetchCooldown:        min(river.FetchCooldownDefault, c.Poll),
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: jobRescue,
		MaxAttempts:          jobAttempts,
		Middleware:           []rivertype.Middleware{turn},
		// Commits hold the writer for as long as they last, and the queue's
		// own work waits with them.
		JobCleanerTimeout:           time.Minute,
		CancelledJobRetentionPeriod: keptFailed,
		DiscardedJobRetentionPeriod: keptFailed,
		CompletedJobRetentionPeriod: keptDone,
	}
}

// oneAtATime puts a job off while another of its kind and arguments runs.
type oneAtATime struct {
	river.MiddlewareDefaults
	// take takes the turn of a key until give is called; ok is false while
	// another has it.
	take func(ctx context.Context, key string) (give func(), ok bool, err error)
	// running knows what runs.
	running *running
}

// Work runs the job, or puts it off.
func (o *oneAtATime) Work(ctx context.Context, job *rivertype.JobRow, run func(context.Context) error) error {
	o.running.begin(job)
	defer o.running.end(job)
	give, ok, err := o.take(ctx, job.Kind+"\x00"+string(job.EncodedArgs))
	if errors.Is(err, ErrOutage) {
		return river.JobSnooze(jobAgain)
	}
	if err != nil {
		return fmt.Errorf("take the turn of job %s: %w", job.Kind, err)
	}
	if !ok {
		return river.JobSnooze(jobAgain)
	}
	defer give()
	return run(ctx)
}

// turns are those of one program.
type turns struct {
	mu      sync.Mutex
	running map[string]bool
}

// take is oneAtATime.take.
func (t *turns) take(_ context.Context, key string) (give func(), ok bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running[key] {
		return nil, false, nil
	}
	t.running[key] = true
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.running, key)
	}, true, nil
}

// Pending returns the jobs that wait, run or will be tried again, oldest
// first.
func (s *Store) Pending(ctx context.Context) ([]Job, error) {
	found, err := s.db.queue().JobList(ctx, river.NewJobListParams().First(maxJobs).States(
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled))
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", unavailable(err))
	}
	jobs := make([]Job, 0, len(found.Jobs))
	for _, row := range found.Jobs {
		jobs = append(jobs, jobOf(row))
	}
	return jobs, nil
}

// subjectOf returns the source or plan that a job's arguments name.
func subjectOf(args []byte) string {
	var named struct{ Source, Plan string }
	if json.Unmarshal(args, &named) != nil {
		return ""
	}
	return named.Source + named.Plan
}

// WaitIdle waits until no job is pending. The error of a done context names
// the jobs that are.
func (s *Store) WaitIdle(ctx context.Context) error {
	tick := time.NewTicker(jobPoll / 5)
	defer tick.Stop()
	var last []Job
	for {
		jobs, err := s.Pending(ctx)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("wait for jobs (%s): %w", describe(last), context.Cause(ctx))
		case err != nil:
			return err
		case len(jobs) == 0:
			return nil
		}
		last = jobs
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func describe(jobs []Job) string {
	var parts []string
	for _, j := range jobs {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s is %s %s", j.Kind, j.Subject, j.State, j.Error)))
	}
	return strings.Join(parts, "; ")
}
