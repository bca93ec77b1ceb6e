package api

import (
	"context"
	"errors"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// observe tells Config.Observe of each operation and how it ended.
func (r *resolver) observe(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	ctx, end := r.Observe(ctx, workOf(graphql.GetOperationContext(ctx).Operation))
	end = onceOnly(end)
	answer := next(ctx)
	return func(ctx context.Context) *graphql.Response {
		response := answer(ctx)
		if response == nil {
			end(nil)
			return nil
		}
		end(kindOf(response.Errors))
		return response
	}
}

func onceOnly(end func(error)) func(error) {
	var once sync.Once
	return func(err error) { once.Do(func() { end(err) }) }
}

// workOf names an operation by its kind and the field it asks for, of which
// the schema has few: neither a name that the client chose nor an argument.
func workOf(op *ast.OperationDefinition) string {
	field := ""
	for _, s := range op.SelectionSet {
		f, ok := s.(*ast.Field)
		if !ok || (field != "" && field != f.Name) {
			return string(op.Operation) + " several"
		}
		field = f.Name
	}
	return string(op.Operation) + " " + field
}

// errInternal stands for what has no kind.
var errInternal = errors.New("internal error")

// kindOf returns the kind of the first error, without its text.
func kindOf(list gqlerror.List) error {
	if len(list) == 0 {
		return nil
	}
	for _, k := range kinds {
		if list[0].Extensions["code"] == k.code {
			return k.kind
		}
	}
	return errInternal
}
