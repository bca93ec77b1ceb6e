package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/push"
	"cadastre.dev/cadastre/graph"
	"github.com/riverqueue/river"
)

// Push is a batch that was written, by the key that its sender chose.
type Push struct {
	Source, Key string
	// Digest is that of the batch, Answer what was answered.
	Digest []byte
	Answer string
	At     time.Time
}

// Push returns the batch with the key; graph.ErrNotFound where none was
// written, or it was swept.
func (t *Tx) Push(ctx context.Context, source, key string) (Push, error) {
	row, err := t.rows.Push.Query().Where(push.Source(source), push.Key(key)).Only(ctx)
	if gen.IsNotFound(err) {
		return Push{}, fmt.Errorf("push %s of %s: %w", key, source, graph.ErrNotFound)
	}
	if err != nil {
		return Push{}, fmt.Errorf("read push %s of %s: %w", key, source, err)
	}
	return Push{Source: row.Source, Key: row.Key, Digest: row.Digest, Answer: row.Answer, At: fromMicros(row.At)}, nil
}

// PutPush keeps a batch; one with the key that there is already is
// graph.ErrConflict.
func (t *Tx) PutPush(ctx context.Context, p Push) error {
	err := t.rows.Push.Create().SetSource(p.Source).SetKey(p.Key).SetDigest(p.Digest).SetAnswer(p.Answer).SetAt(micros(p.At)).Exec(ctx)
	if gen.IsConstraintError(err) {
		return fmt.Errorf("put push %s of %s: there is one already: %w", p.Key, p.Source, graph.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("put push %s of %s: %w", p.Key, p.Source, err)
	}
	return nil
}

// SweepPushes forgets the batches from before a time, and returns how many.
func (t *Tx) SweepPushes(ctx context.Context, before time.Time) (int, error) {
	n, err := t.rows.Push.Delete().Where(push.AtLT(micros(before))).Exec(ctx)
	if err != nil {
		return n, fmt.Errorf("sweep pushes: %w", err)
	}
	return n, nil
}

// Revision is the revision that the catalog has if the transaction commits as
// it is now.
func (t *Tx) Revision() graph.Revision {
	if len(t.counts) > 0 {
		return t.next()
	}
	return t.head
}

// soon is how long a job waits that EnqueueSoon makes due.
const soon = 2 * time.Second

// soonArgs are arguments of a job that is due a little later.
type soonArgs struct {
	river.JobArgs
	at time.Time
}

// InsertOpts puts the job off.
func (s soonArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{ScheduledAt: s.at} }

// MarshalJSON writes the arguments alone.
func (s soonArgs) MarshalJSON() ([]byte, error) { return json.Marshal(s.JobArgs) }

// EnqueueSoon is Enqueue for work that need not follow each of many small
// commits: those of a few seconds share one job.
func (t *Tx) EnqueueSoon(ctx context.Context, args river.JobArgs) error {
	return t.Enqueue(ctx, soonArgs{args, time.Now().Add(soon)})
}
