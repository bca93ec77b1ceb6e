package api

import (
	"context"
	"sync"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

// page is a set of assets that are shown together. What the first of them asks
// for is loaded for all, once.
type page struct {
	reader   Reader
	governor Governor
	who      graph.Principal
	refs     []graph.Ref

	columns      once[map[graph.Ref][]graph.Column]
	tags         once[map[graph.Ref][]graph.Tag]
	statements   once[map[graph.Ref][]graph.Statement]
	views        once[map[graph.Ref][]shape.PublishedView]
	explanations once[map[graph.Ref][]shape.Explanation]
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

func (p *page) loadColumns(ctx context.Context) (map[graph.Ref][]graph.Column, error) {
	return p.columns.get(func() (map[graph.Ref][]graph.Column, error) { return p.reader.Columns(ctx, p.refs...) })
}

func (p *page) loadTags(ctx context.Context) (map[graph.Ref][]graph.Tag, error) {
	return p.tags.get(func() (map[graph.Ref][]graph.Tag, error) { return p.reader.Tags(ctx, p.refs...) })
}

func (p *page) loadStatements(ctx context.Context) (map[graph.Ref][]graph.Statement, error) {
	return p.statements.get(func() (map[graph.Ref][]graph.Statement, error) { return p.reader.Statements(ctx, p.refs...) })
}

func (p *page) loadViews(ctx context.Context) (map[graph.Ref][]shape.PublishedView, error) {
	return p.views.get(func() (map[graph.Ref][]shape.PublishedView, error) { return p.governor.Views(ctx, p.who, p.refs...) })
}

// loadExplanations loads what the person's own audiences get.
func (p *page) loadExplanations(ctx context.Context) (map[graph.Ref][]shape.Explanation, error) {
	return p.explanations.get(func() (map[graph.Ref][]shape.Explanation, error) {
		var mine []string
		for _, a := range p.governor.Audiences() {
			if a.Has(p.who) {
				mine = append(mine, a.Name)
			}
		}
		if mine == nil {
			return nil, nil
		}
		return p.governor.ExplainColumns(ctx, p.who, p.refs, mine)
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
