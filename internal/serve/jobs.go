package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/riverqueue/river"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

// startJobs begins to work the jobs that are due; it does so once, and, where
// the catalog is a file, not while another process works its jobs.
func (a *App) startJobs(ctx context.Context) error {
	a.jobsMu.Lock()
	defer a.jobsMu.Unlock()
	if a.jobs != nil {
		return nil
	}
	turn, err := a.takeTurn()
	if err != nil {
		return fmt.Errorf("start the jobs: %w", err)
	}
	if turn == nil {
		return nil
	}
	client, err := a.store.NewJobClient(ctx, a.workers(), a.jobConfig)
	if err != nil {
		return errors.Join(fmt.Errorf("start the jobs: %w", err), turn.Close())
	}
	// The jobs outlive the request that started them; Close stops them.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(fmt.Errorf("start the jobs: %w", err), turn.Close())
	}
	a.jobs, a.turn = client, turn
	return nil
}

// turnFile is locked by the process that works the jobs of a data directory.
const turnFile = "jobs.lock"

// turnAgain is how often a process asks whether it is its turn.
const turnAgain = time.Second

// takeTurn lets one process at a time work the jobs of a file; those of a
// shared database are everybody's.
func (a *App) takeTurn() (io.Closer, error) {
	if a.config.Database.URL != "" {
		return io.NopCloser(nil), nil
	}
	return lockFile(a.path(turnFile), syscall.LOCK_EX)
}

// lockFile locks the file until it is closed. It is nil while another process
// holds the lock; one that dies gives it back.
// useFile is locked for as long as a process uses a data directory: in common
// by those that read and write the catalog, and by a restore for itself.
const useFile = "use.lock"

// shareData holds the data directory against a restore.
func shareData(dir string) (io.Closer, error) {
	use, err := lockFile(filepath.Join(dir, useFile), syscall.LOCK_SH)
	if err == nil && use == nil {
		err = fmt.Errorf("a backup is being restored into %s; try again when that has ended: %w", dir, graph.ErrUnavailable)
	}
	return use, err
}

// lockFile locks a file in common or for itself until it is closed. It is nil
// while another process holds it otherwise.
func lockFile(path string, how int) (io.Closer, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, file.Close()
	}
	return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
}

// keepWorking takes over the jobs when the process that works them, such as a
// command that crawls beside the server, has ended, and makes due what the
// clock says is. It returns when ctx ends.
func (a *App) keepWorking(ctx context.Context) {
	tick := time.NewTicker(turnAgain)
	defer tick.Stop()
	var wake time.Time
	for {
		if err := a.startJobs(ctx); err != nil && ctx.Err() == nil {
			a.logger.WarnContext(ctx, "jobs are not worked", "err", err)
		}
		if !a.now().Before(wake) {
			var err error
			if wake, err = a.makeDue(ctx); err != nil && ctx.Err() == nil {
				a.logger.WarnContext(ctx, "the schedule is not kept", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// stopJobs lets running jobs end, and after a while cancels them; what was
// not finished is due again at the next start.
func (a *App) stopJobs() error {
	a.jobsMu.Lock()
	defer a.jobsMu.Unlock()
	if a.jobs == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := a.jobs.StopAndCancel(ctx)
	a.jobs = nil
	if unlock := a.turn.Close(); unlock != nil {
		a.logger.Warn("give back the turn", "err", unlock)
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop the jobs: %w", err)
	}
	return nil
}

// CrawlReport says how a source stands after a crawl.
type CrawlReport struct {
	Source   string         `json:"source"`
	Assets   int            `json:"assets"`
	Columns  int            `json:"columns"`
	Revision graph.Revision `json:"revision"`
	Problems []string       `json:"problems"`
	// Held is the hash of the removal that the crawl held back; empty for
	// none. Then it wrote nothing, and the first problem says what to do.
	Held string `json:"held"`
}

// StartCrawl makes the crawl of a source due. Where the last one held back a
// removal, its hash in remove allows it; empty allows nothing. A source that
// services push has no crawl: what is allowed is done with the next push.
func (a *App) StartCrawl(ctx context.Context, who graph.Principal, source, remove string) error {
	if err := a.may(ctx, who, graph.ActionCrawl, graph.Asset{}, nil); err != nil {
		return err
	}
	_, err := a.source(source)
	crawls := err == nil
	if err != nil && remove == "" {
		return err
	}
	_, err = a.store.Commit(ctx, who, "crawl", func(tx *store.Tx) error {
		if remove != "" {
			if err := allowRemoval(ctx, tx, source, who, remove); err != nil {
				return err
			}
		}
		if !crawls {
			return nil
		}
		return tx.Enqueue(ctx, store.CrawlArgs{Source: source})
	})
	return err
}

// Crawl crawls the named sources, or all, and waits until decisions have
// followed. remove is as for StartCrawl, and needs one name.
func (a *App) Crawl(ctx context.Context, who graph.Principal, names []string, remove string) ([]CrawlReport, error) {
	if remove != "" && len(names) != 1 {
		return nil, fmt.Errorf("crawl: --remove allows the removal of one source; name it: %w", graph.ErrInvalid)
	}
	if remove != "" && !a.isCrawled(names[0]) {
		if err := a.StartCrawl(ctx, who, names[0], remove); err != nil {
			return nil, fmt.Errorf("crawl %s: %w", names[0], err)
		}
		report, err := a.crawlReport(ctx, who, names[0])
		report.Held, report.Problems = "", []string{}
		return []CrawlReport{report}, err
	}
	names, err := a.sourceNames(names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := a.StartCrawl(ctx, who, name, remove); err != nil {
			return nil, fmt.Errorf("crawl %s: %w", name, err)
		}
	}
	if err := a.Settle(ctx); err != nil {
		return nil, err
	}
	reports := make([]CrawlReport, 0, len(names))
	for _, name := range names {
		report, err := a.crawlReport(ctx, who, name)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func (a *App) crawlReport(ctx context.Context, who graph.Principal, name string) (CrawlReport, error) {
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return CrawlReport{}, err
	}
	items, err := r.Snapshot(ctx, graph.Scope{Source: name})
	if err != nil {
		return CrawlReport{}, err
	}
	report := CrawlReport{Source: name, Revision: r.Revision(), Problems: []string{}}
	for _, item := range items {
		switch item.(type) {
		case graph.Asset:
			report.Assets++
		case graph.Column:
			report.Columns++
		}
	}
	held, err := a.heldRemoval(ctx, name)
	if err != nil {
		return CrawlReport{}, err
	}
	if held != nil {
		report.Held = held.Hash
	}
	report.Problems, err = a.problems(ctx, name)
	return report, err
}

// NextRetry puts a job that failed off for one second, two, four and so on:
// what waits for the jobs waits for it too.
func (w *jobWorker[T]) NextRetry(j *river.Job[T]) time.Time {
	return time.Now().Add(time.Second << max(0, min(j.Attempt-1, 5)))
}
