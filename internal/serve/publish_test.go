package serve

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

func TestRestrictKeepsWhatServesTheAudiencesAndAll(t *testing.T) {
	t.Parallel()
	step := func(audience string) graph.Step { return graph.Step{Kind: graph.StepCreateView, Audience: audience} }
	whole := graph.Plan{Steps: []graph.Step{step(""), step("analysts"), step("fraud"), step("analysts")}}
	for _, test := range []struct {
		name      string
		audiences []string
		want      []graph.Step
	}{
		{"all", []string{"analysts", "fraud"}, whole.Steps},
		{"one", []string{"fraud"}, []graph.Step{step(""), step("fraud")}},
		{"none", nil, []graph.Step{step("")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := restrict(whole, test.audiences)
			if diff := cmp.Diff(test.want, got.Steps); diff != "" {
				t.Error(diff)
			}
			if len(whole.Steps) != 4 {
				t.Error("the plan that was restricted was changed")
			}
		})
	}
}

func TestAudiencesAreChosenByName(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	for _, test := range []struct {
		name       string
		asked, got []string
		kind       error
	}{
		{name: "none means all", got: []string{"analysts", "fraud"}},
		{name: "sorted, once each", asked: []string{"fraud", "analysts", "fraud"}, got: []string{"analysts", "fraud"}},
		{name: "one", asked: []string{"fraud"}, got: []string{"fraud"}},
		{name: "unknown", asked: []string{"fraud", "nobody"}, kind: graph.ErrNotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := h.app().chooseAudiences(test.asked)
			if test.kind != nil {
				mustBe(t, err, test.kind)
				return
			}
			if diff := cmp.Diff(test.got, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

// savePlan saves a plan that nobody made, as it would stand in the store.
func (h *house) savePlan(p graph.Plan) string {
	h.t.Helper()
	var saved graph.SavedPlan
	_, err := h.app().store.Commit(h.t.Context(), otto(), "plan", func(tx *store.Tx) (err error) {
		saved, err = tx.SavePlan(h.t.Context(), p)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return saved.ID
}

func TestPlansMoveOnlyAsTheyMay(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	app, ctx := h.app(), t.Context()
	plan := func(why string) graph.Plan {
		return graph.Plan{
			Catalog: app.store.Catalog(), Target: "warehouse", Audiences: []string{"analysts"},
			Steps: []graph.Step{{Kind: graph.StepCreateContainer, Object: graph.BigQueryRef("lumen-prod", "views_analysts"), Why: why, Undo: "Remove it."}},
		}
	}
	blocked := plan("blocked")
	blocked.Findings = []graph.Finding{{Level: graph.FindingBlock, What: "a reason"}}
	foreign := plan("foreign")
	foreign.Catalog = "another"
	for _, test := range []struct {
		name string
		do   func() error
		kind error
		want string
	}{
		{"approve a blocked plan", func() error { _, err := app.Approve(ctx, otto(), h.savePlan(blocked)); return err }, graph.ErrConflict, "plan again"},
		{"apply what was not approved", func() error { _, err := app.Apply(ctx, otto(), h.savePlan(plan("a"))); return err }, graph.ErrConflict, "planned"},
		{"undo what was not applied", func() error { _, err := app.Undo(ctx, otto(), h.savePlan(plan("b"))); return err }, graph.ErrConflict, "planned"},
		{"approve twice", func() error {
			id := h.savePlan(plan("c"))
			if _, err := app.Approve(ctx, otto(), id); err != nil {
				t.Error(err)
			}
			_, err := app.Approve(ctx, otto(), id)
			return err
		}, graph.ErrConflict, "approved"},
		{"keep another catalog's", func() error {
			_, err := app.store.Commit(ctx, otto(), "plan", func(tx *store.Tx) error {
				_, err := tx.SavePlan(ctx, foreign)
				return err
			})
			return err
		}, graph.ErrInvalid, "another"},
		{"apply what nobody made here", func() error { _, err := app.Apply(ctx, otto(), "feed"); return err }, graph.ErrNotFound, "plan here"},
		{"an analyst plans", func() error { _, err := app.Plan(ctx, ana(), nil); return err }, graph.ErrDenied, "plan"},
		{"an analyst approves", func() error { _, err := app.Approve(ctx, ana(), h.savePlan(plan("d"))); return err }, graph.ErrDenied, "approve"},
		{"an analyst applies", func() error { _, err := app.Apply(ctx, ana(), h.savePlan(plan("e"))); return err }, graph.ErrDenied, "apply"},
		{"an auditor undoes", func() error { _, err := app.Undo(ctx, audra(), h.savePlan(plan("f"))); return err }, graph.ErrDenied, "apply"},
		{"plan for nobody", func() error { _, err := app.Plan(ctx, otto(), []string{"nobody"}); return err }, graph.ErrNotFound, "analysts"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.do()
			mustBe(t, err, test.kind)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error does not tell of %q: %v", test.want, err)
			}
		})
	}
}

func TestWithoutATargetNothingIsPlanned(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	h.reopen(func(c *Config) { c.Target = Target{} })
	_, err := h.app().Plan(t.Context(), otto(), nil)
	mustBe(t, err, graph.ErrInvalid)
	if !strings.Contains(err.Error(), "target.project") {
		t.Errorf("the error does not tell what to set: %v", err)
	}
}

func TestPlanThenApplyThenPlanIsEmpty(t *testing.T) {
	t.Parallel()
	h := newHouse(t).crawled()
	plan := h.published()
	if plan.State != graph.PlanApplied || plan.Done != len(plan.Plan.Steps) || plan.Done == 0 {
		t.Fatalf("the plan is %s, %d of %d steps: %s", plan.State, plan.Done, len(plan.Plan.Steps), plan.Reason)
	}
	again, err := h.app().Plan(t.Context(), otto(), nil)
	if err != nil || !again.Plan.IsEmpty() {
		t.Errorf("planning again has %d steps, %v", len(again.Plan.Steps), err)
	}
	one := h.events("step")
	if len(one) != plan.Done {
		t.Errorf("the audit log tells of %d steps, %d were done", len(one), plan.Done)
	}
	if _, err := h.app().Undo(t.Context(), otto(), plan.ID); err != nil {
		t.Fatal(err)
	}
	h.settled()
	undone, err := h.app().SavedPlan(t.Context(), otto(), plan.ID)
	if err != nil || undone.State != graph.PlanUndone || undone.Done != 0 {
		t.Errorf("undone, the plan is %s with %d steps: %s, %v", undone.State, undone.Done, undone.Reason, err)
	}
}

func TestAPlanThatStoppedIsResumed(t *testing.T) {
	t.Parallel()
	h := newHouse(t).crawled()
	h.fault(bigquery.Fault{Method: "bigquery.tables.insert", Status: http.StatusForbidden})
	stopped := h.published()
	if stopped.State != graph.PlanStopped || stopped.Done == len(stopped.Plan.Steps) || !strings.Contains(stopped.Reason, "step") {
		t.Fatalf("with the warehouse refusing, the plan is %s, %d of %d steps: %s", stopped.State, stopped.Done, len(stopped.Plan.Steps), stopped.Reason)
	}
	h.demo.sandbox.ClearFaults()
	if _, err := h.app().Apply(t.Context(), otto(), stopped.ID); err != nil {
		t.Fatal(err)
	}
	h.settled()
	applied, err := h.app().SavedPlan(t.Context(), otto(), stopped.ID)
	if err != nil || applied.State != graph.PlanApplied || applied.Done != len(applied.Plan.Steps) {
		t.Errorf("resumed, the plan is %s, %d of %d steps: %s, %v", applied.State, applied.Done, len(applied.Plan.Steps), applied.Reason, err)
	}
	if got := len(h.events("step")); got != applied.Done {
		t.Errorf("the audit log tells of %d steps, %d were done", got, applied.Done)
	}
}

func TestAPlanGoesOnWhereTheProgramWasKilled(t *testing.T) {
	t.Parallel()
	h := newHouse(t).crawled()
	ctx := t.Context()
	plan, err := h.app().Plan(ctx, otto(), nil)
	if err == nil {
		_, err = h.app().Approve(ctx, otto(), plan.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The job is due and nobody works it: as after a power cut.
	if err := h.app().stopJobs(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.app().Apply(ctx, otto(), plan.ID); err != nil {
		t.Fatal(err)
	}
	h.reopen(func(*Config) {})
	h.settled()
	applied, err := h.app().SavedPlan(ctx, otto(), plan.ID)
	if err != nil || applied.State != graph.PlanApplied {
		t.Errorf("after the next start the plan is %s: %s, %v", applied.State, applied.Reason, err)
	}
}

// To stop the program while it applies is no end of the plan: the next start
// goes on, and no step is done twice.
func TestAPlanGoesOnWhereTheProgramWasStopped(t *testing.T) {
	t.Parallel()
	h := newHouse(t).crawled()
	ctx := t.Context()
	plan, err := h.app().Plan(ctx, otto(), nil)
	if err == nil {
		_, err = h.app().Approve(ctx, otto(), plan.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	// Views are slow to be made, so that the stop comes between.
	h.fault(bigquery.Fault{Method: "bigquery.tables.insert", DelayMilliseconds: 500})
	if _, err := h.app().Apply(ctx, otto(), plan.ID); err != nil {
		t.Fatal(err)
	}
	until(t, "some steps are done", func(ctx context.Context) bool {
		p, err := h.app().SavedPlan(ctx, otto(), plan.ID)
		return err == nil && p.Done > 0
	})
	h.reopen(func(*Config) {})
	between, err := h.app().SavedPlan(ctx, otto(), plan.ID)
	if err != nil || between.State != graph.PlanApplying || between.Done == len(between.Plan.Steps) {
		t.Fatalf("stopped, the plan is %s, %d of %d steps: %s, %v", between.State, between.Done, len(between.Plan.Steps), between.Reason, err)
	}
	h.demo.sandbox.ClearFaults()
	h.settled()
	applied, err := h.app().SavedPlan(ctx, otto(), plan.ID)
	if err != nil || applied.State != graph.PlanApplied {
		t.Errorf("after the next start the plan is %s: %s, %v", applied.State, applied.Reason, err)
	}
	if got := len(h.events("step")); got != len(applied.Plan.Steps) {
		t.Errorf("the audit log tells of %d steps, the plan has %d", got, len(applied.Plan.Steps))
	}
}

func TestOnePlanServesOneAudience(t *testing.T) {
	t.Parallel()
	h := newHouse(t).crawled()
	plan, err := h.app().Plan(t.Context(), otto(), []string{"fraud"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range plan.Plan.Steps {
		if s.Audience != "" && s.Audience != "fraud" {
			t.Errorf("a step serves %s: %s %s", s.Audience, s.Kind, s.Object)
		}
	}
	if plan.Plan.IsEmpty() || !slices.Equal(plan.Plan.Audiences, []string{"fraud"}) {
		t.Errorf("the plan has %d steps for %v", len(plan.Plan.Steps), plan.Plan.Audiences)
	}
}

func TestTwoProcessesOnOneFolderTakeTurns(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	h.settled()
	other, err := Open(t.Context(), h.app().config, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	if err := other.startJobs(t.Context()); err != nil || other.jobs != nil {
		t.Fatalf("two work the jobs of one folder: %v", err)
	}
	if _, err := other.Crawl(t.Context(), system(), []string{"registry"}, ""); err != nil {
		t.Errorf("the command beside the server: %v", err)
	}
	if other.jobs != nil {
		t.Error("the command took the jobs from the server")
	}
	if err := h.app().stopJobs(); err != nil {
		t.Fatal(err)
	}
	working, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { other.keepWorking(working); close(ended) }()
	until(t, "the other process takes over", func(context.Context) bool {
		other.jobsMu.Lock()
		defer other.jobsMu.Unlock()
		return other.jobs != nil
	})
	stop()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("it does not stop")
	}
}

// Of the containers of views, the demo's analysts know their own alone:
// neither another audience's, nor where the keys lie.
func TestAnAudienceKnowsItsOwnContainerAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t).crawled()
	h.tag(otto(), said("raw.customers", "contact.email", "user.contact.email", "confirmed"))
	h.published()
	for _, test := range []struct {
		name string
		ref  graph.Ref
		want bool
	}{
		{"their own views", graph.BigQueryRef(company.Project, "views_analysts"), true},
		{"another audience's views", graph.BigQueryRef(company.Project, "views_fraud"), false},
		{"keys", graph.BigQueryRef(company.Project, "views_keys"), false},
		{"what lies in the warehouse anyway", graph.BigQueryRef(company.Project, company.Raw), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := isKnown(h, ana(), test.ref); got != test.want {
				t.Errorf("an analyst knows of %s: %v, want %v", test.ref, got, test.want)
			}
			if !isKnown(h, otto(), test.ref) {
				t.Errorf("the owner does not know of %s", test.ref)
			}
		})
	}
}

// Of a published view its own audience gets all of it, and others nothing:
// whether somebody looked at its columns does not matter any more.
func TestAPublishedViewIsExplainedAsItStands(t *testing.T) {
	t.Parallel()
	h := newHouse(t).crawled()
	h.tag(otto(), said("raw.customers", "contact.email", "user.contact.email", "confirmed"))
	h.published()
	shown := graph.BigQueryRef(company.Project, "views_analysts", "raw__customers").Column("contact.email")
	want := map[string]string{"analysts": "allow published.own", "fraud": "deny published.other"}
	decisions, err := h.app().Explain(t.Context(), otto(), shown, "")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, d := range decisions {
		got[d.Audience] = string(d.Effect) + " " + d.Rules[0].ID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
	explained, err := h.app().ExplainColumns(t.Context(), otto(), []graph.Ref{shown.Asset()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	clear(got)
	for _, e := range explained[shown] {
		got[e.Audience] = e.Effect + " " + e.Rules[0].ID
		if e.Example != "" || e.Method != "" {
			t.Errorf("%s is shown the example %q by %q", e.Audience, e.Example, e.Method)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("explanations (-want +got):\n%s", diff)
	}
}
