package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cadastre.dev/cadastre/graph"
)

// Catalog is where Run reads what is known and writes what is different.
type Catalog interface {
	Knower
	// Cursor returns what the last commit under that name left, and nil where
	// there was none. The name is a source's or StatementsOf a source.
	Cursor(ctx context.Context, name string) (Cursor, error)
	// Commit writes the delta as one revision, and all else of the crawl with
	// it. An empty delta makes no revision; what stands outside revisions is
	// kept all the same. It returns the revision that the catalog
	// then has. ErrConflict: somebody else committed what the delta touches,
	// and nothing was written.
	Commit(ctx context.Context, crawl Crawl) (graph.Revision, error)
}

// Crawl is what one run of a source wants written.
type Crawl struct {
	// Source is the source's name, or StatementsOf it: the name of the cursor.
	Source string
	// Delta is what changed; empty where nothing did.
	Delta graph.Delta
	// Sightings are the digests of what was compared. Whoever else changes an
	// item of an asset makes them void: Knower.Sightings tells them no more.
	Sightings map[graph.Ref]Digest
	// Forget are assets for which no digest may stand.
	Forget []graph.Ref
	// Done are the containers that were seen whole, zero for the source: every
	// asset in them that stands was seen in this run.
	Done []graph.Ref
	// Held is a removal about which a person must be asked. Then there is no
	// delta, and no cursor.
	Held *Held
	// Cursor replaces the last one. Nil keeps the last one: the run failed, or
	// its removal is held back.
	Cursor Cursor
	// Problems replace those of the last run; empty when all is well.
	Problems []graph.Finding
}

// RunConfig says how Run works. Its zero value works.
type RunConfig struct {
	// Anew makes the run forget the last cursor, so that everything is read
	// again. Defaults to false.
	Anew bool
	// Removal is how much may end unasked. Its zero value asks above a fifth
	// of a scope.
	Removal Removal
	// Allowed is the removal that the last run held back, where a person
	// allowed it: this run may remove those assets, or fewer of them. Defaults
	// to none.
	Allowed *Held
	// Progress is told of the run's counts now and then, at least once at the
	// end, from the goroutine of Run. Defaults to nobody.
	Progress func(Progress)
	// Every is how many facts pass between two calls of Progress. Defaults to
	// 100.
	Every int
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Logger is told of the run's end and its problems. Defaults to none.
	Logger *slog.Logger
}

func (c RunConfig) withDefaults() RunConfig {
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	if c.Every <= 0 {
		c.Every = 100
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Progress counts what a run has seen so far.
type Progress struct {
	Source string
	// Assets were seen, of which Unchanged are as the last run left them.
	Assets, Unchanged int
	Columns           int
	Tags, Edges       int
	// Scopes were seen whole.
	Scopes int
}

// Report says what became of a run.
type Report struct {
	// Seen is the final count.
	Seen Progress
	// Delta is what was committed. It tells the lineage which assets changed.
	Delta graph.Delta
	// Revision is the catalog's after the run.
	Revision graph.Revision
	// Problems are what could not be seen.
	Problems []graph.Finding
	// Held is the removal that waits for a person's word; nil where none does.
	Held *Held
	Took time.Duration
}

// Run crawls a source once: its facts are compared with what the catalog
// knows, and the difference is committed as one revision. The same facts twice
// make no revision, and of an asset of which the source says what it said last
// time nothing is read and nothing kept in memory.
//
// A run that would remove too much commits nothing and keeps the last cursor;
// the report has what is held back, and the error is nil.
//
// A run that is partial commits what it saw and returns a nil error; the
// report has the problems. A run that fails commits no change; the problem is
// kept with the source, the last cursor stays, and the error is returned.
func Run(ctx context.Context, source Source, catalog Catalog, cfg RunConfig) (Report, error) {
	cfg = cfg.withDefaults()
	began := cfg.Now()
	r := run{source: source, catalog: catalog, cfg: cfg}
	report, err := r.crawl(ctx)
	report.Took = cfg.Now().Sub(began)
	cfg.Progress(report.Seen)
	log := cfg.Logger.With("source", source.Name(), "dur", report.Took)
	if err != nil {
		log.WarnContext(ctx, "crawl failed", "err", err)
		return report, fmt.Errorf("crawl %s: %w", source.Name(), err)
	}
	for _, p := range report.Problems {
		log.WarnContext(ctx, "crawl problem", "ref", p.Ref, "err", p.What)
	}
	log.InfoContext(ctx, "crawled", "revision", report.Revision)
	return report, nil
}

// run is one run of a source.
type run struct {
	source  Source
	catalog Catalog
	cfg     RunConfig
	facts   *facts
	told    int
	seen    Progress
}

func (r *run) crawl(ctx context.Context) (Report, error) {
	name := r.source.Name()
	r.seen.Source = name
	var since Cursor
	if !r.cfg.Anew {
		var err error
		if since, err = r.catalog.Cursor(ctx, name); err != nil {
			return Report{Seen: r.seen}, fmt.Errorf("read cursor: %w", err)
		}
	}
	last, err := r.catalog.Sightings(ctx, name)
	if err != nil {
		return Report{Seen: r.seen}, fmt.Errorf("read what was last said: %w", err)
	}
	r.facts = newFacts(name, last)
	cursor, err := r.source.Crawl(ctx, since, r.take)
	var partial *PartialError
	if err != nil && !errors.As(err, &partial) {
		return Report{Seen: r.seen, Problems: []graph.Finding{problem(name, err)}}, r.fail(ctx, err)
	}
	var problems []graph.Finding
	if partial != nil {
		problems = partial.Findings
	}
	return r.commit(ctx, cursor, problems)
}

// commit writes what is different, or that it was held back.
func (r *run) commit(ctx context.Context, cursor Cursor, problems []graph.Finding) (Report, error) {
	crawl, _, err := r.facts.settle(ctx, r.catalog, SettleConfig{Removal: r.cfg.Removal, Allowed: r.cfg.Allowed, Now: r.cfg.Now})
	if err != nil {
		return Report{Seen: r.seen}, err
	}
	crawl.Cursor, crawl.Problems = cursor, problems
	if crawl.Held != nil {
		crawl.Cursor, crawl.Problems = nil, append([]graph.Finding{crawl.Held.Finding(crawl.Source)}, problems...)
	}
	revision, err := r.catalog.Commit(ctx, crawl)
	if err != nil {
		return Report{Seen: r.seen}, fmt.Errorf("commit: %w", err)
	}
	return Report{Seen: r.seen, Delta: crawl.Delta, Revision: revision, Problems: crawl.Problems, Held: crawl.Held}, nil
}

// take receives a fact. A fact that makes no sense ends the run: the source is
// wrong, and what is wrong must not reach the catalog.
func (r *run) take(f graph.Fact) error {
	if err := CheckFact(r.source.Name(), f); err != nil {
		return err
	}
	if err := r.facts.take(f); err != nil {
		return err
	}
	r.seen.count(f)
	if r.told++; r.told%r.cfg.Every == 0 {
		r.cfg.Progress(r.seen)
	}
	return nil
}

// fail keeps the problem of a failed run with its source. A run that was told
// to stop is no problem of the source.
func (r *run) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	crawl := Crawl{Source: r.source.Name(), Problems: []graph.Finding{problem(r.source.Name(), err)}}
	if _, also := r.catalog.Commit(ctx, crawl); also != nil {
		return errors.Join(err, fmt.Errorf("keep the problem: %w", also))
	}
	return err
}

func (p *Progress) count(f graph.Fact) {
	switch f := f.(type) {
	case graph.AssetSeen:
		p.Assets++
		p.Columns += len(f.Columns)
	case graph.AssetUnchanged:
		p.Assets++
		p.Unchanged++
	case graph.TagSeen:
		p.Tags++
	case graph.EdgeSeen, graph.EdgeGone:
		p.Edges++
	case graph.ScopeDone:
		p.Scopes++
	}
}

// problem tells an error as a finding about a whole source.
func problem(source string, err error) graph.Finding {
	f := graph.Finding{Level: graph.FindingWarn, What: fmt.Sprintf("source %s was not crawled: %v", source, err)}
	f.Code, f.Do = Advice(err)
	return f
}

// Advice returns the code of a finding about err and what a person can do.
func Advice(err error) (code, do string) {
	switch {
	case errors.Is(err, graph.ErrDenied):
		return CodeDenied, "grant the crawler's identity the permission that the message names, or renew its token, then crawl again"
	case errors.Is(err, graph.ErrUnavailable):
		return CodeUnavailable, "check that the address is right and the service answers, then crawl again"
	case errors.Is(err, graph.ErrNotFound):
		return CodeInvalid, "check the name in the configuration of the source"
	}
	return CodeInvalid, "correct what the message names at the source, then crawl again"
}
