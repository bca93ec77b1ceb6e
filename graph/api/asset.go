package api

import (
	"context"
	"errors"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

func (q query) Me(ctx context.Context) (*shape.Me, error) {
	who, reader, err := q.read(ctx)
	if err != nil {
		return nil, err
	}
	actions, err := q.Governor.Actions(ctx, who)
	if err != nil {
		return nil, err
	}
	head := reader.Revision()
	if graph.AsOfFrom(ctx).Past {
		standing, err := q.Catalog.Standing(ctx, who)
		if err != nil {
			return nil, err
		}
		head = standing.Head
	}
	me := &shape.Me{ID: who.ID, Name: who.Name, Groups: who.Groups, Actions: actions, Head: head, Audiences: []graph.Audience{}, BreakGlass: q.Glass.Broken(ctx, who)}
	for _, a := range q.Governor.Audiences() {
		if a.Has(who) {
			me.Audiences = append(me.Audiences, a)
		}
	}
	return me, nil
}

func (q query) Standing(ctx context.Context) (*shape.Standing, error) {
	who, err := q.person(ctx)
	if err != nil {
		return nil, err
	}
	standing, err := q.Catalog.Standing(ctx, who)
	return &standing, err
}

func (q query) Asset(ctx context.Context, ref graph.Ref) (*shape.Asset, error) {
	who, reader, err := q.read(ctx)
	if err != nil {
		return nil, err
	}
	found, err := q.show(ctx, who, reader, []graph.Ref{ref.Asset()})
	if errors.Is(err, graph.ErrNotFound) || (err == nil && len(found) == 0) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

func (asset) Columns(ctx context.Context, a *shape.Asset) ([]shape.Column, error) {
	p := a.Page.(*page)
	columns, err := p.loadColumns(ctx)
	if err != nil {
		return nil, err
	}
	tags, err := p.loadTags(ctx)
	if err != nil {
		return nil, err
	}
	byColumn := map[string][]graph.Tag{}
	for _, t := range tags[a.Ref] {
		byColumn[t.Ref.Key()] = append(byColumn[t.Ref.Key()], t)
	}
	out := make([]shape.Column, 0, len(columns[a.Ref]))
	for _, c := range columns[a.Ref] {
		out = append(out, shape.NewColumn(c, *a, graph.TagsFor(c.Ref, byColumn), p))
	}
	return out, nil
}

func (asset) Tags(ctx context.Context, a *shape.Asset) ([]graph.Tag, error) {
	tags, err := a.Page.(*page).loadTags(ctx)
	return tagsOn(tags[a.Ref], a.Ref), err
}

func (asset) Statement(ctx context.Context, a *shape.Asset) (*graph.Statement, error) {
	statements, err := a.Page.(*page).loadStatements(ctx)
	if err != nil || len(statements[a.Ref]) == 0 {
		return nil, err
	}
	return &statements[a.Ref][0], nil
}

func (asset) Views(ctx context.Context, a *shape.Asset) ([]shape.PublishedView, error) {
	views, err := a.Page.(*page).loadViews(ctx)
	return views[a.Ref], err
}

func (asset) MayTag(ctx context.Context, a *shape.Asset) (bool, error) {
	may, err := a.Page.(*page).loadMayTag(ctx)
	return may[a.Ref], err
}

func (asset) LastSeen(ctx context.Context, a *shape.Asset) (*time.Time, error) {
	seen, err := a.Page.(*page).loadLastSeen(ctx)
	if at, ok := seen[a.Ref]; ok {
		return &at, err
	}
	return nil, err
}

func (asset) MayDescribe(ctx context.Context, a *shape.Asset) (bool, error) {
	may, err := a.Page.(*page).loadMayDescribe(ctx)
	return may[a.Ref], err
}

func (a asset) History(ctx context.Context, of *shape.Asset, first *int, after *string) (*shape.History, error) {
	who, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(first, 20)
	if err != nil {
		return nil, err
	}
	history, err := a.Catalog.History(ctx, who, of.Ref, size, text(after))
	return &history, err
}

func (column) WhatISee(ctx context.Context, c *shape.Column) ([]shape.Explanation, error) {
	explanations, err := c.Page.(*page).loadExplanations(ctx)
	return explanations[c.Ref], err
}
