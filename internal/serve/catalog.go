package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

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

// Sightings returns what the source last said of assets.
func (c crawlCatalog) Sightings(ctx context.Context, source string, refs ...graph.Ref) (map[graph.Ref]ingest.Digest, error) {
	r, err := c.app.reader(ctx, system(), 0)
	if err != nil {
		return nil, err
	}
	found, err := r.Sightings(ctx, source, refs...)
	return digests(found), err
}

// Standing tells what stands in a scope.
func (c crawlCatalog) Standing(ctx context.Context, scope graph.Scope, each func(ref, parent graph.Ref) error) error {
	r, err := c.app.reader(ctx, system(), 0)
	if err != nil {
		return err
	}
	return r.Standing(ctx, scope, each)
}

// Known returns what the catalog knows of the assets.
func (c crawlCatalog) Known(ctx context.Context, refs ...graph.Ref) (graph.Snapshot, error) {
	r, err := c.app.reader(ctx, system(), 0)
	if err != nil {
		return nil, err
	}
	return r.KnownOf(ctx, refs...)
}

// digests gives what the store keeps the form of ingest. One of another length
// was written otherwise, and stands for nothing.
func digests(found map[graph.Ref][]byte) map[graph.Ref]ingest.Digest {
	out := make(map[graph.Ref]ingest.Digest, len(found))
	for ref, d := range found {
		if len(d) == len(ingest.Digest{}) {
			out[ref] = ingest.Digest(d)
		}
	}
	return out
}

// Commit writes the delta and what stands beside it, and makes the next job
// due. A run that failed, or that is held back, keeps the cursor of the one
// before, and nothing follows from it.
func (c crawlCatalog) Commit(ctx context.Context, crawl ingest.Crawl) (graph.Revision, error) {
	now := c.app.now()
	return c.app.store.Commit(ctx, system(), crawlWhy(crawl.Source), func(tx *store.Tx) error {
		if err := c.fence.hold(ctx, tx); err != nil {
			return err
		}
		at, err := cursorAfter(ctx, tx, crawl, now)
		if err != nil {
			return err
		}
		if err := tx.Apply(ctx, crawl.Delta); err != nil {
			return err
		}
		if err := tx.PutSeen(ctx, seenOf(crawl, now)); err != nil {
			return err
		}
		if err := tx.PutCursor(ctx, at); err != nil || crawl.Cursor == nil {
			return err
		}
		return tx.Enqueue(ctx, c.then)
	})
}

// cursorAfter is where a source stands after a run.
func cursorAfter(ctx context.Context, tx *store.Tx, crawl ingest.Crawl, now time.Time) (store.Cursor, error) {
	at, err := tx.Cursor(ctx, crawl.Source)
	if err != nil && !errors.Is(err, graph.ErrNotFound) {
		return at, err
	}
	at.Source, at.Problems = crawl.Source, nil
	for _, p := range crawl.Problems {
		at.Problems = append(at.Problems, p.What+"; "+p.Do)
	}
	if crawl.Held != nil {
		return at, holdRemoval(tx, &at, crawl.Held)
	}
	if crawl.Cursor != nil {
		at.Cursor, at.CrawledAt, at.Held = crawl.Cursor, now, ""
	}
	return at, nil
}

// seenOf is what the store keeps of a run outside revisions.
func seenOf(crawl ingest.Crawl, now time.Time) store.Seen {
	seen := store.Seen{Source: crawl.Source, Digests: make(map[graph.Ref][]byte, len(crawl.Sightings)), Forget: crawl.Forget, Done: crawl.Done, At: now}
	for ref, d := range crawl.Sightings {
		seen.Digests[ref] = d[:]
	}
	return seen
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
// another way than now counts as not analyzed, and so does what was analyzed
// at a revision that was forgotten since: what changed since then is not known.
func (a *App) lastAnalyzed(ctx context.Context, source string) (analyzed, error) {
	cursor, err := crawlCatalog{app: a}.Cursor(ctx, ingest.StatementsOf(source))
	if err != nil || cursor == nil {
		return analyzed{}, err
	}
	var last analyzed
	floor, err := a.store.Floor(ctx)
	if err != nil {
		return analyzed{}, err
	}
	if json.Unmarshal(cursor, &last) == nil && last.Analyzer == (a.workerErr == nil) && last.Revision >= floor.Revision {
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
