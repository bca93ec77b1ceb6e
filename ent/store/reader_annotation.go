package store

import (
	"context"

	"cadastre.dev/cadastre/graph"
)

// Annotations returns what is said, beside the source, of visible assets and
// their columns, by asset.
func (r *Reader) Annotations(ctx context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Annotation, error) {
	assets, err := r.visible(ctx, assets)
	if err != nil {
		return nil, err
	}
	return r.annotationsAt(ctx, assets)
}

// annotationsAt returns the annotations of assets, unjudged.
func (r *Reader) annotationsAt(ctx context.Context, assets []graph.Ref) (map[graph.Ref][]graph.Annotation, error) {
	out := map[graph.Ref][]graph.Annotation{}
	err := r.about(ctx, annotationTable(), r.at, assets, func(i graph.Item) { out[i.About()] = append(out[i.About()], i.(graph.Annotation)) })
	return out, err
}

// Owners returns all whom anybody names as owners of the assets now.
func (t *Tx) Owners(ctx context.Context, assets ...graph.Ref) ([]graph.Owner, error) {
	known := graph.Snapshot{}
	if err := t.collectIn(ctx, known, ownerTable(), colAbout, keysOf(assets)); err != nil {
		return nil, err
	}
	var owners []graph.Owner
	for _, i := range known.Sorted() {
		owners = append(owners, i.(graph.Owner))
	}
	return owners, nil
}
