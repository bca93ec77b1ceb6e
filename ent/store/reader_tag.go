package store

import (
	"context"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/walk"
)

// Tags returns what all witnesses say of visible assets and their columns, by
// asset. A tag that came down the lineage by what is not visible does not say
// whence.
func (r *Reader) Tags(ctx context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Tag, error) {
	assets, err := r.visible(ctx, assets)
	if err != nil {
		return nil, err
	}
	var tags []graph.Tag
	if err := r.about(ctx, tagTable(), r.at, assets, func(i graph.Item) { tags = append(tags, i.(graph.Tag)) }); err != nil {
		return nil, err
	}
	if tags, err = r.showTags(ctx, tags); err != nil {
		return nil, err
	}
	out := make(map[graph.Ref][]graph.Tag, len(assets))
	for _, t := range tags {
		out[t.About()] = append(out[t.About()], t)
	}
	return out, nil
}

// showTags takes from tags what would tell of assets that are less than
// visible. The evidence of a tag that came down the lineage names every column
// on the way, so it is shown, with the origin and the words about it, only
// where the way can be read and the whole of it is visible.
func (r *Reader) showTags(ctx context.Context, tags []graph.Tag) ([]graph.Tag, error) {
	if r.all {
		return tags, nil
	}
	ways := make([][]graph.Ref, len(tags)) // nil where a tag has none
	var along []graph.Ref
	for i, t := range tags {
		if way, ok := walk.Way(t); ok {
			ways[i] = way
			along = append(along, way...)
		}
	}
	seen, err := r.Visibility(ctx, along...)
	if err != nil {
		return nil, err
	}
	hides := func(ref graph.Ref) bool { return seen[ref.Asset()] != graph.Visible }
	for i, t := range tags {
		if t.Provenance.Kind == graph.ByPropagation && (ways[i] == nil || slices.ContainsFunc(ways[i], hides)) {
			tags[i].Provenance = graph.Provenance{Kind: t.Provenance.Kind}
			tags[i].Evidence = nil
		}
	}
	return tags, nil
}

// Grants returns the warehouse's own rights on visible assets, by asset. A
// right of a view or dataset that is hidden is left out.
func (r *Reader) Grants(ctx context.Context, on ...graph.Ref) (map[graph.Ref][]graph.Grant, error) {
	on, err := r.visible(ctx, on)
	if err != nil {
		return nil, err
	}
	var grants []graph.Grant
	if err := r.about(ctx, grantTable(), r.at, on, func(i graph.Item) { grants = append(grants, i.(graph.Grant)) }); err != nil {
		return nil, err
	}
	hidden, err := r.hiddenHolders(ctx, grants)
	if err != nil {
		return nil, err
	}
	out := make(map[graph.Ref][]graph.Grant, len(on))
	for _, g := range grants {
		if !hidden[g.Principal] {
			out[g.On] = append(out[g.On], g)
		}
	}
	return out, nil
}

// hiddenHolders says which principals of grants are assets that are hidden, or
// cannot be told to be none.
func (r *Reader) hiddenHolders(ctx context.Context, grants []graph.Grant) (map[string]bool, error) {
	hidden := map[string]bool{}
	if r.hidesNothing() {
		return hidden, nil
	}
	holders := map[string]graph.Ref{}
	for _, g := range grants {
		name, ok := cutAny(g.Principal, "view:", "dataset:")
		if !ok {
			continue
		}
		ref, err := graph.ParseRef(name)
		if err != nil {
			hidden[g.Principal] = true
			continue
		}
		holders[g.Principal] = ref
	}
	for principal, ref := range holders {
		seen, err := r.Visibility(ctx, ref)
		if err != nil {
			return nil, err
		}
		hidden[principal] = seen[ref.Asset()] == graph.Hidden
	}
	return hidden, nil
}

// cutAny returns s without the first of the prefixes that it has.
func cutAny(s string, prefixes ...string) (string, bool) {
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(s, p); ok {
			return rest, true
		}
	}
	return s, false
}
