package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/walk"
	"cadastre.dev/cadastre/ingest"
)

// The main path on one screen. Each arrow is a job, enqueued in the
// transaction that made it due:
//
//	crawl → analyze → propagate → decide        a source moved
//	tag → propagate → decide                    a person said something
//	apply → crawl                               views were published
//	retain                                      a day went by
//
// Planning and approving are people's; they stand in publish.go.
func (a *App) workers() *river.Workers {
	w := river.NewWorkers()
	river.AddWorker(w, job(a, "crawl", func(ctx context.Context, j store.CrawlArgs) error { return a.crawl(ctx, j.Source) }))
	river.AddWorker(w, job(a, "analyze", func(ctx context.Context, j store.AnalyzeArgs) error { return a.analyze(ctx, j.Source) }))
	river.AddWorker(w, job(a, "propagate", func(ctx context.Context, _ store.PropagateArgs) error { return a.propagate(ctx) }))
	river.AddWorker(w, job(a, "decide", func(ctx context.Context, _ store.DecideArgs) error { return a.decide(ctx) }))
	river.AddWorker(w, job(a, "apply", func(ctx context.Context, j store.ApplyArgs) error { return a.apply(ctx, j.Plan) }))
	river.AddWorker(w, job(a, "retain", func(ctx context.Context, _ store.RetainArgs) error { return a.retain(ctx) }))
	river.AddWorker(w, job(a, "undo", func(ctx context.Context, j store.UndoArgs) error { return a.undo(ctx, j.Plan) }))
	return w
}

// crawl reads a source and commits what is different.
func (a *App) crawl(ctx context.Context, name string) error {
	source, err := a.source(name)
	if err != nil {
		return err
	}
	fenced, err := a.takeFence(ctx, crawlFence(name))
	if err != nil {
		return err
	}
	allowed, err := a.heldRemoval(ctx, name)
	if err != nil {
		return err
	}
	report, err := ingest.Run(ctx, source, crawlCatalog{a, store.AnalyzeArgs{Source: name}, fenced}, ingest.RunConfig{
		Removal: a.removalOf(name), Allowed: allowed,
		Progress: func(p ingest.Progress) { a.progress.set("crawl", name, p.Assets, 0) },
		Now:      a.now, Logger: a.logger,
	})
	a.crawlSeen(name, report)
	return err
}

// analyze turns the SQL of a source into edges, and keeps with the source why
// it could not.
func (a *App) analyze(ctx context.Context, name string) error {
	held, err := a.takeFence(ctx, "analyze "+name)
	if err != nil {
		return err
	}
	err = a.analyzeSource(ctx, name, held)
	if err == nil || ctx.Err() != nil || isPutOff(err) {
		return err
	}
	problem := graph.Finding{Level: graph.FindingWarn, Code: "not-analyzed", What: err.Error(), Do: "crawl the source again; what was known of its lineage stands until then"}
	failed := ingest.Crawl{Source: ingest.StatementsOf(name), Problems: []graph.Finding{problem}}
	if _, also := (crawlCatalog{a, store.PropagateArgs{}, held}).Commit(ctx, failed); also != nil {
		return errors.Join(err, fmt.Errorf("keep the problem: %w", also))
	}
	return err
}

// analyzeSource analyzes the views of a source, and the statements that ran
// since the last time.

// propagate carries tags down the lineage as proposals.
func (a *App) propagate(ctx context.Context) error {
	held, err := a.takeFence(ctx, "propagate")
	if err != nil {
		return err
	}
	r, err := a.reader(ctx, system(), 0)
	if err != nil {
		return err
	}
	items, err := r.Snapshot(ctx, graph.Scope{})
	if err != nil {
		return fmt.Errorf("read the catalog: %w", err)
	}
	was, now := graph.Snapshot{}, graph.Snapshot{}
	var edges []graph.Edge
	var tags []graph.Tag
	for _, item := range items {
		switch item := item.(type) {
		case graph.Edge:
			edges = append(edges, item)
		case graph.Tag:
			tags = append(tags, item)
			if item.Provenance.Kind == graph.ByPropagation {
				was.Put(item)
			}
		}
	}
	for _, t := range walk.Propagate(edges, tags) {
		now.Put(t)
	}
	_, err = a.store.Commit(ctx, system(), "carry tags down the lineage", func(tx *store.Tx) error {
		if err := held.hold(ctx, tx); err != nil {
			return err
		}
		if err := tx.Apply(ctx, graph.Diff(was, now)); err != nil {
			return err
		}
		return tx.Enqueue(ctx, store.DecideArgs{})
	})
	return err
}

// decide asks the policy once for each class of columns and audience, and
// keeps what holds in the ledger.
func (a *App) decide(ctx context.Context) error {
	held, err := a.takeFence(ctx, "decide")
	if err != nil {
		return err
	}
	r, err := a.reader(ctx, system(), 0)
	if err != nil {
		return err
	}
	classes, err := a.classes(ctx, r)
	if err != nil {
		return err
	}
	decisions, err := a.decideClasses(ctx, classes)
	if err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	_, err = a.store.Commit(ctx, system(), "decide", func(tx *store.Tx) error {
		if err := held.hold(ctx, tx); err != nil {
			return err
		}
		return a.holdDecisions(ctx, tx, decisions)
	})
	return err
}

// jobWorker runs one kind of job.
type jobWorker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	app  *App
	kind string
	do   func(context.Context, T) error
}

func job[T river.JobArgs](a *App, kind string, do func(context.Context, T) error) *jobWorker[T] {
	return &jobWorker[T]{app: a, kind: kind, do: do}
}

// Work does the job. What cannot succeed by trying again is given up at once:
// it is told where people look, and the next crawl or plan begins anew.
func (w *jobWorker[T]) Work(ctx context.Context, j *river.Job[T]) error {
	source := "" // the subject of other jobs is a plan, of which there are many
	switch args := any(j.Args).(type) {
	case store.CrawlArgs:
		source = args.Source
	case store.AnalyzeArgs:
		source = args.Source
	}
	ctx, ended := w.app.watch.Job(ctx, w.kind, source, j.Attempt)
	err := w.work(ctx, j)
	ended(outcomeOf(err, j.Attempt, j.MaxAttempts), err)
	return err
}

func (w *jobWorker[T]) work(ctx context.Context, j *river.Job[T]) error {
	started := w.app.now()
	w.app.progress.begin(w.kind, subjectOf(j.Args), w.app.noteProgress(ctx, j.ID))
	err := w.do(ctx, j.Args)
	w.app.progress.clear(w.kind, subjectOf(j.Args))
	if err == nil {
		w.app.logger.DebugContext(ctx, "job done", "job", w.kind, "dur", w.app.now().Sub(started))
		return nil
	}
	if isStopping(ctx)() {
		// Put off, not failed: it is due at once where the jobs are worked next.
		return river.JobSnooze(0)
	}
	w.app.logger.WarnContext(ctx, "job failed", "job", w.kind, "attempt", j.Attempt, "err", err)
	if isPutOff(err) {
		return river.JobSnooze(jobAgain)
	}
	if isFinal(w.kind, err) {
		return river.JobCancel(err)
	}
	return err
}

// jobAgain is how long a job is put off that could not be done for now.
const jobAgain = time.Second

// isPutOff says whether a job did not fail but is to be done later, however
// often: the catalog's own database was away, or another program has begun the
// same work, which is there to be done again should that one die.
func isPutOff(err error) bool {
	return errors.Is(err, store.ErrOutage) || errors.Is(err, store.ErrTaken)
}

// isStopping returns what says whether a job's context ended because the jobs
// are stopped, and not because its time is over.
func isStopping(ctx context.Context) func() bool {
	return func() bool { return errors.Is(ctx.Err(), context.Canceled) }
}

// Timeout bounds a job: the largest estate is crawled in less.
func (w *jobWorker[T]) Timeout(*river.Job[T]) time.Duration { return 2 * time.Hour }

func (a *App) source(name string) (ingest.Source, error) {
	i := slices.IndexFunc(a.sources, func(c crawled) bool { return c.name == name })
	if i < 0 {
		return nil, fmt.Errorf("source %q is not configured: %w", name, graph.ErrNotFound)
	}
	return a.sources[i].source, nil
}
