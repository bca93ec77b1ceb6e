package serve

import (
	"context"
	"fmt"

	"cadastre.dev/cadastre/ent/store"
)

// fence is held by a job from its start until its last commit. Of two that do
// the same work at once, because a program was thought dead that was only slow,
// the one that began later has read the newer state: it alone may commit.
type fence struct {
	work   string
	number int64
}

// takeFence begins a work, and thereby ends every older one of its name.
func (a *App) takeFence(ctx context.Context, work string) (fence, error) {
	number, err := a.store.TakeFence(ctx, work)
	if err != nil {
		return fence{}, fmt.Errorf("begin %s: %w", work, err)
	}
	return fence{work, number}, nil
}

// hold is store.ErrTaken where the work was begun again since.
func (f fence) hold(ctx context.Context, tx *store.Tx) error {
	return tx.HoldFence(ctx, f.work, f.number)
}
