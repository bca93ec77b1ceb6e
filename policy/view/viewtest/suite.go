package viewtest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
)

// Run runs the suite. Each test makes a subject of its own.
func Run(t *testing.T, subject func(t *testing.T) Subject) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*bench)
	}{
		{"applied, there is nothing left to plan", testApply},
		{"undone, everything is as before", testUndo},
		{"a changed decision replaces and drops views, and undo restores them", testChange},
		{"a plan that stops at every step goes on from there", testResume},
		{"a plan that stopped can be undone", testUndoStopped},
		{"a step made twice is made once", testTwice},
		{"a stale plan writes nothing", testStale},
		{"what somebody else changes midway is a conflict and stays", testConflict},
		{"undo leaves what somebody else changed", testUndoConflict},
		{"a foreign view is reported and stays", testForeign},
		{"a column added to a base is in no view", testAddedColumn},
		{"a group that leaves an audience loses its right", testGroupLeaves},
		{"an audience that is gone loses its views", testAudienceGone},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := subject(t)
			test.run(&bench{T: t, Subject: s, desired: Desired(s.Publisher)})
		})
	}
}

// bench is a subject with what is desired of it.
type bench struct {
	*testing.T
	Subject
	desired view.Desired
}

func (b *bench) present() view.Present {
	b.Helper()
	p, err := b.Target.Present(b.Context(), b.desired.Want())
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func (b *bench) plan() graph.Plan {
	b.Helper()
	plan, err := view.Plan(b.desired, b.present(), b.Dialect)
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range plan.Findings {
		if f.Level == graph.FindingBlock {
			b.Fatalf("finding: %+v", f)
		}
	}
	return plan
}

func (b *bench) apply(plan graph.Plan) {
	b.Helper()
	var log Log
	if err := view.Apply(b.Context(), plan, 0, b.Target, &log); err != nil {
		b.Fatal(err)
	}
	if last := log.Last(); last.State != graph.PlanApplied || last.Done != len(plan.Steps) {
		b.Fatalf("recorded %+v at the end, want %d steps applied", last, len(plan.Steps))
	}
}

// mustEqual compares what stands, without versions and without the keys,
// which stay by design.
func (b *bench) mustEqual(want, got view.Present) {
	b.Helper()
	if diff := cmp.Diff(b.visible(want), b.visible(got)); diff != "" {
		b.Fatalf("the target is not as before (-want +got):\n%s", diff)
	}
}

func (b *bench) visible(p view.Present) view.Present {
	out := view.Present{Containers: map[graph.Ref]view.Container{}, Views: map[graph.Ref]view.View{}, Bases: p.Bases}
	for ref, c := range p.Containers {
		if b.desired.Names.OwnsKeys(ref) {
			continue
		}
		c.Etag = ""
		c.Access = slices.Clone(c.Access)
		slices.SortFunc(c.Access, func(x, y graph.Grant) int {
			return graph.CompareRefs(graph.Ref{Name: x.Principal + x.Role}, graph.Ref{Name: y.Principal + y.Role})
		})
		if len(c.Access) == 0 {
			c.Access = nil
		}
		out.Containers[ref] = c
	}
	for ref, v := range p.Views {
		v.Etag = ""
		out.Views[ref] = v
	}
	return out
}

func testApply(b *bench) {
	plan := b.plan()
	if len(plan.Steps) == 0 {
		b.Fatal("nothing is planned for an empty target")
	}
	b.apply(plan)
	if again := b.plan(); !again.IsEmpty() {
		b.Fatalf("after apply there are steps to plan: %+v", again.Steps)
	}
	views := 0
	for _, v := range b.present().Views {
		if v.Managed && !v.Edited {
			views++
		}
	}
	if want := len(b.desired.Audiences) * len(b.desired.Bases); views != want {
		b.Fatalf("%d views stand, want %d", views, want)
	}
}

func testUndo(b *bench) {
	before := b.present()
	plan := b.plan()
	b.apply(plan)
	var log Log
	if err := view.Undo(b.Context(), plan, len(plan.Steps), b.Target, &log); err != nil {
		b.Fatal(err)
	}
	if last := log.Last(); last.State != graph.PlanUndone || last.Done != 0 {
		b.Fatalf("recorded %+v at the end, want undone", last)
	}
	b.mustEqual(before, b.present())
}

func testChange(b *bench) {
	b.apply(b.plan())
	before := b.present()
	old := maps.Clone(b.desired.Decisions)
	Decide(&b.desired, "analysts", Class(Customers(), "contact.home.city"), graph.EffectDeny, "", "")
	for _, c := range b.desired.Bases[1].Columns {
		Decide(&b.desired, "fraud", c.Class, graph.EffectDeny, "", "")
	}
	plan := b.plan()
	kinds := map[graph.StepKind]int{}
	for _, s := range plan.Steps {
		kinds[s.Kind]++
	}
	want := map[graph.StepKind]int{graph.StepReplaceView: 1, graph.StepDropView: 1}
	if diff := cmp.Diff(want, kinds); diff != "" {
		b.Fatalf("steps (-want +got):\n%s", diff)
	}
	b.apply(plan)
	if again := b.plan(); !again.IsEmpty() {
		b.Fatalf("after apply there are steps to plan: %+v", again.Steps)
	}
	if err := view.Undo(b.Context(), plan, len(plan.Steps), b.Target, &Log{}); err != nil {
		b.Fatal(err)
	}
	b.mustEqual(before, b.present())
	b.desired.Decisions = old
	if again := b.plan(); !again.IsEmpty() {
		b.Fatalf("undo left steps to plan: %+v", again.Steps)
	}
}

// testResume stops before each step, and after each step's write but before it
// is known, which is what a crash does.
func testResume(b *bench) {
	plan := b.plan()
	done := 0
	for i := range plan.Steps {
		for _, late := range []bool{false, true} {
			if i == 0 && late {
				continue // a crash in the very first step asks for a new plan
			}
			var log Log
			err := view.Apply(b.Context(), plan, done, &breaking{Target: b.Target, at: i - done, late: late}, &log)
			if !errors.Is(err, errBroken) {
				b.Fatalf("step %d: %v, want the fault", i, err)
			}
			last := log.Last()
			if last.State != graph.PlanStopped || last.Done != i || last.Reason == "" {
				b.Fatalf("step %d: recorded %+v, want stopped with a reason", i, last)
			}
			done = last.Done
		}
	}
	if err := view.Apply(b.Context(), plan, done, b.Target, &Log{}); err != nil {
		b.Fatal(err)
	}
	if again := b.plan(); !again.IsEmpty() {
		b.Fatalf("after resuming there are steps to plan: %+v", again.Steps)
	}
}

func testUndoStopped(b *bench) {
	before := b.present()
	plan := b.plan()
	half := len(plan.Steps) * 2 / 3
	var log Log
	if err := view.Apply(b.Context(), plan, 0, &breaking{Target: b.Target, at: half}, &log); !errors.Is(err, errBroken) {
		b.Fatalf("%v, want the fault", err)
	}
	if err := view.Undo(b.Context(), plan, log.Last().Done, b.Target, &Log{}); err != nil {
		b.Fatal(err)
	}
	b.mustEqual(before, b.present())
}

func testTwice(b *bench) {
	plan := b.plan()
	for _, s := range plan.Steps {
		for range 2 {
			if err := b.Target.Do(b.Context(), s); err != nil {
				b.Fatalf("%s %s: %v", s.Kind, s.Object, err)
			}
			if err := b.Target.Verify(b.Context(), s); err != nil {
				b.Fatalf("verify %s %s: %v", s.Kind, s.Object, err)
			}
		}
	}
	for _, s := range slices.Backward(plan.Steps) {
		for range 2 {
			if err := b.Target.Undo(b.Context(), s); err != nil {
				b.Fatalf("undo %s %s: %v", s.Kind, s.Object, err)
			}
		}
	}
}

func testStale(b *bench) {
	b.apply(b.plan())
	analysts := b.desired.Names.Container("analysts", Location)
	mine := b.desired.Names.View(analysts, Customers())
	for _, c := range b.desired.Bases[0].Columns {
		Decide(&b.desired, "analysts", c.Class, graph.EffectMask, "null", "")
	}
	for _, move := range []struct {
		name string
		move func(context.Context) error
	}{
		{"the source's readers", func(ctx context.Context) error {
			return b.World.Admit(ctx, Customers().Parent(), "strangers@house.example")
		}},
		{"the base's columns", func(ctx context.Context) error { return b.World.AddColumn(ctx, Customers(), "shoe_size") }},
		{"our container's readers", func(ctx context.Context) error { return b.World.Admit(ctx, analysts, "analysts-too@house.example") }},
		{"our view", func(ctx context.Context) error { return b.World.EditView(ctx, mine) }},
	} {
		plan := b.plan()
		if err := move.move(b.Context()); err != nil {
			b.Fatalf("%s: %v", move.name, err)
		}
		before := b.present()
		var log Log
		err := view.Apply(b.Context(), plan, 0, &forbidden{b.Target, b.T}, &log)
		if !errors.Is(err, graph.ErrStale) {
			b.Fatalf("%s moved: %v, want stale", move.name, err)
		}
		if last := log.Last(); last.State != graph.PlanStale || last.Done != 0 || last.Reason == "" {
			b.Fatalf("%s moved: recorded %+v, want stale with a reason", move.name, last)
		}
		if diff := cmp.Diff(before, b.present()); diff != "" {
			b.Fatalf("%s moved: the stale plan wrote (-want +got):\n%s", move.name, diff)
		}
	}
}

func testConflict(b *bench) {
	b.apply(b.plan())
	mine := b.desired.Names.View(b.desired.Names.Container("analysts", Location), Customers())
	for _, c := range b.desired.Bases[0].Columns {
		Decide(&b.desired, "analysts", c.Class, graph.EffectMask, "null", "")
	}
	plan := b.plan()
	if err := b.World.EditView(b.Context(), mine); err != nil {
		b.Fatal(err)
	}
	edited := b.present().Views[mine]
	var failed bool
	for _, s := range plan.Steps {
		if s.Object == mine {
			err := b.Target.Do(b.Context(), s)
			if !errors.Is(err, graph.ErrConflict) {
				b.Fatalf("replace an edited view: %v, want a conflict", err)
			}
			failed = true
		}
	}
	if !failed {
		b.Fatal("no step replaces the view")
	}
	if diff := cmp.Diff(edited, b.present().Views[mine]); diff != "" {
		b.Fatalf("the edited view changed (-want +got):\n%s", diff)
	}
	next, err := view.Plan(b.desired, b.present(), b.Dialect)
	if err != nil || !slices.ContainsFunc(next.Findings, func(f graph.Finding) bool { return f.Code == "edited-view" }) {
		b.Fatalf("the edit is not reported: %+v, %v", next.Findings, err)
	}
	b.apply(next)
}

func testUndoConflict(b *bench) {
	plan := b.plan()
	b.apply(plan)
	mine := b.desired.Names.View(b.desired.Names.Container("fraud", Location), Payments())
	if err := b.World.EditView(b.Context(), mine); err != nil {
		b.Fatal(err)
	}
	var log Log
	if err := view.Undo(b.Context(), plan, len(plan.Steps), b.Target, &log); !errors.Is(err, graph.ErrConflict) {
		b.Fatalf("undo over an edited view: %v, want a conflict", err)
	}
	last := log.Last()
	if last.State != graph.PlanStopped || last.Done == 0 || plan.Steps[last.Done-1].Object != mine {
		b.Fatalf("recorded %+v, want stopped at the view", last)
	}
	if _, ok := b.present().Views[mine]; !ok {
		b.Fatal("undo removed a view that somebody else had changed")
	}
}

func testForeign(b *bench) {
	b.apply(b.plan())
	foreign := graph.BigQueryRef(b.desired.Names.Container("analysts", Location).Name, "made_by_hand")
	if err := b.World.PutView(b.Context(), foreign); err != nil {
		b.Fatal(err)
	}
	plan := b.plan()
	if !plan.IsEmpty() || !slices.ContainsFunc(plan.Findings, func(f graph.Finding) bool { return f.Code == "foreign-view" && f.Ref == foreign }) {
		b.Fatalf("plan %+v, want no step and a finding about the view", plan)
	}
	if v, ok := b.present().Views[foreign]; !ok || v.Managed {
		b.Fatalf("the foreign view is %+v", v)
	}
}

func testAddedColumn(b *bench) {
	b.apply(b.plan())
	before := b.present()
	if err := b.World.AddColumn(b.Context(), Customers(), "shoe_size"); err != nil {
		b.Fatal(err)
	}
	if plan := b.plan(); !plan.IsEmpty() {
		b.Fatalf("a column that the catalog does not know makes steps: %+v", plan.Steps)
	}
	b.desired.Bases[0] = view.Base{Asset: b.desired.Bases[0].Asset, Columns: append(slices.Clone(b.desired.Bases[0].Columns), view.Column{
		Column: graph.Column{Ref: Customers().Column("shoe_size"), Position: 99, Type: "STRING", Mode: graph.ModeNullable}, Assessment: graph.Untouched,
	})}
	if plan := b.plan(); !plan.IsEmpty() {
		b.Fatalf("a column that nobody looked at makes steps: %+v", plan.Steps)
	}
	if diff := cmp.Diff(before.Views, b.present().Views); diff != "" {
		b.Fatalf("views changed (-want +got):\n%s", diff)
	}
}

func testGroupLeaves(b *bench) {
	b.apply(b.plan())
	b.desired.Audiences[1].Groups = []string{"fraud-team@house.example"}
	plan := b.plan()
	got := map[graph.StepKind]string{}
	for _, s := range plan.Steps {
		got[s.Kind] += s.Principal
	}
	want := map[graph.StepKind]string{graph.StepRevoke: "group:fraud@house.example", graph.StepGrant: "group:fraud-team@house.example"}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Fatalf("steps (-want +got):\n%s", diff)
	}
	before := b.present()
	b.apply(plan)
	if again := b.plan(); !again.IsEmpty() {
		b.Fatalf("after apply there are steps to plan: %+v", again.Steps)
	}
	if err := view.Undo(b.Context(), plan, len(plan.Steps), b.Target, &Log{}); err != nil {
		b.Fatal(err)
	}
	b.mustEqual(before, b.present())
}

func testAudienceGone(b *bench) {
	b.apply(b.plan())
	b.desired.Audiences = b.desired.Audiences[:1]
	b.apply(b.plan())
	gone := b.desired.Names.Container("fraud", Location)
	p := b.present()
	for ref := range p.Views {
		if ref.Parent() == gone {
			b.Errorf("%s still stands", ref)
		}
	}
	for ref, c := range p.Containers {
		for _, g := range c.Access {
			if g.Principal == "dataset:"+gone.String() || (ref == gone && g.Principal == "group:fraud@house.example") {
				b.Errorf("a right still stands: %+v", g)
			}
		}
	}
	if again := b.plan(); !again.IsEmpty() {
		b.Fatalf("after apply there are steps to plan: %+v", again.Steps)
	}
}
