package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/revision"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// Commit runs fn in one write transaction on behalf of who. Three things may
// happen: something changed, and the new revision is returned; nothing of the
// catalog changed (events, jobs, plans and cursors of fn are kept none the
// less), and the present revision is returned; or an error, of fn or of the
// store, and nothing of it is written. Commits wait for each other. fn must
// not use the Store, only its Tx, and must not keep the Tx.
func (s *Store) Commit(ctx context.Context, who graph.Principal, why string, fn func(*Tx) error) (at graph.Revision, err error) {
	ctx, end := s.begin(ctx, "commit")
	defer func() { end(err) }()
	tx, err := s.db.begin(ctx, true)
	if err != nil {
		return 0, fmt.Errorf("commit %s: %w", why, unavailable(err))
	}
	defer tx.rollback()
	t := &Tx{store: s, tx: tx, rows: bind(s.dialect, tx), who: who, why: withoutNUL(strings.ToValidUTF8(why, "\uFFFD")), counts: map[string]int{}}
	if t.head, err = head(ctx, t.rows); err != nil {
		return 0, fmt.Errorf("commit %s: %w", why, fault(err))
	}
	if err := fn(t); err != nil {
		return 0, fault(err)
	}
	if at, err = t.finish(ctx); err != nil {
		return 0, fmt.Errorf("commit %s: %w", why, fault(err))
	}
	if err := tx.commit(ctx); err != nil {
		return 0, fmt.Errorf("commit %s: %w", why, unavailable(err))
	}
	t.committed(len(t.counts) > 0)
	return at, nil
}

// Tx is what the function of a Commit reads and writes with. It sees the
// catalog whole, as the transaction has made it so far. One goroutine uses it.
type Tx struct {
	store *Store
	tx    transaction
	rows  *gen.Client
	who   graph.Principal
	why   string
	// head is the revision before, which this transaction may follow.
	head graph.Revision
	// counts counts the changes of the catalog by what and how.
	counts map[string]int
	events []audit.Event
}

// next is the revision that this transaction makes if it changes anything.
func (t *Tx) next() graph.Revision { return t.head + 1 }

func (t *Tx) count(word, how string, n int) {
	if n > 0 {
		t.counts[word+"."+how] += n
	}
}

// finish writes the revision and the audit log, and returns the revision that
// now is the newest.
func (t *Tx) finish(ctx context.Context) (graph.Revision, error) {
	now := t.store.now().UTC().Truncate(time.Microsecond)
	at, made := t.head, graph.Revision(0)
	if len(t.counts) > 0 {
		at, made = t.next(), t.next()
		if err := t.putRevision(ctx, now); err != nil {
			return 0, err
		}
	}
	return at, t.putEvents(ctx, now, made)
}

func (t *Tx) putRevision(ctx context.Context, now time.Time) error {
	last, err := t.rows.Revision.Query().Order(gen.Desc(revision.FieldID)).First(ctx)
	if err != nil && !gen.IsNotFound(err) {
		return fmt.Errorf("read revision: %w", err)
	}
	at := micros(now)
	if last != nil {
		// A clock that was set back does not reorder history.
		at = max(at, last.At)
	}
	err = t.rows.Revision.Create().SetID(int64(t.next())).SetAt(at).SetActor(t.who.ID).SetWhy(t.why).Exec(ctx)
	if err != nil {
		return fmt.Errorf("write revision %d: %w", t.next(), err)
	}
	return nil
}

// withoutNUL replaces the one character that PostgreSQL does not keep.
func withoutNUL(text string) string { return strings.ReplaceAll(text, "\x00", "\uFFFD") }

// head returns the newest revision.
func head(ctx context.Context, rows *gen.Client) (graph.Revision, error) {
	last, err := rows.Revision.Query().Order(gen.Desc(revision.FieldID)).FirstID(ctx)
	if err != nil && !gen.IsNotFound(err) {
		return 0, fmt.Errorf("read head: %w", err)
	}
	return graph.Revision(last), nil
}
