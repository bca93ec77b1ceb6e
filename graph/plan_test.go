package graph_test

import (
	"testing"

	"cadastre.dev/cadastre/graph"
)

func plan() graph.Plan {
	return graph.Plan{
		Catalog: "c", Target: "warehouse", Revision: 7, Policy: "p", Audiences: []string{"analysts"},
		Preconditions: []graph.Precondition{{Object: table, Etag: "1"}},
		Steps: []graph.Step{{
			Kind: graph.StepCreateView, Object: other, Audience: "analysts", Base: table, Why: "w", After: "SELECT 1", Undo: "u",
			Columns: []graph.ColumnEffect{{Path: "a", Effect: graph.EffectMask, Method: "null", Rules: []graph.Rule{{ID: "r", Why: "w"}}}},
		}},
		Findings: []graph.Finding{{Ref: table, Level: graph.FindingWarn, Code: "c", What: "w", Do: "d"}},
	}
}

// Law: the hash follows from the content, and each part of it counts.
func TestPlanHash(t *testing.T) {
	t.Parallel()
	want, err := plan().Hash()
	if err != nil || len(want) != 64 {
		t.Fatalf("Hash = %q, %v", want, err)
	}
	if again, err := plan().Hash(); err != nil || again != want {
		t.Errorf("the same plan hashes to %q, %v and %q", again, err, want)
	}
	for _, tt := range []struct {
		name   string
		change func(*graph.Plan)
	}{
		{"catalog", func(p *graph.Plan) { p.Catalog = "d" }},
		{"target", func(p *graph.Plan) { p.Target = "t" }},
		{"revision", func(p *graph.Plan) { p.Revision = 8 }},
		{"policy", func(p *graph.Plan) { p.Policy = "q" }},
		{"audiences", func(p *graph.Plan) { p.Audiences = nil }},
		{"precondition", func(p *graph.Plan) { p.Preconditions[0].Etag = "2" }},
		{"a step's text", func(p *graph.Plan) { p.Steps[0].After = "SELECT 2" }},
		{"a step's column", func(p *graph.Plan) { p.Steps[0].Columns[0].Effect = graph.EffectAllow }},
		{"a step's column before", func(p *graph.Plan) { p.Steps[0].Columns[0].Was = graph.EffectDeny }},
		{"a step's principal", func(p *graph.Plan) { p.Steps[0].Principal = "user:x" }},
		{"a step more", func(p *graph.Plan) { p.Steps = append(p.Steps, graph.Step{}) }},
		{"finding", func(p *graph.Plan) { p.Findings[0].Level = graph.FindingBlock }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := plan()
			tt.change(&p)
			if got, err := p.Hash(); err != nil || got == want {
				t.Errorf("the changed plan hashes to %q, %v as before", got, err)
			}
		})
	}
}

func TestPlanBlockedAndEmpty(t *testing.T) {
	t.Parallel()
	p := plan()
	if p.Blocked() || p.IsEmpty() {
		t.Errorf("a plan with a step and a warning: blocked %v, empty %v", p.Blocked(), p.IsEmpty())
	}
	p.Findings = append(p.Findings, graph.Finding{Level: graph.FindingBlock})
	p.Steps = nil
	if !p.Blocked() || !p.IsEmpty() {
		t.Errorf("a plan without steps and with a block: blocked %v, empty %v", p.Blocked(), p.IsEmpty())
	}
}
