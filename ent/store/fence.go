package store

import (
	"context"
	"fmt"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/fence"
	"cadastre.dev/cadastre/graph"
)

// ErrTaken is of a commit that was refused because another program has begun
// the same work since. It is a graph.ErrConflict; that program will commit.
var ErrTaken = fmt.Errorf("begun again by another program, which will commit it: %w", graph.ErrConflict)

// TakeFence makes the caller the newest holder of a work that only one may do
// at a time, such as the crawl of a source, and returns its number. From then
// on a commit of an older holder is refused.
func (s *Store) TakeFence(ctx context.Context, work string) (int64, error) {
	number := int64(1)
	err := s.write(ctx, true, func(rows *gen.Client) error {
		last, err := rows.Fence.Get(ctx, work)
		if err != nil && !gen.IsNotFound(err) {
			return err
		}
		if last != nil {
			number = last.Number + 1
		}
		return rows.Fence.Create().SetID(work).SetNumber(number).SetTakenAt(micros(s.now())).
			OnConflictColumns(fence.FieldID).UpdateNewValues().Exec(ctx)
	})
	if err != nil {
		return 0, fmt.Errorf("take the fence of %s: %w", work, err)
	}
	return number, nil
}

// HoldFence is ErrTaken where somebody has taken the fence since: the
// commit is of a holder that the others believe gone, and must not be made.
func (t *Tx) HoldFence(ctx context.Context, work string, number int64) error {
	last, err := t.rows.Fence.Get(ctx, work)
	if err != nil && !gen.IsNotFound(err) {
		return fmt.Errorf("look at the fence of %s: %w", work, err)
	}
	if last == nil || last.Number != number {
		return fmt.Errorf("commit of %s: %w", work, ErrTaken)
	}
	return nil
}
