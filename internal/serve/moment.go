package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

// AsOf returns the revision that a moment names: the newest for now. A
// revision that is not there yet, a time before the first one or not yet come,
// and what was removed under retention are graph.ErrNotFound or
// graph.ErrInvalid, and the text says which.
func (a *App) AsOf(ctx context.Context, m graph.Moment) (graph.AsOf, error) {
	head, err := a.store.Head(ctx)
	switch {
	case err != nil:
		return graph.AsOf{}, err
	case m.IsZero():
		return graph.AsOf{Revision: head}, nil
	case m.Revision != 0 && !m.Time.IsZero():
		return graph.AsOf{}, fmt.Errorf("as of revision %d and %s: name one moment: %w", m.Revision, m.Time.Format(time.RFC3339), graph.ErrInvalid)
	case m.Revision < 0:
		return graph.AsOf{}, fmt.Errorf("as of revision %d: revisions count from 1: %w", m.Revision, graph.ErrInvalid)
	case m.Revision > head:
		return graph.AsOf{}, fmt.Errorf("as of revision %d: it is not there yet; the newest is %d: %w", m.Revision, head, graph.ErrNotFound)
	}
	at := m.Revision
	if at == 0 {
		if at, err = a.revisionAt(ctx, m.Time); err != nil {
			return graph.AsOf{}, err
		}
	}
	if _, err := a.store.Reader(ctx, system(), graph.Everything(), at); err != nil {
		return graph.AsOf{}, fmt.Errorf("as of %s: %w", m, err)
	}
	return graph.AsOf{Revision: at, Past: true}, nil
}

// revisionAt returns the revision that was the newest at a time. The end of
// today means now; what else has not come yet is refused, for its answer would
// change.
func (a *App) revisionAt(ctx context.Context, at time.Time) (graph.Revision, error) {
	now := a.now().UTC()
	if at.After(now) && !at.Equal(graph.EndOfDay(now)) {
		return 0, fmt.Errorf("as of %s: that time has not come yet: %w", at.Format(time.RFC3339), graph.ErrInvalid)
	}
	r, err := a.store.Reader(ctx, system(), graph.Everything(), 0)
	if err != nil {
		return 0, err
	}
	revision, err := r.RevisionAt(ctx, at)
	if !errors.Is(err, graph.ErrNotFound) {
		return revision, err
	}
	began, also := a.store.Began(ctx)
	switch {
	case also != nil:
		return 0, also
	case began.IsZero():
		return 0, fmt.Errorf("as of %s: the catalog is empty: %w", at.Format(time.RFC3339), graph.ErrNotFound)
	}
	return 0, fmt.Errorf("as of %s: the catalog begins later, at %s: %w", at.Format(time.RFC3339), began.Format(time.RFC3339), graph.ErrNotFound)
}

// Standing says which revision a question is answered at, which is the newest
// and which the oldest that can be asked for.
func (a *App) Standing(ctx context.Context, who graph.Principal) (shape.Standing, error) {
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return shape.Standing{}, err
	}
	out := shape.Standing{Revision: r.Revision(), Newest: r.Revision() == r.Newest(), Head: r.Newest()}
	if out.At, err = committedAt(ctx, r); err != nil {
		return out, err
	}
	floor, err := a.store.Floor(ctx)
	if err != nil {
		return out, err
	}
	out.Since, out.SinceAt, out.ForgottenAt = floor.Revision, floor.At, floor.Forgotten
	if out.Since == 0 {
		out.Since = min(1, out.Head)
		out.SinceAt, err = a.store.Began(ctx)
	}
	return out, err
}
