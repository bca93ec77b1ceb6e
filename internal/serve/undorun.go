package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/riverqueue/river"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/ingest"
)

// Run and UndoReport are what the command line prints of runs.
type (
	Run        = shape.Run
	RunChanges = shape.Changes
	UndoReport = shape.UndoRun
)

// What the commits of runs give as their reason, by which they are found.
const (
	crawlBegins = "crawl "
	undoBegins  = "undo run "
	undoOf      = " of "
)

func crawlWhy(source string) string { return crawlBegins + source }

func undoWhy(run graph.Revision, source string) string {
	return undoBegins + strconv.FormatInt(int64(run), 10) + undoOf + source
}

// runOf reads a commit as a run of a source: a crawl, or the undoing of the run
// that undid returns. What follows from a run, such as lineage, is none.
func runOf(info store.RevisionInfo) (source string, undid graph.Revision, ok bool) {
	if rest, is := strings.CutPrefix(info.Why, crawlBegins); is && info.Actor == system().ID {
		return rest, 0, !strings.HasSuffix(rest, ingest.StatementsOf(""))
	}
	rest, is := strings.CutPrefix(info.Why, undoBegins)
	number, source, named := strings.Cut(rest, undoOf)
	n, err := strconv.ParseInt(number, 10, 64)
	return source, graph.Revision(n), is && named && err == nil
}

// Runs returns the last runs of a source that changed the catalog, newest
// first, to those who may crawl.
func (a *App) Runs(ctx context.Context, who graph.Principal, source string, first int) ([]shape.Run, error) {
	if err := a.may(ctx, who, graph.ActionCrawl, graph.Asset{}, nil); err != nil {
		return nil, err
	}
	if _, err := a.source(source); err != nil {
		return nil, err
	}
	r, err := a.reader(ctx, system(), 0)
	if err != nil {
		return nil, err
	}
	commits, err := r.Committed(ctx, first, store.Reason{Is: []string{crawlWhy(source)}}, store.Reason{Begins: undoBegins, Ends: undoOf + source})
	if err != nil {
		return nil, err
	}
	undone, err := undoneBy(ctx, r, commits)
	if err != nil {
		return nil, err
	}
	runs := []shape.Run{}
	for _, c := range commits {
		of, undid, ok := runOf(c)
		if !ok || of != source {
			continue
		}
		counts, err := r.Changes(ctx, c.Number)
		if err != nil {
			return nil, err
		}
		runs = append(runs, shape.NewRun(c.Number, c.At, c.Actor, undid, undone[c.Number], counts))
	}
	return runs, nil
}

// undoneBy returns by which revisions commits are undone: by the last that did
// so, unless that was undone in turn.
func undoneBy(ctx context.Context, r *store.Reader, commits []store.RevisionInfo) (map[graph.Revision]graph.Revision, error) {
	var reasons []store.Reason
	for _, c := range commits {
		if source, _, ok := runOf(c); ok {
			reasons = append(reasons, store.Reason{Is: []string{undoWhy(c.Number, source)}})
		}
	}
	if len(reasons) == 0 {
		return nil, nil
	}
	undoings, err := r.Committed(ctx, 1000, reasons...)
	if err != nil {
		return nil, err
	}
	undone, err := undoneBy(ctx, r, undoings)
	if err != nil {
		return nil, err
	}
	last := map[graph.Revision]graph.Revision{}
	for _, u := range undoings { // newest first
		if _, of, ok := runOf(u); ok && last[of] == 0 {
			last[of] = u.Number
		}
	}
	maps.DeleteFunc(last, func(_, by graph.Revision) bool { return undone[by] != 0 })
	return last, nil
}

// UndoPreview says what undoing a run would change now, and writes nothing.
func (a *App) UndoPreview(ctx context.Context, who graph.Principal, run graph.Revision) (shape.UndoRun, error) {
	source, err := a.undoable(ctx, who, run)
	if err != nil {
		return shape.UndoRun{}, err
	}
	would, err := a.store.Reverting(ctx, run)
	if err != nil {
		return shape.UndoRun{}, fmt.Errorf("undo run: %w", err)
	}
	return a.undoReport(ctx, who, source, run, 0, would)
}

// UndoRun takes back what a run of a source changed in the catalog, and makes
// due what follows: lineage, tags and decisions. The source's next crawl reads
// everything again, so that what the source says is compared with what is then
// known. What people said stays. Where later commits changed some of what the
// run did, those items stay as they are with keepLater, and without it nothing
// is written and the answer is graph.ErrConflict. The undoing is a run, which
// can be undone in turn.
func (a *App) UndoRun(ctx context.Context, who graph.Principal, run graph.Revision, keepLater bool) (shape.UndoRun, error) {
	source, err := a.undoable(ctx, who, run)
	if err != nil {
		return shape.UndoRun{}, err
	}
	if err := a.noCrawlOf(ctx, source); err != nil {
		return shape.UndoRun{}, err
	}
	var did store.Reverted
	made, err := a.store.Commit(ctx, who, undoWhy(run, source), func(tx *store.Tx) error {
		var err error
		if did, err = tx.Revert(ctx, run, keepLater); err != nil {
			return err
		}
		if err := tx.ForgetSource(ctx, source, crawlFence(source), source, ingest.StatementsOf(source)); err != nil {
			return err
		}
		tx.Record(audit.Event{Action: "undo_run", Object: source, Detail: map[string]string{
			"run": strconv.FormatInt(int64(run), 10), "changes": strconv.Itoa(len(did.Delta)), "kept": strconv.Itoa(len(did.Later)),
		}})
		return tx.Enqueue(ctx, a.afterUndo(source))
	})
	if errors.Is(err, graph.ErrConflict) && !isTrusted(who) {
		// The store's words name assets that may be hidden from the person.
		return shape.UndoRun{}, fmt.Errorf("undo run %d: later commits changed some of what it did; undo those first, or undo it and keep what is later: %w", run, graph.ErrConflict)
	}
	if err != nil {
		return shape.UndoRun{}, fmt.Errorf("undo run %d: %w", run, err)
	}
	return a.undoReport(ctx, who, source, run, made, did)
}

// crawlFence is what a crawl of a source holds while it works.
func crawlFence(source string) string { return "crawl " + source }

// afterUndo is the job that follows: all SQL of the source is analyzed again,
// where there still is such a source.
func (a *App) afterUndo(source string) river.JobArgs {
	if _, err := a.source(source); err != nil {
		return store.PropagateArgs{}
	}
	return store.AnalyzeArgs{Source: source}
}

// undoable returns the source of a run that the principal may undo.
func (a *App) undoable(ctx context.Context, who graph.Principal, run graph.Revision) (string, error) {
	if err := a.may(ctx, who, graph.ActionCrawl, graph.Asset{}, nil); err != nil {
		return "", err
	}
	r, err := a.reader(ctx, system(), 0)
	if err != nil {
		return "", err
	}
	found, err := r.Commits(ctx, run)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("undo run: revision %d is not there, the newest is %d: %w", run, r.Revision(), graph.ErrNotFound)
	}
	source, _, ok := runOf(found[0])
	if !ok {
		return "", fmt.Errorf("undo run: revision %d is no run of a source; cadastre crawl --runs and the page of sources list those: %w", run, graph.ErrInvalid)
	}
	undone, err := undoneBy(ctx, r, found)
	if err == nil && undone[run] != 0 {
		err = fmt.Errorf("undo run: revision %d is undone already, by revision %d: %w", run, undone[run], graph.ErrConflict)
	}
	return source, err
}

// noCrawlOf refuses while a crawl of the source is under way: it compares with
// what undoing takes away.
func (a *App) noCrawlOf(ctx context.Context, source string) error {
	pending, err := a.store.Pending(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(pending, func(j store.Job) bool { return j.Kind == "crawl" && j.Subject == source && j.State == "running" }) {
		return fmt.Errorf("undo run: %s is being crawled; undo it when that is done: %w", source, graph.ErrConflict)
	}
	return nil
}

// maxLater is how many assets a report names that stay as they are.
const maxLater = 20

// undoReport counts what an undoing changes. Of the assets that stay it names
// those that the person sees: that something changed is of an asset's history.
func (a *App) undoReport(ctx context.Context, who graph.Principal, source string, run, made graph.Revision, did store.Reverted) (shape.UndoRun, error) {
	out := shape.UndoRun{Run: run, Source: source, Changes: shape.CountChanges(did.Delta), LaterTotal: len(did.Later), Later: []graph.Ref{}}
	if made > 0 {
		out.Made = &made
	}
	about := map[graph.Ref]bool{}
	for _, i := range did.Later {
		about[i.About()] = true
	}
	if len(about) == 0 {
		return out, nil
	}
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return out, err
	}
	seen, err := r.Visibility(ctx, slices.Collect(maps.Keys(about))...)
	if err != nil {
		return out, err
	}
	for ref := range about {
		if seen[ref] == graph.Visible || isTrusted(who) {
			out.Later = append(out.Later, ref)
		}
	}
	slices.SortFunc(out.Later, graph.CompareRefs)
	out.Later = out.Later[:min(len(out.Later), maxLater)]
	return out, nil
}
