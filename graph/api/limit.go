package api

import (
	"context"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/gen"
	"cadastre.dev/cadastre/graph/api/shape"
)

// The sizes of pages.
const (
	maxPage    = 200
	maxLineage = 2000
)

// pageSize reads a page size; nil means the schema's default came through.
func pageSize(first *int, fallback int) (int, error) {
	if first == nil {
		return fallback, nil
	}
	if *first < 1 || *first > maxPage {
		return 0, fmt.Errorf("first: want 1 to %d, not %d: %w", maxPage, *first, graph.ErrInvalid)
	}
	return *first, nil
}

// complexity counts a list by its page, so that nesting lists costs what it
// loads.
func complexity() gen.ComplexityRoot {
	var c gen.ComplexityRoot
	times := func(child int, first *int, fallback int) int {
		n := fallback
		if first != nil {
			n = max(1, min(*first, maxPage))
		}
		return 1 + n*child
	}
	c.Query.Search = func(child int, _ string, _ *shape.SearchFilter, first *int, _ *string) int {
		return times(child, first, 25)
	}
	c.Query.Plans = func(child int, first *int, _ *string) int { return times(child, first, 20) }
	c.Query.Runs = func(child int, _ string, first *int) int { return times(child, first, 10) }
	c.Query.Inbox = func(child int, first *int, _ *string) int { return times(child, first, 50) }
	c.Query.Audit = func(child int, _ *shape.AuditFilter, first *int, _ *string) int { return times(child, first, 50) }
	c.Asset.History = func(child int, first *int, _ *string) int { return times(child, first, 20) }
	return c
}

// depthLimit refuses operations that nest too deeply.
type depthLimit struct{ most int }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = depthLimit{}

// ExtensionName names the extension.
func (depthLimit) ExtensionName() string { return "DepthLimit" }

// Validate accepts every schema.
func (depthLimit) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses an operation that is too deep.
func (l depthLimit) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if d := depth(op.Operation.SelectionSet, l.most+1); d > l.most {
		err := gqlerror.Errorf("selections nest more than %d deep", l.most)
		err.Extensions = map[string]any{"code": "INVALID"}
		return err
	}
	return nil
}

// hiddenSchema refuses operations that ask for the schema.
type hiddenSchema struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = hiddenSchema{}

// ExtensionName names the extension.
func (hiddenSchema) ExtensionName() string { return "HiddenSchema" }

// Validate accepts every schema.
func (hiddenSchema) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses an operation that asks for the schema.
func (hiddenSchema) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if asksForSchema(op.Operation.SelectionSet) {
		err := gqlerror.Errorf("introspection is off")
		err.Extensions = map[string]any{"code": "INVALID"}
		return err
	}
	return nil
}

// asksForSchema looks at the fields of a root; those of introspection stand
// nowhere else.
func asksForSchema(set ast.SelectionSet) bool {
	return slices.ContainsFunc(set, func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.Field:
			return s.Name == "__schema" || s.Name == "__type"
		case *ast.InlineFragment:
			return asksForSchema(s.SelectionSet)
		case *ast.FragmentSpread:
			return s.Definition != nil && asksForSchema(s.Definition.SelectionSet)
		}
		return false
	})
}

// depth returns how deep selections nest, and stops counting at most.
func depth(set ast.SelectionSet, most int) int {
	deepest := 0
	if most == 0 {
		return 0
	}
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			deepest = max(deepest, 1+depth(s.SelectionSet, most-1))
		case *ast.InlineFragment:
			deepest = max(deepest, depth(s.SelectionSet, most))
		case *ast.FragmentSpread:
			if s.Definition != nil {
				deepest = max(deepest, depth(s.Definition.SelectionSet, most))
			}
		}
	}
	return deepest
}
