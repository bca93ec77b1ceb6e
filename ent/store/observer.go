package store

import (
	"context"

	"cadastre.dev/cadastre/graph"
)

// Observer is told what the store does and how long it takes. Its methods may
// be called concurrently, and must not use the store.
type Observer interface {
	// Begin is told that a work begins: commit, search, walk or snapshot. It
	// returns the context to do it in, and what is told how it ended.
	Begin(ctx context.Context, what string) (context.Context, func(error))
	// Committed is told of each commit that was kept.
	Committed(c Committed)
}

// Committed says what a commit wrote.
type Committed struct {
	// Revision is the one that it made; 0 where nothing of the catalog changed.
	Revision graph.Revision
	// Changes counts what began, changed or ended. Events counts what was
	// written to the audit log.
	Changes, Events int
}

// begin tells the observer, where there is one, that a work begins.
func (s *Store) begin(ctx context.Context, what string) (context.Context, func(error)) {
	if s.observer == nil {
		return ctx, func(error) {}
	}
	return s.observer.Begin(ctx, what)
}

// committed tells the observer what a transaction wrote.
func (t *Tx) committed(made bool) {
	if t.store.observer == nil {
		return
	}
	c := Committed{Events: len(t.events)}
	if made {
		c.Revision = t.next()
		c.Events++ // the commit's own
	}
	for _, n := range t.counts {
		c.Changes += n
	}
	t.store.observer.Committed(c)
}
