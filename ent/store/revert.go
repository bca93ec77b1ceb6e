package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/graph"
	entsql "entgo.io/ent/dialect/sql"
)

// Reverted says what taking a revision back does.
type Reverted struct {
	// Delta turns what the revision did into what was before it: what it began
	// ends, what it ended begins again, what it changed has its former content.
	Delta graph.Delta
	// Later are items of the revision that later commits changed, as the
	// revision left or ended them. They stay as they are now.
	Later []graph.Item
}

// Reverting says what Tx.Revert would do to the newest revision, and writes
// nothing.
func (s *Store) Reverting(ctx context.Context, revision graph.Revision) (Reverted, error) {
	newest, err := s.Head(ctx)
	if err != nil {
		return Reverted{}, err
	}
	return reverting{rows: s.rows, q: s.readers, dialect: s.dialect, at: revision}.from(ctx, newest)
}

// Revert takes back what a revision did. An item goes back only where it still
// is as the revision left it. Where later commits changed some, three things
// may happen: with keepLater they stay and are told of; without it nothing is
// written and the answer is graph.ErrConflict, which names the first; what the
// program itself makes again from the rest (statements, their edges, tags that
// came down the lineage) stays and is not told of. The ledger of decisions is
// not touched, for decisions follow. A revision that is not there, changed
// nothing of the catalog, or of which history no longer tells is
// graph.ErrNotFound.
func (t *Tx) Revert(ctx context.Context, revision graph.Revision, keepLater bool) (Reverted, error) {
	r, err := reverting{rows: t.rows, q: t.tx, dialect: t.store.dialect, at: revision}.from(ctx, t.head)
	if err != nil {
		return Reverted{}, err
	}
	if len(r.Later) > 0 && !keepLater {
		return Reverted{}, fmt.Errorf("take back revision %d: later commits changed %d of what it did, %s; take those back first, or leave them as they are now: %w",
			revision, len(r.Later), namesOf(r.Later, 3), graph.ErrConflict)
	}
	return r, t.Apply(ctx, r.Delta)
}

// namesOf names the assets of the first few items.
func namesOf(items []graph.Item, most int) string {
	var names []string
	for _, i := range items {
		if name := i.About().String(); !slices.Contains(names, name) && len(names) < most {
			names = append(names, name)
		}
	}
	return "first of " + strings.Join(names, ", ")
}

// reverting gathers what a revision did and what became of it.
type reverting struct {
	rows    *gen.Client
	q       querier
	dialect string
	at      graph.Revision
	// before is what the revision replaced, left what it put in its place,
	// now what stands under the same keys.
	before, left, now graph.Snapshot
}

func (v reverting) from(ctx context.Context, newest graph.Revision) (Reverted, error) {
	if v.at < 1 || v.at > newest {
		return Reverted{}, fmt.Errorf("take back revision %d, the newest is %d: %w", v.at, newest, graph.ErrNotFound)
	}
	v.before, v.left, v.now = graph.Snapshot{}, graph.Snapshot{}, graph.Snapshot{}
	did, err := changesOf(ctx, v.rows, v.at)
	if err != nil {
		return Reverted{}, fmt.Errorf("take back revision %d: %w", v.at, err)
	}
	for _, table := range tables() {
		if err := v.gather(ctx, table, did); err != nil {
			return Reverted{}, fmt.Errorf("take back revision %d: %w", v.at, err)
		}
	}
	var r Reverted
	for _, c := range graph.Diff(v.left, v.before) {
		switch {
		case alike(v.now, v.left, c.Item()):
			r.Delta = append(r.Delta, c)
		case alike(v.now, v.before, c.Item()):
			// Somebody took it back already.
		case !isDerived(c.Item()):
			r.Later = append(r.Later, c.Item())
		}
	}
	whole, err := v.split(ctx, r.Delta)
	if err != nil {
		return Reverted{}, fmt.Errorf("take back revision %d: %w", v.at, err)
	}
	r.Delta = slices.DeleteFunc(r.Delta, func(c graph.Change) bool {
		if whole[c.Item().About()] && !isDerived(c.Item()) {
			r.Later = append(r.Later, c.Item())
		}
		return whole[c.Item().About()]
	})
	slices.SortFunc(r.Later, graph.CompareItems)
	return r, nil
}

// gather reads what the revision did to one table, and what stands there now.
// What it finds is held against what the audit log counts: rows that retention
// removed cannot begin again, and to take back the rest alone would be a third
// state.
func (v reverting) gather(ctx context.Context, table table, did map[string]int) error {
	keys := map[string]bool{}
	for _, part := range []struct {
		column string
		into   graph.Snapshot
		rows   int
	}{{colBegan, v.left, did[table.word+".began"]}, {colEnded, v.before, did[table.word+".ended"]}} {
		missing := part.rows + did[table.word+".changed"]
		s := selection{table: table, where: entsql.EQ(part.column, int64(v.at))}
		err := read(ctx, v.q, v.dialect, s, func(i graph.Item, at span) error {
			missing--
			if at.began != at.ended {
				part.into.Put(i)
				keys[i.Key()] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
		if missing != 0 {
			return fmt.Errorf("%d rows of its %s are no longer there: its history was removed: %w", missing, table.word, graph.ErrNotFound)
		}
	}
	return v.collect(ctx, table, colKey, slices.Sorted(maps.Keys(keys)), current(), v.now)
}

func (v reverting) collect(ctx context.Context, table table, column string, values []string, when *entsql.Predicate, into graph.Snapshot) error {
	for part := range slices.Chunk(values, chunk) {
		s := selection{table: table, where: entsql.And(in(column, part), when)}
		err := read(ctx, v.q, v.dialect, s, func(i graph.Item, _ span) error {
			into.Put(i)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// split returns the assets of which a delta would make something that no
// source ever showed: an asset gone whose later columns stand, or columns back
// of an asset that is gone since. A crawl could not mend it, for it compares
// assets whole; so nothing of these is taken back.
func (v reverting) split(ctx context.Context, delta graph.Delta) (map[graph.Ref]bool, error) {
	ends, begins, orphans := map[graph.Ref]bool{}, map[graph.Ref]bool{}, map[graph.Ref]bool{}
	for _, c := range delta {
		about := c.Item().About()
		_, isAsset := c.Item().(graph.Asset)
		switch c.(type) {
		case graph.Ended:
			ends[about] = ends[about] || isAsset
		case graph.Began:
			begins[about] = begins[about] || isAsset
			orphans[about] = orphans[about] || isOfSource(c.Item())
		case graph.Changed:
		}
	}
	maps.DeleteFunc(ends, func(_ graph.Ref, ends bool) bool { return !ends })
	maps.DeleteFunc(orphans, func(ref graph.Ref, has bool) bool { return !has || begins[ref] })
	then, now, err := v.thenAndNow(ctx, slices.Concat(slices.Collect(maps.Keys(ends)), slices.Collect(maps.Keys(orphans))))
	if err != nil {
		return nil, err
	}
	whole := map[graph.Ref]bool{}
	after := graph.Apply(now, delta)
	for _, i := range now {
		if _, stays := after.Get(i); stays && ends[i.About()] && isOfSource(i) && !alike(now, then, i) {
			whole[i.About()] = true
		}
	}
	for ref := range orphans {
		asset := graph.Asset{Ref: ref}
		_, stood := then.Get(asset)
		if _, stands := now.Get(asset); stood && !stands {
			whole[ref] = true
		}
	}
	return whole, nil
}

// thenAndNow returns what was about assets at the revision, and what is now.
func (v reverting) thenAndNow(ctx context.Context, assets []graph.Ref) (then, now graph.Snapshot, err error) {
	then, now = graph.Snapshot{}, graph.Snapshot{}
	for _, table := range []table{assetTable(), columnTable(), ownerTable(), grantTable(), tagTable()} {
		if err := v.collect(ctx, table, colAbout, keysOf(assets), holds(v.at), then); err != nil {
			return nil, nil, err
		}
		if err := v.collect(ctx, table, colAbout, keysOf(assets), current(), now); err != nil {
			return nil, nil, err
		}
	}
	return then, now, nil
}

// alike says whether two snapshots hold the same under the key of an item, or
// both nothing.
func alike(a, b graph.Snapshot, like graph.Item) bool {
	x, inA := a.Get(like)
	y, inB := b.Get(like)
	return inA == inB && (!inA || len(graph.Diff(graph.NewSnapshot(x), graph.NewSnapshot(y))) == 0)
}

// isDerived says whether the program makes an item again from the rest of the
// catalog.
func isDerived(i graph.Item) bool {
	switch i := i.(type) {
	case graph.Statement:
		return true
	case graph.Edge:
		return i.Statement != ""
	case graph.Tag:
		return i.Provenance.Kind == graph.ByPropagation
	}
	return false
}

// isOfSource says whether a source shows an item with its asset, so that it
// ends with it.
func isOfSource(i graph.Item) bool {
	switch i := i.(type) {
	case graph.Asset, graph.Column:
		return true
	case graph.Owner:
		return i.Provenance.Kind == graph.BySource
	case graph.Grant:
		return i.Provenance.Kind == graph.BySource
	case graph.Tag:
		return i.Provenance.Kind == graph.BySource
	}
	return false
}
