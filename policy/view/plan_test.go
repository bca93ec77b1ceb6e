package view_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

// world is a desired state with a present one that can be changed first.
type world struct {
	desired view.Desired
	present view.Present
}

// newWorld is the suite's, before or after it was applied.
func newWorld(t *testing.T, applied bool) *world {
	t.Helper()
	w := &world{desired: viewtest.Desired("user:publisher@house.example")}
	target := viewtest.NewWarehouse(viewtest.Names(), w.desired.Bases...)
	w.read(t, target)
	if applied {
		if err := view.Apply(t.Context(), w.plan(t), 0, target, &viewtest.Log{}); err != nil {
			t.Fatal(err)
		}
		w.read(t, target)
	}
	return w
}

func (w *world) read(t *testing.T, target view.Target) {
	t.Helper()
	var err error
	if w.present, err = target.Present(t.Context(), w.desired.Want()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) plan(t *testing.T) graph.Plan {
	t.Helper()
	plan, err := view.Plan(w.desired, w.present, viewtest.Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func (w *world) setContainer(ref graph.Ref, change func(*view.Container)) {
	c := w.present.Containers[ref]
	c.Access = slices.Clone(c.Access)
	change(&c)
	w.present.Containers[ref] = c
}

func (w *world) grant(ref graph.Ref, principal, role string) {
	w.setContainer(ref, func(c *view.Container) {
		c.Access = append(c.Access, graph.Grant{On: ref, Principal: principal, Role: role})
	})
}

// line is a step in one line.
func line(s graph.Step) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", s.Kind, s.Object.Name, s.Principal))
}

func lines(p graph.Plan) []string {
	var out []string
	for _, s := range p.Steps {
		out = append(out, line(s))
	}
	return out
}

// The steps of a first plan: containers, keys, views, authorizations, and only
// then those who are let in.
func TestFirstPlan(t *testing.T) {
	t.Parallel()
	plan := newWorld(t, false).plan(t)
	want := []string{
		"create_container house.cadastre_analysts",
		"create_container house.cadastre_fraud",
		"create_container house.cadastre_keys",
		"put_key house.cadastre_keys",
		"put_key house.cadastre_keys",
		"put_key house.cadastre_keys",
		"create_view house.cadastre_analysts.raw__customers",
		"create_view house.cadastre_analysts.raw__payments",
		"create_view house.cadastre_fraud.raw__customers",
		"create_view house.cadastre_fraud.raw__payments",
		"authorize house.cadastre_keys dataset:bigquery/house.cadastre_analysts",
		"authorize house.raw dataset:bigquery/house.cadastre_analysts",
		"authorize house.raw dataset:bigquery/house.cadastre_fraud",
		"grant house.cadastre_analysts group:analysts@house.example",
		"grant house.cadastre_fraud group:fraud@house.example",
	}
	if diff := cmp.Diff(want, lines(plan)); diff != "" {
		t.Fatalf("steps (-want +got):\n%s", diff)
	}
	var keys []string
	for _, s := range plan.Steps {
		if s.Why == "" || s.Undo == "" || strings.HasSuffix(s.Why, " ") {
			t.Errorf("%s: without a reason or an undo: %+v", line(s), s)
		}
		if s.Kind == graph.StepPutKey {
			keys = append(keys, s.After)
		}
	}
	if diff := cmp.Diff([]string{"email", "iban", "phone"}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	wantPre := []graph.Precondition{
		{Object: graph.BigQueryRef("house", "cadastre_analysts")},
		{Object: graph.BigQueryRef("house", "cadastre_fraud")},
		{Object: graph.BigQueryRef("house", "cadastre_keys")},
		{Object: graph.BigQueryRef("house", "raw"), Etag: "e2"},
		{Object: viewtest.Customers(), Etag: "1"},
		{Object: viewtest.Payments(), Etag: "1"},
	}
	if diff := cmp.Diff(wantPre, plan.Preconditions); diff != "" {
		t.Errorf("preconditions (-want +got):\n%s", diff)
	}
}

// Every leaf has its effect with the rules that decided; a record has none.
func TestStepsSayWhatBecomesOfEachLeaf(t *testing.T) {
	t.Parallel()
	for _, s := range newWorld(t, false).plan(t).Steps {
		if s.Object.Name != "house.cadastre_analysts.raw__customers" {
			continue
		}
		got := map[string]string{}
		for _, c := range s.Columns {
			if len(c.Rules) == 0 {
				t.Errorf("%s has no rule", c.Path)
			}
			got[c.Path] = strings.TrimSpace(string(c.Effect) + " " + c.Method)
		}
		want := map[string]string{
			"id": "allow", "contact.email": "mask hash", "contact.phones": "mask hash", "contact.home.city": "allow",
			"contact.home.street": "deny", "orders[].sku": "allow", "orders[].note": "mask null", "looked_at_by_nobody": "deny",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("leaves (-want +got):\n%s", diff)
		}
		if want := "analysts gets 6 of 8 columns (3 as they are, 3 masked, 2 left out) of house.raw.customers."; s.Why != want {
			t.Errorf("why: %q, want %q", s.Why, want)
		}
		return
	}
	t.Fatal("no view of customers is planned")
}

// What stands as it should gives no step, and the plan is the same whatever
// the order of its input.
func TestPlanIsEmptyWhenAllStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	if plan := w.plan(t); !plan.IsEmpty() || len(plan.Preconditions) > 0 || len(plan.Findings) > 0 {
		t.Fatalf("plan %+v, want an empty one", plan)
	}
}

func TestPlanDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	first := newWorld(t, false)
	want, err := first.plan(t).Hash()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		w := newWorld(t, false)
		random.Shuffle(len(w.desired.Bases), func(i, j int) {
			w.desired.Bases[i], w.desired.Bases[j] = w.desired.Bases[j], w.desired.Bases[i]
		})
		random.Shuffle(len(w.desired.Audiences), func(i, j int) {
			w.desired.Audiences[i], w.desired.Audiences[j] = w.desired.Audiences[j], w.desired.Audiences[i]
		})
		for _, b := range w.desired.Bases {
			random.Shuffle(len(b.Columns), func(i, j int) { b.Columns[i], b.Columns[j] = b.Columns[j], b.Columns[i] })
		}
		got, err := w.plan(t).Hash()
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Fatal("the plan depends on the order of its input")
		}
	}
}

// Random decisions, applied one after the other: each time the plan after is
// empty, and undoing all brings the first state back.
func TestRandomDecisionsApplyAndUndo(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	effects := []graph.Effect{graph.EffectAllow, graph.EffectMask, graph.EffectDeny, "perhaps"}
	for round := range 60 {
		w := newWorld(t, false)
		target := viewtest.NewWarehouse(viewtest.Names(), w.desired.Bases...)
		w.read(t, target)
		first := w.present
		var plans []graph.Plan
		for range 4 {
			for asked := range w.desired.Decisions {
				if random.IntN(3) == 0 {
					viewtest.Decide(&w.desired, asked.Audience, asked.Class, effects[random.IntN(4)], []string{"hash", "null", "rot13"}[random.IntN(3)], "email")
				}
			}
			plan := w.plan(t)
			if err := view.Apply(t.Context(), plan, 0, target, &viewtest.Log{}); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			w.read(t, target)
			if again := w.plan(t); !again.IsEmpty() {
				t.Fatalf("round %d: after apply there is %q to do", round, lines(again))
			}
			plans = append(plans, plan)
		}
		for _, plan := range slices.Backward(plans) {
			if err := view.Undo(t.Context(), plan, len(plan.Steps), target, &viewtest.Log{}); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		w.read(t, target)
		if len(w.present.Views) > 0 || len(w.present.Containers[viewtest.Customers().Parent()].Access) != len(first.Containers[viewtest.Customers().Parent()].Access) {
			t.Fatalf("round %d: undo left %+v", round, w.present)
		}
	}
}

// A column that nobody looked at is in no view, whatever a decision says.
func TestUntouchedIsLeftOutWhateverIsDecided(t *testing.T) {
	t.Parallel()
	for _, assessment := range []graph.Assessment{graph.Untouched, "", "perhaps"} {
		w := newWorld(t, false)
		for i := range w.desired.Bases[1].Columns {
			w.desired.Bases[1].Columns[i].Assessment = assessment
		}
		for _, s := range w.plan(t).Steps {
			if s.Base == viewtest.Payments() {
				t.Errorf("assessment %q: %s is planned", assessment, line(s))
			}
		}
	}
}

// What is doubtful about a decision denies, and the step says why.
func TestDoubtDenies(t *testing.T) {
	t.Parallel()
	iban := viewtest.Class(viewtest.Payments(), "iban")
	amount := viewtest.Class(viewtest.Payments(), "amount")
	for _, test := range []struct {
		name   string
		path   string
		change func(*view.Desired)
		rule   string
	}{
		{"no decision", "iban", func(d *view.Desired) { delete(d.Decisions, view.Asked{Audience: "analysts", Class: iban}) }, "view.undecided"},
		{"an unknown effect", "iban", func(d *view.Desired) { viewtest.Decide(d, "analysts", iban, "show", "", "") }, "view.unknown"},
		{"an unknown method", "iban", func(d *view.Desired) { viewtest.Decide(d, "analysts", iban, graph.EffectMask, "rot13", "") }, "view.unmaskable"},
		{"a method that does not fit the type", "amount", func(d *view.Desired) { viewtest.Decide(d, "analysts", amount, graph.EffectMask, "email", "") }, "view.unmaskable"},
		{"a denial", "iban", func(d *view.Desired) { viewtest.Decide(d, "analysts", iban, graph.EffectDeny, "", "") }, "suite.deny"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, false)
			test.change(&w.desired)
			found := false
			for _, s := range w.plan(t).Steps {
				if s.Base != viewtest.Payments() || s.Audience != "analysts" {
					continue
				}
				for _, c := range s.Columns {
					if c.Path == test.path {
						found = true
						if c.Effect != graph.EffectDeny || c.Rules[0].ID != test.rule {
							t.Errorf("%+v, want denied by %s", c, test.rule)
						}
					}
				}
				if strings.Contains(s.After, ": "+test.path) {
					t.Errorf("the view shows it:\n%s", s.After)
				}
			}
			if !found {
				t.Error("no step speaks of the column")
			}
		})
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*view.Desired)
	}{
		{"no project", func(d *view.Desired) { d.Names.Project = "" }},
		{"a prefix with two underscores", func(d *view.Desired) { d.Names.Prefix = "a__b" }},
		{"an audience with two underscores", func(d *view.Desired) { d.Audiences[0].Name = "a__eu" }},
		{"an audience in capitals", func(d *view.Desired) { d.Audiences[0].Name = "Analysts" }},
		{"an audience called like the keys", func(d *view.Desired) { d.Audiences[0].Name = "keys" }},
		{"two audiences of one name", func(d *view.Desired) { d.Audiences[0].Name = d.Audiences[1].Name }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, false)
			test.change(&w.desired)
			if _, err := view.Plan(w.desired, w.present, viewtest.Dialect{}); !isInvalid(err) {
				t.Errorf("%v, want invalid", err)
			}
		})
	}
}
