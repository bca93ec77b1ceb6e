package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"cadastre.dev/cadastre/graph/search"
)

type searchCommand struct {
	Words  []string `arg:"" optional:"" help:"What to search; all words must be there. Nothing lists all assets."`
	Kind   []string `help:"Kinds of asset."`
	Source []string `help:"Names of sources."`
	Label  []string `help:"Labels of tags."`
	First  int      `default:"25" help:"How many to show."`
}

// Run prints the best hits.
func (c *searchCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, ctx, err := all.openThen(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	result, err := app.Search(ctx, app.LocalPrincipal(), search.Query{
		Text: strings.Join(c.Words, " "), Kinds: c.Kind, Sources: c.Source, Labels: c.Label, First: c.First,
	})
	if err != nil {
		return err
	}
	return s.print(newSearchAnswer(result), func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%d found\n", result.Total)
		for _, h := range result.Hits {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", h.Asset.Ref, h.Asset.Kind, h.Why)
			for _, column := range h.Columns {
				_, _ = fmt.Fprintf(w, "  %s\n", column.Ref.Path)
			}
		}
	})
}
