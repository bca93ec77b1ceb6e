package api

import (
	"context"
	"sync"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

// page is a set of assets that are shown together. What the first of them asks
// for is loaded for all, once.
type page struct {
	reader   Reader
	governor Governor
	catalog  Catalog
	who      graph.Principal
	refs     []graph.Ref

	columns      once[map[graph.Ref][]graph.Column]
	tags         once[map[graph.Ref][]graph.Tag]
	statements   once[map[graph.Ref][]graph.Statement]
	views        once[map[graph.Ref][]shape.PublishedView]
	explanations once[map[graph.Ref][]shape.Explanation]
	mayTag       once[map[graph.Ref]bool]
	lastSeen     once[map[graph.Ref]time.Time]
	mayDescribe  once[map[graph.Ref]bool]
}

// once is a value that is loaded at first use.
type once[T any] struct {
	mu   sync.Mutex
	done bool
	v    T
	err  error
}

func (o *once[T]) get(load func() (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		o.v, o.err = load()
		o.done = true
	}
	return o.v, o.err
}

// load asks for the visible assets of the page, and for nothing where there is
// none: to some, no asset means all.
func load[T any](p *page, o *once[map[graph.Ref]T], ask func(assets ...graph.Ref) (map[graph.Ref]T, error)) (map[graph.Ref]T, error) {
	return o.get(func() (map[graph.Ref]T, error) {
		if len(p.refs) == 0 {
			return nil, nil
		}
		return ask(p.refs...)
	})
}

func (p *page) loadColumns(ctx context.Context) (map[graph.Ref][]graph.Column, error) {
	return load(p, &p.columns, func(assets ...graph.Ref) (map[graph.Ref][]graph.Column, error) {
		return p.reader.Columns(ctx, assets...)
	})
}

func (p *page) loadTags(ctx context.Context) (map[graph.Ref][]graph.Tag, error) {
	return load(p, &p.tags, func(assets ...graph.Ref) (map[graph.Ref][]graph.Tag, error) {
		return p.reader.Tags(ctx, assets...)
	})
}

func (p *page) loadStatements(ctx context.Context) (map[graph.Ref][]graph.Statement, error) {
	return load(p, &p.statements, func(assets ...graph.Ref) (map[graph.Ref][]graph.Statement, error) {
		return p.reader.Statements(ctx, assets...)
	})
}

func (p *page) loadViews(ctx context.Context) (map[graph.Ref][]shape.PublishedView, error) {
	return load(p, &p.views, func(assets ...graph.Ref) (map[graph.Ref][]shape.PublishedView, error) {
		return p.governor.Views(ctx, p.who, assets...)
	})
}

func (p *page) loadMayTag(ctx context.Context) (map[graph.Ref]bool, error) {
	return load(p, &p.mayTag, func(assets ...graph.Ref) (map[graph.Ref]bool, error) {
		return p.governor.May(ctx, p.who, graph.ActionTag, assets...)
	})
}

func (p *page) loadMayDescribe(ctx context.Context) (map[graph.Ref]bool, error) {
	return load(p, &p.mayDescribe, func(assets ...graph.Ref) (map[graph.Ref]bool, error) {
		return p.governor.May(ctx, p.who, graph.ActionDescribe, assets...)
	})
}

func (p *page) loadLastSeen(ctx context.Context) (map[graph.Ref]time.Time, error) {
	return load(p, &p.lastSeen, func(assets ...graph.Ref) (map[graph.Ref]time.Time, error) {
		return p.catalog.LastSeen(ctx, p.who, assets...)
	})
}

// loadExplanations loads what the person's own audiences get.
func (p *page) loadExplanations(ctx context.Context) (map[graph.Ref][]shape.Explanation, error) {
	return load(p, &p.explanations, func(assets ...graph.Ref) (map[graph.Ref][]shape.Explanation, error) {
		var mine []string
		for _, a := range p.governor.Audiences() {
			if a.Has(p.who) {
				mine = append(mine, a.Name)
			}
		}
		if mine == nil {
			return nil, nil
		}
		return p.governor.ExplainColumns(ctx, p.who, assets, mine)
	})
}

// tagsOn picks the tags of one column or asset.
func tagsOn(tags []graph.Tag, ref graph.Ref) []graph.Tag {
	on := []graph.Tag{}
	for _, t := range tags {
		if t.Ref.Key() == ref.Key() {
			on = append(on, t)
		}
	}
	return on
}
