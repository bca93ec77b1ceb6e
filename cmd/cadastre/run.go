package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/serve"
)

// lastRuns is how many runs of a source are listed.
const lastRuns = 20

type runAnswer struct {
	Source   string         `json:"source"`
	Revision graph.Revision `json:"revision"`
	At       time.Time      `json:"at"`
	Actor    string         `json:"actor"`
	// Undid is the run that this one took back, UndoneBy the one that took
	// this back.
	Undid    *graph.Revision `json:"undid"`
	UndoneBy *graph.Revision `json:"undone_by"`
	Changes  []changesAnswer `json:"changes"`
}

type changesAnswer struct {
	What    string `json:"what"`
	Began   int    `json:"began"`
	Changed int    `json:"changed"`
	Ended   int    `json:"ended"`
}

type undoAnswer struct {
	Run graph.Revision `json:"run"`
	// Made is the revision that undoes it; null with --dry-run.
	Made    *graph.Revision `json:"made"`
	Source  string          `json:"source"`
	Changes []changesAnswer `json:"changes"`
	// LaterTotal counts the items that stay since later commits changed them,
	// Later names some of their assets.
	LaterTotal int         `json:"later_total"`
	Later      []graph.Ref `json:"later"`
}

func changesOf(changes []serve.RunChanges) []changesAnswer {
	out := []changesAnswer{}
	for _, c := range changes {
		out = append(out, changesAnswer(c))
	}
	return out
}

// listRuns lists the last runs of the named sources, or of all, newest first.
func (c *crawlCommand) listRuns(ctx context.Context, app *serve.App, s *streams) error {
	names := c.Sources
	if len(names) == 0 {
		sources, err := app.Sources(ctx, app.LocalPrincipal())
		if err != nil {
			return err
		}
		for _, source := range sources {
			if !isPushed(source.Platform) {
				names = append(names, source.Name)
			}
		}
	}
	answers := []runAnswer{}
	for _, name := range names {
		runs, err := app.Runs(ctx, app.LocalPrincipal(), name, lastRuns)
		if err != nil {
			return err
		}
		for _, r := range runs {
			answers = append(answers, runAnswer{
				Source: name, Revision: r.Revision, At: r.At, Actor: r.Actor, Undid: r.Undid, UndoneBy: r.UndoneBy, Changes: changesOf(r.Changes),
			})
		}
	}
	slices.SortStableFunc(answers, func(a, b runAnswer) int { return int(b.Revision - a.Revision) })
	return s.print(answers, func(w io.Writer) {
		for _, r := range answers {
			_, _ = fmt.Fprintf(w, "revision %d\t%s\t%s\tby %s\t%s%s\n", r.Revision, r.Source, r.At.Format(time.RFC3339), r.Actor, inWords(r.Changes), fate(r))
		}
	})
}

// fate says what a run took back, or by what it was.
func fate(r runAnswer) string {
	switch {
	case r.UndoneBy != nil:
		return fmt.Sprintf("; undone by %d", *r.UndoneBy)
	case r.Undid != nil:
		return fmt.Sprintf("; undid %d", *r.Undid)
	}
	return ""
}

func inWords(changes []changesAnswer) string {
	if len(changes) == 0 {
		return "nothing"
	}
	var parts []string
	for _, c := range changes {
		parts = append(parts, fmt.Sprintf("%s +%d ~%d -%d", c.What, c.Began, c.Changed, c.Ended))
	}
	return strings.Join(parts, ", ")
}

// undoRun takes a run back and waits until decisions have followed.
func (c *crawlCommand) undoRun(ctx context.Context, app *serve.App, s *streams) error {
	if len(c.Sources) > 0 {
		return fmt.Errorf("crawl: --undo %d is of one source already; name no other: %w", c.Undo, graph.ErrInvalid)
	}
	var did serve.UndoReport
	var err error
	if c.DryRun {
		did, err = app.UndoPreview(ctx, app.LocalPrincipal(), graph.Revision(c.Undo))
	} else {
		did, err = app.UndoRun(ctx, app.LocalPrincipal(), graph.Revision(c.Undo), c.KeepLater)
	}
	if err != nil {
		return err
	}
	if !c.DryRun {
		if err := app.Settle(ctx); err != nil {
			return err
		}
	}
	answer := undoAnswer{
		Run: did.Run, Made: did.Made, Source: did.Source, Changes: changesOf(did.Changes), LaterTotal: did.LaterTotal, Later: orNone(did.Later),
	}
	return s.print(answer, func(w io.Writer) {
		if did.Made == nil {
			_, _ = fmt.Fprintf(w, "to undo revision %d of %s would change %s\n", did.Run, did.Source, inWords(answer.Changes))
		} else {
			_, _ = fmt.Fprintf(w, "revision %d undid %d of %s: %s\n", *did.Made, did.Run, did.Source, inWords(answer.Changes))
		}
		if did.LaterTotal > 0 {
			_, _ = fmt.Fprintf(w, "%d items stay, for later commits changed them:\n", did.LaterTotal)
			for _, ref := range did.Later {
				_, _ = fmt.Fprintf(w, "  %s\n", ref)
			}
		}
	})
}
