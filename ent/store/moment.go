package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/decision"
	"cadastre.dev/cadastre/ent/gen/meta"
	"cadastre.dev/cadastre/ent/gen/revision"
	"cadastre.dev/cadastre/graph"
)

// Newest returns the revision that was the newest when the reader was made.
func (r *Reader) Newest() graph.Revision { return r.newest }

// RevisionInfos returns when, by whom and why the revisions were made, as
// Revisions tells it. Numbers after the reader's revision have no entry.
func (r *Reader) RevisionInfos(ctx context.Context, numbers ...graph.Revision) (map[graph.Revision]RevisionInfo, error) {
	out := make(map[graph.Revision]RevisionInfo, len(numbers))
	for part := range slices.Chunk(numbers, chunk) {
		ids := make([]int64, len(part))
		for i, n := range part {
			ids[i] = int64(n)
		}
		rows, err := r.store.rows.Revision.Query().Where(revision.IDIn(ids...), revision.IDLTE(int64(r.at))).All(ctx)
		if err != nil {
			return nil, fmt.Errorf("read revisions: %w", fault(err))
		}
		for _, row := range rows {
			out[graph.Revision(row.ID)] = r.infoOf(row)
		}
	}
	return out, nil
}

// infoOf shows a revision to the reader's principal.
func (r *Reader) infoOf(row *gen.Revision) RevisionInfo {
	info := RevisionInfo{Number: graph.Revision(row.ID), At: fromMicros(row.At), Actor: row.Actor, Why: row.Why}
	if !r.hidesNothing() && row.Actor != r.who.ID {
		info.Why = ""
	}
	return info
}

// Began returns when the first revision was made, the zero time for an empty
// catalog.
func (s *Store) Began(ctx context.Context) (time.Time, error) {
	first, err := s.rows.Revision.Query().Order(gen.Asc(revision.FieldID)).First(ctx)
	if gen.IsNotFound(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read the first revision: %w", fault(err))
	}
	return fromMicros(first.At), nil
}

// Ledger says by which policy the decisions were made that held at a revision,
// and for which audiences. All decisions that hold at one revision are of one
// policy, since a policy that moves decides everything anew.
type Ledger struct {
	// Policy is its hash; empty where nothing was decided yet.
	Policy string
	// Reads are the attributes by which it told columns apart; nil where it
	// was not noted.
	Reads graph.Projection
	// Audiences are sorted.
	Audiences []string
}

// Ledger returns what decided at the reader's revision.
func (r *Reader) Ledger(ctx context.Context) (Ledger, error) {
	at := int64(r.at)
	holding := decision.And(decision.BeganLTE(at), decision.Or(decision.EndedIsNil(), decision.EndedGT(at)))
	var l Ledger
	names, err := r.store.rows.Decision.Query().Where(holding).Unique(true).Select(decision.FieldAudience).Strings(ctx)
	if err != nil {
		return l, fmt.Errorf("read the access ledger: %w", fault(err))
	}
	slices.Sort(names)
	l.Audiences = slices.Compact(names)
	one, err := r.store.rows.Decision.Query().Where(holding).Order(gen.Asc(decision.FieldID)).First(ctx)
	if gen.IsNotFound(err) {
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("read the access ledger: %w", fault(err))
	}
	var made graph.Decision
	if err := json.Unmarshal([]byte(one.Content), &made); err != nil {
		return l, fmt.Errorf("read decision of %s: %w", one.Audience, err)
	}
	l.Policy = made.Policy
	note, err := r.store.rows.Meta.Get(ctx, metaPolicy+l.Policy)
	if gen.IsNotFound(err) {
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("read policy %s: %w", l.Policy, fault(err))
	}
	if err := json.Unmarshal([]byte(note.Value), &l.Reads); err != nil {
		return l, fmt.Errorf("read policy %s: %w", l.Policy, err)
	}
	return l, nil
}

// metaPolicy begins the rows of meta that hold, by the hash of a policy, the
// attributes which it reads.
const metaPolicy = "policy.reads."

// NotePolicy keeps by which attributes a policy tells columns apart, so that
// the class of a column can be found in the ledger when that policy has gone.
func (t *Tx) NotePolicy(ctx context.Context, hash string, reads graph.Projection) error {
	note, err := json.Marshal(reads)
	if err != nil {
		return fmt.Errorf("note policy %s: %w", hash, err)
	}
	err = t.rows.Meta.Create().SetID(metaPolicy + hash).SetValue(string(note)).OnConflictColumns(meta.FieldID).UpdateNewValues().Exec(ctx)
	if err != nil {
		return fmt.Errorf("note policy %s: %w", hash, err)
	}
	return nil
}
