package serve

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	bigqueryview "cadastre.dev/cadastre/policy/view/bigquery"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

// account is all that a catalog is made from: its history, what was decided of
// it, the plans that were made, what went wrong in crawls and what they held
// back, and how much the crawl that runs has found.
type account struct {
	moments []moment
	// decisions are those of all classes that columns ever had: which classes
	// there are is no secret of those that have them.
	decisions []graph.Decision
	plans     []draft
	problems  map[string][]string
	held      map[string]ingest.Held
	crawled   int
}

// draft is a plan with the states it went through after it was planned.
type draft struct {
	plan  graph.Plan
	moves []store.PlanMove
}

// last is the catalog as it stands at the end.
func (a account) last() graph.Snapshot { return a.moments[len(a.moments)-1].items }

// standingAt is the time at which all catalogs of a court are made and asked,
// so that no answer differs by it.
func standingAt() time.Time { return time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC) }

// open makes the app whose catalog an account tells of. No job is worked in it.
func (c *court) open(a account) *App {
	c.t.Helper()
	ctx := c.t.Context()
	config := c.config
	config.DataDir = c.t.TempDir()
	if err := os.WriteFile(config.DatabaseFile(), c.template, 0o600); err != nil {
		c.t.Fatal(err)
	}
	minutes := 0
	app := &App{config: config, logger: slog.New(slog.DiscardHandler), progress: newBoard(nil), policy: c.engine, sources: c.sources(), use: io.NopCloser(nil)}
	app.now = func() time.Time { return standingAt().Add(time.Duration(minutes) * time.Minute) }
	var err error
	if app.store, err = store.Open(ctx, store.Config{Path: config.DatabaseFile(), Now: app.now}); err != nil {
		c.t.Fatal(err)
	}
	if err := app.wireWatch(ctx, ""); err != nil {
		c.t.Fatal(err)
	}
	app.lookout = newLookout(app)
	c.t.Cleanup(func() { _ = app.Close() })
	app.target = &publisher{name: "warehouse", project: c.naming.Project, naming: c.naming, target: viewtest.NewWarehouse(c.naming), dialect: bigqueryview.Dialect{}, publisher: "user:robot@corp.example"}
	commit := func(who graph.Principal, why string, do func(tx *store.Tx) error) {
		c.t.Helper()
		minutes++
		if _, err := app.store.Commit(ctx, who, why, do); err != nil {
			c.t.Fatal(err)
		}
	}
	c.live(app, a, commit)
	commit(system(), "crawl", func(tx *store.Tx) error { return c.putBeside(ctx, tx, a) })
	commit(graph.Principal{ID: "p1@corp.example"}, "plan", func(tx *store.Tx) error {
		for _, d := range a.plans {
			if err := putDraft(ctx, tx, d); err != nil {
				return err
			}
		}
		return nil
	})
	if _, err := app.checkpoint(ctx, system(), nil); err != nil {
		c.t.Fatal(err)
	}
	app.progress.set("crawl", "lake", a.crawled, 0)
	return app
}

// live goes through the moments of an account: runs of two sources, and what a
// person did between, which is none. After the first, all is decided.
func (c *court) live(app *App, a account, commit func(graph.Principal, string, func(*store.Tx) error)) {
	c.t.Helper()
	ctx, was := c.t.Context(), graph.Snapshot{}
	by := []struct {
		who graph.Principal
		why string
	}{{system(), crawlWhy("warehouse")}, {graph.Principal{ID: "p1@corp.example"}, "tidy up"}, {system(), crawlWhy("lake")}}
	for n, m := range a.moments {
		commit(by[n].who, by[n].why, func(tx *store.Tx) error {
			for _, e := range m.events {
				tx.Record(e)
			}
			return tx.Apply(ctx, graph.Diff(was, m.items))
		})
		if was = m.items; n > 0 {
			continue
		}
		commit(system(), "decide", func(tx *store.Tx) error { return app.holdDecisions(ctx, tx, a.decisions) })
	}
}

// putBeside writes what stands beside the history: what crawls saw, found
// wrong and held back, the tokens of services, and a crawl that waits.
func (c *court) putBeside(ctx context.Context, tx *store.Tx, a account) error {
	for n, t := range c.things {
		seen := store.Seen{Source: t.asset.Source, At: standingAt().Add(-time.Duration(n) * time.Hour)}
		if _, stands := a.last().Get(t.asset); stands {
			seen.Digests = map[graph.Ref][]byte{t.asset.Ref: {1}}
		}
		if t.asset.Kind == graph.KindDataset && n%2 == 0 {
			seen.Done = []graph.Ref{t.asset.Ref}
		}
		if err := tx.PutSeen(ctx, seen); err != nil {
			return err
		}
	}
	for _, s := range c.sources() {
		cursor := store.Cursor{Source: s.name, CrawledAt: standingAt(), Problems: a.problems[s.name]}
		if held, ok := a.held[s.name]; ok {
			data, err := json.Marshal(held)
			if err != nil {
				return err
			}
			cursor.Held = string(data)
		}
		if err := tx.PutCursor(ctx, cursor); err != nil {
			return err
		}
	}
	for n, id := range tokenIDs() {
		token := store.Token{
			ID: id, Name: "loader-" + id, Sources: []string{"tracker"}, CreatedBy: "p2@corp.example",
			CreatedAt: standingAt().Add(time.Duration(n) * time.Minute), ExpiresAt: standingAt().AddDate(0, 0, 30),
		}
		if err := tx.PutToken(ctx, token, []byte("hash of "+id)); err != nil {
			return err
		}
	}
	return tx.Enqueue(ctx, store.CrawlArgs{Source: "lake"})
}

// tokenIDs name the tokens of services.
func tokenIDs() []string { return []string{"first", "second"} }

func putDraft(ctx context.Context, tx *store.Tx, d draft) error {
	saved, err := tx.SavePlan(ctx, d.plan)
	if err != nil {
		return err
	}
	for _, m := range d.moves {
		if saved, err = tx.MovePlan(ctx, saved.ID, m); err != nil {
			return err
		}
	}
	if saved.State == graph.PlanApplying {
		return tx.Enqueue(ctx, store.ApplyArgs{Plan: saved.ID})
	}
	return nil
}

// decide asks what is decided of all classes that columns ever have.
func (c *court) decide() []graph.Decision {
	c.t.Helper()
	app, classes := &App{config: c.config, policy: c.engine}, map[graph.Class]graph.ColumnFacts{}
	for _, m := range c.account.moments {
		for _, column := range app.assess(m.items) {
			classes[column.class] = column.facts
		}
	}
	decisions, err := app.decideClasses(c.t.Context(), classes)
	if err != nil {
		c.t.Fatal(err)
	}
	return decisions
}

// holdBack draws the removals that the last crawls held back.
func (c *court) holdBack() map[string]ingest.Held {
	held := ingest.Held{Hash: "abcd", At: standingAt(), Total: 30, Scopes: []ingest.HeldScope{{Ends: 30, Of: 40}}}
	for _, t := range c.things {
		_, stands := c.account.last().Get(t.asset)
		switch {
		case stands && t.asset.Kind == graph.KindDataset:
			held.Scopes = append(held.Scopes, ingest.HeldScope{Parent: t.asset.Ref, Ends: len(held.Scopes), Of: 9})
		case stands && c.IntN(3) == 0:
			held.Examples = append(held.Examples, t.asset.Ref)
		}
	}
	return map[string]ingest.Held{"warehouse": held}
}

// namedIn is a removal as it is kept where only some of the catalog stands.
func namedIn(held map[string]ingest.Held, may func(graph.Ref) bool) map[string]ingest.Held {
	out := map[string]ingest.Held{}
	for source, h := range held {
		h.Examples = slices.DeleteFunc(slices.Clone(h.Examples), func(r graph.Ref) bool { return !may(r) })
		h.Scopes = slices.DeleteFunc(slices.Clone(h.Scopes), func(s ingest.HeldScope) bool { return !s.Parent.IsZero() && !may(s.Parent) })
		out[source] = h
	}
	return out
}
