package serve

import (
	"context"
	"maps"
	"slices"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/walk"
)

// apiCatalog is the catalog as the API reads it.
type apiCatalog struct{ *App }

var _ api.Catalog = apiCatalog{}

// Reader returns what the principal may read.
func (c apiCatalog) Reader(ctx context.Context, who graph.Principal) (api.Reader, error) {
	r, err := c.catalogReader(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	return apiReader{r, c.App, who}, nil
}

// LastSeen returns when visible assets were last seen; nothing in the past, for
// it stands outside revisions.
func (c apiCatalog) LastSeen(ctx context.Context, who graph.Principal, assets ...graph.Ref) (map[graph.Ref]time.Time, error) {
	if graph.AsOfFrom(ctx).Past {
		return nil, nil
	}
	r, err := c.reader(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	return r.LastSeen(ctx, assets...)
}

// apiReader gives the store's reader the shapes of the API, and tells the
// lookout of what was asked for by name and not found.
type apiReader struct {
	*store.Reader
	app *App
	who graph.Principal
}

var _ api.Reader = apiReader{}

// Assets returns those of the assets that are not hidden.
func (r apiReader) Assets(ctx context.Context, refs ...graph.Ref) (map[graph.Ref]shape.AssetView, error) {
	views, err := r.Reader.Assets(ctx, refs...)
	if err != nil {
		return nil, err
	}
	out := make(map[graph.Ref]shape.AssetView, len(views))
	for ref, v := range views {
		out[ref] = shape.AssetView(v)
	}
	r.app.missed(r.who, missing(refs, out)...)
	if err := r.app.seenThroughGlass(ctx, r.who, slices.Collect(maps.Keys(out))...); err != nil {
		return nil, err
	}
	return out, nil
}

// Statements returns the statements that make visible assets, by target.
func (r apiReader) Statements(ctx context.Context, targets ...graph.Ref) (map[graph.Ref][]graph.Statement, error) {
	return r.StatementsOf(ctx, targets...)
}

// Walk follows lineage and returns the statements that its edges name.
func (r apiReader) Walk(ctx context.Context, q walk.Query) (walk.Result, map[string]graph.Statement, error) {
	result, err := r.Reader.Walk(ctx, q)
	if err != nil {
		return walk.Result{}, nil, err
	}
	named := map[string]bool{}
	var ids []string
	for _, e := range result.Edges {
		if e.Statement != "" && !named[e.Statement] {
			named[e.Statement] = true
			ids = append(ids, e.Statement)
		}
	}
	statements := make(map[string]graph.Statement, len(ids))
	if len(ids) == 0 {
		return result, statements, nil
	}
	found, err := r.Reader.Statements(ctx, ids...)
	if err != nil {
		return walk.Result{}, nil, err
	}
	for _, s := range found {
		statements[s.ID] = s
	}
	return result, statements, nil
}
