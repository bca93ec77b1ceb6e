package ingesttest

import (
	"context"
	"slices"
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
	// sightings are what each source last said of assets.
	sightings map[sighting]ingest.Digest
	revision  graph.Revision
	// Forgetful makes Sightings tell nothing, so that all is compared.
	Forgetful bool
	asked     int
	// Fail, where it is set, is what Commit returns instead of committing.
	Fail error
}

type sighting struct {
	source string
	ref    graph.Ref
}

var _ ingest.Catalog = (*Catalog)(nil)

// Cursor returns the last cursor of that name.
func (c *Catalog) Cursor(_ context.Context, name string) (ingest.Cursor, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cursors[name], nil
}

// Sightings returns the digests that stand.
func (c *Catalog) Sightings(_ context.Context, source string, refs ...graph.Ref) (map[graph.Ref]ingest.Digest, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[graph.Ref]ingest.Digest{}
	for at, digest := range c.sightings {
		if at.source == source && !c.Forgetful && (len(refs) == 0 || slices.Contains(refs, at.ref)) {
			out[at.ref] = digest
		}
	}
	return out, nil
}

// Standing tells the assets of a scope.
func (c *Catalog) Standing(_ context.Context, scope graph.Scope, each func(ref, parent graph.Ref) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, item := range c.items {
		if a, ok := item.(graph.Asset); ok && scope.Holds(a) {
			if err := each(a.Ref, a.Parent); err != nil {
				return err
			}
		}
	}
	return nil
}

// Known returns what belongs to the assets.
func (c *Catalog) Known(_ context.Context, refs ...graph.Ref) (graph.Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := map[graph.Ref]bool{}
	for _, ref := range refs {
		of[ref] = true
	}
	c.asked += len(of)
	known := graph.Snapshot{}
	for _, item := range c.items {
		e, isEdge := item.(graph.Edge)
		if of[item.About()] || isEdge && of[e.From.Asset()] {
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
		c.cursors, c.problems, c.sightings = map[string]ingest.Cursor{}, map[string][]graph.Finding{}, map[sighting]ingest.Digest{}
	}
	c.apply(crawl.Delta)
	for ref, digest := range crawl.Sightings {
		c.sightings[sighting{crawl.Source, ref}] = digest
	}
	for _, ref := range crawl.Forget {
		delete(c.sightings, sighting{crawl.Source, ref})
	}
	if crawl.Cursor != nil {
		c.cursors[crawl.Source] = crawl.Cursor
	}
	c.problems[crawl.Source] = crawl.Problems
	return c.revision, nil
}

// Put writes what somebody else says, a person or another program.
func (c *Catalog) Put(delta graph.Delta) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apply(delta)
}

// apply applies a delta. What was last said of what it touches stands no more.
func (c *Catalog) apply(delta graph.Delta) {
	c.items = graph.Apply(c.items, delta)
	if len(delta) > 0 {
		c.revision++
	}
	for _, change := range delta {
		item := change.Item()
		for at := range c.sightings {
			if e, ok := item.(graph.Edge); at.ref == item.About() || ok && at.ref == e.From.Asset() {
				delete(c.sightings, at)
			}
		}
	}
}

// Asked is of how many assets Known was asked, in all.
func (c *Catalog) Asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
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
