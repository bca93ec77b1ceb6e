package main

import (
	"context"
	"fmt"
	"io"

	"cadastre.dev/cadastre/graph"
)

type doctorCommand struct{}

// Run looks at everything the program needs. A finding of level block makes
// the answer no.
func (doctorCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, err := all.open(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	findings := app.Doctor(ctx)
	err = s.print(findings, func(w io.Writer) {
		if len(findings) == 0 {
			_, _ = fmt.Fprintln(w, "All is well.")
		}
		for _, f := range findings {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Level, f.Code, f.What, f.Do)
		}
	})
	for _, f := range findings {
		if f.Level == graph.FindingBlock && err == nil {
			err = errFalse
		}
	}
	return err
}
