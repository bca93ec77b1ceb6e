package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

// startJobs begins to work the jobs that are due; it does so once.
func (a *App) startJobs(ctx context.Context) error {
	a.jobsMu.Lock()
	defer a.jobsMu.Unlock()
	if a.jobs != nil {
		return nil
	}
	client, err := a.store.NewJobClient(ctx, a.workers(), store.JobConfig{})
	if err != nil {
		return fmt.Errorf("start the jobs: %w", err)
	}
	// The jobs outlive the request that started them; Close stops them.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the jobs: %w", err)
	}
	a.jobs = client
	return nil
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
}

// StartCrawl makes the crawl of a source due.
func (a *App) StartCrawl(ctx context.Context, who graph.Principal, source string) error {
	if err := a.may(ctx, who, graph.ActionCrawl, graph.Asset{}, nil); err != nil {
		return err
	}
	if _, err := a.source(source); err != nil {
		return err
	}
	_, err := a.store.Commit(ctx, who, "crawl", func(tx *store.Tx) error {
		return tx.Enqueue(ctx, store.CrawlArgs{Source: source})
	})
	return err
}

// Crawl crawls the named sources, or all, and waits until decisions have
// followed.
func (a *App) Crawl(ctx context.Context, who graph.Principal, names []string) ([]CrawlReport, error) {
	names, err := a.sourceNames(names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := a.StartCrawl(ctx, who, name); err != nil {
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
	report.Problems, err = a.problems(ctx, name)
	return report, err
}

// problems returns what went wrong at the last crawl of a source.
func (a *App) problems(ctx context.Context, name string) ([]string, error) {
	cursor, err := a.store.Cursor(ctx, name)
	if err != nil && !errors.Is(err, graph.ErrNotFound) {
		return nil, err
	}
	return append([]string{}, cursor.Problems...), nil
}
