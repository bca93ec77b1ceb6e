package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/cursor"
	"cadastre.dev/cadastre/ent/gen/event"
	"cadastre.dev/cadastre/ent/gen/fence"
	"cadastre.dev/cadastre/ent/gen/predicate"
	"cadastre.dev/cadastre/ent/gen/revision"
	"cadastre.dev/cadastre/graph"
)

// Reason says which commits are meant by the words that they gave: those whose
// Why is one of Is, or begins with Begins and ends with Ends where these are
// set.
type Reason struct {
	Is           []string
	Begins, Ends string
}

// Committed returns the newest revisions, up to the reader's, that were
// committed for one of the reasons, newest first; at most as many as asked.
// Where something may be hidden from the principal it is graph.ErrDenied: the
// words of others' commits may name it.
func (r *Reader) Committed(ctx context.Context, first int, reasons ...Reason) ([]RevisionInfo, error) {
	if !r.hidesNothing() {
		return nil, fmt.Errorf("list commits by their reason: %w", graph.ErrDenied)
	}
	var because []predicate.Revision
	for _, reason := range reasons {
		if len(reason.Is) > 0 {
			because = append(because, revision.WhyIn(reason.Is...))
		}
		if reason.Begins != "" || reason.Ends != "" {
			because = append(because, revision.And(revision.WhyHasPrefix(reason.Begins), revision.WhyHasSuffix(reason.Ends)))
		}
	}
	if len(because) == 0 {
		return nil, nil
	}
	rows, err := r.store.rows.Revision.Query().Where(revision.IDLTE(int64(r.at)), revision.Or(because...)).
		Order(gen.Desc(revision.FieldID)).Limit(Page{First: first}.first()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list commits: %w", fault(err))
	}
	out := make([]RevisionInfo, 0, len(rows))
	for _, row := range rows {
		out = append(out, r.infoOf(row))
	}
	return out, nil
}

// Commits returns when, by whom and why revisions were committed, in their
// order. The same is denied as for Committed.
func (r *Reader) Commits(ctx context.Context, revisions ...graph.Revision) ([]RevisionInfo, error) {
	if !r.hidesNothing() {
		return nil, fmt.Errorf("look up commits: %w", graph.ErrDenied)
	}
	found, err := r.RevisionInfos(ctx, revisions...)
	if err != nil {
		return nil, fmt.Errorf("look up commits: %w", err)
	}
	return slices.SortedFunc(maps.Values(found), func(a, b RevisionInfo) int { return cmp.Compare(a.Number, b.Number) }), nil
}

// Changes returns how many items of each sort a revision began, changed and
// ended, as its audit event counts them: "columns.began" and the like. The
// same is denied as for Committed.
func (r *Reader) Changes(ctx context.Context, of graph.Revision) (map[string]int, error) {
	if !r.hidesNothing() {
		return nil, fmt.Errorf("count the changes of revision %d: %w", of, graph.ErrDenied)
	}
	return changesOf(ctx, r.store.rows, of)
}

func changesOf(ctx context.Context, rows *gen.Client, of graph.Revision) (map[string]int, error) {
	row, err := rows.Event.Query().
		Where(event.Action("commit"), event.Object(strconv.FormatInt(int64(of), 10)), event.Revision(int64(of))).First(ctx)
	if gen.IsNotFound(err) {
		return nil, fmt.Errorf("count the changes of revision %d: %w", of, graph.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("count the changes of revision %d: %w", of, fault(err))
	}
	e, err := eventOf(row)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for what, value := range e.Detail {
		if n, err := strconv.Atoi(value); err == nil && what != "why" {
			counts[what] = n
		}
	}
	return counts, nil
}

// ForgetSource makes the next crawl of a source read everything again: what the
// source wanted to know next time, what it last showed of each asset and what
// waits for a person's word are gone; when it was crawled and its problems
// stay. names are those of its cursors. Whoever holds the fence of the source
// meanwhile holds it no more, for what they read is compared with what is no
// more known.
func (t *Tx) ForgetSource(ctx context.Context, source, fenced string, names ...string) error {
	_, err := t.rows.Cursor.Update().Where(cursor.IDIn(names...)).ClearCursor().SetHeld("").Save(ctx)
	if err != nil {
		return fmt.Errorf("forget the cursor of %s: %w", source, err)
	}
	if err := t.ForgetSeen(ctx, source); err != nil {
		return err
	}
	err = t.rows.Fence.Update().Where(fence.ID(fenced)).AddNumber(1).SetTakenAt(micros(t.store.now().UTC().Truncate(time.Microsecond))).Exec(ctx)
	if err != nil {
		return fmt.Errorf("take the fence of %s: %w", source, err)
	}
	return nil
}
