package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/checkpoint"
	"cadastre.dev/cadastre/ent/gen/event"
	"cadastre.dev/cadastre/ent/gen/meta"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// ActionCheckpoint is the audit log's word for a checkpoint that was made.
const ActionCheckpoint = "checkpoint"

// Checkpoint is a signed note of the first Size events of the audit log.
type Checkpoint struct {
	Size int64
	At   time.Time
	// Note is the text as it was signed.
	Note string
}

// Signer signs checkpoints and reads those that were signed before.
type Signer interface {
	// Sign returns the signed note.
	Sign(audit.Checkpoint) ([]byte, error)
	// Open returns what a note says; graph.ErrInvalid where no key of this
	// catalog signed it.
	Open(note []byte) (audit.Checkpoint, error)
}

// Checkpoints returns all checkpoints, the oldest first.
func (s *Store) Checkpoints(ctx context.Context) ([]Checkpoint, error) {
	rows, err := s.rows.Checkpoint.Query().Order(gen.Asc(checkpoint.FieldID)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	out := make([]Checkpoint, 0, len(rows))
	for _, row := range rows {
		out = append(out, checkpointOf(row))
	}
	return out, nil
}

// LastCheckpoint returns the newest checkpoint; graph.ErrNotFound where none
// was made.
func (s *Store) LastCheckpoint(ctx context.Context) (Checkpoint, error) {
	return lastCheckpoint(ctx, s.rows)
}

func lastCheckpoint(ctx context.Context, rows *gen.Client) (Checkpoint, error) {
	row, err := rows.Checkpoint.Query().Order(gen.Desc(checkpoint.FieldID)).First(ctx)
	if gen.IsNotFound(err) {
		return Checkpoint{}, fmt.Errorf("checkpoint: none was made yet: %w", graph.ErrNotFound)
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read the newest checkpoint: %w", err)
	}
	return checkpointOf(row), nil
}

func checkpointOf(row *gen.Checkpoint) Checkpoint {
	return Checkpoint{Size: row.ID, At: fromMicros(row.At), Note: row.Note}
}

// Unsigned counts the events behind the newest checkpoint, without those that
// tell of checkpoints, and returns when the first of them was written.
func (s *Store) Unsigned(ctx context.Context) (int, time.Time, error) {
	last, err := s.LastCheckpoint(ctx)
	if err != nil && !errors.Is(err, graph.ErrNotFound) {
		return 0, time.Time{}, err
	}
	behind := s.rows.Event.Query().Where(event.IDGT(last.Size), event.ActionNEQ(ActionCheckpoint))
	n, err := behind.Clone().Count(ctx)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count events behind the newest checkpoint: %w", err)
	}
	if n == 0 {
		return 0, time.Time{}, nil
	}
	first, err := behind.Order(gen.Asc(event.FieldID)).First(ctx)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("read the first event behind the newest checkpoint: %w", err)
	}
	return n, fromMicros(first.At), nil
}

// Tree returns how far the log was read when the newest checkpoint was made,
// as it is noted beside the log; the zero Tree where none was. What does not
// read as such a note is graph.ErrInvalid.
func (s *Store) Tree(ctx context.Context) (audit.Tree, error) { return treeOf(ctx, s.rows) }

// metaTree is the row of meta that holds how far the newest checkpoint read.
const metaTree = "audit_tree"

func treeOf(ctx context.Context, rows *gen.Client) (audit.Tree, error) {
	var tree audit.Tree
	row, err := rows.Meta.Get(ctx, metaTree)
	if gen.IsNotFound(err) {
		return tree, nil
	}
	if err != nil {
		return tree, fmt.Errorf("read the tree of the audit log: %w", err)
	}
	return tree, tree.UnmarshalText([]byte(row.Value))
}

// Checkpoint signs the log as it stood before this transaction, and records
// that it did. Only what is new since the last checkpoint is read. Where
// nothing is new but that it was made, the last one is returned and nothing is
// recorded.
//
// It signs no log that contradicts the checkpoint before, or that is broken or
// cut off behind it: that is graph.ErrConflict. A note of the tree that was
// lost or changed is made anew from the whole log, which must then agree with
// the checkpoint before. An empty log is graph.ErrNotFound.
func (t *Tx) Checkpoint(ctx context.Context, signer Signer) (Checkpoint, error) {
	tree, last, err := t.signedTree(ctx, signer)
	if err != nil {
		return Checkpoint{}, err
	}
	fresh, err := t.grow(ctx, &tree, -1)
	if err != nil {
		return Checkpoint{}, err
	}
	if err := t.endsAt(ctx, tree); err != nil {
		return Checkpoint{}, err
	}
	switch {
	case tree.Size() == 0:
		return Checkpoint{}, fmt.Errorf("checkpoint: the audit log is empty: %w", graph.ErrNotFound)
	case fresh == 0:
		return last, nil
	}
	signed, err := signer.Sign(tree.Checkpoint())
	if err != nil {
		return Checkpoint{}, err
	}
	now := t.store.now().UTC().Truncate(time.Microsecond)
	if err := t.rows.Checkpoint.Create().SetID(tree.Size()).SetAt(micros(now)).SetNote(string(signed)).Exec(ctx); err != nil {
		return Checkpoint{}, fmt.Errorf("keep checkpoint: %w", err)
	}
	if err := t.putTree(ctx, tree); err != nil {
		return Checkpoint{}, err
	}
	root := tree.Checkpoint().Root
	t.Record(audit.Event{Action: ActionCheckpoint, Object: strconv.FormatInt(tree.Size(), 10), Detail: map[string]string{
		"root": base64.StdEncoding.EncodeToString(root[:]),
	}})
	return Checkpoint{Size: tree.Size(), At: now, Note: string(signed)}, nil
}

// signedTree returns the tree of the newest checkpoint and that checkpoint;
// both are zero where none was made.
func (t *Tx) signedTree(ctx context.Context, signer Signer) (audit.Tree, Checkpoint, error) {
	last, err := lastCheckpoint(ctx, t.rows)
	if errors.Is(err, graph.ErrNotFound) {
		return audit.Tree{}, Checkpoint{}, nil
	}
	if err != nil {
		return audit.Tree{}, last, err
	}
	said, err := signer.Open([]byte(last.Note))
	if err == nil && said.Size != last.Size {
		err = fmt.Errorf("it says that it has %d events: %w", said.Size, graph.ErrInvalid)
	}
	if err != nil {
		return audit.Tree{}, last, fmt.Errorf("checkpoint of %d events: %w: %w; run cadastre audit verify", last.Size, err, graph.ErrConflict)
	}
	tree, err := treeOf(ctx, t.rows)
	if err == nil && tree.Checkpoint() == said {
		return tree, last, nil
	}
	if err != nil && !errors.Is(err, graph.ErrInvalid) {
		return audit.Tree{}, last, err
	}
	tree = audit.Tree{}
	if _, err := t.grow(ctx, &tree, last.Size); err != nil {
		return tree, last, err
	}
	if tree.Checkpoint() != said {
		return tree, last, fmt.Errorf("the audit log is not that of the checkpoint of %d events: it was written anew or cut off; run cadastre audit verify: %w", last.Size, graph.ErrConflict)
	}
	return tree, last, nil
}

// grow adds the events behind the tree, up to a number of them or all of them
// where that is negative, and counts those that tell of no checkpoint.
func (t *Tx) grow(ctx context.Context, tree *audit.Tree, upTo int64) (fresh int, err error) {
	for {
		next := t.rows.Event.Query().Where(event.IDGT(tree.Size())).Order(gen.Asc(event.FieldID)).Limit(chunk)
		if upTo >= 0 {
			next.Where(event.IDLTE(upTo))
		}
		rows, err := next.All(ctx)
		if err != nil {
			return fresh, fmt.Errorf("read the audit log: %w", err)
		}
		for _, row := range rows {
			e, err := eventOf(row)
			if err == nil {
				err = tree.Add(e)
			}
			if err != nil {
				return fresh, fmt.Errorf("%w; run cadastre audit verify: %w", err, graph.ErrConflict)
			}
			if e.Action != ActionCheckpoint {
				fresh++
			}
		}
		if len(rows) < chunk {
			return fresh, nil
		}
	}
}

// endsAt holds a tree of the whole log against the note of where it ends.
func (t *Tx) endsAt(ctx context.Context, tree audit.Tree) error {
	seq, hash, err := eventsEnd(ctx, t.rows)
	if err == nil && (seq != tree.Size() || hash != tree.Head()) {
		err = fmt.Errorf("the audit log ends at event %d, and was written to event %d: its end was cut off", tree.Size(), seq)
	}
	if err != nil {
		return fmt.Errorf("%w; run cadastre audit verify: %w", err, graph.ErrConflict)
	}
	return nil
}

func (t *Tx) putTree(ctx context.Context, tree audit.Tree) error {
	text, err := tree.MarshalText()
	if err != nil {
		return err
	}
	n, err := t.rows.Meta.Update().Where(meta.ID(metaTree)).SetValue(string(text)).Save(ctx)
	if err == nil && n == 0 {
		err = t.rows.Meta.Create().SetID(metaTree).SetValue(string(text)).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("note the tree of the audit log: %w", err)
	}
	return nil
}

// Recorded returns the events that fit, the oldest first, all of them: for the
// program's own questions to its log.
func (s *Store) Recorded(ctx context.Context, in EventsIn) ([]audit.Event, error) {
	return recorded(ctx, s.rows, in)
}

// Recorded is Store.Recorded as the transaction sees the log; what it records
// itself is not in it yet.
func (t *Tx) Recorded(ctx context.Context, in EventsIn) ([]audit.Event, error) {
	return recorded(ctx, t.rows, in)
}

func recorded(ctx context.Context, rows *gen.Client, in EventsIn) ([]audit.Event, error) {
	found, err := in.narrow(rows.Event.Query().Order(gen.Asc(event.FieldID))).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	out := make([]audit.Event, 0, len(found))
	for _, row := range found {
		e, err := eventOf(row)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}
