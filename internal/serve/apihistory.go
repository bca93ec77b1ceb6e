package serve

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

// History tells what became of a visible asset up to the revision that is
// asked of, newest first; an asset that is less than visible has none.
func (a *App) History(ctx context.Context, who graph.Principal, asset graph.Ref, first int, after string) (shape.History, error) {
	none := shape.History{Edges: []shape.HistoryEdge{}, Complete: true}
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return none, err
	}
	versions, err := r.History(ctx, asset)
	if errors.Is(err, graph.ErrNotFound) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	floor, err := a.store.Floor(ctx)
	if err != nil {
		return none, err
	}
	entries := historyEntries(versions, floor.Revision)
	page, more, err := historyPage(entries, first, after)
	if err != nil {
		return none, err
	}
	if err := signEntries(ctx, r, page); err != nil {
		return none, err
	}
	out := shape.History{Edges: []shape.HistoryEdge{}, Complete: floor.Revision == 0}
	end := ""
	for _, entry := range page {
		end = historyCursor(entry.Revision)
		out.Edges = append(out.Edges, shape.HistoryEdge{Cursor: end, Node: entry})
	}
	out.PageInfo = shape.NewPageInfo(more, end)
	return out, nil
}

// historyEntries reduces the versions of items, oldest first, to what each
// revision changed, newest first. Of the floor and before nothing is told: what
// an item was before is no longer there, so that whether it began or changed
// cannot be said.
func historyEntries(versions []store.Version, floor graph.Revision) []shape.HistoryEntry {
	at := map[graph.Revision][]became{}
	put := func(revision graph.Revision, how string, was, now graph.Item) {
		item := now
		if item == nil {
			item = was
		}
		at[revision] = append(at[revision], became{item, how, graph.Compare(was, now)})
	}
	last := map[string]store.Version{}
	for _, v := range versions {
		key := describe(v.Item).Noun + v.Item.Key()
		if before, ok := last[key]; ok && before.Ended == v.Began {
			put(v.Began, "changed", before.Item, v.Item)
		} else {
			if ok && before.Ended != 0 {
				put(before.Ended, "ended", before.Item, nil)
			}
			put(v.Began, "began", nil, v.Item)
		}
		last[key] = v
	}
	for _, v := range last {
		if v.Ended != 0 {
			put(v.Ended, "ended", v.Item, nil)
		}
	}
	entries := make([]shape.HistoryEntry, 0, len(at))
	for revision, items := range at {
		if revision <= floor {
			continue
		}
		slices.SortFunc(items, func(x, y became) int { return graph.CompareItems(x.item, y.item) })
		entry := shape.HistoryEntry{Revision: revision}
		for _, i := range items {
			change := describe(i.item)
			change.How, change.Attributes = i.how, orEmpty(i.attributes)
			entry.Changes = append(entry.Changes, change)
		}
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, func(x, y shape.HistoryEntry) int { return int(y.Revision - x.Revision) })
	return entries
}

// became is what one revision made of an item.
type became struct {
	item       graph.Item
	how        string
	attributes []graph.AttributeChange
}

// describe names an item for people.
func describe(item graph.Item) shape.HistoryChange {
	switch i := item.(type) {
	case graph.Asset:
		return shape.HistoryChange{Noun: "asset", Ref: i.Ref, Name: i.Ref.Base()}
	case graph.Column:
		return shape.HistoryChange{Noun: "column", Ref: i.Ref, Name: i.Ref.Path}
	case graph.Owner:
		return shape.HistoryChange{Noun: "owner", Ref: i.Asset, Name: i.Principal}
	case graph.Tag:
		return shape.HistoryChange{Noun: "tag", Ref: i.Ref, Name: i.Label}
	case graph.Annotation:
		return shape.HistoryChange{Noun: "annotation", Ref: i.Ref, Name: string(i.Attribute)}
	case graph.Grant:
		return shape.HistoryChange{Noun: "grant", Ref: i.On, Name: i.Principal}
	}
	return shape.HistoryChange{Noun: "item", Ref: item.About()}
}

// historyPage cuts a page out of entries that are sorted, newest first.
func historyPage(entries []shape.HistoryEntry, first int, after string) (page []shape.HistoryEntry, more bool, err error) {
	if after != "" {
		last, err := revisionOfCursor(after)
		if err != nil {
			return nil, false, err
		}
		entries = slices.DeleteFunc(entries, func(e shape.HistoryEntry) bool { return e.Revision >= last })
	}
	return entries[:min(first, len(entries))], len(entries) > first, nil
}

func historyCursor(at graph.Revision) string {
	return base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, int64(at), 10))
}

func revisionOfCursor(cursor string) (graph.Revision, error) {
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		var n int64
		if n, err = strconv.ParseInt(string(data), 10, 64); err == nil {
			return graph.Revision(n), nil
		}
	}
	return 0, fmt.Errorf("cursor %q is none of this list's: %w", cursor, graph.ErrInvalid)
}

// signEntries says when each revision was made, by whom and why.
func signEntries(ctx context.Context, r *store.Reader, entries []shape.HistoryEntry) error {
	numbers := make([]graph.Revision, 0, len(entries))
	for _, e := range entries {
		numbers = append(numbers, e.Revision)
	}
	made, err := r.RevisionInfos(ctx, numbers...)
	if err != nil {
		return err
	}
	for i, e := range entries {
		info := made[e.Revision]
		entries[i].At, entries[i].Actor, entries[i].Why = info.At, info.Actor, info.Why
	}
	return nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
