package store

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/token"
	"cadastre.dev/cadastre/graph"
)

// Token is what a service shows to push. Of the secret only a hash is stored.
type Token struct {
	// ID names the token to people.
	ID string
	// Name is the service's; it acts as service:name.
	Name string
	// Sources are those that it may push as.
	Sources              []string
	CreatedBy            string
	CreatedAt, ExpiresAt time.Time
	// RevokedAt is zero while it may be used, LastUsedAt before its first use.
	RevokedAt, LastUsedAt time.Time
}

// PutToken keeps a new token with the hash of its secret.
func (t *Tx) PutToken(ctx context.Context, k Token, hash []byte) error {
	sources, err := putJSON(len(k.Sources), k.Sources)
	if err != nil {
		return fmt.Errorf("put token %s: %w", k.ID, err)
	}
	err = t.rows.Token.Create().SetID(k.ID).SetHash(hash).SetName(k.Name).SetSources(sources).SetCreatedBy(k.CreatedBy).
		SetCreatedAt(micros(k.CreatedAt)).SetExpiresAt(micros(k.ExpiresAt)).Exec(ctx)
	if gen.IsConstraintError(err) {
		return fmt.Errorf("put token %s: there is one already: %w", k.ID, graph.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("put token %s: %w", k.ID, err)
	}
	return nil
}

// RevokeToken ends a token from a time on, and returns it. One that was
// revoked before stays as it was.
func (t *Tx) RevokeToken(ctx context.Context, id string, at time.Time) (Token, error) {
	_, err := t.rows.Token.Update().Where(token.ID(id), token.RevokedAtIsNil()).SetRevokedAt(micros(at)).Save(ctx)
	if err != nil {
		return Token{}, fmt.Errorf("revoke token %s: %w", id, err)
	}
	row, err := t.rows.Token.Get(ctx, id)
	if gen.IsNotFound(err) {
		return Token{}, fmt.Errorf("token %s: %w", id, graph.ErrNotFound)
	}
	if err != nil {
		return Token{}, fmt.Errorf("read token %s: %w", id, err)
	}
	return tokenFrom(row)
}

// TouchToken keeps when a token was used.
func (t *Tx) TouchToken(ctx context.Context, id string, at time.Time) error {
	if err := t.rows.Token.UpdateOneID(id).SetLastUsedAt(micros(at)).Exec(ctx); err != nil && !gen.IsNotFound(err) {
		return fmt.Errorf("touch token %s: %w", id, err)
	}
	return nil
}

// TokenBy returns the token with the hash of its secret, also one that may no
// longer be used; graph.ErrNotFound where there is none.
func (s *Store) TokenBy(ctx context.Context, hash []byte) (Token, error) {
	row, err := s.rows.Token.Query().Where(token.Hash(hash)).Only(ctx)
	if gen.IsNotFound(err) || err == nil && subtle.ConstantTimeCompare(row.Hash, hash) != 1 {
		return Token{}, fmt.Errorf("token: %w", graph.ErrNotFound)
	}
	if err != nil {
		return Token{}, fmt.Errorf("read token: %w", fault(err))
	}
	return tokenFrom(row)
}

// Tokens returns all tokens, newest first.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) {
	rows, err := s.rows.Token.Query().Order(gen.Desc(token.FieldCreatedAt), gen.Asc(token.FieldID)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", fault(err))
	}
	out := make([]Token, 0, len(rows))
	for _, row := range rows {
		k, err := tokenFrom(row)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

func tokenFrom(row *gen.Token) (Token, error) {
	sources, err := getJSON[[]string](row.Sources)
	if err != nil {
		return Token{}, fmt.Errorf("read token %s: %w", row.ID, err)
	}
	k := Token{
		ID: row.ID, Name: row.Name, Sources: sources, CreatedBy: row.CreatedBy,
		CreatedAt: fromMicros(row.CreatedAt), ExpiresAt: fromMicros(row.ExpiresAt),
	}
	if row.RevokedAt != nil {
		k.RevokedAt = fromMicros(*row.RevokedAt)
	}
	if row.LastUsedAt != 0 {
		k.LastUsedAt = fromMicros(row.LastUsedAt)
	}
	return k, nil
}
