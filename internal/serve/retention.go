package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

// retainAgain is how often history that is too old is looked for.
const retainAgain = 24 * time.Hour

// keepRetaining makes retention due now and at each tick, where any is
// configured. It returns when ctx ends.
func (a *App) keepRetaining(ctx context.Context, tick <-chan time.Time) {
	for {
		if err := a.startRetaining(ctx); err != nil && ctx.Err() == nil {
			a.logger.WarnContext(ctx, "retention is not due", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}

// startRetaining makes retention due, where any is configured.
func (a *App) startRetaining(ctx context.Context) error {
	if a.config.History.KeepDays == 0 {
		return nil
	}
	_, err := a.store.Commit(ctx, system(), "retain", func(tx *store.Tx) error { return tx.Enqueue(ctx, store.RetainArgs{}) })
	return err
}

// retain removes the history that is older than it is kept: what ended before
// the revision that was the newest that many days ago.
func (a *App) retain(ctx context.Context) error {
	days := a.config.History.KeepDays
	if days == 0 {
		return nil
	}
	r, err := a.store.Reader(ctx, system(), graph.Everything(), 0)
	if err != nil {
		return err
	}
	floor, err := r.RevisionAt(ctx, a.now().AddDate(0, 0, -days))
	if errors.Is(err, graph.ErrNotFound) {
		return nil // the catalog is younger than that
	}
	if err != nil {
		return fmt.Errorf("retain history of %d days: %w", days, err)
	}
	var gone store.Forgotten
	_, err = a.store.Commit(ctx, system(), "retain", func(tx *store.Tx) (err error) {
		gone, err = tx.Forget(ctx, floor)
		return err
	})
	if err == nil && gone != nil {
		a.logger.InfoContext(ctx, "history was removed under retention", "revision", floor, "count", days)
	}
	return err
}

// checkHistory tells of history that is no longer there.
func (a *App) checkHistory(ctx context.Context) []graph.Finding {
	floor, err := a.store.Floor(ctx)
	if err != nil {
		return []graph.Finding{{Level: graph.FindingBlock, Code: "history", What: err.Error(), Do: "look at the database"}}
	}
	if floor.Revision == 0 {
		return nil
	}
	return []graph.Finding{{
		Level: graph.FindingInfo, Code: "history-removed",
		What: fmt.Sprintf("history before revision %d (%s) was removed under retention on %s", floor.Revision, floor.At.Format(time.RFC3339), floor.Forgotten.Format(time.DateOnly)),
		Do:   "nothing, if that is meant; history.keep_days says how long it is kept from now on",
	}}
}
