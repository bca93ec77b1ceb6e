package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/riverqueue/river"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/lineage"
)

// crawlCatalog is the store as ingest sees it: what a crawl finds is committed
// with the job that follows from it.
type crawlCatalog struct {
	app   *App
	then  river.JobArgs
	fence fence
}

// Cursor returns what the last commit under the name left.
func (c crawlCatalog) Cursor(ctx context.Context, name string) (ingest.Cursor, error) {
	cursor, err := c.app.store.Cursor(ctx, name)
	if errors.Is(err, graph.ErrNotFound) {
		return nil, nil
	}
	return cursor.Cursor, err
}

// Known returns what the catalog knows of the source.
func (c crawlCatalog) Known(ctx context.Context, source string) (graph.Snapshot, error) {
	r, err := c.app.reader(ctx, system(), 0)
	if err != nil {
		return nil, err
	}
	return r.Snapshot(ctx, graph.Scope{Source: source})
}

// Commit writes the delta, the cursor and the problems, and makes the next job
// due. A run that failed keeps the cursor of the one before, and nothing
// follows from it.
func (c crawlCatalog) Commit(ctx context.Context, crawl ingest.Crawl) (graph.Revision, error) {
	at := store.Cursor{Source: crawl.Source, Cursor: crawl.Cursor, CrawledAt: c.app.now()}
	if crawl.Cursor == nil {
		last, err := c.app.store.Cursor(ctx, crawl.Source)
		if err != nil && !errors.Is(err, graph.ErrNotFound) {
			return 0, err
		}
		at.Cursor, at.CrawledAt = last.Cursor, last.CrawledAt
	}
	for _, p := range crawl.Problems {
		at.Problems = append(at.Problems, p.What+"; "+p.Do)
	}
	return c.app.store.Commit(ctx, system(), "crawl "+crawl.Source, func(tx *store.Tx) error {
		if err := c.fence.hold(ctx, tx); err != nil {
			return err
		}
		if err := tx.Apply(ctx, crawl.Delta); err != nil {
			return err
		}
		if err := tx.PutCursor(ctx, at); err != nil || crawl.Cursor == nil {
			return err
		}
		return tx.Enqueue(ctx, c.then)
	})
}

// analyzed is how far the lineage of a source is: the cursor of its
// statements, the revision that was analyzed, and by what.
type analyzed struct {
	Statements ingest.Cursor  `json:"statements"`
	Revision   graph.Revision `json:"revision"`
	// Analyzer is false where there was no worker; with one, all is analyzed
	// again.
	Analyzer bool `json:"analyzer"`
}

// lastAnalyzed reads how far the lineage of a source is. What was analyzed in
// another way than now counts as not analyzed.
func (a *App) lastAnalyzed(ctx context.Context, source string) (analyzed, error) {
	cursor, err := crawlCatalog{app: a}.Cursor(ctx, ingest.StatementsOf(source))
	if err != nil || cursor == nil {
		return analyzed{}, err
	}
	var last analyzed
	if json.Unmarshal(cursor, &last) == nil && last.Analyzer == (a.workerErr == nil) {
		return last, nil
	}
	return analyzed{}, nil
}

// listing is what a source told of the SQL that ran in it.
type listing struct {
	statements []graph.Statement
	cursor     ingest.Cursor
	problems   []graph.Finding
}

// listStatements asks the source which SQL ran since. A source that cannot
// tell has none; one that tells only in part says so in the problems.
func listStatements(ctx context.Context, source ingest.Source, since ingest.Cursor) (listing, error) {
	lister, ok := source.(ingest.StatementLister)
	if !ok {
		return listing{cursor: since}, nil
	}
	var l listing
	var err error
	l.cursor, err = lister.Statements(ctx, since, func(s graph.Statement) error {
		l.statements = append(l.statements, s)
		return nil
	})
	var partial *ingest.PartialError
	switch {
	case errors.As(err, &partial):
		l.problems = partial.Findings
	case err != nil:
		return listing{}, fmt.Errorf("list statements of %s: %w", source.Name(), err)
	}
	return l, nil
}

// changedSince returns the assets that changed between a revision and the
// reader's.
func (a *App) changedSince(ctx context.Context, now graph.Snapshot, revision graph.Revision) (map[graph.Ref]bool, error) {
	before, err := a.reader(ctx, system(), revision)
	if err != nil {
		return nil, err
	}
	was, err := before.Snapshot(ctx, graph.Scope{})
	if err != nil {
		return nil, err
	}
	return lineage.Touched(graph.Diff(schemaOf(was), schemaOf(now))), nil
}

// schemaOf keeps assets and columns.
func schemaOf(items graph.Snapshot) graph.Snapshot {
	out := graph.Snapshot{}
	for key, item := range items {
		switch item.(type) {
		case graph.Asset, graph.Column:
			out[key] = item
		}
	}
	return out
}

// viewsOf returns the views of a source.
func viewsOf(items graph.Snapshot, source string) []graph.Asset {
	var views []graph.Asset
	for _, item := range items.Sorted() {
		if asset, ok := item.(graph.Asset); ok && asset.Source == source && asset.Kind.IsView() && asset.Definition != "" {
			views = append(views, asset)
		}
	}
	return views
}

// schemas returns the columns of every asset.
func schemas(items graph.Snapshot) lineage.SchemaMap {
	out := lineage.SchemaMap{}
	for _, item := range items.Sorted() {
		if column, ok := item.(graph.Column); ok {
			asset := column.Ref.Asset()
			out[asset] = append(out[asset], column)
		}
	}
	for _, columns := range out {
		sortByPosition(columns)
	}
	return out
}
