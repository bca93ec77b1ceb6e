package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

func (q query) Audiences(ctx context.Context) ([]graph.Audience, error) {
	_, err := q.who(ctx)
	return q.Governor.Audiences(), err
}

func (q query) Vocabulary(ctx context.Context) ([]shape.LabelTerm, error) {
	_, err := q.who(ctx)
	return q.Governor.Vocabulary(), err
}

func (q query) Explain(ctx context.Context, column graph.Ref, audience *string) ([]shape.Explanation, error) {
	who, err := q.person(ctx)
	if err != nil {
		return nil, err
	}
	var audiences []string
	if audience != nil {
		audiences = []string{*audience}
	}
	found, err := q.Governor.ExplainColumns(ctx, who, []graph.Ref{column.Asset()}, audiences)
	if err != nil {
		return nil, err
	}
	for ref, explanations := range found {
		if ref.Key() == column.Key() {
			return explanations, nil
		}
	}
	return nil, fmt.Errorf("column %s: %w", column, graph.ErrNotFound)
}

func (q query) WhoCouldSee(ctx context.Context, column graph.Ref, revision *graph.Revision, at *time.Time) (*shape.WhoCouldSee, error) {
	who, err := q.person(ctx)
	if err != nil {
		return nil, err
	}
	if graph.AsOfFrom(ctx).Past && (revision != nil || at != nil) {
		return nil, fmt.Errorf("who could see %s: the query names a moment already; want no revision or time beside it: %w", column, graph.ErrInvalid)
	}
	if revision != nil && at != nil {
		return nil, fmt.Errorf("who could see %s: want a revision or a time, not both: %w", column, graph.ErrInvalid)
	}
	var when graph.Revision
	var then time.Time
	if revision != nil {
		when = *revision
	}
	if at != nil {
		then = *at
	}
	answer, err := q.Governor.WhoCouldSee(ctx, who, column, when, then)
	return &answer, err
}

func (q query) Inbox(ctx context.Context, first *int, after *string) (*shape.TagConnection, error) {
	who, err := q.person(ctx)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(first, 50)
	if err != nil {
		return nil, err
	}
	all, err := q.Tagger.Inbox(ctx, who)
	if err != nil {
		return nil, err
	}
	return tagPage(all, size, after)
}

// tagPage cuts a page out of tags that are sorted by CompareItems; the cursor
// is the key of a tag.
func tagPage(all []graph.Tag, size int, after *string) (*shape.TagConnection, error) {
	rest := all
	if after != nil && *after != "" {
		key, err := base64.RawURLEncoding.DecodeString(*after)
		if err != nil {
			return nil, fmt.Errorf("cursor %q is none of this list's: %w", *after, graph.ErrInvalid)
		}
		for len(rest) > 0 && rest[0].Key() <= string(key) {
			rest = rest[1:]
		}
	}
	out := &shape.TagConnection{Total: len(all), Edges: []shape.TagEdge{}}
	end := ""
	for _, t := range rest[:min(len(rest), size)] {
		end = base64.RawURLEncoding.EncodeToString([]byte(t.Key()))
		out.Edges = append(out.Edges, shape.TagEdge{Cursor: end, Node: t})
	}
	out.PageInfo = shape.NewPageInfo(len(rest) > size, end)
	return out, nil
}

func (m mutation) Tag(ctx context.Context, input []graph.TagRequest) (*shape.TagPayload, error) {
	who, err := m.who(ctx)
	if err != nil {
		return nil, err
	}
	tags, revision, err := m.Tagger.Tag(ctx, who, input)
	if err != nil {
		return nil, err
	}
	return &shape.TagPayload{Tags: tags, Revision: revision}, nil
}

func (q query) Plans(ctx context.Context, first *int, after *string) (*shape.PlanConnection, error) {
	who, err := q.who(ctx)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(first, 20)
	if err != nil {
		return nil, err
	}
	plans, next, err := q.Planner.Plans(ctx, who, size, text(after))
	if err != nil {
		return nil, err
	}
	out := &shape.PlanConnection{Edges: []shape.PlanEdge{}}
	end := ""
	for _, p := range plans {
		end = cursorOf(p.ID)
		out.Edges = append(out.Edges, shape.PlanEdge{Cursor: end, Node: shape.NewPlan(p)})
	}
	out.PageInfo = shape.NewPageInfo(next != "", end)
	return out, nil
}

func (q query) Plan(ctx context.Context, id string) (*shape.Plan, error) {
	p, err := q.move(ctx, id, q.Planner.SavedPlan)
	if errors.Is(err, graph.ErrNotFound) {
		return nil, nil
	}
	return p, err
}

func (m mutation) Plan(ctx context.Context, audiences []string) (*shape.Plan, error) {
	who, err := m.who(ctx)
	if err != nil {
		return nil, err
	}
	p, err := m.Planner.Plan(ctx, who, audiences)
	return planOr(p, err)
}

func (m mutation) Approve(ctx context.Context, id string) (*shape.Plan, error) {
	return m.move(ctx, id, m.Planner.Approve)
}

func (m mutation) Apply(ctx context.Context, id string) (*shape.Plan, error) {
	return m.move(ctx, id, m.Planner.Apply)
}

func (m mutation) Undo(ctx context.Context, id string) (*shape.Plan, error) {
	return m.move(ctx, id, m.Planner.Undo)
}

func (r *resolver) move(ctx context.Context, id string, do func(context.Context, graph.Principal, string) (graph.SavedPlan, error)) (*shape.Plan, error) {
	who, err := r.who(ctx)
	if err != nil {
		return nil, err
	}
	p, err := do(ctx, who, id)
	return planOr(p, err)
}

func planOr(p graph.SavedPlan, err error) (*shape.Plan, error) {
	if err != nil {
		return nil, err
	}
	shown := shape.NewPlan(p)
	return &shown, nil
}

func (q query) Audit(ctx context.Context, filter *shape.AuditFilter, first *int, after *string) (*shape.EventConnection, error) {
	who, err := q.who(ctx)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(first, 50)
	if err != nil {
		return nil, err
	}
	if filter == nil {
		filter = &shape.AuditFilter{}
	}
	events, next, err := q.Auditor.Events(ctx, who, text(filter.Actor), text(filter.Action), text(filter.Object), size, text(after))
	if err != nil {
		return nil, err
	}
	out := &shape.EventConnection{Edges: []shape.EventEdge{}}
	end := ""
	for _, e := range events {
		end = cursorOf(e.Seq)
		out.Edges = append(out.Edges, shape.EventEdge{Cursor: end, Node: shape.NewEvent(e)})
	}
	out.PageInfo = shape.NewPageInfo(next != "", end)
	return out, nil
}

func (q query) AuditVerification(ctx context.Context) (*shape.AuditVerification, error) {
	who, err := q.who(ctx)
	if err != nil {
		return nil, err
	}
	report, err := q.Auditor.Verification(ctx, who)
	if err != nil {
		return nil, err
	}
	v := shape.NewAuditVerification(report)
	return &v, nil
}

func (q query) AuditSigning(ctx context.Context) (*shape.AuditSigning, error) {
	who, err := q.who(ctx)
	if err != nil {
		return nil, err
	}
	signing, err := q.Auditor.Signing(ctx, who)
	if err != nil {
		return nil, err
	}
	return &signing, nil
}

func (q query) Sources(ctx context.Context) ([]shape.Source, error) {
	who, err := q.who(ctx)
	if err != nil {
		return nil, err
	}
	return q.Operator.Sources(ctx, who)
}

func (q query) Activity(ctx context.Context) ([]shape.Activity, error) {
	who, err := q.who(ctx)
	if err != nil {
		return nil, err
	}
	return q.Operator.Activity(ctx, who)
}

func (m mutation) Crawl(ctx context.Context, source string, remove *string) (*shape.Source, error) {
	who, err := m.who(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.Operator.StartCrawl(ctx, who, source, text(remove)); err != nil {
		return nil, err
	}
	all, err := m.Operator.Sources(ctx, who)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(s shape.Source) bool { return s.Name == source })
	if i < 0 {
		return nil, graph.ErrNotFound
	}
	return &all[i], nil
}

// cursorOf writes the cursor of an item from its key, in the form that the
// lists behind Planner and Auditor read: the key in JSON, in base64.
func cursorOf[K int64 | string](key K) string {
	data, _ := json.Marshal(key) // a number or string always has a form
	return base64.RawURLEncoding.EncodeToString(data)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
