package ingesttest

import (
	"context"
	"sync"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
)

// Catalog is an ingest.Catalog in memory. Its zero value is empty and works;
// it is safe for concurrent use.
type Catalog struct {
	mu       sync.Mutex
	items    graph.Snapshot
	cursors  map[string]ingest.Cursor
	problems map[string][]graph.Finding
	revision graph.Revision
	// Fail, where it is set, is what Commit returns instead of committing.
	Fail error
}

var _ ingest.Catalog = (*Catalog)(nil)

// Cursor returns the last cursor of that name.
func (c *Catalog) Cursor(_ context.Context, name string) (ingest.Cursor, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cursors[name], nil
}

// Known returns what belongs to the source.
func (c *Catalog) Known(_ context.Context, source string) (graph.Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := map[graph.Ref]bool{}
	for _, item := range c.items {
		if a, ok := item.(graph.Asset); ok && a.Source == source {
			own[a.Ref] = true
		}
	}
	known := graph.Snapshot{}
	for _, item := range c.items {
		e, isEdge := item.(graph.Edge)
		if own[item.About()] || isEdge && own[e.From.Asset()] {
			known.Put(item)
		}
	}
	return known, nil
}

// Commit applies the delta.
func (c *Catalog) Commit(_ context.Context, crawl ingest.Crawl) (graph.Revision, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Fail != nil {
		return 0, c.Fail
	}
	if c.cursors == nil {
		c.cursors, c.problems = map[string]ingest.Cursor{}, map[string][]graph.Finding{}
	}
	c.items = graph.Apply(c.items, crawl.Delta)
	if len(crawl.Delta) > 0 {
		c.revision++
	}
	if crawl.Cursor != nil {
		c.cursors[crawl.Source] = crawl.Cursor
	}
	c.problems[crawl.Source] = crawl.Problems
	return c.revision, nil
}

// All returns everything that the catalog holds.
func (c *Catalog) All() graph.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return graph.Apply(c.items, nil)
}

// Problems returns those of the last run of that name.
func (c *Catalog) Problems(name string) []graph.Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problems[name]
}
