package policy

import (
	"context"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/mask"
)

// Question asks what an audience gets of the columns with some facts.
type Question struct {
	Audience string
	Facts    graph.ColumnFacts
}

// Explanation is a decision with what led to it.
type Explanation struct {
	Decision graph.Decision
	// Overruled are the rules that held but did not decide, because a more
	// protective one did or an exception lifted them.
	Overruled []graph.Rule
	// Facts are what the policy saw of the column, and all that it saw.
	Facts graph.ColumnFacts
}

// batchSize bounds the questions of one evaluation, so that a large catalog
// stays within the timeout of each and can be interrupted between two.
const batchSize = 500

// Decide answers the questions in their order, each distinct pair of audience
// and class evaluated once. What cannot be decided is denied and says so; an
// error means that ctx ended and nothing was decided.
func (e *Engine) Decide(ctx context.Context, questions []Question) ([]graph.Decision, error) {
	explanations, err := e.explain(ctx, questions)
	if err != nil {
		return nil, err
	}
	decisions := make([]graph.Decision, len(explanations))
	for i, x := range explanations {
		decisions[i] = x.Decision
	}
	return decisions, nil
}

// Explain answers one question with its reasons and with the rules that were
// overruled. The decision equals Decide's.
func (e *Engine) Explain(ctx context.Context, question Question) (Explanation, error) {
	explanations, err := e.explain(ctx, []Question{question})
	if err != nil {
		return Explanation{}, err
	}
	return explanations[0], nil
}

func (e *Engine) explain(ctx context.Context, questions []Question) ([]Explanation, error) {
	type key struct {
		audience string
		class    graph.Class
	}
	var distinct []Explanation
	known := map[key]int{}
	which := make([]int, len(questions))
	for i, q := range questions {
		k := key{q.Audience, e.Class(q.Facts)}
		at, ok := known[k]
		if !ok {
			at = len(distinct)
			known[k] = at
			distinct = append(distinct, Explanation{
				Decision: graph.Decision{Audience: q.Audience, Class: k.class, Policy: e.hash},
				Facts:    e.reads.Of(q.Facts),
			})
		}
		which[i] = at
	}
	for chunk := range slices.Chunk(distinct, batchSize) {
		if err := e.answer(ctx, chunk); err != nil {
			return nil, err
		}
	}
	out := make([]Explanation, len(questions))
	for i, at := range which {
		out[i] = distinct[at]
	}
	return out, nil
}

// answer fills in the effects of distinct questions. Where the evaluation of
// all of them fails each is asked alone, so that one faulty rule denies no more
// than what it is about.
func (e *Engine) answer(ctx context.Context, open []Explanation) error {
	inputs := make([]*ast.Term, len(open))
	for i, x := range open {
		inputs[i] = ast.NewTerm(questionValue(x.Decision.Audience, x.Facts))
	}
	batch := ast.NewObject([2]*ast.Term{ast.InternedTerm("questions"), ast.ArrayTerm(inputs...)})
	value, err := e.eval(ctx, e.batch, batch)
	if err != nil {
		return e.answerEach(ctx, open, inputs)
	}
	answers, err := byIndex(value, len(open))
	if err != nil {
		return e.answerEach(ctx, open, inputs)
	}
	for i := range open {
		e.settle(&open[i], answers[i])
	}
	return nil
}

func (e *Engine) answerEach(ctx context.Context, open []Explanation, inputs []*ast.Term) error {
	for i := range open {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("decide: %w", err)
		}
		value, err := e.eval(ctx, e.single, inputs[i].Value)
		if err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("decide: %w", ctx.Err())
			}
			e.logger.WarnContext(ctx, "policy evaluation went wrong, denied", "err", err)
			deny(&open[i].Decision, ruleError)
			continue
		}
		e.settle(&open[i], value)
	}
	return nil
}

// The rules of the engine itself: why something is denied that the policy said
// nothing usable about.
var (
	ruleUndefined = graph.Rule{ID: "engine.undefined", Why: "The policy says nothing about this, so it is denied."}
	ruleError     = graph.Rule{ID: "engine.error", Why: "The policy could not be evaluated, so it is denied."}
	ruleInvalid   = graph.Rule{ID: "engine.invalid", Why: "The policy gave an answer that cannot be carried out, so it is denied."}
	ruleAudience  = graph.Rule{ID: "engine.audience", Why: "There is no such audience, so it is denied."}
)

func deny(d *graph.Decision, why graph.Rule) {
	d.Effect, d.Method, d.Domain, d.Rules = graph.EffectDeny, "", "", []graph.Rule{why}
}

// settle takes what the policy answered over into the explanation, or denies.
func (e *Engine) settle(x *Explanation, value any) {
	d := &x.Decision
	known := slices.ContainsFunc(e.data.Audiences, func(a graph.Audience) bool { return a.Name == d.Audience })
	answer, ok := value.(map[string]any)
	rules, rulesOK := rulesOf(answer["rules"])
	overruled, overruledOK := rulesOf(answer["overruled"])
	method, methodOK := textOf(answer["method"])
	domain, domainOK := textOf(answer["domain"])
	effect, effectOK := answer["effect"].(string)
	switch {
	case !known:
		deny(d, ruleAudience)
	case value == nil:
		deny(d, ruleUndefined)
	case !ok || !rulesOK || !overruledOK || !methodOK || !domainOK || !effectOK || len(rules) == 0,
		!fits(graph.Effect(effect), method, domain, x.Facts.Type):
		deny(d, ruleInvalid)
	default:
		d.Effect, d.Method, d.Domain, d.Rules = graph.Effect(effect), method, domain, rules
		x.Overruled = overruled
	}
}

// fits says whether an effect is one of the three and, if it is a mask,
// whether the method exists, takes the type and can be written out.
func fits(effect graph.Effect, method, domain, typ string) bool {
	switch effect {
	case graph.EffectAllow, graph.EffectDeny:
		return method == "" && domain == ""
	case graph.EffectMask:
		m, err := mask.ByName(method)
		if err != nil || m.Keyed() != (domain != "") {
			return false
		}
		for _, d := range mask.Dialects() {
			if _, err := m.SQL(d, "x", mask.Type(typ), mask.Params{Domain: domain, KeyAlias: "k"}); err != nil {
				return false
			}
		}
		return true
	}
	return false
}

// questionValue is the input of the policy: {audience, column}.
func questionValue(audience string, f graph.ColumnFacts) ast.Value {
	labels := make([]*ast.Term, len(f.Labels))
	for i, l := range f.Labels {
		labels[i] = object("label", l.Label, "state", string(l.State), "form", string(l.Form))
	}
	column := object("assessment", string(f.Assessment), "type", f.Type,
		"domain", f.Domain, "kind", string(f.Kind), "source", f.Source)
	column.Value.(ast.Object).Insert(ast.InternedTerm("labels"), ast.ArrayTerm(labels...))
	return ast.NewObject(
		[2]*ast.Term{ast.InternedTerm("audience"), ast.StringTerm(audience)},
		[2]*ast.Term{ast.InternedTerm("column"), column},
	)
}

// object makes an object of alternating keys and texts.
func object(pairs ...string) *ast.Term {
	o := ast.NewObject()
	for i := 0; i < len(pairs); i += 2 {
		o.Insert(ast.InternedTerm(pairs[i]), ast.StringTerm(pairs[i+1]))
	}
	return ast.NewTerm(o)
}
