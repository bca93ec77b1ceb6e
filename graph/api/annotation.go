package api

import (
	"context"
	"slices"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

func (m mutation) Annotate(ctx context.Context, input []shape.AnnotateInput) (*shape.AnnotatePayload, error) {
	who, err := m.who(ctx)
	if err != nil {
		return nil, err
	}
	requests, refs := make([]graph.AnnotateRequest, 0, len(input)), make([]graph.Ref, 0, len(input))
	for _, in := range input {
		requests, refs = append(requests, in.Request()), append(refs, in.Ref)
	}
	revision, err := m.Describer.Annotate(ctx, who, requests)
	if err != nil {
		return nil, err
	}
	return m.described(ctx, refs, revision)
}

func (m mutation) Own(ctx context.Context, input []shape.OwnInput) (*shape.AnnotatePayload, error) {
	who, err := m.who(ctx)
	if err != nil {
		return nil, err
	}
	requests, refs := make([]graph.OwnRequest, 0, len(input)), make([]graph.Ref, 0, len(input))
	for _, in := range input {
		requests, refs = append(requests, in.Request()), append(refs, in.Ref)
	}
	revision, err := m.Describer.Own(ctx, who, requests)
	if err != nil {
		return nil, err
	}
	return m.described(ctx, refs, revision)
}

// described shows the assets of which something was said, as they now stand.
func (m mutation) described(ctx context.Context, refs []graph.Ref, revision graph.Revision) (*shape.AnnotatePayload, error) {
	who, reader, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	for i := range refs {
		refs[i] = refs[i].Asset()
	}
	slices.SortFunc(refs, graph.CompareRefs)
	assets, err := m.show(ctx, who, reader, slices.Compact(refs))
	return &shape.AnnotatePayload{Assets: assets, Revision: revision}, err
}
