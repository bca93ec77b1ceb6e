package api

import (
	"context"

	"cadastre.dev/cadastre/graph/api/shape"
)

func (m mutation) BreakGlass(ctx context.Context, reason string) (*shape.Me, error) {
	who, err := m.who(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.Glass.BreakGlass(ctx, who, reason); err != nil {
		return nil, err
	}
	return query(m).Me(ctx)
}

func (m mutation) EndBreakGlass(ctx context.Context) (*shape.Me, error) {
	who, err := m.who(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.Glass.EndBreakGlass(ctx, who); err != nil {
		return nil, err
	}
	return query(m).Me(ctx)
}
