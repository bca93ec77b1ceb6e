package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/serve"
)

type applyCommand struct {
	Plan string `arg:"" help:"The plan's hash, as cadastre plan prints it."`
	Undo bool   `help:"Undo the plan instead, newest step first."`
}

// Run approves a plan as the person at this machine and applies it. One that
// stopped goes on where it stopped.
func (c *applyCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	if err := c.begin(ctx, app); err != nil {
		return err
	}
	if err := app.Settle(ctx); err != nil {
		return err
	}
	plan, err := app.SavedPlan(ctx, app.LocalPrincipal(), c.Plan)
	if err != nil {
		return err
	}
	err = s.print(newPlanAnswer(plan), func(w io.Writer) {
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

// begin makes due what was asked for.
func (c *applyCommand) begin(ctx context.Context, app *serve.App) error {
	who := app.LocalPrincipal()
	if c.Undo {
		_, err := app.Undo(ctx, who, c.Plan)
		return err
	}
	saved, err := app.SavedPlan(ctx, who, c.Plan)
	if err != nil && !errors.Is(err, graph.ErrNotFound) {
		return err
	}
	if saved.State == graph.PlanPlanned {
		if _, err := app.Approve(ctx, who, c.Plan); err != nil {
			return err
		}
	}
	_, err = app.Apply(ctx, who, c.Plan)
	return err
}
