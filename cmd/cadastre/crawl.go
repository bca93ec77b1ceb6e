package main

import (
	"context"
	"fmt"
	"io"

	"cadastre.dev/cadastre/graph"
)

type crawlCommand struct {
	Sources   []string `arg:"" optional:"" name:"source" help:"Names of configured sources. Defaults to all."`
	Remove    string   `placeholder:"HASH" help:"Allow the removal that the last crawl of the one source held back. For a source that services push, the next push makes it."`
	Runs      bool     `help:"List the last runs that changed the catalog instead of crawling." xor:"runs,undo"`
	Undo      int64    `placeholder:"REVISION" help:"Take back what the run of this revision changed instead of crawling." xor:"runs,undo"`
	KeepLater bool     `help:"With --undo: leave what later commits changed as it is, instead of refusing."`
	DryRun    bool     `help:"With --undo: say what would change, and write nothing."`
}

// Run crawls and waits until lineage, tags and decisions have followed. A
// source that could be read only in part is ErrUnavailable, after the rest
// is done; one that would remove too much, and so wrote nothing, is
// ErrConflict.
func (c *crawlCommand) Run(ctx context.Context, all *commands, s *streams) error {
	if c.Undo == 0 && (c.KeepLater || c.DryRun) {
		return fmt.Errorf("crawl: --keep-later and --dry-run belong to --undo REVISION: %w", graph.ErrInvalid)
	}
	open := all.open
	if c.Runs || c.Undo != 0 {
		open = all.openCatalog
	}
	app, err := open(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	switch {
	case c.Runs:
		return c.listRuns(ctx, app, s)
	case c.Undo != 0:
		return c.undoRun(ctx, app, s)
	}
	reports, err := app.Crawl(ctx, app.LocalPrincipal(), c.Sources, c.Remove)
	if err != nil {
		return err
	}
	problems, held := 0, 0
	err = s.print(reports, func(w io.Writer) {
		for _, r := range reports {
			_, _ = fmt.Fprintf(w, "%s\t%d assets\t%d columns\trevision %d\n", r.Source, r.Assets, r.Columns, r.Revision)
			for _, p := range r.Problems {
				_, _ = fmt.Fprintf(w, "  %s\n", p)
			}
		}
	})
	for _, r := range reports {
		problems += len(r.Problems)
		if r.Held != "" {
			held++
		}
	}
	if err == nil && held > 0 {
		return fmt.Errorf("crawl: held back because they would remove too much: %d of %d sources, as listed above; look, then allow it with --remove: %w", held, len(reports), graph.ErrConflict)
	}
	if err == nil && problems > 0 {
		return fmt.Errorf("crawl: what could not be read: %d, listed above; the rest is done: %w", problems, graph.ErrUnavailable)
	}
	return err
}
