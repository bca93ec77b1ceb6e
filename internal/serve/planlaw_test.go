package serve

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
)

// Law: what restrict keeps is a part of the plan in the plan's order, all that
// serves everybody or somebody chosen is in it, and to restrict again changes
// nothing.
func TestRestrictKeepsTheOrderOfAnyPlan(t *testing.T) {
	t.Parallel()
	names := []string{"", "analysts", "fraud", "ops"}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 7))
		var whole graph.Plan
		for i := range random.IntN(30) {
			whole.Steps = append(whole.Steps, graph.Step{Kind: graph.StepCreateView, Audience: names[random.IntN(len(names))], Why: fmt.Sprint(i)})
		}
		whole.Findings = []graph.Finding{{What: "something"}}
		chosen := []string{"analysts", "fraud", "ops"}[:random.IntN(4)]
		before := slices.Clone(whole.Steps)
		got := restrict(whole, chosen)
		at := 0
		for _, s := range whole.Steps {
			keep := s.Audience == "" || slices.Contains(chosen, s.Audience)
			if !keep {
				continue
			}
			if at >= len(got.Steps) || got.Steps[at].Why != s.Why {
				t.Fatalf("seed %d: step %s is not the next that is kept", seed, s.Why)
			}
			at++
		}
		if at != len(got.Steps) {
			t.Errorf("seed %d: %d steps too many are kept", seed, len(got.Steps)-at)
		}
		if diff := cmp.Diff(got, restrict(got, chosen)); diff != "" {
			t.Errorf("seed %d: restricting again:\n%s", seed, diff)
		}
		if len(got.Findings) != 1 || cmp.Diff(before, whole.Steps) != "" {
			t.Errorf("seed %d: findings were lost, or the plan was changed", seed)
		}
	}
}

// Rights are told by what they lie on; a view reads what its own text reads,
// once each, and what a job read does not make it a view.
func TestRightsAndReadsAreGathered(t *testing.T) {
	t.Parallel()
	v, other := graph.BigQueryRef("shop", "core", "v"), graph.BigQueryRef("shop", "raw", "orders")
	edge := func(from, to graph.Ref, because graph.EvidenceKind, statement string) graph.Edge {
		return graph.Edge{From: from, To: to, Kind: graph.EdgeIdentity, Because: because, Statement: statement, Outcome: graph.OutcomeExact}
	}
	one, two := granted(people().Ref, "user:a@shop.example", "READER"), granted(people().Ref, "user:b@shop.example", "READER")
	onContainer := granted(people().Parent, "user:a@shop.example", "OWNER")
	items := graph.NewSnapshot(
		one, two, onContainer, people(),
		edge(people().Ref.Column("email"), v.Column("email"), graph.EvidenceView, "v"),
		edge(people().Ref.Column("id"), v.Column("id"), graph.EvidenceView, "v"),
		edge(other, v, graph.EvidenceView, "v"),
		edge(other.Column("id"), people().Ref.Column("id"), graph.EvidenceJob, "job:1"),
	)
	grants, reads := grantsAndReads(items)
	if len(grants[people().Ref]) != 2 || len(grants[people().Parent]) != 1 || len(grants) != 2 {
		t.Errorf("the rights are %v", grants)
	}
	got := slices.SortedFunc(slices.Values(reads[v]), graph.CompareRefs)
	if want := []graph.Ref{people().Ref, other}; !cmp.Equal(slices.SortedFunc(slices.Values(want), graph.CompareRefs), got) {
		t.Errorf("the view reads %v, want %v", got, want)
	}
	if keys := slices.Collect(maps.Keys(reads)); len(keys) != 1 {
		t.Errorf("reads are told of %v", keys)
	}
}

func TestWhatIsPublishedIsChosenByTheConfiguration(t *testing.T) {
	t.Parallel()
	topic := graph.Asset{Ref: graph.Ref{Namespace: "kafka://k:9092", Name: "raw.people"}, Kind: graph.KindTopic, Source: "warehouse"}
	for _, test := range []struct {
		name   string
		target Target
		asset  graph.Asset
		want   bool
	}{
		{"everything of the platform", Target{}, people(), true},
		{"another platform", Target{}, topic, false},
		{"a named source", Target{Sources: []string{"warehouse"}}, people(), true},
		{"another source", Target{Sources: []string{"other"}}, people(), false},
		{"a named dataset", Target{Datasets: []string{"core", "raw"}}, people(), true},
		{"a pattern", Target{Datasets: []string{"r*"}}, people(), true},
		{"another dataset", Target{Datasets: []string{"core"}}, people(), false},
		{"no part of a name", Target{Datasets: []string{"ra"}}, people(), false},
		{"a pattern that cannot be read", Target{Datasets: []string{"raw["}}, people(), false},
		{"the source and another dataset", Target{Sources: []string{"warehouse"}, Datasets: []string{"core"}}, people(), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := (Config{Target: test.target}).publishes(test.asset); got != test.want {
				t.Errorf("published: %v, want %v", got, test.want)
			}
		})
	}
}

// Of two plans made from one state, applied at once, at most one comes to its
// end; the other is stale or stopped and says why, and what stands is whole:
// planning again finds nothing that is half made.
func TestTwoPlansAtOnceLeaveTheWarehouseWhole(t *testing.T) {
	t.Parallel()
	h := newHouse(t).crawled()
	ctx := t.Context()
	var plans []graph.SavedPlan
	for _, audiences := range [][]string{{"analysts"}, nil} {
		plan, err := h.app().Plan(ctx, otto(), audiences)
		if err == nil {
			_, err = h.app().Approve(ctx, otto(), plan.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, plan)
	}
	faults := make([]error, len(plans))
	var all sync.WaitGroup
	for i, p := range plans {
		all.Go(func() { _, faults[i] = h.app().Apply(ctx, otto(), p.ID) })
	}
	all.Wait()
	if err := errors.Join(faults...); err != nil {
		t.Fatal(err)
	}
	h.settled()
	applied := 0
	for _, p := range plans {
		p, err := h.app().SavedPlan(ctx, otto(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		switch p.State {
		case graph.PlanApplied:
			applied++
		case graph.PlanStale, graph.PlanStopped:
			if p.Reason == "" {
				t.Errorf("plan %s is %s and does not say why", p.ID, p.State)
			}
		default:
			t.Errorf("plan %s is %s", p.ID, p.State)
		}
	}
	if applied == 0 {
		t.Error("neither plan came to its end")
	}
	h.published()
	again, err := h.app().Plan(ctx, otto(), nil)
	if err != nil || !again.Plan.IsEmpty() || again.Plan.Blocked() {
		t.Errorf("in the end %d steps are left, %v: %v", len(again.Plan.Steps), again.Plan.Findings, err)
	}
}
