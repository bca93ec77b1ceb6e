package api

import (
	"context"
	"fmt"
	"slices"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
)

func (q query) Search(ctx context.Context, text string, filter *shape.SearchFilter, first *int, after *string) (*shape.SearchResult, error) {
	who, reader, err := q.read(ctx)
	if err != nil {
		return nil, err
	}
	asked, err := searchQuery(text, filter, first, after)
	if err != nil {
		return nil, err
	}
	result, err := reader.Search(ctx, asked)
	if err != nil {
		return nil, err
	}
	return q.searchResult(ctx, who, reader, result)
}

func searchQuery(text string, filter *shape.SearchFilter, first *int, after *string) (search.Query, error) {
	size, err := pageSize(first, 25)
	asked := search.Query{Text: text, First: size}
	if after != nil {
		asked.After = *after
	}
	if filter != nil {
		asked.Kinds, asked.Sources, asked.Parents = filter.Kinds, filter.Sources, filter.Parents
		asked.Owners, asked.Labels = filter.Owners, filter.Labels
	}
	return asked, err
}

func (q query) searchResult(ctx context.Context, who graph.Principal, reader Reader, result search.Result) (*shape.SearchResult, error) {
	refs := make([]graph.Ref, 0, len(result.Hits))
	for _, h := range result.Hits {
		refs = append(refs, h.Asset.Ref)
	}
	assets, err := q.show(ctx, who, reader, refs)
	if err != nil {
		return nil, err
	}
	out := &shape.SearchResult{Total: result.Total, Facets: result.Facets, Revision: reader.Revision(), Edges: []shape.SearchEdge{}}
	end := ""
	for _, h := range result.Hits {
		i := slices.IndexFunc(assets, func(a shape.Asset) bool { return a.Ref == h.Asset.Ref })
		if i < 0 {
			continue
		}
		edge := shape.SearchEdge{Cursor: h.Cursor, Node: assets[i], Why: h.Why, Highlights: h.Highlights}
		for _, c := range h.Columns {
			edge.Columns = append(edge.Columns, shape.ColumnHit{Ref: c.Ref, Path: c.Ref.Path, Highlights: c.Highlights})
		}
		out.Edges, end = append(out.Edges, edge), h.Cursor
	}
	out.PageInfo = shape.NewPageInfo(result.HasNext, end)
	return out, nil
}

func (q query) Lineage(ctx context.Context, ref graph.Ref, direction shape.Direction, depth *int, limit *int, columns *bool) (*shape.Lineage, error) {
	who, reader, err := q.read(ctx)
	if err != nil {
		return nil, err
	}
	root, err := q.show(ctx, who, reader, []graph.Ref{ref.Asset()})
	if err != nil || len(root) == 0 {
		return nil, notFoundOr(err)
	}
	asked, err := walkQuery(ref, direction, depth, limit)
	if err != nil {
		return nil, err
	}
	asked.Columns = columns != nil && *columns && root[0].Visibility == string(graph.Visible)
	if !asked.Columns {
		// Of an asset that is only discoverable nobody learns which columns
		// it has: it stands for all of them.
		asked.Root = ref.Asset()
	}
	result, statements, err := reader.Walk(ctx, asked)
	if err != nil {
		return nil, err
	}
	return q.lineage(ctx, reader, asked.Root, result, statements)
}

func notFoundOr(err error) error {
	if err != nil {
		return err
	}
	return graph.ErrNotFound
}

func walkQuery(ref graph.Ref, direction shape.Direction, depth, limit *int) (walk.Query, error) {
	q := walk.Query{Root: ref, Direction: map[shape.Direction]walk.Direction{shape.Up: walk.Up, shape.Down: walk.Down, shape.Both: walk.Both}[direction], Depth: 1, Limit: 200}
	if depth != nil {
		q.Depth = *depth
	}
	if limit != nil {
		q.Limit = *limit
	}
	if q.Depth < 1 || q.Depth > 100 || q.Limit < 1 || q.Limit > maxLineage {
		return q, fmt.Errorf("lineage: depth must be 1 to 100 and limit 1 to %d: %w", maxLineage, graph.ErrInvalid)
	}
	return q, nil
}

func (q query) lineage(ctx context.Context, reader Reader, root graph.Ref, result walk.Result, statements map[string]graph.Statement) (*shape.Lineage, error) {
	out := &shape.Lineage{Root: root, Complete: result.Complete, Reasons: append([]string{}, result.Reasons...), Edges: []shape.LineageEdge{}}
	assets := make([]graph.Ref, 0, len(result.Nodes))
	for _, n := range result.Nodes {
		assets = append(assets, n.Ref.Asset())
	}
	slices.SortFunc(assets, graph.CompareRefs)
	assets = slices.Compact(assets)
	views, err := reader.Assets(ctx, assets...)
	if err != nil {
		return nil, err
	}
	tags, err := reader.Tags(ctx, assets...)
	if err != nil {
		return nil, err
	}
	for _, n := range result.Nodes {
		out.Nodes = append(out.Nodes, lineageNode(n, views[n.Ref.Asset()], tags[n.Ref.Asset()]))
	}
	for _, e := range result.Edges {
		edge := shape.LineageEdge{From: e.From, To: e.To, Kind: string(e.Kind), Function: e.Function, Masking: e.Masking, Outcome: string(e.Outcome), Because: string(e.Because)}
		if s, ok := statements[e.Statement]; ok {
			edge.Statement = &s
		}
		out.Edges = append(out.Edges, edge)
	}
	return out, nil
}

func lineageNode(n walk.Node, v shape.AssetView, tags []graph.Tag) shape.LineageNode {
	node := shape.LineageNode{
		Ref: n.Ref, Name: n.Ref.Base(), Kind: string(v.Asset.Kind), Visibility: string(n.Visibility),
		Distance: n.Distance, More: n.More,
	}
	if n.Ref.IsColumn() {
		node.Name, tags = n.Ref.Path, tagsOn(tags, n.Ref)
	}
	node.Labels = effectiveLabels(tags)
	return node
}

// effectiveLabels returns the labels of the effective tags, each once and
// sorted, without graph.LabelNone. The tags may lie on several columns.
func effectiveLabels(tags []graph.Tag) []string {
	on := map[string][]graph.Tag{}
	for _, t := range tags {
		on[t.Ref.Key()] = append(on[t.Ref.Key()], t)
	}
	labels := []string{}
	for _, of := range on {
		for _, t := range graph.EffectiveTags(of) {
			if t.Label != graph.LabelNone {
				labels = append(labels, t.Label)
			}
		}
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}
