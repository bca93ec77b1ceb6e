package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/walk"
	"cadastre.dev/cadastre/internal/serve"
)

type lineageCommand struct {
	Up   lineageUp   `cmd:"" help:"What a column or asset is made from."`
	Down lineageDown `cmd:"" help:"What is made from a column or asset."`
	SQL  lineageSQL  `cmd:"" name:"sql" help:"Analyze SQL without a catalog."`
}

type lineageFlags struct {
	Ref   string `arg:"" help:"The column or asset, as namespace/name#path."`
	Depth int    `default:"1" help:"How many edges to go."`
	Limit int    `default:"200" help:"How many columns or assets to show."`
}

type (
	lineageUp   struct{ lineageFlags }
	lineageDown struct{ lineageFlags }
)

// Run prints what something is made from.
func (c *lineageUp) Run(ctx context.Context, all *commands, s *streams) error {
	return c.walk(ctx, all, s, walk.Up)
}

// Run prints what is made from something.
func (c *lineageDown) Run(ctx context.Context, all *commands, s *streams) error {
	return c.walk(ctx, all, s, walk.Down)
}

func (c *lineageFlags) walk(ctx context.Context, all *commands, s *streams, d walk.Direction) error {
	ref, err := graph.ParseRef(c.Ref)
	if err != nil {
		return err
	}
	app, ctx, err := all.openThen(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	result, err := app.Lineage(ctx, app.LocalPrincipal(), walk.Query{Root: ref, Direction: d, Depth: c.Depth, Limit: c.Limit})
	if err != nil {
		return err
	}
	return s.print(newLineageAnswer(result), func(w io.Writer) {
		if len(result.Edges) == 0 {
			_, _ = fmt.Fprintf(w, "No lineage of %s is known in this direction.\n", ref)
		}
		for _, e := range result.Edges {
			how := string(e.Kind)
			if e.Function != "" {
				how += " " + e.Function
			}
			_, _ = fmt.Fprintf(w, "%s\t→ %s\t%s\t%s\n", e.From, e.To, how, e.Outcome)
		}
		for _, reason := range result.Reasons {
			_, _ = fmt.Fprintf(w, "incomplete: %s\n", reason)
		}
	})
}

type lineageSQL struct {
	JSONL bool `name:"jsonl" help:"Read {id, dialect, sql, default_project, default_dataset, schemas} lines and answer one line each, in order."`
}

// Run answers lines of questions.
func (c *lineageSQL) Run(ctx context.Context, all *commands, s *streams) error {
	if !c.JSONL {
		return fmt.Errorf("lineage sql: pass --jsonl, and questions on standard input, one a line: %w", graph.ErrInvalid)
	}
	config, err := all.config()
	if err != nil {
		return err
	}
	err = serve.AnalyzeSQL(ctx, config.Worker, s.in, s.out)
	if errors.Is(err, graph.ErrUnavailable) {
		return fmt.Errorf("%w; lineage of SQL needs the worker", err)
	}
	return err
}
