package main

import (
	"context"
	"fmt"
	"io"

	"cadastre.dev/cadastre/graph"
)

type tagCommand struct {
	Ref    string `arg:"" help:"The column or asset, as namespace/name#path."`
	Label  string `arg:"" help:"The label, such as user.contact.email, or none: looked at, nothing personal."`
	State  string `enum:"confirmed,rejected,withdrawn" default:"confirmed" help:"confirmed, rejected, or withdrawn to take back what was said."`
	Reason string `help:"Why; kept in the audit log."`
}

// Run says something about a column as the person at this machine, and waits
// until decisions have followed.
func (c *tagCommand) Run(ctx context.Context, all *commands, s *streams) error {
	ref, err := graph.ParseRef(c.Ref)
	if err != nil {
		return err
	}
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	tags, revision, err := app.Tag(ctx, app.LocalPrincipal(), []graph.TagRequest{{Ref: ref, Label: c.Label, State: c.State, Reason: c.Reason}})
	if err != nil {
		return err
	}
	if err := app.Settle(ctx); err != nil {
		return err
	}
	answer := struct {
		Revision graph.Revision `json:"revision"`
		Tags     []graph.Tag    `json:"tags"`
	}{revision, orNone(tags)}
	return s.print(answer, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "revision %d\n", revision)
		for _, t := range tags {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\tby %s %s\n", t.Ref, t.Label, t.State, t.Form, t.Provenance.Kind, t.Provenance.Name)
		}
	})
}
