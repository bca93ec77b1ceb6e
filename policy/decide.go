package policy

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"golang.org/x/sync/errgroup"

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
	if err := e.answerAll(ctx, distinct); err != nil {
		return nil, fmt.Errorf("decide: %w", err)
	}
	out := make([]Explanation, len(questions))
	for i, at := range which {
		out[i] = distinct[at]
	}
	return out, nil
}

// answerAll fills in the effects of distinct questions, on all processors.
//
// Each question is an evaluation of its own: one evaluation of many, handing
// each on with "with input as", takes half as long again (measured in November
// 2026 with OPA 1.22), and a fault in one question would fail them all.
func (e *Engine) answerAll(ctx context.Context, open []Explanation) error {
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range open {
		if working.Err() != nil {
			break
		}
		group.Go(func() error { return e.answer(working, &open[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err() // nothing may have been asked at all
}

// answer fills in the effect of one question. An evaluation that goes wrong is
// a denial; the error is that of ctx alone.
func (e *Engine) answer(ctx context.Context, x *Explanation) error {
	value, err := e.eval(ctx, e.column, questionValue(x.Decision.Audience, x.Facts))
	switch {
	case err == nil:
		e.settle(x, value)
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		e.logger.WarnContext(ctx, "policy evaluation went wrong, denied", "err", err)
		deny(&x.Decision, ruleError)
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
	for pair := range slices.Chunk(pairs, 2) {
		o.Insert(ast.InternedTerm(pair[0]), ast.StringTerm(pair[1]))
	}
	return ast.NewTerm(o)
}
