package store

import (
	"context"
	"fmt"

	"cadastre.dev/cadastre/ent/gen"
)

// Pin keeps a value under a name for as long as the catalog is there, unless
// one is kept already, and returns what is kept.
func (s *Store) Pin(ctx context.Context, name, value string) (string, error) {
	row, err := s.rows.Meta.Get(ctx, pinned+name)
	if err == nil {
		return row.Value, nil
	}
	if !gen.IsNotFound(err) {
		return "", fmt.Errorf("look at what is pinned as %s: %w", name, fault(err))
	}
	kept, err := s.keepOnce(ctx, pinned+name, value)
	if err != nil {
		return "", fmt.Errorf("pin %s: %w", name, err)
	}
	return kept, nil
}

// keepOnce writes a row of meta unless it is there, and returns what it holds.
func (s *Store) keepOnce(ctx context.Context, id, value string) (kept string, err error) {
	err = s.write(ctx, true, func(rows *gen.Client) error {
		row, err := rows.Meta.Get(ctx, id)
		if gen.IsNotFound(err) {
			row, err = rows.Meta.Create().SetID(id).SetValue(value).Save(ctx)
		}
		if err != nil {
			return err
		}
		kept = row.Value
		return nil
	})
	return kept, err
}

// pinned begins the rows of meta that Pin writes.
const pinned = "pin:"
