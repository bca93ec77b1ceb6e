package api

import (
	"context"

	"cadastre.dev/cadastre/graph/api/shape"
)

func (q query) Tokens(ctx context.Context) ([]shape.Token, error) {
	who, err := q.who(ctx)
	if err != nil {
		return nil, err
	}
	return q.Administrator.Tokens(ctx, who)
}

func (m mutation) CreateToken(ctx context.Context, name string, sources []string, days int) (*shape.NewToken, error) {
	who, err := m.who(ctx)
	if err != nil {
		return nil, err
	}
	made, err := m.Administrator.CreateToken(ctx, who, name, sources, days)
	if err != nil {
		return nil, err
	}
	return &made, nil
}

func (m mutation) RevokeToken(ctx context.Context, id string) (*shape.Token, error) {
	who, err := m.who(ctx)
	if err != nil {
		return nil, err
	}
	revoked, err := m.Administrator.RevokeToken(ctx, who, id)
	if err != nil {
		return nil, err
	}
	return &revoked, nil
}
