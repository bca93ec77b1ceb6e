package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"cadastre.dev/cadastre/graph"
)

// May says whether a principal may do something to an asset with the given
// owners (each as Owner.Principal), and the rules that say so. The zero Asset
// stands for the installation as a whole. An error never comes with true.
func (e *Engine) May(ctx context.Context, p graph.Principal, action graph.Action, asset graph.Asset, owners []string) (bool, []graph.Rule, error) {
	input := object("action", string(action))
	o := input.Value.(ast.Object)
	o.Insert(ast.InternedTerm("principal"), principalTerm(p))
	o.Insert(ast.InternedTerm("asset"), assetTerm(asset))
	o.Insert(ast.InternedTerm("owners"), textsTerm(owners))
	value, err := e.eval(ctx, e.action, o)
	if err != nil {
		return false, []graph.Rule{ruleError}, fmt.Errorf("may %s: %w", action, err)
	}
	answer, ok := value.(map[string]any)
	if !ok {
		return false, []graph.Rule{ruleUndefined}, nil
	}
	allowed, allowedOK := answer["allow"].(bool)
	rules, rulesOK := rulesOf(answer["rules"])
	if !allowedOK || !rulesOK || len(rules) == 0 {
		return false, []graph.Rule{ruleInvalid}, nil
	}
	return allowed, rules, nil
}

// Filter returns what a principal sees of the catalog. Where the policy says
// nothing, and on any error, it is the zero Filter, which hides everything.
// Its clauses are sorted, so that equal principals have equal filters.
func (e *Engine) Filter(ctx context.Context, p graph.Principal) (graph.Filter, error) {
	input := ast.NewObject([2]*ast.Term{ast.InternedTerm("principal"), principalTerm(p)})
	value, err := e.eval(ctx, e.filter, input)
	if err != nil {
		return graph.Filter{}, fmt.Errorf("filter for %s: %w", p.ID, err)
	}
	if value == nil {
		return graph.Filter{}, nil
	}
	filter, err := filterOf(value)
	if err != nil {
		return graph.Filter{}, fmt.Errorf("filter for %s: %w", p.ID, err)
	}
	return filter, nil
}

// filterOf reads {visible, discoverable}, lists of clauses. A clause that
// cannot be read makes the whole filter invalid: leaving out one condition of
// it would show more.
func filterOf(value any) (graph.Filter, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return graph.Filter{}, err
	}
	var answer struct{ Visible, Discoverable []graph.Clause }
	decoder := json.NewDecoder(strings.NewReader(string(encoded)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&answer); err != nil {
		return graph.Filter{}, fmt.Errorf("policy answer: %w: %w", err, graph.ErrInvalid)
	}
	filter := graph.Filter{Visible: answer.Visible, Discoverable: answer.Discoverable}
	for _, clauses := range [][]graph.Clause{filter.Visible, filter.Discoverable} {
		if err := validateClauses(clauses); err != nil {
			return graph.Filter{}, fmt.Errorf("policy answer: %w", err)
		}
	}
	sortClauses(filter.Visible)
	sortClauses(filter.Discoverable)
	return filter, nil
}

func validateClauses(clauses []graph.Clause) error {
	known := []graph.Attribute{
		graph.AttributeRef, graph.AttributeNamespace, graph.AttributeKind,
		graph.AttributeSource, graph.AttributeParent, graph.AttributeOwner,
	}
	for _, clause := range clauses {
		if clause == nil {
			return fmt.Errorf("clause null: want a list of conditions: %w", graph.ErrInvalid)
		}
		for _, condition := range clause {
			if !slices.Contains(known, condition.Attribute) {
				return fmt.Errorf("attribute %q: want one of %v: %w", condition.Attribute, known, graph.ErrInvalid)
			}
		}
	}
	return nil
}

func sortClauses(clauses []graph.Clause) {
	for _, clause := range clauses {
		for _, condition := range clause {
			slices.Sort(condition.In)
		}
	}
	slices.SortFunc(clauses, func(a, b graph.Clause) int {
		return slices.CompareFunc(a, b, func(x, y graph.Condition) int {
			if c := strings.Compare(string(x.Attribute), string(y.Attribute)); c != 0 {
				return c
			}
			return slices.Compare(x.In, y.In)
		})
	})
}

func principalTerm(p graph.Principal) *ast.Term {
	term := object("id", p.ID, "name", p.Name)
	o := term.Value.(ast.Object)
	o.Insert(ast.InternedTerm("groups"), textsTerm(p.Groups))
	o.Insert(ast.InternedTerm("names"), textsTerm(p.Names()))
	return term
}

func assetTerm(a graph.Asset) *ast.Term {
	term := object("kind", string(a.Kind), "source", a.Source, "domain", a.Labels["domain"])
	if !a.Ref.IsZero() {
		term.Value.(ast.Object).Insert(ast.InternedTerm("ref"), ast.StringTerm(a.Ref.String()))
	}
	if !a.Parent.IsZero() {
		term.Value.(ast.Object).Insert(ast.InternedTerm("parent"), ast.StringTerm(a.Parent.String()))
	}
	return term
}

func textsTerm(texts []string) *ast.Term {
	terms := make([]*ast.Term, len(texts))
	for i, t := range texts {
		terms[i] = ast.StringTerm(t)
	}
	return ast.ArrayTerm(terms...)
}
