package store

import (
	"context"
	"database/sql"
	"fmt"

	"cadastre.dev/cadastre/ent/gen/event"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	entsql "entgo.io/ent/dialect/sql"
)

// shownEvents is Events for a principal to whom something may be less than
// visible. The events that they may see are numbered among themselves: the
// number in the whole log would count the others, and with them whether
// somebody's question was noted as a denied read.
func (r *Reader) shownEvents(ctx context.Context, in EventsIn, page Page) (List[audit.Event], error) {
	before := int64(0)
	if page.After != "" {
		if err := page.after(&before); err != nil {
			return List[audit.Event]{}, err
		}
	}
	end, _, err := r.store.EventsEnd(ctx)
	if err != nil {
		return List[audit.Event]{}, err
	}
	shown, total, err := r.shownObjects(ctx, end)
	if err != nil || total == 0 {
		return List[audit.Event]{}, err
	}
	var list List[audit.Event]
	number, first := total, page.first()
	err = r.newestEvents(ctx, end, func(e audit.Event) bool {
		if !shown[e.Object] {
			return true
		}
		e.Seq = number
		number--
		if (before > 0 && e.Seq >= before) || !in.matches(e) {
			return number > 0
		}
		if len(list.Items) == first {
			list.Next = cursorOf(list.Items[first-1].Seq)
			return false
		}
		list.Items = append(list.Items, e)
		return number > 0
	})
	return list, err
}

// shownObjects returns the objects of the log's events up to the end that are
// visible assets or lie on them, and how many events they have.
func (r *Reader) shownObjects(ctx context.Context, end int64) (map[string]bool, int64, error) {
	counts, about := map[string]int64{}, map[string]graph.Ref{}
	var refs []graph.Ref
	query, args := entsql.Dialect(r.store.dialect).Select(event.FieldObject, entsql.Count("*")).From(entsql.Table(event.Table)).
		Where(entsql.LTE(event.FieldID, end)).GroupBy(event.FieldObject).Query()
	err := each(ctx, r.store.readers, query, args, func(object string, n int64) {
		if ref, err := graph.ParseRef(object); err == nil {
			counts[object], about[object] = n, ref.Asset()
			refs = append(refs, ref)
		}
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count events: %w", err)
	}
	seen, err := r.Visibility(ctx, refs...)
	if err != nil {
		return nil, 0, err
	}
	shown, total := map[string]bool{}, int64(0)
	for object, ref := range about {
		if seen[ref] == graph.Visible {
			shown[object] = true
			total += counts[object]
		}
	}
	return shown, total, nil
}

// newestEvents calls emit with the log's events up to the end, newest first and
// without Detail and Hash, until it returns false.
func (r *Reader) newestEvents(ctx context.Context, end int64, emit func(audit.Event) bool) error {
	query, args := entsql.Dialect(r.store.dialect).
		Select(event.FieldID, event.FieldAt, event.FieldActor, event.FieldAction, event.FieldObject, event.FieldRevision).
		From(entsql.Table(event.Table)).Where(entsql.LTE(event.FieldID, end)).OrderBy(entsql.Desc(event.FieldID)).Query()
	rows, err := r.store.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("list events: %w", fault(err))
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		e, err := scanOutline(rows)
		if err != nil {
			return err
		}
		if !emit(e) {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list events: %w", fault(err))
	}
	return nil
}

func scanOutline(rows *sql.Rows) (audit.Event, error) {
	var e audit.Event
	var at, revision int64
	if err := rows.Scan(&e.Seq, &at, &e.Actor, &e.Action, &e.Object, &revision); err != nil {
		return e, fmt.Errorf("list events: %w", err)
	}
	e.At, e.Revision = fromMicros(at), graph.Revision(revision)
	return e, nil
}

// matches is narrow for an event at hand.
func (in EventsIn) matches(e audit.Event) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return is(in.Actor, e.Actor) && is(in.Action, e.Action) && is(in.Object, e.Object) &&
		(in.Since.IsZero() || !e.At.Before(in.Since)) && (in.Until.IsZero() || e.At.Before(in.Until))
}
