package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cadastre.dev/cadastre/graph"
)

// Knower tells what the catalog knows, to be compared with facts. What it
// returns is not written to.
type Knower interface {
	// Sightings returns what the source last said of assets, where that still
	// stands as it left it: of those named, or of all where none is.
	Sightings(ctx context.Context, source string, refs ...graph.Ref) (map[graph.Ref]Digest, error)
	// Standing calls each with every asset that stands in a scope, and with
	// its container. An error of each ends it and is returned.
	Standing(ctx context.Context, scope graph.Scope, each func(ref, parent graph.Ref) error) error
	// Known returns the assets and all that belongs to them, whoever said it:
	// columns, owners, grants, tags, statements, and the edges that begin or
	// end at one of them.
	Known(ctx context.Context, refs ...graph.Ref) (graph.Snapshot, error)
}

// SettleConfig says how facts are compared. Its zero value works.
type SettleConfig struct {
	// Removal is how much may end unasked.
	Removal Removal
	// Gone are assets of which the source itself says that they are no longer
	// there. Nobody is asked about them. Defaults to none.
	Gone []graph.Ref
	// Allowed is the removal that was last held back, where a person allowed
	// it. Defaults to none.
	Allowed *Held
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Settle compares the facts of a source with what is known, and returns what
// to commit, without cursor and problems, and how many assets are as they were
// last told. Where Held is set nothing else is. A fact that makes no sense is
// ErrInvalid.
func Settle(ctx context.Context, k Knower, source string, list []graph.Fact, cfg SettleConfig) (Crawl, int, error) {
	all := newFacts(source, nil)
	var refs []graph.Ref
	for _, f := range list {
		if err := CheckFact(source, f); err != nil {
			return Crawl{}, 0, err
		}
		if ref, ok := groupOf(f); ok {
			refs = append(refs, ref)
		}
	}
	if len(refs) > 0 {
		var err error
		if all.last, err = k.Sightings(ctx, source, refs...); err != nil {
			return Crawl{}, 0, fmt.Errorf("read what was last said: %w", err)
		}
	}
	for _, f := range list {
		if err := all.take(f); err != nil {
			return Crawl{}, 0, err
		}
	}
	return all.settle(ctx, k, cfg)
}

// settle compares what was collected with what is known.
func (c *facts) settle(ctx context.Context, k Knower, cfg SettleConfig) (Crawl, int, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	crawl := Crawl{Source: c.source}
	stood, err := c.standing(ctx, k)
	if err != nil {
		return crawl, 0, err
	}
	if crawl.Held = stood.judge(cfg.Removal, cfg.Allowed, cfg.Now); crawl.Held != nil {
		return crawl, 0, nil
	}
	refs := c.toCompare(slices.Concat(stood.refs(), cfg.Gone))
	gone := make(map[graph.Ref]bool, len(cfg.Gone))
	for _, ref := range cfg.Gone {
		gone[ref] = true
	}
	said := 0
	crawl.Sightings = make(map[graph.Ref]Digest, len(refs))
	var delta inOrder
	for part := range slices.Chunk(refs, comparedAtOnce) {
		known, err := k.Known(ctx, part...)
		if err != nil {
			return crawl, 0, fmt.Errorf("read what is known: %w", err)
		}
		delta.add(graph.Diff(graph.Observe(known, c.about(part, gone))))
		said += c.conclude(&crawl, part)
	}
	crawl.Delta = delta.all()
	for _, scope := range c.scopes {
		crawl.Done = append(crawl.Done, scope.Parent)
	}
	return crawl, len(c.groups) - said, nil
}

// comparedAtOnce is of how many assets all that is known is held in memory at
// a time. Each asset is compared by itself, so that it does not matter which
// are together.
const comparedAtOnce = 500

// conclude keeps what is to be remembered of assets that were compared, and
// lets go of what was said. It returns of how many something was said.
func (c *facts) conclude(crawl *Crawl, refs []graph.Ref) (said int) {
	for _, ref := range refs {
		g := c.groups[ref]
		if g == nil {
			continue
		}
		said++
		if digest, ok := g.known(); ok {
			crawl.Sightings[ref] = digest
		} else {
			crawl.Forget = append(crawl.Forget, ref)
		}
		g.facts = nil
	}
	return said
}

// inOrder collects deltas of different assets: assets stand before all that
// belongs to any of them.
type inOrder [8]graph.Delta

func (o *inOrder) add(delta graph.Delta) {
	for _, c := range delta {
		at := len(o) - 1
		switch c.Item().(type) {
		case graph.Asset:
			at = 0
		case graph.Column:
			at = 1
		case graph.Owner:
			at = 2
		case graph.Grant:
			at = 3
		case graph.Tag:
			at = 4
		case graph.Statement:
			at = 5
		case graph.Edge:
			at = 6
		}
		o[at] = append(o[at], c)
	}
}

func (o *inOrder) all() graph.Delta { return slices.Concat(o[:]...) }

// standing looks at what stood in the scopes that were seen whole.
func (c *facts) standing(ctx context.Context, k Knower) (*standing, error) {
	s := &standing{parents: map[graph.Ref]count{}}
	scopes := c.scopes
	for _, scope := range c.scopes {
		if scope.Parent.IsZero() { // holds all others
			s.whole, scopes = true, []graph.Scope{scope}
		}
	}
	counted := map[graph.Ref]bool{}
	for _, scope := range scopes {
		err := k.Standing(ctx, scope, func(ref, parent graph.Ref) error {
			if len(scopes) > 1 {
				if counted[ref] {
					return nil
				}
				counted[ref] = true
			}
			s.add(asset{ref, parent}, c.isThere(ref))
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read what stands in %s: %w", scope.Parent, err)
		}
	}
	return s, nil
}
