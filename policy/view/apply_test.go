package view_test

import (
	"context"
	"errors"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

// forgetful is a recorder that fails from the entry at.
type forgetful struct {
	viewtest.Log
	at int
}

var errForgot = errors.New("no paper")

func (f *forgetful) Record(ctx context.Context, p view.Progress) error {
	if len(f.Entries) >= f.at {
		return errForgot
	}
	return f.Log.Record(ctx, p)
}

func target(t *testing.T) (*viewtest.Warehouse, graph.Plan) {
	t.Helper()
	return viewtest.NewWarehouse(viewtest.Names(), viewtest.Bases()...), newWorld(t, false).plan(t)
}

// Each step is recorded in order, and then the end.
func TestApplyRecordsEachStep(t *testing.T) {
	t.Parallel()
	w, plan := target(t)
	var log viewtest.Log
	if err := view.Apply(t.Context(), plan, 0, w, &log); err != nil {
		t.Fatal(err)
	}
	if len(log.Entries) != len(plan.Steps)+1 {
		t.Fatalf("%d entries for %d steps", len(log.Entries), len(plan.Steps))
	}
	for i, s := range plan.Steps {
		e := log.Entries[i]
		if e.State != graph.PlanApplying || e.Done != i+1 || line(*e.Step) != line(s) {
			t.Errorf("entry %d is %+v, want step %s", i, e, line(s))
		}
	}
	log = viewtest.Log{}
	if err := view.Undo(t.Context(), plan, len(plan.Steps), w, &log); err != nil {
		t.Fatal(err)
	}
	for i := range plan.Steps {
		if e := log.Entries[i]; e.State != graph.PlanApplying || e.Done != len(plan.Steps)-i-1 || line(*e.Step) != line(plan.Steps[e.Done]) {
			t.Errorf("entry %d is %+v", i, e)
		}
	}
}

// What is no sound run is refused before anything is asked or written.
func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		done  int
		block bool
	}{
		{name: "fewer steps than none", done: -1},
		{name: "more steps than there are", done: 99},
		{name: "a finding that blocks", block: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, plan := target(t)
			if test.block {
				plan.Findings = []graph.Finding{{Level: graph.FindingBlock}}
			}
			if err := view.Apply(t.Context(), plan, test.done, w, &viewtest.Log{}); !isInvalid(err) {
				t.Errorf("apply: %v, want invalid", err)
			}
			if err := view.Undo(t.Context(), plan, test.done, w, &viewtest.Log{}); !test.block && !isInvalid(err) {
				t.Errorf("undo: %v, want invalid", err)
			}
			if n := w.Writes(); n > 0 {
				t.Errorf("%d writes", n)
			}
		})
	}
}

// A step that could not be recorded is the last, so that no more than one is
// ever unknown.
func TestApplyStopsWhereItCannotRecord(t *testing.T) {
	t.Parallel()
	w, plan := target(t)
	for at := range len(plan.Steps) + 1 {
		fresh := viewtest.NewWarehouse(viewtest.Names(), viewtest.Bases()...)
		if err := view.Apply(t.Context(), plan, 0, fresh, &forgetful{at: at}); !errors.Is(err, errForgot) {
			t.Fatalf("at %d: %v, want the recorder's error", at, err)
		}
		if n := fresh.Writes(); n > at+1 {
			t.Errorf("at %d: %d writes", at, n)
		}
	}
	if err := view.Apply(t.Context(), plan, 0, w, &viewtest.Log{}); err != nil {
		t.Fatal(err)
	}
	if err := view.Undo(t.Context(), plan, len(plan.Steps), w, &forgetful{at: 2}); !errors.Is(err, errForgot) {
		t.Errorf("undo: %v, want the recorder's error", err)
	}
}

// A step that was made and not recorded, because the program was killed between
// the two, is no foreign change: the plan goes on from what is recorded,
// whichever step it was, the first too.
func TestApplyGoesOnWhereItCouldNotRecord(t *testing.T) {
	t.Parallel()
	_, plan := target(t)
	for at := range len(plan.Steps) {
		w := viewtest.NewWarehouse(viewtest.Names(), viewtest.Bases()...)
		if err := view.Apply(t.Context(), plan, 0, w, &forgetful{at: at}); !errors.Is(err, errForgot) {
			t.Fatalf("at %d: %v, want the recorder's error", at, err)
		}
		var log viewtest.Log
		if err := view.Apply(t.Context(), plan, at, w, &log); err != nil {
			t.Errorf("at %d: %v", at, err)
		}
		if last := log.Last(); last.State != graph.PlanApplied || last.Done != len(plan.Steps) {
			t.Errorf("at %d: recorded %+v, want applied", at, last)
		}
	}
}

// stopping cancels the context after some steps.
type stopping struct {
	view.Target
	cancel context.CancelFunc
	after  int
}

func (s *stopping) Do(ctx context.Context, step graph.Step) error {
	if s.after--; s.after == 0 {
		s.cancel()
	}
	return s.Target.Do(ctx, step)
}

// A cancelled plan stops between steps; what was done is recorded, and it can
// go on.
func TestApplyStopsWhenCancelled(t *testing.T) {
	t.Parallel()
	w, plan := target(t)
	ctx, cancel := context.WithCancel(t.Context())
	var log viewtest.Log
	err := view.Apply(ctx, plan, 0, &stopping{Target: w, cancel: cancel, after: 4}, &log)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want cancelled", err)
	}
	if last := log.Last(); last.State != graph.PlanStopped || last.Done != 4 {
		t.Fatalf("recorded %+v, want stopped after 4", last)
	}
	if err := view.Apply(t.Context(), plan, 4, w, &viewtest.Log{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if err := view.Undo(ctx, plan, len(plan.Steps), w, &log); !errors.Is(err, context.Canceled) {
		t.Errorf("undo: %v, want cancelled", err)
	}
}

// lying says that all is well and does nothing.
type lying struct{ view.Target }

func (lying) Do(context.Context, graph.Step) error { return nil }

// What cannot be read back has not been done.
func TestApplyReadsBack(t *testing.T) {
	t.Parallel()
	w, plan := target(t)
	var log viewtest.Log
	if err := view.Apply(t.Context(), plan, 0, lying{w}, &log); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("%v, want a conflict", err)
	}
	if last := log.Last(); last.State != graph.PlanStopped || last.Done != 0 {
		t.Errorf("recorded %+v, want stopped at once", last)
	}
}

// A plan is not resumed over a step that no longer stands.
func TestResumeChecksWhatWasDone(t *testing.T) {
	t.Parallel()
	w, plan := target(t)
	if err := view.Apply(t.Context(), plan, 0, w, &viewtest.Log{}); err != nil {
		t.Fatal(err)
	}
	done := len(plan.Steps) - 1
	if err := w.EditView(t.Context(), viewtest.Names().View(analystsContainer(), viewtest.Customers())); err != nil {
		t.Fatal(err)
	}
	var log viewtest.Log
	writes := w.Writes()
	if err := view.Apply(t.Context(), plan, done, w, &log); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("%v, want a conflict", err)
	}
	if last := log.Last(); last.State != graph.PlanStopped || last.Done != done || w.Writes() != writes {
		t.Errorf("recorded %+v after %d writes, want stopped without any", last, w.Writes()-writes)
	}
}
