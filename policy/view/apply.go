package view

import (
	"context"
	"errors"
	"fmt"

	"cadastre.dev/cadastre/graph"
)

// Target is a warehouse in which views are published. One plan at a time is
// applied to it; Present and Check may run beside.
//
// Every write is conditional on what the step says stood before, and touches
// nothing but what the step names. Errors are of the kinds of package graph.
type Target interface {
	// Present reads what Plan needs. A wanted thing that does not exist is
	// left out; a target that cannot be reached is graph.ErrUnavailable.
	Present(ctx context.Context, want Want) (Present, error)
	// Check says whether all preconditions hold. It writes nothing. Where
	// they do not, the error is graph.ErrStale and names what moved.
	Check(ctx context.Context, preconditions []graph.Precondition) error
	// Do makes one step. A step whose effect stands already is done. Where
	// neither that nor what the step says was before stands, the error is
	// graph.ErrConflict and nothing was written.
	Do(ctx context.Context, step graph.Step) error
	// Verify reads back whether the effect of a step stands; graph.ErrConflict
	// if not.
	Verify(ctx context.Context, step graph.Step) error
	// Undo takes a step back under the same conditions: what stands is the
	// step's effect, or what was before it. Key rows stay, and the container
	// that holds them: nobody can read them, and a key taken away would leave
	// hashes that join with nothing.
	Undo(ctx context.Context, step graph.Step) error
}

// Recorder hears of each step, so that a plan that stopped can go on.
type Recorder interface {
	// Record is called after every step and once at the end, in order, by one
	// goroutine, with a context that outlives the plan's: what was done is
	// recorded also when the rest is cancelled. An error stops the plan.
	Record(ctx context.Context, p Progress) error
}

// Progress says how far a plan is.
type Progress struct {
	// State is graph.PlanApplying after each step applied and undone; the
	// last is graph.PlanApplied, PlanStale, PlanStopped or PlanUndone.
	State graph.PlanState
	// Done counts the steps from the first that stand.
	Done int
	// Step is the one just made or undone; nil at the end.
	Step *graph.Step
	// Reason says why the plan stopped or went stale.
	Reason string
}

// Apply makes a plan's steps exactly as saved, from the step after the first
// done ones; 0 begins. Three things may happen. Everything was as planned: all
// steps stand, each read back. A precondition does not hold: graph.ErrStale,
// and nothing was written. A step failed: its error, and the plan can be
// resumed with the Done last recorded or undone.
//
// Preconditions of what the done steps themselves changed are not asked again;
// instead those steps must still stand. The same goes for the next step, which
// may be the first: it may have been made without having been recorded.
func Apply(ctx context.Context, plan graph.Plan, done int, target Target, rec Recorder) error {
	if err := checkRun(plan, done); err != nil {
		return fmt.Errorf("apply plan: %w", err)
	}
	if plan.Blocked() {
		return fmt.Errorf("apply plan: a finding blocks it: %w", graph.ErrInvalid)
	}
	if err := checkFresh(ctx, plan, done, target); err != nil {
		state := graph.PlanStopped
		if done == 0 && errors.Is(err, graph.ErrStale) {
			state = graph.PlanStale
		}
		return stop(ctx, rec, Progress{State: state, Done: done, Reason: err.Error()}, fmt.Errorf("apply plan: %w", err))
	}
	record := context.WithoutCancel(ctx)
	for done < len(plan.Steps) {
		step := plan.Steps[done]
		if err := doStep(ctx, step, target); err != nil {
			err = fmt.Errorf("apply plan: step %d of %d: %s %s: %w", done+1, len(plan.Steps), step.Kind, step.Object, err)
			return stop(ctx, rec, Progress{State: graph.PlanStopped, Done: done, Step: &step, Reason: err.Error()}, err)
		}
		done++
		if err := rec.Record(record, Progress{State: graph.PlanApplying, Done: done, Step: &step}); err != nil {
			return fmt.Errorf("apply plan: record step %d: %w", done, err)
		}
	}
	if err := rec.Record(record, Progress{State: graph.PlanApplied, Done: done}); err != nil {
		return fmt.Errorf("apply plan: record the end: %w", err)
	}
	return nil
}

// Undo takes back the first done steps of a plan, last first. It stops at a
// step that somebody else has changed since, with graph.ErrConflict, and the
// Done last recorded says from where to go on.
func Undo(ctx context.Context, plan graph.Plan, done int, target Target, rec Recorder) error {
	if err := checkRun(plan, done); err != nil {
		return fmt.Errorf("undo plan: %w", err)
	}
	record := context.WithoutCancel(ctx)
	for done > 0 {
		step := plan.Steps[done-1]
		err := ctx.Err()
		if err == nil {
			err = target.Undo(ctx, step)
		}
		if err != nil {
			err = fmt.Errorf("undo plan: step %d of %d: %s %s: %w", done, len(plan.Steps), step.Kind, step.Object, err)
			return stop(ctx, rec, Progress{State: graph.PlanStopped, Done: done, Step: &step, Reason: err.Error()}, err)
		}
		done--
		if err := rec.Record(record, Progress{State: graph.PlanApplying, Done: done, Step: &step}); err != nil {
			return fmt.Errorf("undo plan: record step %d: %w", done+1, err)
		}
	}
	if err := rec.Record(record, Progress{State: graph.PlanUndone}); err != nil {
		return fmt.Errorf("undo plan: record the end: %w", err)
	}
	return nil
}

func checkRun(plan graph.Plan, done int) error {
	if done < 0 || done > len(plan.Steps) {
		return fmt.Errorf("%d of %d steps done: %w", done, len(plan.Steps), graph.ErrInvalid)
	}
	return nil
}

// checkFresh asks all preconditions but those of objects that the done steps
// changed, and of those steps whether they still stand.
func checkFresh(ctx context.Context, plan graph.Plan, done int, target Target) error {
	changed := map[graph.Ref]bool{}
	for _, s := range plan.Steps[:done] {
		changed[s.Object] = true
		if err := target.Verify(ctx, s); err != nil {
			return fmt.Errorf("step done before: %s %s: %w", s.Kind, s.Object, err)
		}
	}
	if done < len(plan.Steps) && target.Verify(ctx, plan.Steps[done]) == nil {
		changed[plan.Steps[done].Object] = true
	}
	var ask []graph.Precondition
	for _, p := range plan.Preconditions {
		if !changed[p.Object] {
			ask = append(ask, p)
		}
	}
	return target.Check(ctx, ask)
}

func doStep(ctx context.Context, step graph.Step, target Target) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := target.Do(ctx, step); err != nil {
		return err
	}
	if err := target.Verify(ctx, step); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	return nil
}

// stop records the end of a plan that could not go on, also when that is
// because ctx ended, and returns why.
func stop(ctx context.Context, rec Recorder, p Progress, why error) error {
	if err := rec.Record(context.WithoutCancel(ctx), p); err != nil {
		return errors.Join(why, fmt.Errorf("record the stop: %w", err))
	}
	return why
}
