package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"cadastre.dev/cadastre/graph"
)

// directiveAsOf is the name of the directive in the schema.
const directiveAsOf = "asOf"

// noMomentError says that a query names a moment that cannot be asked for. Its
// text tells of revisions alone, never of what is hidden.
type noMomentError struct{ err error }

// Error is the text of the error within.
func (e *noMomentError) Error() string { return e.err.Error() }

// Unwrap returns the error within.
func (e *noMomentError) Unwrap() error { return e.err }

// pin fixes the revision of a query before its first field is asked, so that
// all fields agree. One with the directive is fixed by it. A mutation reads
// what it wrote.
func (r *resolver) pin(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	operation := graphql.GetOperationContext(ctx).Operation
	if operation.Operation != ast.Query {
		return next(ctx)
	}
	if operation.Directives.ForName(directiveAsOf) != nil {
		return next(ctx)
	}
	at, err := r.Catalog.AsOf(ctx, graph.Moment{})
	if err != nil {
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{r.present(ctx, err)}})
	}
	return next(graph.WithAsOf(ctx, at))
}

// asOf answers a query at the moment that its directive names. The moment is
// looked up once more at the end: had it been removed under retention on the
// way, the answer might lack something.
func (r *resolver) asOf(ctx context.Context, _ any, next graphql.Resolver, revision *graph.Revision, at *time.Time) (any, error) {
	moment, err := momentOf(revision, at)
	if err != nil {
		return nil, err
	}
	if _, err := r.person(ctx); err != nil {
		return nil, err
	}
	then, err := r.Catalog.AsOf(ctx, moment)
	if err != nil {
		return nil, momentFault(err)
	}
	answer, err := next(graph.WithAsOf(ctx, then))
	if err != nil {
		return nil, err
	}
	if _, err := r.Catalog.AsOf(ctx, graph.Moment{Revision: then.Revision}); err != nil {
		return nil, momentFault(err)
	}
	return answer, nil
}

func momentOf(revision *graph.Revision, at *time.Time) (graph.Moment, error) {
	switch {
	case (revision == nil) == (at == nil):
		return graph.Moment{}, fmt.Errorf("@asOf: want a revision or a time, and not both: %w", graph.ErrInvalid)
	case revision != nil && *revision == 0:
		return graph.Moment{}, fmt.Errorf("@asOf: revisions count from 1: %w", graph.ErrInvalid)
	case revision != nil:
		return graph.Moment{Revision: *revision}, nil
	case at.IsZero():
		return graph.Moment{}, fmt.Errorf("@asOf: the catalog begins later: %w", graph.ErrInvalid)
	}
	return graph.Moment{Time: *at}, nil
}

// momentFault lets the text of what is wrong with a moment be told.
func momentFault(err error) error {
	if errors.Is(err, graph.ErrNotFound) {
		return &noMomentError{err}
	}
	return err
}
