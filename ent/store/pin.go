package store

import (
	"context"
	"fmt"

	"cadastre.dev/cadastre/ent/gen"
)

// Pin keeps a value under a name for as long as the catalog is there, unless
// one is kept already, and returns what is kept.
func (s *Store) Pin(ctx context.Context, name, value string) (string, error) {
	kept, err := s.rows.Meta.Get(ctx, pinned+name)
	if err == nil {
		return kept.Value, nil
	}
	if !gen.IsNotFound(err) {
		return "", fmt.Errorf("look at what is pinned as %s: %w", name, fault(err))
	}
	err = s.write(ctx, true, func(rows *gen.Client) error {
		kept, err = rows.Meta.Get(ctx, pinned+name)
		if gen.IsNotFound(err) {
			kept, err = rows.Meta.Create().SetID(pinned + name).SetValue(value).Save(ctx)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("pin %s: %w", name, err)
	}
	return kept.Value, nil
}

// pinned begins the rows of meta that Pin writes.
const pinned = "pin:"
