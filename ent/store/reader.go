package store

import (
	"context"
	"fmt"
	"slices"

	"cadastre.dev/cadastre/graph"
	entsql "entgo.io/ent/dialect/sql"
)

// Reader reads the catalog as one principal may see it at one revision. It is
// made for a request and may be used concurrently.
type Reader struct {
	store  *Store
	who    graph.Principal
	filter graph.Filter
	at     graph.Revision
	// newest was the newest revision when the reader was made.
	newest graph.Revision
	// all says that the filter shows everything, so that nothing need be
	// judged.
	all bool
}

// Reader returns a reader for the principal, of what the filter shows, at the
// revision; 0 means the newest, fixed now. A revision that is not there yet, or
// below the floor of history, is graph.ErrNotFound.
func (s *Store) Reader(ctx context.Context, p graph.Principal, f graph.Filter, at graph.Revision) (*Reader, error) {
	newest, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	if at < 0 || at > newest {
		return nil, fmt.Errorf("read at revision %d, the newest is %d: %w", at, newest, graph.ErrNotFound)
	}
	if at == 0 {
		at = newest
	}
	if at < newest {
		floor, err := s.Floor(ctx)
		if err != nil {
			return nil, err
		}
		if err := floor.holds(at); err != nil {
			return nil, err
		}
	}
	return &Reader{store: s, who: p, filter: f, at: at, newest: newest, all: unconditional(f.Visible)}, nil
}

// Revision returns the revision read at.
func (r *Reader) Revision() graph.Revision { return r.at }

// Principal returns on whose behalf is read.
func (r *Reader) Principal() graph.Principal { return r.who }

// hidesNothing says that every asset is at least discoverable, so that no name
// can tell too much.
func (r *Reader) hidesNothing() bool { return r.all || unconditional(r.filter.Discoverable) }

// Visibility says of each asset how much of it may be known; one that does not
// stand at the revision is hidden. The refs of columns ask for their assets,
// and the answer is by asset.
func (r *Reader) Visibility(ctx context.Context, refs ...graph.Ref) (map[graph.Ref]graph.Visibility, error) {
	assets, err := r.assetsAt(ctx, refs)
	if err != nil {
		return nil, err
	}
	var owners map[graph.Ref][]graph.Owner
	if !r.all {
		if owners, err = r.ownersAt(ctx, r.at, refs...); err != nil {
			return nil, err
		}
	}
	seen := make(map[graph.Ref]graph.Visibility, len(refs))
	for _, ref := range refs {
		ref = ref.Asset()
		seen[ref] = graph.Hidden
		if a, ok := assets[ref]; ok {
			seen[ref] = r.filter.Of(a, graph.Principals(owners[ref]))
		}
	}
	return seen, nil
}

// visible returns those of the assets that are visible, each once. Where the
// filter shows everything they need not be looked up: what belongs to an asset
// that does not stand is the program's to see.
func (r *Reader) visible(ctx context.Context, refs []graph.Ref) ([]graph.Ref, error) {
	var out []graph.Ref
	if r.all {
		for _, ref := range refs {
			out = append(out, ref.Asset())
		}
		slices.SortFunc(out, graph.CompareRefs)
		return slices.Compact(out), nil
	}
	seen, err := r.Visibility(ctx, refs...)
	if err != nil {
		return nil, err
	}
	for ref, v := range seen {
		if v == graph.Visible {
			out = append(out, ref)
		}
	}
	slices.SortFunc(out, graph.CompareRefs)
	return out, nil
}

// about calls emit with the items of a table that are about the assets at the
// reader's revision, sorted for readers. It judges nothing.
func (r *Reader) about(ctx context.Context, table table, at graph.Revision, assets []graph.Ref, emit func(graph.Item)) error {
	return r.where(ctx, table, at, colAbout, keysOf(assets), emit)
}

// where is about for another column.
func (r *Reader) where(ctx context.Context, table table, at graph.Revision, column string, values []string, emit func(graph.Item)) error {
	for part := range slices.Chunk(values, chunk) {
		s := selection{table: table, where: entsql.And(in(column, part), holds(at)), order: table.order}
		err := read(ctx, r.store.readers, r.store.dialect, s, func(i graph.Item, _ span) error {
			emit(i)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// assetsAt returns the assets that stand at the reader's revision, unjudged.
func (r *Reader) assetsAt(ctx context.Context, refs []graph.Ref) (map[graph.Ref]graph.Asset, error) {
	out := make(map[graph.Ref]graph.Asset, len(refs))
	err := r.about(ctx, assetTable(), r.at, refs, func(i graph.Item) { out[i.About()] = i.(graph.Asset) })
	return out, err
}

// ownersAt returns the owners of assets, unjudged.
func (r *Reader) ownersAt(ctx context.Context, at graph.Revision, refs ...graph.Ref) (map[graph.Ref][]graph.Owner, error) {
	out := map[graph.Ref][]graph.Owner{}
	err := r.about(ctx, ownerTable(), at, refs, func(i graph.Item) { out[i.About()] = append(out[i.About()], i.(graph.Owner)) })
	return out, err
}
