package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/session"
)

// Sessions keeps the data of signed-in browsers, as scs wants it. Of a token
// only the hash is stored.
type Sessions struct{ store *Store }

// Sessions returns the keeper of sessions.
func (s *Store) Sessions() *Sessions { return &Sessions{s} }

// FindCtx returns the data of a session that has not expired.
func (s *Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	row, err := s.store.rows.Session.Query().
		Where(session.ID(hashOf(token)), session.ExpiresAtGT(micros(s.store.now()))).Only(ctx)
	if gen.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("find session: %w", err)
	}
	return row.Data, true, nil
}

// CommitCtx adds or replaces a session, and sweeps those that have expired.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	err := s.store.write(ctx, false, func(rows *gen.Client) error {
		if _, err := rows.Session.Delete().Where(session.ExpiresAtLTE(micros(s.store.now()))).Exec(ctx); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		return rows.Session.Create().SetID(hashOf(token)).SetData(append([]byte{}, data...)).SetExpiresAt(micros(expiry)).
			OnConflictColumns(session.FieldID).UpdateNewValues().Exec(ctx)
	})
	if err != nil {
		return fmt.Errorf("keep session: %w", err)
	}
	return nil
}

// DeleteCtx ends a session; one that is not there is no error.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	err := s.store.write(ctx, false, func(rows *gen.Client) error {
		_, err := rows.Session.Delete().Where(session.ID(hashOf(token))).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// EndAll ends every session: whoever was signed in signs in again.
func (s *Sessions) EndAll(ctx context.Context) error {
	err := s.store.write(ctx, false, func(rows *gen.Client) error {
		_, err := rows.Session.Delete().Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("end all sessions: %w", err)
	}
	return nil
}

// Find is FindCtx for callers without a context.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx for callers without a context.
func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx for callers without a context.
func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// hashOf is what is stored of a token. Tokens are drawn with so much chance in
// them that a plain hash cannot be undone.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
