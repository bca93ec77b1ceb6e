package main

import (
	"context"
	"fmt"
	"io"

	"cadastre.dev/cadastre/graph"
)

type applyCommand struct {
	Plan string `arg:"" help:"The plan's hash, as cadastre plan prints it."`
	Undo bool   `help:"Undo the plan instead, newest step first."`
}

// Run approves a plan as the person at this machine and applies it.
func (c *applyCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, err := all.open(ctx, s)
	if err != nil {
		return err
	}
	defer app.Close()
	work := app.Apply
	if c.Undo {
		work = app.Undo
	} else if _, err := app.Approve(ctx, app.LocalPrincipal(), c.Plan); err != nil {
		return err
	}
	if _, err := work(ctx, app.LocalPrincipal(), c.Plan); err != nil {
		return err
	}
	if err := app.Settle(ctx); err != nil {
		return err
	}
	plan, err := app.SavedPlan(ctx, app.LocalPrincipal(), c.Plan)
	if err != nil {
		return err
	}
	err = s.print(plan, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "plan\t%s\t%s\t%d of %d steps\t%s\n", plan.ID, plan.State, plan.Done, len(plan.Plan.Steps), plan.Reason)
	})
	switch {
	case err != nil:
		return err
	case plan.State == graph.PlanStale:
		return fmt.Errorf("plan %s: %s: %w", plan.ID, plan.Reason, graph.ErrStale)
	case plan.State == graph.PlanStopped:
		return fmt.Errorf("plan %s stopped: %s: %w", plan.ID, plan.Reason, graph.ErrConflict)
	}
	return nil
}
