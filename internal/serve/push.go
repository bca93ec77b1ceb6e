package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/push"
)

// PushAnswer says what became of a batch.
type PushAnswer struct {
	// Revision is the catalog's after the batch.
	Revision graph.Revision `json:"revision"`
	// Began, Changed and Ended count the items that the batch changed: assets,
	// columns, owners, grants, tags and edges, each for itself.
	Began   int `json:"began"`
	Changed int `json:"changed"`
	Ended   int `json:"ended"`
	// Unchanged counts the assets of which the batch says what the source said
	// before.
	Unchanged int `json:"unchanged"`
	// Replayed says that the same batch was written before, and not again.
	Replayed bool `json:"replayed"`
}

// touchAfter is how often it is kept that a token is in use.
const touchAfter = time.Minute

// push writes a batch as the service that holds the token, all of it or
// nothing, and makes due what follows. The same batch under the same key is
// answered as it was; another batch under it is graph.ErrConflict, and so is
// one that would take over another source's asset or remove too much.
// graph.ErrDenied where the token is not for the source.
func (a *App) push(ctx context.Context, k store.Token, batch push.Batch) (PushAnswer, error) {
	if err := a.mayPush(ctx, k, batch.Source); err != nil {
		return PushAnswer{}, err
	}
	var (
		answer   PushAnswer
		heldBack *ingest.Held
	)
	_, err := a.store.Commit(ctx, service(k), "push "+batch.Source, func(tx *store.Tx) error {
		var err error
		if answer, err = replay(ctx, tx, batch); !errors.Is(err, graph.ErrNotFound) {
			return err
		}
		answer, heldBack, err = a.writeBatch(ctx, tx, batch)
		if err == nil && a.now().Sub(k.LastUsedAt) > touchAfter {
			err = tx.TouchToken(ctx, k.ID, a.now())
		}
		return err
	})
	if err == nil && heldBack != nil {
		f := heldBack.Finding(batch.Source)
		err = fmt.Errorf("%s; ask somebody who may crawl to look and to allow it on the page of sources, or with `cadastre crawl %s --remove %s`, then send the batch again: %w", f.What, batch.Source, heldBack.Hash, graph.ErrConflict)
	}
	if err != nil {
		return PushAnswer{}, fmt.Errorf("push: %w", err)
	}
	return answer, nil
}

// mayPush refuses a source that the token does not name, and one that is
// crawled, whatever it names: two would speak for one another.
func (a *App) mayPush(ctx context.Context, k store.Token, source string) error {
	why := fmt.Sprintf("the token of %s is not for source %q; ask an administrator for one that is", k.Name, source)
	for _, s := range k.Sources {
		if s == source {
			why = ""
		}
	}
	if why == "" && a.isCrawled(source) {
		why = fmt.Sprintf("source %q is crawled; push as a source of its own", source)
	}
	if why == "" {
		return nil
	}
	// The source is no object: a sender may make up as many as it likes, and
	// each would be an event of its own.
	err := a.recordBounded(ctx, service(k), audit.Event{Action: "refused", Object: "push", Detail: map[string]string{"action": "push", "source": source, "token": k.ID}})
	return errors.Join(fmt.Errorf("push: %s: %w", why, graph.ErrDenied), err)
}

// replay returns what was answered to the batch; graph.ErrNotFound where it is
// new.
func replay(ctx context.Context, tx *store.Tx, batch push.Batch) (PushAnswer, error) {
	before, err := tx.Push(ctx, batch.Source, batch.Key)
	if err != nil {
		return PushAnswer{}, err
	}
	if !bytes.Equal(before.Digest, batch.Digest[:]) {
		return PushAnswer{}, fmt.Errorf("key %q was used for another batch at %s; choose a new key for each batch: %w", batch.Key, before.At.Format(time.RFC3339), graph.ErrConflict)
	}
	var answer PushAnswer
	if err := json.Unmarshal([]byte(before.Answer), &answer); err != nil {
		return PushAnswer{}, fmt.Errorf("read the answer to %q: %w", batch.Key, err)
	}
	answer.Replayed = true
	return answer, nil
}

// txCatalog is the catalog as one transaction sees it.
type txCatalog struct{ tx *store.Tx }

// Sightings returns what the source last said of assets.
func (c txCatalog) Sightings(ctx context.Context, source string, refs ...graph.Ref) (map[graph.Ref]ingest.Digest, error) {
	found, err := c.tx.Sightings(ctx, source, refs...)
	return digests(found), err
}

// Standing tells what stands in a scope.
func (c txCatalog) Standing(ctx context.Context, scope graph.Scope, each func(ref, parent graph.Ref) error) error {
	return c.tx.Standing(ctx, scope, each)
}

// Known returns what the catalog knows of the assets.
func (c txCatalog) Known(ctx context.Context, refs ...graph.Ref) (graph.Snapshot, error) {
	return c.tx.KnownOf(ctx, refs...)
}

// writeBatch compares a batch with what is known and writes the difference, or
// keeps that it is held back.
func (a *App) writeBatch(ctx context.Context, tx *store.Tx, batch push.Batch) (PushAnswer, *ingest.Held, error) {
	cursor, err := tx.Cursor(ctx, batch.Source)
	if err != nil && !errors.Is(err, graph.ErrNotFound) {
		return PushAnswer{}, nil, err
	}
	cursor.Source = batch.Source
	crawl, unchanged, err := ingest.Settle(ctx, txCatalog{tx}, batch.Source, batch.Facts, ingest.SettleConfig{
		Removal: a.removalOf(batch.Source), Allowed: heldIn(cursor), Gone: batch.Gone, Now: a.now,
	})
	if err != nil {
		return PushAnswer{}, nil, err
	}
	if crawl.Held != nil {
		f := crawl.Held.Finding(batch.Source)
		cursor.Problems = []string{f.What + "; " + f.Do}
		if err := holdRemoval(tx, &cursor, crawl.Held); err != nil {
			return PushAnswer{}, nil, err
		}
		return PushAnswer{}, crawl.Held, tx.PutCursor(ctx, cursor)
	}
	if err := ownFacts(&crawl, batch); err != nil {
		return PushAnswer{}, nil, err
	}
	now := a.now()
	cursor.CrawledAt, cursor.Problems = now, nil
	if len(crawl.Done) > 0 {
		cursor.Held = ""
	}
	if err := tx.Apply(ctx, crawl.Delta); err != nil {
		return PushAnswer{}, nil, err
	}
	if err := errors.Join(tx.PutSeen(ctx, seenOf(crawl, now)), tx.PutCursor(ctx, cursor)); err != nil {
		return PushAnswer{}, nil, err
	}
	if len(crawl.Delta) > 0 {
		if err := tx.EnqueueSoon(ctx, store.PropagateArgs{}); err != nil {
			return PushAnswer{}, nil, err
		}
	}
	answer := answerOf(crawl.Delta, unchanged, tx.Revision())
	return answer, nil, a.keepAnswer(ctx, tx, batch, answer)
}

// ownFacts refuses what would take over an asset that another source tells of,
// and leaves edges as they are that are known otherwise.
func ownFacts(crawl *ingest.Crawl, batch push.Batch) error {
	kept := crawl.Delta[:0]
	for _, c := range crawl.Delta {
		changed, ok := c.(graph.Changed)
		if !ok {
			kept = append(kept, c)
			continue
		}
		switch was := changed.Was.(type) {
		case graph.Asset:
			if was.Source != batch.Source {
				return fmt.Errorf("%s: %s is told by source %s; push edges from it and to it, and not the asset itself: %w", batch.At(was.Ref), was.Ref, was.Source, graph.ErrConflict)
			}
		case graph.Edge:
			if was.Because != graph.EvidencePush {
				delete(crawl.Sightings, was.From.Asset())
				crawl.Forget = append(crawl.Forget, was.From.Asset())
				continue
			}
		}
		kept = append(kept, c)
	}
	crawl.Delta = kept
	return nil
}

func answerOf(delta graph.Delta, unchanged int, revision graph.Revision) PushAnswer {
	answer := PushAnswer{Revision: revision, Unchanged: unchanged}
	for _, c := range delta {
		switch c.(type) {
		case graph.Began:
			answer.Began++
		case graph.Changed:
			answer.Changed++
		case graph.Ended:
			answer.Ended++
		}
	}
	return answer
}

// keepAnswer keeps the answer under the batch's key, and forgets keys that are
// old enough.
func (a *App) keepAnswer(ctx context.Context, tx *store.Tx, batch push.Batch, answer PushAnswer) error {
	data, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("keep the answer to %s: %w", strconv.Quote(batch.Key), err)
	}
	now := a.now()
	if _, err := tx.SweepPushes(ctx, now.Add(-a.config.Push.keepKeys())); err != nil {
		return err
	}
	return tx.PutPush(ctx, store.Push{Source: batch.Source, Key: batch.Key, Digest: batch.Digest[:], Answer: string(data), At: now})
}
