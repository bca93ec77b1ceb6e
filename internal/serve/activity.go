package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river/rivertype"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/ingest"
)

// The states of a job as people see them.
const (
	stateWaiting  = "waiting"
	stateRunning  = "running"
	stateRetrying = "retrying"
	stateFailed   = "failed"
)

func jobState(j store.Job) string {
	switch {
	case j.State == rivertype.JobStateRunning:
		return stateRunning
	case j.State == rivertype.JobStateDiscarded, j.State == rivertype.JobStateCancelled:
		return stateFailed
	case j.State == rivertype.JobStateRetryable, j.Error != "":
		// One that is tried again soon waits like any other in the queue.
		return stateRetrying
	}
	return stateWaiting
}

// Activity returns the jobs that wait, run or will be tried again, and those
// that were given up and not made up for, as the principal may know of them:
// a job on a plan is told to those who may see it.
func (a *App) Activity(ctx context.Context, who graph.Principal) ([]shape.Activity, error) {
	operates, _, err := a.allows(ctx, who, graph.ActionCrawl, graph.Asset{}, nil)
	if err != nil {
		return nil, err
	}
	jobs, err := a.store.Pending(ctx)
	if err != nil {
		return nil, err
	}
	failed, err := a.store.Failed(ctx)
	if err != nil {
		return nil, err
	}
	out := []shape.Activity{}
	for _, j := range append(jobs, failed...) {
		_, err := a.planOfJob(ctx, who, j)
		if errors.Is(err, graph.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, a.activity(j, operates))
	}
	return out, nil
}

// activity shows one job. How far it is counts what may be hidden, and its
// error names it: both are told to those who operate the sources alone, save
// how far a plan is, which whoever may see the plan sees anyway.
func (a *App) activity(j store.Job, operates bool) shape.Activity {
	out := shape.Activity{
		Kind: j.Kind, Subject: j.Subject, State: jobState(j),
		Attempt: j.Attempt, Attempts: j.Attempts, StartedAt: instant(j.StartedAt), EndedAt: instant(j.EndedAt),
	}
	if out.State == stateRetrying {
		out.NextAt = instant(j.NextAt)
	}
	if operates || isPlanJob(j) {
		t := a.tally(j)
		out.Done, out.Total = t.Done, t.Total
	}
	if operates {
		out.Error = j.Error
	}
	return out
}

// tally is how far a job is, here or, as its worker notes it with the job, in
// another process.
func (a *App) tally(j store.Job) tally {
	t, here := a.progress.get(j.Kind, j.Subject)
	if !here && j.State == rivertype.JobStateRunning {
		return tallyOf(j.Note)
	}
	return t
}

func isPlanJob(j store.Job) bool {
	return j.Kind == store.ApplyArgs{}.Kind() || j.Kind == store.UndoArgs{}.Kind()
}

// planOfJob returns the plan that a job works on, none where it works on
// something else.
func (a *App) planOfJob(ctx context.Context, who graph.Principal, j store.Job) (graph.SavedPlan, error) {
	if !isPlanJob(j) {
		return graph.SavedPlan{}, nil
	}
	return a.SavedPlan(ctx, who, j.Subject)
}

func tallyOf(note []byte) (t tally) {
	_ = json.Unmarshal(note, &t) // what does not read as one is no progress
	return t
}

func instant(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// nextCrawls is when each source with a schedule is due next.
func (a *App) nextCrawls(ctx context.Context) (map[string]time.Time, error) {
	all, err := a.schedules()
	if err != nil || len(all) == 0 {
		return nil, err
	}
	due, err := a.store.Due(ctx)
	if err != nil {
		return nil, err
	}
	next := map[string]time.Time{}
	for _, s := range all {
		crawl, ok := s.job.(store.CrawlArgs)
		if !ok {
			continue
		}
		if next[crawl.Source], err = a.nextOf(ctx, s, due); err != nil {
			return nil, err
		}
	}
	return next, nil
}

func (a *App) scheduleOf(source string) *string {
	for _, s := range a.config.Sources {
		if s.Name == source {
			return &s.Schedule
		}
	}
	return nil
}

// problems returns what went wrong when a source was last crawled and its SQL
// analyzed: what the run itself kept, or else why its job was given up.
func (a *App) problems(ctx context.Context, name string) ([]string, error) {
	failed, err := a.store.Failed(ctx)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, work := range []struct{ kind, kept string }{
		{store.CrawlArgs{}.Kind(), name}, {store.AnalyzeArgs{}.Kind(), ingest.StatementsOf(name)},
	} {
		cursor, err := a.store.Cursor(ctx, work.kept)
		if err != nil && !errors.Is(err, graph.ErrNotFound) {
			return nil, err
		}
		out = append(out, cursor.Problems...)
		for _, j := range failed {
			if len(cursor.Problems) == 0 && j.Kind == work.kind && j.Subject == name && j.EndedAt.After(cursor.CrawledAt) {
				out = append(out, fmt.Sprintf("%s of %s was given up after %d runs: %s; crawl the source again", work.kind, name, j.Attempt, j.Error))
			}
		}
	}
	return out, nil
}
