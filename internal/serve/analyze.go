package serve

import (
	"context"
	"encoding/json"
	"fmt"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/lineage"
)

// analyzeSource brings the lineage of a source up to date, from its views and
// from the statements that it lists since the last time. Where a table of an
// older statement changed, the texts are listed from the start: none is kept.
func (a *App) analyzeSource(ctx context.Context, name string, held fence) error {
	source, err := a.source(name)
	if err != nil {
		return err
	}
	last, err := a.lastAnalyzed(ctx, name)
	if err != nil {
		return err
	}
	in, now, err := a.lineageInput(ctx, name, last)
	if err != nil {
		return err
	}
	listed, err := listStatements(ctx, source, last.Statements)
	if err != nil {
		return err
	}
	in.Statements = listed.statements
	delta, report, err := lineage.Update(ctx, a.analyzer, in)
	if err == nil && report.Unlisted > 0 {
		if listed, err = listStatements(ctx, source, nil); err != nil {
			return err
		}
		in.Statements = listed.statements
		delta, report, err = lineage.Update(ctx, a.analyzer, in)
	}
	if err != nil {
		return fmt.Errorf("analyze %s: %w", name, err)
	}
	now.Statements = listed.cursor
	if report.Unanalyzed > 0 && a.workerErr == nil {
		// The worker failed on the way: the same texts are asked for again.
		now.Statements = last.Statements
	}
	cursor, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("keep the cursor of %s: %w", name, err)
	}
	_, err = crawlCatalog{a, store.PropagateArgs{}, held}.Commit(ctx, ingest.Crawl{
		Source: ingest.StatementsOf(name), Delta: delta, Cursor: cursor, Problems: listed.problems,
	})
	return err
}

// lineageInput gathers what the catalog knows, and what changed in it since
// the last time.
func (a *App) lineageInput(ctx context.Context, name string, last analyzed) (lineage.Input, analyzed, error) {
	r, err := a.reader(ctx, system(), 0)
	if err != nil {
		return lineage.Input{}, analyzed{}, err
	}
	items, err := r.Snapshot(ctx, graph.Scope{})
	if err != nil {
		return lineage.Input{}, analyzed{}, fmt.Errorf("read the catalog: %w", err)
	}
	changed, err := a.changedSince(ctx, items, last.Revision)
	if err != nil {
		return lineage.Input{}, analyzed{}, fmt.Errorf("compare with revision %d: %w", last.Revision, err)
	}
	return lineage.Input{
		Source: name, Views: viewsOf(items, name), Known: items, Schemas: schemas(items), Changed: changed,
		Full:     last.Revision == 0,
		Progress: func(done, of int) { a.progress.set("analyze", name, done, of) },
	}, analyzed{Revision: r.Revision(), Analyzer: a.workerErr == nil}, nil
}
