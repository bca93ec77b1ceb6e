package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/ingest"
)

// The events of a removal that is held back and allowed.
const (
	eventHold  = "hold_removal"
	eventAllow = "allow_removal"
)

// heldRemoval returns the removal of a source that waits, nil where none does. One
// that cannot be read waits for nobody: the next run asks again.
func (a *App) heldRemoval(ctx context.Context, source string) (*ingest.Held, error) {
	cursor, err := a.store.Cursor(ctx, source)
	if err != nil && !errors.Is(err, graph.ErrNotFound) {
		return nil, err
	}
	return heldIn(cursor), nil
}

func heldIn(cursor store.Cursor) *ingest.Held {
	var held ingest.Held
	if cursor.Held == "" || json.Unmarshal([]byte(cursor.Held), &held) != nil {
		return nil
	}
	return &held
}

// holdRemoval keeps a removal with its source, and records it unless it is held back
// already.
func holdRemoval(tx *store.Tx, at *store.Cursor, held *ingest.Held) error {
	before := heldIn(*at)
	data, err := json.Marshal(held)
	if err != nil {
		return fmt.Errorf("hold the removal of %s: %w", at.Source, err)
	}
	at.Held = string(data)
	if before == nil || before.Hash != held.Hash || before.AllowedBy != "" {
		tx.Record(audit.Event{Action: eventHold, Object: at.Source, Detail: map[string]string{"hash": held.Hash, "assets": strconv.Itoa(held.Total)}})
	}
	return nil
}

// allowRemoval says in somebody's name that the removal that a source holds
// back may be made. It must be the one that they looked at.
func allowRemoval(ctx context.Context, tx *store.Tx, source string, who graph.Principal, hash string) error {
	cursor, err := tx.Cursor(ctx, source)
	if err != nil && !errors.Is(err, graph.ErrNotFound) {
		return err
	}
	held := heldIn(cursor)
	if held == nil {
		return fmt.Errorf("allow the removal %s of %s: nothing is held back; it was removed meanwhile, or the assets are there again: %w", hash, source, graph.ErrConflict)
	}
	if held.Hash != hash {
		return fmt.Errorf("allow the removal %s of %s: another is held back by now, %s of %d assets; look at that: %w", hash, source, held.Hash, held.Total, graph.ErrConflict)
	}
	held.AllowedBy = who.ID
	data, err := json.Marshal(held)
	if err != nil {
		return fmt.Errorf("allow the removal of %s: %w", source, err)
	}
	cursor.Held = string(data)
	tx.Record(audit.Event{Action: eventAllow, Object: source, Detail: map[string]string{"hash": held.Hash, "assets": strconv.Itoa(held.Total)}})
	return tx.PutCursor(ctx, cursor)
}
