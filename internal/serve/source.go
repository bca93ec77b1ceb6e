package serve

import (
	"context"
	"errors"
	"slices"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/ingest"
)

// Sources returns the sources, crawled and pushed, as the principal may know
// of them.
func (a *App) Sources(ctx context.Context, who graph.Principal) ([]shape.Source, error) {
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	operates, _, err := a.allows(ctx, who, graph.ActionCrawl, graph.Asset{}, nil)
	if err != nil {
		return nil, err
	}
	pushed, err := a.pushedSources(ctx)
	if err != nil {
		return nil, err
	}
	next, err := a.nextCrawls(ctx)
	if err != nil {
		return nil, err
	}
	out := []shape.Source{}
	for _, c := range a.sources {
		s := shape.Source{Name: c.name, Platform: c.platform}
		if at, ok := next[c.name]; ok {
			s.Schedule, s.NextCrawlAt = a.scheduleOf(c.name), &at
		}
		out = append(out, s)
	}
	for _, name := range pushed {
		out = append(out, shape.Source{Name: name, Platform: platformPush})
	}
	for i := range out {
		if err := a.describeSource(ctx, r, &out[i], operates); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// platformPush is the platform of sources that services push.
const platformPush = "push"

// describeSource fills in how a source is. Problems name assets that may be
// hidden from those who do not operate; of a removal those who do are shown
// what they may know.
func (a *App) describeSource(ctx context.Context, r *store.Reader, s *shape.Source, operates bool) error {
	visible, err := r.Search(ctx, search.Query{Sources: []string{s.Name}, First: 1})
	if err != nil {
		return err
	}
	s.Assets, s.Problems = visible.Total, []string{}
	cursor, err := a.store.Cursor(ctx, s.Name)
	if err != nil && !errors.Is(err, graph.ErrNotFound) {
		return err
	}
	s.CrawledAt = instant(cursor.CrawledAt)
	if !operates {
		return nil
	}
	if s.Held, err = heldShape(ctx, r, heldIn(cursor)); err != nil {
		return err
	}
	s.Problems, err = a.problems(ctx, s.Name)
	return err
}

// heldShape shows a removal with its whole size, and names of it the assets
// and containers that are not hidden.
func heldShape(ctx context.Context, r *store.Reader, h *ingest.Held) (*shape.HeldRemoval, error) {
	if h == nil {
		return nil, nil
	}
	named := slices.Clone(h.Examples)
	for _, s := range h.Scopes {
		named = append(named, s.Parent)
	}
	seen, err := r.Visibility(ctx, named...)
	if err != nil {
		return nil, err
	}
	hidden := func(ref graph.Ref) bool {
		return !ref.IsZero() && !isTrusted(r.Principal()) && seen[ref.Asset()] == graph.Hidden
	}
	out := &shape.HeldRemoval{Hash: h.Hash, At: h.At, Scopes: []shape.HeldScope{}, Total: h.Total, Examples: []graph.Ref{}}
	for _, ref := range h.Examples {
		if !hidden(ref) {
			out.Examples = append(out.Examples, ref)
		}
	}
	for _, s := range h.Scopes {
		if !hidden(s.Parent) {
			out.Scopes = append(out.Scopes, shape.HeldScope(s))
		}
	}
	if h.AllowedBy != "" {
		out.AllowedBy = &h.AllowedBy
	}
	return out, nil
}
