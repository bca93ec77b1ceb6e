package main

import (
	"context"
	"fmt"
	"io"

	"cadastre.dev/cadastre/graph"
)

type explainCommand struct {
	Column   string `arg:"" help:"The column, as namespace/name#path."`
	Audience string `help:"One audience. Defaults to all."`
}

// Run prints what audiences get of a column and the rules that decided.
func (c *explainCommand) Run(ctx context.Context, all *commands, s *streams) error {
	ref, err := graph.ParseRef(c.Column)
	if err != nil {
		return err
	}
	app, ctx, err := all.openThen(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	decisions, err := app.Explain(ctx, app.LocalPrincipal(), ref, c.Audience)
	if err != nil {
		return err
	}
	return s.print(decisions, func(w io.Writer) {
		for _, d := range decisions {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", d.Audience, d.Effect, d.Method)
			for _, r := range d.Rules {
				_, _ = fmt.Fprintf(w, "  %s\t%s\n", r.ID, r.Why)
			}
		}
	})
}
