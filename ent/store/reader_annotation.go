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
