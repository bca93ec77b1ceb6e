package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/asset"
	"cadastre.dev/cadastre/ent/gen/edge"
	"cadastre.dev/cadastre/ent/gen/scope"
	"cadastre.dev/cadastre/ent/gen/sighting"
	"cadastre.dev/cadastre/graph"
	entsql "entgo.io/ent/dialect/sql"
)

// Seen is how a source showed assets in one run. It stands outside revisions.
type Seen struct {
	Source string
	// Digests stand for all that the source said of each asset. They hold
	// until somebody else changes an item that the source may speak of.
	Digests map[graph.Ref][]byte
	// Forget are assets for which no digest may stand.
	Forget []graph.Ref
	// Done are the containers that were seen whole, zero for the source.
	Done []graph.Ref
	At   time.Time
}

// sightingRows is how many sightings one statement writes.
const sightingRows = 500

// PutSeen keeps how a source showed assets. It comes after Apply, which
// forgets the digests of all that it changes.
func (t *Tx) PutSeen(ctx context.Context, s Seen) error {
	if err := t.forgetSightings(ctx, s.Source, keysOf(s.Forget)); err != nil {
		return err
	}
	at := micros(s.At)
	refs := make([]graph.Ref, 0, len(s.Digests))
	for ref := range s.Digests {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, graph.CompareRefs)
	for part := range slices.Chunk(refs, sightingRows) {
		rows := make([]*gen.SightingCreate, 0, len(part))
		for _, ref := range part {
			rows = append(rows, t.rows.Sighting.Create().SetSource(s.Source).SetAbout(text(ref.Asset())).SetDigest(s.Digests[ref]).SetSeenAt(at))
		}
		err := t.rows.Sighting.CreateBulk(rows...).OnConflictColumns(sighting.FieldSource, sighting.FieldAbout).UpdateNewValues().Exec(ctx)
		if err != nil {
			return fmt.Errorf("put sightings of %s: %w", s.Source, err)
		}
	}
	for _, parent := range s.Done {
		err := t.rows.Scope.Create().SetSource(s.Source).SetParent(text(parent)).SetDoneAt(at).
			OnConflictColumns(scope.FieldSource, scope.FieldParent).UpdateNewValues().Exec(ctx)
		if err != nil {
			return fmt.Errorf("put scope %s of %s: %w", parent, s.Source, err)
		}
	}
	return nil
}

// ForgetSeen forgets all that is known of what a source last said, so that its
// next run is compared whole: for who takes back what a run committed.
func (t *Tx) ForgetSeen(ctx context.Context, source string) error {
	if _, err := t.rows.Sighting.Delete().Where(sighting.Source(source)).Exec(ctx); err != nil {
		return fmt.Errorf("forget sightings of %s: %w", source, err)
	}
	return nil
}

// forgetChanged forgets the digests of what a delta changes and a source may
// speak of, whoever changes it: a source that says again what it said before
// would now say something new. What people, propagation and detectors say is
// theirs alone, and no source's facts replace it.
func (t *Tx) forgetChanged(ctx context.Context, delta graph.Delta) error {
	var refs []graph.Ref
	for _, c := range delta {
		switch i := c.Item().(type) {
		case graph.Asset, graph.Column, graph.Grant:
			refs = appendNext(refs, i.About())
		case graph.Owner:
			if i.Provenance.Kind == graph.BySource {
				refs = appendNext(refs, i.About())
			}
		case graph.Tag:
			if i.Provenance.Kind == graph.BySource {
				refs = appendNext(refs, i.About())
			}
		case graph.Edge:
			if i.Statement == "" {
				refs = appendNext(refs, i.From.Asset())
			}
		}
	}
	return t.forgetSightings(ctx, "", keysOf(refs))
}

// appendNext adds a ref unless it is the last one: deltas are sorted.
func appendNext(refs []graph.Ref, ref graph.Ref) []graph.Ref {
	if n := len(refs); n > 0 && refs[n-1] == ref {
		return refs
	}
	return append(refs, ref)
}

// forgetSightings forgets assets, of one source or, where it is empty, of all.
func (t *Tx) forgetSightings(ctx context.Context, source string, abouts []string) error {
	for part := range slices.Chunk(abouts, chunk) {
		q := t.rows.Sighting.Delete().Where(sighting.AboutIn(part...))
		if source != "" {
			q.Where(sighting.Source(source))
		}
		if _, err := q.Exec(ctx); err != nil {
			return fmt.Errorf("forget sightings: %w", err)
		}
	}
	return nil
}

// Sightings returns the digests of what a source last said: of the assets
// named, or of all where none is.
func (t *Tx) Sightings(ctx context.Context, source string, refs ...graph.Ref) (map[graph.Ref][]byte, error) {
	return sightings(ctx, t.tx, t.store.dialect, source, refs)
}

// Sightings is Tx.Sightings for who reads everything; graph.ErrDenied for
// others.
func (r *Reader) Sightings(ctx context.Context, source string, refs ...graph.Ref) (map[graph.Ref][]byte, error) {
	if err := r.mustSeeAll("sightings of " + source); err != nil {
		return nil, err
	}
	return sightings(ctx, r.store.readers, r.store.dialect, source, refs)
}

func sightings(ctx context.Context, q querier, dialect, source string, refs []graph.Ref) (map[graph.Ref][]byte, error) {
	out := map[graph.Ref][]byte{}
	find := func(where *entsql.Predicate) error {
		query, args := entsql.Dialect(dialect).Select(sighting.FieldAbout, sighting.FieldDigest).From(entsql.Table(sighting.Table)).
			Where(entsql.And(entsql.EQ(sighting.FieldSource, source), where)).Query()
		var bad error
		err := each(ctx, q, query, args, func(about string, digest []byte) {
			ref, err := parseText(about)
			if err != nil {
				bad = err
			}
			out[ref] = slices.Clone(digest)
		})
		if err == nil {
			err = bad
		}
		if err != nil {
			return fmt.Errorf("read sightings of %s: %w", source, fault(err))
		}
		return nil
	}
	if len(refs) == 0 {
		return out, find(always())
	}
	for part := range slices.Chunk(keysOf(refs), chunk) {
		if err := find(in(sighting.FieldAbout, part)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Standing calls emit with each asset that stands in a scope, and its
// container.
func (t *Tx) Standing(ctx context.Context, s graph.Scope, emit func(ref, parent graph.Ref) error) error {
	return standingIn(ctx, t.tx, t.store.dialect, s, current(), emit)
}

// Standing is Tx.Standing at the reader's revision, for who reads everything;
// graph.ErrDenied for others.
func (r *Reader) Standing(ctx context.Context, s graph.Scope, emit func(ref, parent graph.Ref) error) error {
	if err := r.mustSeeAll("what stands in " + s.Source); err != nil {
		return err
	}
	return standingIn(ctx, r.store.readers, r.store.dialect, s, holds(r.at), emit)
}

func standingIn(ctx context.Context, q querier, dialect string, s graph.Scope, holding *entsql.Predicate, emit func(ref, parent graph.Ref) error) error {
	query, args := entsql.Dialect(dialect).Select(colAbout, asset.FieldParent).From(entsql.Table(asset.Table)).
		Where(entsql.And(holding, inScope(dialect, assetTable(), s, nil))).Query()
	var (
		bad     error
		parents refs
	)
	err := each(ctx, q, query, args, func(about, parent string) {
		if bad != nil {
			return
		}
		ref, err := parseText(about)
		if err == nil {
			var of graph.Ref
			if of, err = parents.parse(parent); err == nil {
				err = emit(ref, of)
			}
		}
		bad = err
	})
	if err != nil {
		return fmt.Errorf("read what stands in %s: %w", s.Source, fault(err))
	}
	return bad
}

// KnownOf returns the assets and all that belongs to them, whoever said it,
// with the edges that begin or end at one of them.
func (t *Tx) KnownOf(ctx context.Context, assets ...graph.Ref) (graph.Snapshot, error) {
	return knownOf(ctx, t.tx, t.store.dialect, current, assets)
}

// KnownOf is Tx.KnownOf at the reader's revision, for who reads everything;
// graph.ErrDenied for others.
func (r *Reader) KnownOf(ctx context.Context, assets ...graph.Ref) (graph.Snapshot, error) {
	if err := r.mustSeeAll("what is known of assets"); err != nil {
		return nil, err
	}
	return knownOf(ctx, r.store.readers, r.store.dialect, func() *entsql.Predicate { return holds(r.at) }, assets)
}

func knownOf(ctx context.Context, q querier, dialect string, holding func() *entsql.Predicate, assets []graph.Ref) (graph.Snapshot, error) {
	known := graph.Snapshot{}
	collect := func(table table, column string, keys []string) error {
		s := selection{table: table, where: entsql.And(in(column, keys), holding())}
		return read(ctx, q, dialect, s, func(i graph.Item, _ span) error {
			known.Put(i)
			return nil
		})
	}
	for part := range slices.Chunk(keysOf(assets), chunk) {
		for _, table := range tables() {
			if err := collect(table, colAbout, part); err != nil {
				return nil, err
			}
		}
		if err := collect(edgeTable(), edge.FieldFromAbout, part); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// mustSeeAll refuses those from whom anything is hidden.
func (r *Reader) mustSeeAll(what string) error {
	if r.all {
		return nil
	}
	return fmt.Errorf("read %s as %s: it is for the program alone: %w", what, r.who.ID, graph.ErrDenied)
}

// LastSeen returns when visible assets were last seen by their sources. It is
// told for what stands now; an asset that was never crawled to the end is left
// out.
func (r *Reader) LastSeen(ctx context.Context, assets ...graph.Ref) (map[graph.Ref]time.Time, error) {
	visible, err := r.visible(ctx, assets)
	if err != nil {
		return nil, err
	}
	found, err := r.assetsAt(ctx, visible)
	if err != nil {
		return nil, err
	}
	at := map[graph.Ref]int64{}
	for part := range slices.Chunk(keysOf(visible), chunk) {
		rows, err := r.store.rows.Sighting.Query().Where(sighting.AboutIn(part...)).All(ctx)
		if err != nil {
			return nil, fmt.Errorf("read sightings: %w", fault(err))
		}
		for _, row := range rows {
			ref, err := parseText(row.About)
			if err != nil {
				return nil, err
			}
			if found[ref].Source == row.Source {
				at[ref] = row.SeenAt
			}
		}
	}
	done, err := r.scopesDone(ctx, found)
	if err != nil {
		return nil, err
	}
	out := make(map[graph.Ref]time.Time, len(found))
	for ref, a := range found {
		last := max(at[ref], done[graph.Scope{Source: a.Source}])
		if !a.Parent.IsZero() {
			last = max(last, done[graph.Scope{Source: a.Source, Parent: a.Parent}])
		}
		if last = max(last, done[graph.Scope{Source: a.Source, Parent: ref}]); last > 0 {
			out[ref] = fromMicros(last)
		}
	}
	return out, nil
}

// scopesDone returns when the scopes that hold the assets were last seen whole.
func (r *Reader) scopesDone(ctx context.Context, assets map[graph.Ref]graph.Asset) (map[graph.Scope]int64, error) {
	parents := map[string]bool{"": true}
	for ref, a := range assets {
		parents[text(a.Parent)], parents[text(ref)] = true, true
	}
	names := make([]string, 0, len(parents))
	for p := range parents {
		names = append(names, p)
	}
	done := map[graph.Scope]int64{}
	for part := range slices.Chunk(names, chunk) {
		rows, err := r.store.rows.Scope.Query().Where(scope.ParentIn(part...)).All(ctx)
		if err != nil {
			return nil, fmt.Errorf("read scopes: %w", fault(err))
		}
		for _, row := range rows {
			parent, err := parseText(row.Parent)
			if err != nil {
				return nil, err
			}
			done[graph.Scope{Source: row.Source, Parent: parent}] = row.DoneAt
		}
	}
	return done, nil
}
