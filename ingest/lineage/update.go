package lineage

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"cadastre.dev/cadastre/graph"
)

// Input is what Update brings up to date.
type Input struct {
	// Source is the name of the source whose views and statements these are.
	Source string
	// Dialect is that of the source. Defaults to DialectBigQuery.
	Dialect string
	// Views are all assets of the source that have a definition in SQL. What
	// is known of another view of the source ends.
	Views []graph.Asset
	// Statements are what the source listed since the last time, their SQL as
	// it ran. What is known of statements that are not listed stays.
	Statements []graph.Statement
	// Known holds the statements and edges of the source as the catalog has
	// them. Other items are passed over.
	Known graph.Snapshot
	// Schemas tells the columns of every asset of the catalog.
	Schemas Schemas
	// Changed are the assets that began, changed or ended, or whose columns
	// did, since the last update; see Touched. Statements that read or write
	// one of them are analyzed again.
	Changed map[graph.Ref]bool
	// Full analyzes every view and listed statement again, as after an upgrade
	// of the analyzer.
	Full bool
	// Workers is how many statements are analyzed at once. Defaults to 2.
	Workers int
	// Progress is told how many of how many statements are done, never
	// concurrently. Defaults to nobody.
	Progress func(done, of int)
}

// Report says what became of the statements.
type Report struct {
	Exact, Partial, Failed int
	// Unanalyzed are those for which there was no analyzer. Where there are
	// any, keep the last cursor of the statements: their texts are needed
	// again.
	Unanalyzed int
	// Kept were not analyzed again; they are counted above too.
	Kept int
	// Unlisted should be analyzed again, because a table of theirs changed,
	// but their text is needed for that and was not listed: list from the
	// start and update once more. They are among the kept.
	Unlisted int
}

// Update analyzes what has to be analyzed and returns how the statements and
// edges of the source change. An edge that a person drew never changes. The
// error is the end of ctx; nothing else makes it fail.
//
// A view whose schema the source does not show gets its columns from its own
// SQL, for the analysis of what reads it; so views come before their readers.
// What reads a view that is not exact is not exact either.
//
// A statement that nobody could analyze keeps the lineage that it had, as long
// as its text is the same.
func Update(ctx context.Context, analyzer Analyzer, in Input) (graph.Delta, Report, error) {
	u := newUpdate(analyzer, in)
	u.markStale()
	if err := u.findInputs(ctx); err != nil {
		return nil, Report{}, err
	}
	for _, level := range u.levels() {
		if err := u.analyze(ctx, level); err != nil {
			return nil, Report{}, err
		}
	}
	was, now := u.result()
	return graph.Diff(was, now), u.report(now), nil
}

// Touched returns the assets that a delta touches, or whose columns it does.
func Touched(delta graph.Delta) map[graph.Ref]bool {
	touched := map[graph.Ref]bool{}
	for _, c := range delta {
		switch i := c.Item().(type) {
		case graph.Asset:
			touched[i.Ref] = true
		case graph.Column:
			touched[i.Ref.Asset()] = true
		}
	}
	return touched
}

// work is one statement on its way.
type work struct {
	statement graph.Statement
	// stale is to be analyzed; a view that is not may still be, because one
	// that is needs its columns.
	stale  bool
	parsed bool
	inputs []graph.Ref
	// analysis is there when done.
	analysis *graph.Analysis
	edges    []graph.Edge
}

type update struct {
	analyzer Analyzer
	in       Input
	works    map[string]*work // by statement ID
	order    []string         // IDs, sorted
	schemas  overlay
	// known statements and edges of the source, by statement.
	known  map[string]graph.Statement
	edges  map[string][]graph.Edge
	unseen int

	mu       sync.Mutex
	done, of int
}

func newUpdate(analyzer Analyzer, in Input) *update {
	if in.Workers <= 0 {
		in.Workers = 2
	}
	if in.Progress == nil {
		in.Progress = func(int, int) {}
	}
	u := &update{
		analyzer: analyzer, in: in, works: map[string]*work{}, schemas: overlay{in.Schemas, SchemaMap{}},
		known: map[string]graph.Statement{}, edges: map[string][]graph.Edge{},
	}
	for _, item := range in.Known {
		if s, ok := item.(graph.Statement); ok && s.Source == in.Source {
			u.known[s.ID] = s
		}
	}
	for _, item := range in.Known {
		if e, ok := item.(graph.Edge); ok && e.Because != graph.EvidencePerson && u.known[e.Statement].ID != "" {
			u.edges[e.Statement] = append(u.edges[e.Statement], e)
		}
	}
	for _, view := range in.Views {
		s := ViewStatement(view, in.Dialect)
		u.works[s.ID] = &work{statement: s}
	}
	for _, s := range in.Statements {
		u.works[s.ID] = &work{statement: s}
	}
	for id := range u.works {
		u.order = append(u.order, id)
	}
	slices.Sort(u.order)
	return u
}

// markStale finds what has to be analyzed: what is new or has another text,
// and what reads or writes an asset that changed. A view without a schema that
// is analyzed again may have other columns, so it counts as changed itself.
func (u *update) markStale() {
	changed := map[graph.Ref]bool{}
	for ref := range u.in.Changed {
		changed[ref] = true
	}
	for again := true; again; {
		again = false
		for _, id := range u.order {
			w := u.works[id]
			if w.stale || !u.isStale(w.statement, changed) {
				continue
			}
			w.stale = true
			if view := w.statement.Target; u.isOpen(w.statement) && !changed[view] {
				changed[view], again = true, true
			}
		}
	}
	for id, s := range u.known {
		if u.works[id] == nil && s.Because != graph.EvidenceView && u.touches(s, changed) {
			u.unseen++
		}
	}
}

func (u *update) isStale(s graph.Statement, changed map[graph.Ref]bool) bool {
	known, ok := u.known[s.ID]
	switch {
	case u.in.Full, !ok, known.Outcome == graph.OutcomeUnanalyzed:
		return true
	case s.Because == graph.EvidenceView && known.SQL != s.SQL:
		return true
	case known.Outcome == graph.OutcomeFailed && len(changed) > 0:
		return true
	}
	return u.touches(known, changed)
}

// touches says whether a known statement reads or writes a changed asset.
func (u *update) touches(s graph.Statement, changed map[graph.Ref]bool) bool {
	return changed[s.Target] || slices.ContainsFunc(u.edges[s.ID], func(e graph.Edge) bool {
		return changed[e.From.Asset()] || changed[e.To.Asset()]
	})
}

// isOpen says whether the statement defines a view whose schema the source
// does not show.
func (u *update) isOpen(s graph.Statement) bool {
	return s.Because == graph.EvidenceView && len(u.in.Schemas.Columns(s.Target)) == 0
}

// findInputs asks which tables the texts name, for all that is stale and then
// for the views below it whose columns must be derived.
func (u *update) findInputs(ctx context.Context) error {
	var wave []*work
	for _, id := range u.order {
		if w := u.works[id]; w.stale {
			wave = append(wave, w)
		}
	}
	for len(wave) > 0 {
		err := u.each(ctx, wave, func(w *work) error {
			tables, err := u.analyzer.Tables(ctx, w.statement)
			w.parsed = true
			w.inputs = tables
			if err != nil && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return nil // Analyze will say what is wrong.
		})
		if err != nil {
			return err
		}
		wave = u.openInputs(wave)
	}
	return nil
}

// openInputs returns the views that some of the works read, whose columns have
// to be derived, and which have not been looked at.
func (u *update) openInputs(works []*work) []*work {
	var next []*work
	for _, w := range works {
		for _, ref := range w.inputs {
			if v := u.works[ref.String()]; v != nil && !v.parsed && u.isOpen(v.statement) && !slices.Contains(next, v) {
				next = append(next, v)
			}
		}
	}
	return next
}

// levels orders the works so that each comes after the open views it reads.
// Views that read each other in a circle, which no warehouse allows, come in
// some order.
func (u *update) levels() [][]*work {
	depth := map[*work]int{}
	var visit func(w *work) int
	visit = func(w *work) int {
		if d, ok := depth[w]; ok {
			return d
		}
		depth[w] = 0
		d := 0
		for _, ref := range w.inputs {
			if v := u.works[ref.String()]; v != nil && v != w && v.parsed && u.isOpen(v.statement) {
				d = max(d, visit(v)+1)
			}
		}
		depth[w] = d
		return d
	}
	var levels [][]*work
	for _, id := range u.order {
		w := u.works[id]
		if !w.parsed {
			continue
		}
		d := visit(w)
		for len(levels) <= d {
			levels = append(levels, nil)
		}
		levels[d] = append(levels[d], w)
		u.of++
	}
	return levels
}

// analyze analyzes the works of one level and then derives the columns of the
// open views among them.
func (u *update) analyze(ctx context.Context, level []*work) error {
	err := u.each(ctx, level, func(w *work) error {
		a, err := u.analyzer.Analyze(ctx, w.statement, u.schemas)
		if err != nil {
			return fmt.Errorf("analyze %s: %w", w.statement.ID, err)
		}
		w.analysis = &a
		u.tick()
		return nil
	})
	if err != nil {
		return err
	}
	for _, w := range level {
		u.dampen(w)
		if u.isOpen(w.statement) {
			u.schemas.derived[w.statement.Target] = derive(w.statement.Target, *w.analysis, u.schemas)
		}
		w.edges = Edges(w.statement, *w.analysis, u.schemas)
	}
	return nil
}

// dampen makes an analysis that rests on derived columns no surer than these.
func (u *update) dampen(w *work) {
	for _, input := range w.analysis.Inputs {
		v := u.works[input.String()]
		if v == nil || v.analysis == nil || v == w || !u.isOpen(v.statement) || v.analysis.Outcome == graph.OutcomeExact {
			continue
		}
		if w.analysis.Outcome == graph.OutcomeExact {
			w.analysis.Outcome = graph.OutcomePartial
			w.analysis.Reason = "a view that it reads is not wholly understood"
		}
		w.analysis.Unresolved = append(w.analysis.Unresolved, "view "+input.Name+": its columns are not wholly known")
	}
}

// each does f for all works, a few at once, and returns the first error.
func (u *update) each(ctx context.Context, works []*work, f func(*work) error) error {
	queue := make(chan *work)
	errs := make(chan error, u.in.Workers)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var group sync.WaitGroup
	for range u.in.Workers {
		group.Go(func() {
			for w := range queue {
				if err := f(w); err != nil {
					errs <- err
					stop(err)
					return
				}
			}
		})
	}
	for _, w := range works {
		select {
		case queue <- w:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(queue)
	group.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return context.Cause(ctx)
	}
}

func (u *update) tick() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.done++
	u.in.Progress(u.done, u.of)
}
