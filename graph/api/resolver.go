package api

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/gen"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/walk"
)

// resolver is the root of all resolvers; each type of the schema has a view of
// it.
type resolver struct{ Config }

type (
	query        struct{ *resolver }
	mutation     struct{ *resolver }
	asset        struct{ *resolver }
	column       struct{ *resolver }
	columnEffect struct{}
	finding      struct{}
	owner        struct{}
	said         struct{}
	provenance   struct{}
	statement    struct{}
	step         struct{}
	tag          struct{}
)

// Query answers queries.
func (r *resolver) Query() gen.QueryResolver { return query{r} }

// Mutation answers mutations.
func (r *resolver) Mutation() gen.MutationResolver { return mutation{r} }

// Asset answers what an asset loads on demand.
func (r *resolver) Asset() gen.AssetResolver { return asset{r} }

// Column answers what a column loads on demand.
func (r *resolver) Column() gen.ColumnResolver { return column{r} }

// The types below are graph's own; their closed sets of words are strings in
// the schema.

// ColumnEffect writes the words of graph.ColumnEffect.
func (r *resolver) ColumnEffect() gen.ColumnEffectResolver { return columnEffect{} }

// Finding writes the words of graph.Finding.
func (r *resolver) Finding() gen.FindingResolver { return finding{} }

// Owner writes the words of graph.Owner.
func (r *resolver) Owner() gen.OwnerResolver { return owner{} }

// Said writes the words of graph.Said.
func (r *resolver) Said() gen.SaidResolver { return said{} }

// Provenance writes the words of graph.Provenance.
func (r *resolver) Provenance() gen.ProvenanceResolver { return provenance{} }

// Statement writes the words of graph.Statement.
func (r *resolver) Statement() gen.StatementResolver { return statement{} }

// Step writes the words of graph.Step.
func (r *resolver) Step() gen.StepResolver { return step{} }

// Tag writes the words of graph.Tag.
func (r *resolver) Tag() gen.TagResolver { return tag{} }

func (columnEffect) Effect(_ context.Context, c *graph.ColumnEffect) (string, error) {
	return string(c.Effect), nil
}

func (columnEffect) Was(_ context.Context, c *graph.ColumnEffect) (string, error) {
	return string(c.Was), nil
}

func (finding) Level(_ context.Context, f *graph.Finding) (string, error) {
	return string(f.Level), nil
}

func (owner) Role(_ context.Context, o *graph.Owner) (string, error) { return string(o.Role), nil }

func (said) Attribute(_ context.Context, s *graph.Said) (string, error) {
	return string(s.Attribute), nil
}

func (provenance) Kind(_ context.Context, p *graph.Provenance) (string, error) {
	return string(p.Kind), nil
}

func (statement) Because(_ context.Context, s *graph.Statement) (string, error) {
	return string(s.Because), nil
}

func (statement) Outcome(_ context.Context, s *graph.Statement) (string, error) {
	return string(s.Outcome), nil
}

func (step) Kind(_ context.Context, s *graph.Step) (string, error) { return string(s.Kind), nil }

func (tag) State(_ context.Context, t *graph.Tag) (string, error) { return string(t.State), nil }

func (tag) Evidence(_ context.Context, t *graph.Tag) ([]string, error) {
	return append([]string{}, walk.Tell(*t)...), nil
}

func (tag) Form(_ context.Context, t *graph.Tag) (string, error) { return string(t.Form), nil }

// who returns the person who asks, of what is now: a query as of the past is
// refused, for a field that does not read the catalog could only answer it
// with the present.
func (r *resolver) who(ctx context.Context) (graph.Principal, error) {
	if graph.AsOfFrom(ctx).Past {
		return graph.Principal{}, fmt.Errorf("%s tells of the present alone, so it has no answer as of the past; ask it without @asOf: %w", graphql.GetFieldContext(ctx).Field.Name, graph.ErrInvalid)
	}
	return r.person(ctx)
}

// person returns who asks, of whichever time.
func (r *resolver) person(ctx context.Context) (graph.Principal, error) {
	p, ok := r.Principal(ctx)
	if !ok {
		return graph.Principal{}, fmt.Errorf("nobody is signed in: %w", graph.ErrDenied)
	}
	return p, nil
}

// read returns who asks and a reader for them at the query's revision.
func (r *resolver) read(ctx context.Context) (graph.Principal, Reader, error) {
	who, err := r.person(ctx)
	if err != nil {
		return graph.Principal{}, nil, err
	}
	reader, err := r.Catalog.Reader(ctx, who)
	return who, reader, err
}

// show loads assets as one page, in the order of the refs.
func (r *resolver) show(ctx context.Context, who graph.Principal, reader Reader, refs []graph.Ref) ([]shape.Asset, error) {
	views, err := reader.Assets(ctx, refs...)
	if err != nil {
		return nil, err
	}
	p := &page{reader: reader, governor: r.Governor, catalog: r.Catalog, who: who}
	out := make([]shape.Asset, 0, len(refs))
	for _, ref := range refs {
		view, ok := views[ref]
		if !ok {
			continue
		}
		if view.Visibility == graph.Visible {
			p.refs = append(p.refs, ref)
		}
		out = append(out, shape.NewAsset(view, p))
	}
	return out, nil
}
