package policy

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"cadastre.dev/cadastre/graph"
)

// reads learns from the compiled rules which attributes under input.column
// they look at. Where that cannot be told, because a rule takes the input or
// the column as a whole or by a computed name, it is all of them. The type is
// always among them: the engine itself asks whether a method fits it.
//
// Nothing depends on this being right. Rules are given the projected facts
// alone, so that an attribute overlooked here would be empty to them, and
// columns of one class cannot be told apart.
func reads(modules map[string]*ast.Module) graph.Projection {
	found := map[graph.FactAttribute]bool{graph.FactType: true}
	for _, module := range modules {
		ast.WalkRefs(module, func(ref ast.Ref) bool {
			if attribute, ok := readOf(ref); ok {
				found[attribute] = true
			}
			return false
		})
	}
	all := graph.AllFacts()
	if found[everything] {
		return all
	}
	return slices.DeleteFunc(all, func(a graph.FactAttribute) bool { return !found[a] })
}

// everything stands for a look that cannot be narrowed to an attribute.
const everything graph.FactAttribute = "*"

// readOf says which attribute of the column a reference looks at, if any.
func readOf(ref ast.Ref) (graph.FactAttribute, bool) {
	if len(ref) == 0 || !ref[0].Equal(ast.InputRootDocument) {
		return "", false
	}
	if len(ref) == 1 {
		return everything, true
	}
	root, ok := ref[1].Value.(ast.String)
	if !ok {
		return everything, true
	}
	if root != "column" {
		return "", false
	}
	if len(ref) == 2 {
		return everything, true
	}
	attribute, ok := ref[2].Value.(ast.String)
	if !ok {
		return everything, true
	}
	return graph.FactAttribute(attribute), true
}
