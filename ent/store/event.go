package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/event"
	"cadastre.dev/cadastre/ent/gen/meta"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	entsql "entgo.io/ent/dialect/sql"
)

// Record adds an event to the audit log when the transaction commits. Seq, At,
// Revision and Hash are filled here; an empty Actor is the committer, and an
// empty value in Detail says nothing and is left out. What the Tx itself does
// (commits, plans, decisions, checkpoints) it records itself.
func (t *Tx) Record(e audit.Event) {
	if e.Actor == "" {
		e.Actor = t.who.ID
	}
	e.Actor, e.Object = withoutNUL(e.Actor), withoutNUL(e.Object)
	t.events = append(t.events, e)
}

// putEvents writes the events of the transaction behind the log's last one:
// first the commit, if it made a revision, then what was recorded.
func (t *Tx) putEvents(ctx context.Context, now time.Time, made graph.Revision) error {
	events := t.events
	if made > 0 {
		detail := map[string]string{"why": t.why}
		for what, n := range t.counts {
			detail[what] = strconv.Itoa(n)
		}
		commit := audit.Event{Actor: t.who.ID, Action: "commit", Object: strconv.FormatInt(int64(made), 10), Detail: detail}
		events = append([]audit.Event{commit}, events...)
	}
	if len(events) == 0 {
		return nil
	}
	last, err := t.rows.Event.Query().Order(gen.Desc(event.FieldID)).First(ctx)
	if err != nil && !gen.IsNotFound(err) {
		return fmt.Errorf("read the audit log: %w", err)
	}
	var prev audit.Event
	if last != nil {
		if prev, err = eventOf(last); err != nil {
			return err
		}
	}
	for _, e := range events {
		e.Seq, e.At, e.Revision, e.Detail = prev.Seq+1, now, made, told(e.Detail)
		if e.Hash, err = audit.Next(prev.Hash, e); err != nil {
			return err
		}
		detail, err := putJSON(len(e.Detail), e.Detail)
		if err != nil {
			return fmt.Errorf("write audit event %d: %w", e.Seq, err)
		}
		err = t.rows.Event.Create().SetID(e.Seq).SetAt(micros(e.At)).SetActor(e.Actor).SetAction(e.Action).
			SetObject(e.Object).SetRevision(int64(e.Revision)).SetDetail(detail).SetHash(e.Hash[:]).Exec(ctx)
		if err != nil {
			return fmt.Errorf("write audit event %d: %w", e.Seq, err)
		}
		prev = e
	}
	return t.putEnd(ctx, prev)
}

// metaEnd is the row of meta that holds the end of the audit log.
const metaEnd = "audit_end"

// putEnd notes where the log ends, in the same transaction, so that a log that
// lost its last events does not verify as a shorter one.
func (t *Tx) putEnd(ctx context.Context, last audit.Event) error {
	end := strconv.FormatInt(last.Seq, 10) + " " + hex.EncodeToString(last.Hash[:])
	n, err := t.rows.Meta.Update().Where(meta.ID(metaEnd)).SetValue(end).Save(ctx)
	if err == nil && n == 0 {
		err = t.rows.Meta.Create().SetID(metaEnd).SetValue(end).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("note the end of the audit log: %w", err)
	}
	return nil
}

// EventsEnd returns the number and hash of the last event, as noted beside the
// log when it was written; 0 where nothing was. What does not read as such a
// note is graph.ErrInvalid.
func (s *Store) EventsEnd(ctx context.Context) (int64, audit.Hash, error) {
	return eventsEnd(ctx, s.rows)
}

func eventsEnd(ctx context.Context, rows *gen.Client) (int64, audit.Hash, error) {
	row, err := rows.Meta.Get(ctx, metaEnd)
	if gen.IsNotFound(err) {
		return 0, audit.Hash{}, nil
	}
	if err != nil {
		return 0, audit.Hash{}, fmt.Errorf("read the end of the audit log: %w", err)
	}
	number, text, _ := strings.Cut(row.Value, " ")
	seq, notNumber := strconv.ParseInt(number, 10, 64)
	hash, notHex := hex.DecodeString(text)
	if notNumber != nil || notHex != nil || len(hash) != len(audit.Hash{}) {
		return 0, audit.Hash{}, fmt.Errorf("the note of the end of the audit log is damaged: %w", graph.ErrInvalid)
	}
	return seq, audit.Hash(hash), nil
}

// told returns the detail without what is empty, nil where nothing is left.
func told(detail map[string]string) map[string]string {
	var out map[string]string
	for what, value := range detail {
		if value == "" {
			continue
		}
		if out == nil {
			out = make(map[string]string, len(detail))
		}
		out[what] = value
	}
	return out
}

func eventOf(row *gen.Event) (audit.Event, error) {
	detail, err := getJSON[map[string]string](row.Detail)
	if err != nil {
		return audit.Event{}, fmt.Errorf("audit event %d: detail: %w", row.ID, err)
	}
	// One content has one spelling, so that no byte is free to change.
	if again, err := putJSON(len(detail), detail); err != nil || again != row.Detail {
		return audit.Event{}, fmt.Errorf("audit event %d: the detail is not as it was written: %w", row.ID, graph.ErrInvalid)
	}
	if len(row.Hash) != len(audit.Hash{}) {
		return audit.Event{}, fmt.Errorf("audit event %d: the hash has %d bytes: %w", row.ID, len(row.Hash), graph.ErrInvalid)
	}
	return audit.Event{
		Seq: row.ID, At: fromMicros(row.At), Actor: row.Actor, Action: row.Action, Object: row.Object,
		Revision: graph.Revision(row.Revision), Detail: detail, Hash: audit.Hash(row.Hash),
	}, nil
}

// Events returns the whole audit log as it stands on disk, in order, for
// audit.Verify. It reads the table itself and no index, which could hide that
// a row was changed.
func (s *Store) Events(ctx context.Context) iter.Seq2[audit.Event, error] {
	return func(yield func(audit.Event, error) bool) {
		query, args := entsql.Dialect(s.dialect).Select(event.Columns...).From(entsql.Table(event.Table)).OrderBy(event.FieldID).Query()
		rows, err := s.readers.QueryContext(ctx, query, args...)
		if err != nil {
			yield(audit.Event{}, fmt.Errorf("read the audit log: %w", fault(err)))
			return
		}
		defer rows.Close() //nolint:errcheck // Err tells
		for rows.Next() {
			e, err := scanEvent(rows)
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(audit.Event{}, fmt.Errorf("read the audit log: %w", fault(err)))
		}
	}
}

func scanEvent(rows *sql.Rows) (audit.Event, error) {
	var row gen.Event
	if err := rows.Scan(&row.ID, &row.At, &row.Actor, &row.Action, &row.Object, &row.Revision, &row.Detail, &row.Hash); err != nil {
		return audit.Event{}, fmt.Errorf("read the audit log: %w", err)
	}
	return eventOf(&row)
}

// EventsIn says which events to list; empty fields ask for all.
type EventsIn struct {
	Actor, Action, Object string
	// Since and Until bound the time; the zero time is no bound.
	Since, Until time.Time
}

// Events lists the audit log, newest first, up to now: what is recorded is not
// bound to a revision. Where something may be less than visible to the
// principal, only events on visible assets are listed, numbered among
// themselves, and without Detail and Hash: those tell of more than the asset.
func (r *Reader) Events(ctx context.Context, in EventsIn, page Page) (List[audit.Event], error) {
	if !r.all {
		return r.shownEvents(ctx, in, page)
	}
	last := int64(0)
	if page.After != "" {
		if err := page.after(&last); err != nil {
			return List[audit.Event]{}, err
		}
	}
	first := page.first()
	rows, err := r.queryEvents(in, last).Limit(first + 1).All(ctx)
	if err != nil {
		return List[audit.Event]{}, fmt.Errorf("list events: %w", err)
	}
	var list List[audit.Event]
	for _, row := range rows[:min(first, len(rows))] {
		e, err := eventOf(row)
		if err != nil {
			return List[audit.Event]{}, err
		}
		list.Items = append(list.Items, e)
	}
	if len(rows) > first {
		list.Next = cursorOf(list.Items[first-1].Seq)
	}
	return list, nil
}

func (r *Reader) queryEvents(in EventsIn, before int64) *gen.EventQuery {
	q := r.store.rows.Event.Query().Order(gen.Desc(event.FieldID))
	if before > 0 {
		q.Where(event.IDLT(before))
	}
	return in.narrow(q)
}

// narrow adds what is asked for to a query.
func (in EventsIn) narrow(q *gen.EventQuery) *gen.EventQuery {
	if in.Actor != "" {
		q.Where(event.Actor(in.Actor))
	}
	if in.Action != "" {
		q.Where(event.Action(in.Action))
	}
	if in.Object != "" {
		q.Where(event.Object(in.Object))
	}
	if !in.Since.IsZero() {
		q.Where(event.AtGTE(micros(in.Since)))
	}
	if !in.Until.IsZero() {
		q.Where(event.AtLT(micros(in.Until)))
	}
	return q
}
