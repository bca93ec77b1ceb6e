package main

import (
	"context"
	"fmt"
	"io"

	"cadastre.dev/cadastre/graph"
)

type planCommand struct {
	Audiences []string `arg:"" optional:"" name:"audience" help:"Names of audiences. Defaults to all."`
}

// Run makes and saves a plan. Nothing is written to the warehouse.
func (c *planCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	plan, err := app.Plan(ctx, app.LocalPrincipal(), c.Audiences)
	if err != nil {
		return err
	}
	return s.print(newPlanAnswer(plan), func(w io.Writer) { printPlan(w, plan) })
}

func printPlan(w io.Writer, p graph.SavedPlan) {
	_, _ = fmt.Fprintf(w, "plan\t%s\t%s\n", p.ID, p.State)
	if p.Plan.IsEmpty() {
		_, _ = fmt.Fprintln(w, "Nothing to do: the warehouse is as the policy wants it.")
	}
	if p.State == graph.PlanPlanned && !p.Plan.IsEmpty() && !p.Plan.Blocked() {
		defer func() { _, _ = fmt.Fprintf(w, "Apply it with: cadastre apply %s\n", p.ID) }()
	}
	for i, step := range p.Plan.Steps {
		_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", i+1, step.Kind, step.Object, step.Why)
		for _, column := range step.Columns {
			if column.Effect != column.Was {
				_, _ = fmt.Fprintf(w, "\t  %s\t%s %s\t%s\n", column.Path, column.Effect, column.Method, change(column.Was))
			}
		}
	}
	for _, f := range p.Plan.Findings {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Level, f.Ref, f.What, f.Do)
	}
}

func change(was graph.Effect) string {
	if was == "" {
		return "new"
	}
	return "was " + string(was)
}
