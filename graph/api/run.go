package api

import (
	"context"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

func (q query) Runs(ctx context.Context, source string, first *int) ([]shape.Run, error) {
	who, err := q.who(ctx)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(first, 10)
	if err != nil {
		return nil, err
	}
	return q.Undoer.Runs(ctx, who, source, size)
}

func (q query) UndoPreview(ctx context.Context, run graph.Revision) (*shape.UndoRun, error) {
	who, err := q.who(ctx)
	if err != nil {
		return nil, err
	}
	would, err := q.Undoer.UndoPreview(ctx, who, run)
	return &would, err
}

func (m mutation) UndoRun(ctx context.Context, run graph.Revision, keepLater *bool) (*shape.UndoRun, error) {
	who, err := m.who(ctx)
	if err != nil {
		return nil, err
	}
	did, err := m.Undoer.UndoRun(ctx, who, run, keepLater != nil && *keepLater)
	return &did, err
}
