package store

import (
	"context"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Tags returns what all witnesses say of visible assets and their columns, by
// asset. A tag that came down the lineage from what is hidden does not say
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
// visible: the column that a tag came from, and the words about it.
func (r *Reader) showTags(ctx context.Context, tags []graph.Tag) ([]graph.Tag, error) {
	if r.all {
		return tags, nil
	}
	var origins []graph.Ref
	for _, t := range tags {
		if from, err := graph.ParseRef(t.Provenance.Name); err == nil && t.Provenance.Kind == graph.ByPropagation {
			origins = append(origins, from)
		}
	}
	seen, err := r.Visibility(ctx, origins...)
	if err != nil {
		return nil, err
	}
	for i, t := range tags {
		if t.Provenance.Kind != graph.ByPropagation {
			continue
		}
		from, err := graph.ParseRef(t.Provenance.Name)
		if err == nil && seen[from.Asset()] == graph.Visible {
			continue
		}
		name := ""
		if err == nil && seen[from.Asset()] == graph.Discoverable {
			name = from.Asset().String()
		}
		tags[i].Provenance = graph.Provenance{Kind: t.Provenance.Kind, Name: name}
		tags[i].Evidence = nil
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
