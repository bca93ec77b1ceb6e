package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/revision"
	"cadastre.dev/cadastre/graph"
	entsql "entgo.io/ent/dialect/sql"
)

// Version is an item with the revisions between which it held; Ended is 0
// while it holds at the reader's revision.
type Version struct {
	Item         graph.Item
	Began, Ended graph.Revision
}

// History returns all that was ever so of a visible asset, its columns, owners,
// tags, annotations and grants, up to the reader's revision, oldest first; what
// ended before the floor of history is gone. An asset that
// does not stand or is less than visible is graph.ErrNotFound. Where something
// may be hidden from the principal grants are left out, and where something may
// be less than visible the definitions of views: whom and what they named in
// their time is not known now.
func (r *Reader) History(ctx context.Context, asset graph.Ref) ([]Version, error) {
	seen, err := r.Visibility(ctx, asset)
	if err != nil {
		return nil, err
	}
	if seen[asset.Asset()] != graph.Visible {
		return nil, fmt.Errorf("history of %s: %w", asset.Asset(), graph.ErrNotFound)
	}
	var versions []Version
	parts := []table{assetTable(), columnTable(), ownerTable(), tagTable(), annotationTable()}
	if r.hidesNothing() {
		parts = append(parts, grantTable())
	}
	for _, table := range parts {
		s := selection{table: table, where: entsql.And(entsql.EQ(colAbout, text(asset.Asset())), entsql.LTE(colBegan, int64(r.at)))}
		err := read(ctx, r.store.readers, r.store.dialect, s, func(i graph.Item, at span) error {
			if at.ended != at.began {
				versions = append(versions, Version{Item: i, Began: at.began, Ended: r.clip(at.ended)})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(versions, func(a, b Version) int {
		if a.Began != b.Began {
			return int(a.Began - b.Began)
		}
		return graph.CompareItems(a.Item, b.Item)
	})
	return versions, r.reduceVersions(ctx, versions)
}

func (r *Reader) reduceVersions(ctx context.Context, versions []Version) error {
	if r.all {
		return nil
	}
	for i, v := range versions {
		switch item := v.Item.(type) {
		case graph.Asset:
			if item.Kind.IsView() {
				item.Definition = ""
				versions[i].Item = item
			}
		case graph.Tag:
			shown, err := r.showTags(ctx, []graph.Tag{item})
			if err != nil {
				return err
			}
			versions[i].Item = shown[0]
		}
	}
	return nil
}

// RevisionInfo says when, by whom and why the catalog changed.
type RevisionInfo struct {
	Number graph.Revision
	At     time.Time
	Actor  string
	// Why is empty where something may be hidden from the principal and
	// somebody else committed.
	Why string
}

// Revisions lists the revisions up to the reader's, newest first.
func (r *Reader) Revisions(ctx context.Context, page Page) (List[RevisionInfo], error) {
	before := int64(r.at) + 1
	if page.After != "" {
		var last int64
		if err := page.after(&last); err != nil {
			return List[RevisionInfo]{}, err
		}
		before = min(before, last)
	}
	first := page.first()
	rows, err := r.store.rows.Revision.Query().Where(revision.IDLT(before)).Order(gen.Desc(revision.FieldID)).Limit(first + 1).All(ctx)
	if err != nil {
		return List[RevisionInfo]{}, fmt.Errorf("list revisions: %w", err)
	}
	var list List[RevisionInfo]
	if len(rows) > first {
		rows = rows[:first]
		list.Next = cursorOf(rows[first-1].ID)
	}
	for _, row := range rows {
		list.Items = append(list.Items, r.infoOf(row))
	}
	return list, nil
}

// RevisionAt returns the revision that was the newest at the time, but never
// one after the reader's. Before the first revision it is graph.ErrNotFound:
// the empty catalog has nothing to read.
func (r *Reader) RevisionAt(ctx context.Context, at time.Time) (graph.Revision, error) {
	id, err := r.store.rows.Revision.Query().Where(revision.AtLTE(micros(at)), revision.IDLTE(int64(r.at))).
		Order(gen.Desc(revision.FieldID)).FirstID(ctx)
	if gen.IsNotFound(err) {
		return 0, fmt.Errorf("revision at %s: %w", at.UTC().Format(time.RFC3339), graph.ErrNotFound)
	}
	if err != nil {
		return 0, fmt.Errorf("find the revision at %s: %w", at.UTC().Format(time.RFC3339), fault(err))
	}
	return graph.Revision(id), nil
}

func sortHeld(lines []graph.Held) []graph.Held {
	slices.SortFunc(lines, func(a, b graph.Held) int {
		if a.Began != b.Began {
			return int(a.Began - b.Began)
		}
		if c := strings.Compare(a.Decision.Audience, b.Decision.Audience); c != 0 {
			return c
		}
		return strings.Compare(string(a.Decision.Class), string(b.Decision.Class))
	})
	return lines
}
