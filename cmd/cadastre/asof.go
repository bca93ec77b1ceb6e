package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/serve"
)

// readingVerbs are the commands that take --as-of; all others write, or tell
// of the present alone.
func readingVerbs() []string {
	return []string{"search", "show", "lineage up", "lineage down", "explain"}
}

// checkAsOf refuses --as-of for a command that cannot answer it. command is
// what kong calls it: the words, then its arguments in brackets.
func (c *commands) checkAsOf(command string) error {
	if c.AsOf == "" {
		return nil
	}
	words, _, _ := strings.Cut(command, " <")
	if !slices.Contains(readingVerbs(), words) {
		return fmt.Errorf("--as-of: %s works on the present alone; the past can be asked with %s: %w", words, strings.Join(readingVerbs(), ", "), graph.ErrInvalid)
	}
	_, err := graph.ParseMoment(c.AsOf)
	return err
}

// openThen is openCatalog for the reading verbs: the context that it returns
// reads at the moment of --as-of, which is told on standard error.
func (c *commands) openThen(ctx context.Context, s *streams) (*serve.App, context.Context, error) {
	app, err := c.openCatalog(ctx, s)
	if err != nil || c.AsOf == "" {
		return app, ctx, err
	}
	then, err := c.then(ctx, app, s)
	if err != nil {
		s.closing(app)
		return nil, ctx, err
	}
	return app, then, nil
}

func (c *commands) then(ctx context.Context, app *serve.App, s *streams) (context.Context, error) {
	moment, err := graph.ParseMoment(c.AsOf)
	if err != nil {
		return ctx, err
	}
	at, err := app.AsOf(ctx, moment)
	if err != nil {
		return ctx, err
	}
	ctx = graph.WithAsOf(ctx, at)
	standing, err := app.Standing(ctx, app.LocalPrincipal())
	if err != nil {
		return ctx, err
	}
	_, _ = fmt.Fprintf(s.err, "The catalog as of revision %d, made %s; the newest is %d.\n", standing.Revision, standing.At.Format(time.RFC3339), standing.Head)
	return ctx, nil
}
