package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"cadastre.dev/cadastre/ent/gen/asset"
	"cadastre.dev/cadastre/graph"
	entsql "entgo.io/ent/dialect/sql"
)

// AssetView is an asset as the reader's principal may know it. Where it is
// only discoverable, Asset holds ref and kind alone, and Owners do not tell who
// says so. A view's definition is left out where it may name what is less than
// visible.
type AssetView struct {
	Asset      graph.Asset
	Visibility graph.Visibility
	// Owners are all whom anybody names; graph.EffectiveOwners are those that
	// count.
	Owners []graph.Owner
	// Annotations are what is said, beside the source, of the asset and its
	// columns where it is visible.
	Annotations []graph.Annotation
}

// Asset returns one asset; graph.ErrNotFound where there is none or it is
// hidden. The ref of a column asks for its asset.
func (r *Reader) Asset(ctx context.Context, ref graph.Ref) (AssetView, error) {
	found, err := r.Assets(ctx, ref)
	if err != nil {
		return AssetView{}, err
	}
	view, ok := found[ref.Asset()]
	if !ok {
		return AssetView{}, fmt.Errorf("asset %s: %w", ref.Asset(), graph.ErrNotFound)
	}
	return view, nil
}

// Assets returns those of the assets that are not hidden.
func (r *Reader) Assets(ctx context.Context, refs ...graph.Ref) (map[graph.Ref]AssetView, error) {
	assets, err := r.assetsAt(ctx, refs)
	if err != nil {
		return nil, err
	}
	owners, err := r.ownersAt(ctx, r.at, refs...)
	if err != nil {
		return nil, err
	}
	said, err := r.annotationsAt(ctx, refs)
	if err != nil {
		return nil, err
	}
	views := make(map[graph.Ref]AssetView, len(assets))
	for ref, a := range assets {
		view := AssetView{Asset: a, Visibility: r.filter.Of(a, graph.Principals(owners[ref])), Owners: owners[ref]}
		switch view.Visibility {
		case graph.Visible:
			view.Annotations = said[ref]
			views[ref] = view
		case graph.Discoverable:
			view.Asset, view.Owners = graph.Asset{Ref: ref, Kind: a.Kind}, namedOwners(view.Owners)
			views[ref] = view
		case graph.Hidden:
		}
	}
	return views, r.withholdDefinitions(ctx, views)
}

// withholdDefinitions takes away the SQL of views that may name what is less
// than visible.
func (r *Reader) withholdDefinitions(ctx context.Context, views map[graph.Ref]AssetView) error {
	if r.all {
		return nil
	}
	ids := map[string]graph.Ref{}
	for ref, view := range views {
		if view.Asset.Kind.IsView() && view.Asset.Definition != "" {
			ids[ref.String()] = ref
		}
	}
	statements, err := r.statements(ctx, colKey, slices.Sorted(maps.Keys(ids)))
	if err != nil {
		return err
	}
	telling, err := r.telling(ctx, statements)
	if err != nil {
		return err
	}
	safe := map[string]bool{}
	for _, s := range statements {
		safe[s.ID] = !telling[s.ID]
	}
	for id, ref := range ids {
		if !safe[id] {
			view := views[ref]
			view.Asset.Definition = ""
			views[ref] = view
		}
	}
	return nil
}

// AssetsIn says which assets to list; empty fields ask for all.
type AssetsIn struct {
	Source string
	Parent graph.Ref
	Kind   graph.Kind
}

// ListAssets lists assets by ref. Those that are only discoverable are found
// by kind alone, for their source and parent are not to be known.
func (r *Reader) ListAssets(ctx context.Context, in AssetsIn, page Page) (List[AssetView], error) {
	where := []*entsql.Predicate{holds(r.at)}
	shown := r.shown(graph.Discoverable)
	if in.Source != "" {
		where, shown = append(where, entsql.EQ(asset.FieldSource, in.Source)), r.shown(graph.Visible)
	}
	if !in.Parent.IsZero() {
		where, shown = append(where, entsql.EQ(asset.FieldParent, text(in.Parent))), r.shown(graph.Visible)
	}
	if in.Kind != "" {
		where = append(where, entsql.EQ(asset.FieldKind, string(in.Kind)))
	}
	if page.After != "" {
		var last string
		if err := page.after(&last); err != nil {
			return List[AssetView]{}, err
		}
		where = append(where, entsql.GT(colAbout, last))
	}
	first := page.first()
	s := selection{table: assetTable(), where: entsql.And(append(where, shown)...), order: []string{colAbout}, limit: first + 1}
	var refs []graph.Ref
	err := read(ctx, r.store.readers, r.store.dialect, s, func(i graph.Item, _ span) error {
		refs = append(refs, i.About())
		return nil
	})
	if err != nil {
		return List[AssetView]{}, err
	}
	var list List[AssetView]
	if len(refs) > first {
		refs = refs[:first]
		list.Next = cursorOf(text(refs[first-1]))
	}
	views, err := r.Assets(ctx, refs...)
	if err != nil {
		return List[AssetView]{}, err
	}
	for _, ref := range refs {
		list.Items = append(list.Items, views[ref])
	}
	return list, nil
}

// shown selects the rows of assets that are at least so visible.
func (r *Reader) shown(least graph.Visibility) *entsql.Predicate {
	clauses := r.filter.Visible
	if least == graph.Discoverable {
		clauses = slices.Concat(clauses, r.filter.Discoverable)
	}
	if unconditional(clauses) {
		return always()
	}
	return compile(r.store.dialect, clauses, r.at)
}

// Columns returns the columns of visible assets, by asset, in their order.
func (r *Reader) Columns(ctx context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Column, error) {
	assets, err := r.visible(ctx, assets)
	if err != nil {
		return nil, err
	}
	out := make(map[graph.Ref][]graph.Column, len(assets))
	err = r.about(ctx, columnTable(), r.at, assets, func(i graph.Item) {
		out[i.About()] = append(out[i.About()], i.(graph.Column))
	})
	return out, err
}

// Owners returns the owners of assets that are not hidden, by asset. Of one
// that is only discoverable, who says so and why is left out.
func (r *Reader) Owners(ctx context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Owner, error) {
	seen, err := r.Visibility(ctx, assets...)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(seen, func(_ graph.Ref, v graph.Visibility) bool { return v == graph.Hidden && !r.all })
	owners, err := r.ownersAt(ctx, r.at, slices.Collect(maps.Keys(seen))...)
	for ref, v := range seen {
		if v == graph.Discoverable && len(owners[ref]) > 0 {
			owners[ref] = namedOwners(owners[ref])
		}
	}
	return owners, err
}

// namedOwners tells of the owners of an asset that is only discoverable who
// they are and what sort of witness says so: the witness itself may be the
// asset's source, which is not to be known, and the reason may say anything.
func namedOwners(owners []graph.Owner) []graph.Owner {
	named := make([]graph.Owner, len(owners))
	for i, o := range owners {
		o.Provenance = graph.Provenance{Kind: o.Provenance.Kind}
		named[i] = o
	}
	return named
}
