package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/ingesttest"
)

// platform is a source over a world of datasets that changes by chance. Its
// cursor is the number of changes, so that it tells what did not change as
// unchanged.
type platform struct {
	rnd *rand.Rand
	// tables by dataset, and in which change each was last touched.
	tables map[string]map[string]graph.AssetSeen
	moved  map[graph.Ref]int
	change int

	// At which fact a run goes wrong, and how; below zero: at none.
	at  int
	how func() error
	// closed is a dataset that is not seen, "" for none.
	closed string
}

func newPlatform(seed uint64) *platform {
	p := &platform{
		rnd:    rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // Chance that can be repeated.
		tables: map[string]map[string]graph.AssetSeen{"d0": {}, "d1": {}, "d2": {}}, moved: map[graph.Ref]int{}, at: -1,
	}
	for range 15 {
		p.step()
	}
	return p
}

func (*platform) Name() string { return "fake" }

// step changes one table: it is made, made otherwise, or taken away.
func (p *platform) step() {
	p.change++
	dataset, name := fmt.Sprintf("d%d", p.rnd.IntN(3)), fmt.Sprintf("t%d", p.rnd.IntN(6))
	if p.rnd.IntN(4) == 0 {
		delete(p.tables[dataset], name)
		return
	}
	ref := graph.BigQueryRef("p", dataset, name)
	seen := graph.AssetSeen{Asset: graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "fake", Parent: ref.Parent(), Description: fmt.Sprint(p.change)}}
	for i := range p.rnd.IntN(4) {
		seen.Columns = append(seen.Columns, graph.Column{Ref: ref.Column(fmt.Sprintf("c%d", i)), Position: i, Type: []string{"STRING", "INTEGER"}[p.rnd.IntN(2)], Mode: graph.ModeNullable})
	}
	p.tables[dataset][name], p.moved[ref] = seen, p.change
}

// facts are all that is to be told since a change, in an order by chance: only
// the word that a scope was whole comes after what it holds.
func (p *platform) facts(since int) []graph.Fact {
	var out []graph.Fact
	for dataset, tables := range p.tables {
		if dataset == p.closed {
			continue
		}
		for _, seen := range tables {
			if p.moved[seen.Asset.Ref] <= since {
				out = append(out, graph.AssetUnchanged{Ref: seen.Asset.Ref})
				continue
			}
			out = append(out, seen)
			if len(seen.Columns) > 0 {
				says := graph.Provenance{Kind: graph.BySource, Name: "fake"}
				out = append(out, graph.TagSeen{Tag: graph.Tag{Ref: seen.Columns[0].Ref, Label: "user", State: graph.TagProposed, Form: graph.FormClear, Confidence: 1, Provenance: says}})
			}
		}
		out = append(out, graph.ScopeDone{Scope: graph.Scope{Source: "fake", Parent: graph.BigQueryRef("p", dataset)}})
	}
	p.rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	if p.closed == "" {
		out = append(out, done())
	}
	return out
}

func (p *platform) Crawl(ctx context.Context, since ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
	last := 0
	if since != nil {
		if _, err := fmt.Sscan(string(since), &last); err != nil {
			return nil, err
		}
	}
	for i, f := range p.facts(last) {
		if i == p.at {
			if err := p.how(); err != nil {
				return nil, err
			}
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := emit(f); err != nil {
			return nil, err
		}
	}
	cursor := ingest.Cursor(fmt.Sprint(p.change))
	if p.closed != "" {
		// What was closed is to be told whole when it is open again.
		for _, seen := range p.tables[p.closed] {
			p.moved[seen.Asset.Ref] = p.change + 1
		}
		p.change++
		return cursor, ingest.Partial([]graph.Finding{{Ref: graph.BigQueryRef("p", p.closed), Code: ingest.CodeDenied, What: p.closed + " is closed"}})
	}
	return cursor, nil
}

// state is all that a catalog holds of the fake.
func state(t *testing.T, c *ingesttest.Catalog) (graph.Snapshot, string) {
	t.Helper()
	cursor, err := c.Cursor(t.Context(), "fake")
	if err != nil {
		t.Fatal(err)
	}
	return c.All(), string(cursor)
}

// Laws of a run, wherever and however it goes wrong: one that fails commits no
// change and keeps the cursor; one that is partial ends nothing of what it did
// not see; one that goes well leaves what a run from nothing would; and running
// again makes no revision.
func TestRunsGoWrongByChance(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			p, c := newPlatform(seed), &ingesttest.Catalog{}
			mustRun(t, p, c)
			for range 12 {
				for range 1 + p.rnd.IntN(4) {
					p.step()
				}
				switch p.rnd.IntN(4) {
				case 0:
					fails(t, p, c)
				case 1:
					isStopped(t, p, c)
				case 2:
					conflicts(t, p, c)
				case 3:
					isPartial(t, p, c)
				}
				first, fresh := runUnasked(t, p, c), &ingesttest.Catalog{}
				mustRun(t, p, fresh)
				if diff := cmp.Diff(fresh.All(), c.All(), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("what is known is not what is there (-there +known):\n%s", diff)
				}
				for _, cfg := range []ingest.RunConfig{{}, {Anew: true}} {
					again, err := ingest.Run(t.Context(), p, c, cfg)
					if err != nil || len(again.Delta) != 0 || again.Revision != first.Revision {
						t.Fatalf("again, anew %v: %v, delta %v, revision %d after %d", cfg.Anew, err, again.Delta, again.Revision, first.Revision)
					}
				}
			}
		})
	}
}

// runUnasked runs where nobody is asked about removals.
func runUnasked(t *testing.T, s ingest.Source, c ingest.Catalog) ingest.Report {
	t.Helper()
	report, err := ingest.Run(t.Context(), s, c, ingest.RunConfig{Removal: ingest.Removal{Threshold: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func unmoved(t *testing.T, c *ingesttest.Catalog, was graph.Snapshot, cursor string) {
	t.Helper()
	now, after := state(t, c)
	if diff := cmp.Diff(was, now); diff != "" || after != cursor {
		t.Fatalf("cursor %s became %s, and the catalog moved (-before +after):\n%s", cursor, after, diff)
	}
}

// fails breaks the source at some fact.
func fails(t *testing.T, p *platform, c *ingesttest.Catalog) {
	t.Helper()
	was, cursor := state(t, c)
	kind := []error{graph.ErrDenied, graph.ErrUnavailable, graph.ErrInvalid, errors.New("odd")}[p.rnd.IntN(4)]
	p.at, p.how = p.rnd.IntN(len(p.facts(0))), func() error { return fmt.Errorf("list: %w", kind) }
	defer func() { p.at = -1 }()
	report, err := ingest.Run(t.Context(), p, c, ingest.RunConfig{Anew: true})
	if !errors.Is(err, kind) || len(report.Problems) != 1 || len(c.Problems("fake")) != 1 {
		t.Fatalf("error %v, report %+v; want %v and one problem", err, report, kind)
	}
	unmoved(t, c, was, cursor)
}

// isStopped ends the context at some fact.
func isStopped(t *testing.T, p *platform, c *ingesttest.Catalog) {
	t.Helper()
	was, cursor := state(t, c)
	problems := c.Problems("fake")
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	p.at, p.how = p.rnd.IntN(len(p.facts(0))), func() error { cancel(enough); return nil }
	defer func() { p.at = -1 }()
	if _, err := ingest.Run(ctx, p, c, ingest.RunConfig{Anew: true}); !errors.Is(err, enough) {
		t.Fatalf("error %v, want the cause", err)
	}
	unmoved(t, c, was, cursor)
	if diff := cmp.Diff(problems, c.Problems("fake")); diff != "" {
		t.Fatalf("to be stopped is no problem of the source:\n%s", diff)
	}
}

// conflicts lets the catalog refuse.
func conflicts(t *testing.T, p *platform, c *ingesttest.Catalog) {
	t.Helper()
	was, cursor := state(t, c)
	c.Fail = graph.ErrConflict
	_, err := ingest.Run(t.Context(), p, c, ingest.RunConfig{})
	c.Fail = nil
	if !errors.Is(err, graph.ErrConflict) {
		t.Fatalf("error %v, want the catalog's", err)
	}
	unmoved(t, c, was, cursor)
}

// isPartial closes a dataset.
func isPartial(t *testing.T, p *platform, c *ingesttest.Catalog) {
	t.Helper()
	was, _ := state(t, c)
	p.closed = fmt.Sprintf("d%d", p.rnd.IntN(3))
	within := graph.BigQueryRef("p", p.closed).Name + "."
	report := runUnasked(t, p, c)
	p.closed = ""
	if len(report.Problems) != 1 || len(c.Problems("fake")) != 1 {
		t.Fatalf("problems %+v, want one", report.Problems)
	}
	now := c.All()
	for _, item := range was {
		if kept, ok := now.Get(item); strings.HasPrefix(item.About().Name, within) && (!ok || !cmp.Equal(item, kept)) {
			t.Fatalf("%+v was not seen, and is now %+v", item, kept)
		}
	}
}

func TestRunLogsWhatHappenedOnceAndNoValue(t *testing.T) {
	t.Parallel()
	closed := ingest.Partial([]graph.Finding{{Ref: graph.BigQueryRef("p", "b"), What: "b is closed"}})
	tests := []struct {
		name string
		err  error
		want []string
	}{
		{"well", nil, []string{"level=INFO msg=crawled source=fake"}},
		{"partial", closed, []string{`level=WARN msg="crawl problem" source=fake`, "level=INFO msg=crawled source=fake"}},
		{"failed", graph.ErrDenied, []string{`level=WARN msg="crawl failed" source=fake`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey || a.Key == "dur" {
					return slog.Attr{}
				}
				return a
			}}))
			s := &fake{facts: []graph.Fact{table("a", "x")}, cursor: ingest.Cursor("1"), err: tt.err}
			if _, err := ingest.Run(t.Context(), s, &ingesttest.Catalog{}, ingest.RunConfig{Logger: logger}); (err != nil) != (tt.name == "failed") {
				t.Errorf("error %v", err)
			}
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("logged %q, want %d lines", lines, len(tt.want))
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("line %q, want it to begin with %q", lines[i], want)
				}
			}
		})
	}
}

// halting is a catalog that cannot be read.
type halting struct {
	ingesttest.Catalog
	cursor, known, sightings, standing error
}

func (h *halting) Cursor(ctx context.Context, name string) (ingest.Cursor, error) {
	if h.cursor != nil {
		return nil, h.cursor
	}
	return h.Catalog.Cursor(ctx, name)
}

func (h *halting) Known(ctx context.Context, refs ...graph.Ref) (graph.Snapshot, error) {
	if h.known != nil {
		return nil, h.known
	}
	return h.Catalog.Known(ctx, refs...)
}

func (h *halting) Sightings(ctx context.Context, source string, refs ...graph.Ref) (map[graph.Ref]ingest.Digest, error) {
	if h.sightings != nil {
		return nil, h.sightings
	}
	return h.Catalog.Sightings(ctx, source, refs...)
}

func (h *halting) Standing(ctx context.Context, scope graph.Scope, each func(ref, parent graph.Ref) error) error {
	if h.standing != nil {
		return h.standing
	}
	return h.Catalog.Standing(ctx, scope, each)
}

func TestACatalogThatCannotBeReadIsNoProblemOfTheSource(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		catalog *halting
		crawls  int
	}{
		{"its cursor", &halting{cursor: graph.ErrUnavailable}, 0},
		{"what it knows", &halting{known: graph.ErrUnavailable}, 1},
		{"what was last said", &halting{sightings: graph.ErrUnavailable}, 0},
		{"what stands", &halting{standing: graph.ErrUnavailable}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &fake{facts: []graph.Fact{table("a"), done()}, cursor: ingest.Cursor("1")}
			_, err := ingest.Run(t.Context(), s, tt.catalog, ingest.RunConfig{})
			if !errors.Is(err, graph.ErrUnavailable) || len(s.since) != tt.crawls {
				t.Errorf("error %v after %d crawls, want the catalog's after %d", err, len(s.since), tt.crawls)
			}
			if len(tt.catalog.All()) != 0 || tt.catalog.Problems("fake") != nil {
				t.Errorf("%d items and problems %v were written", len(tt.catalog.All()), tt.catalog.Problems("fake"))
			}
		})
	}
}
