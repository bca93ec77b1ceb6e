package serve

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// tablesOf are the tables that the catalog knows of a dataset.
func (h *house) tablesOf(dataset string) (names []string) {
	h.t.Helper()
	r, err := h.app().reader(h.t.Context(), system(), 0)
	if err != nil {
		h.t.Fatal(err)
	}
	err = r.Standing(h.t.Context(), graph.Scope{Source: "warehouse", Parent: graph.BigQueryRef(company.Project, dataset)}, func(ref, _ graph.Ref) error {
		if !strings.HasSuffix(ref.Name, "."+dataset) {
			names = append(names, ref.Base())
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// Half of a dataset is dropped: the crawl asks, somebody looks and allows it,
// and then it is done. Both stand in the audit log.
func TestALargeRemovalIsAskedAbout(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	h.reopen(func(c *Config) { c.Removal.Least = 2 })
	h.crawled()
	tables := h.tablesOf(company.Raw)
	head, cursor := h.head(), h.cursorOf("warehouse")
	for _, table := range tables[:(len(tables)+1)/2] {
		h.drop(company.Raw, table)
	}
	report := h.crawl()["warehouse"]
	if report.Held == "" || len(report.Problems) == 0 || !strings.Contains(report.Problems[0], "--remove "+report.Held) {
		t.Fatalf("report %+v, want it held back", report)
	}
	if h.head() != head || len(h.tablesOf(company.Raw)) != len(tables) || string(h.cursorOf("warehouse").Cursor) != string(cursor.Cursor) {
		t.Error("a run that asks changed the catalog or the cursor")
	}
	source := h.sourceAs(otto(), "warehouse")
	if source.Held == nil || source.Held.Hash != report.Held || source.Held.Total != (len(tables)+1)/2 || len(source.Held.Examples) == 0 || source.Held.AllowedBy != nil {
		t.Fatalf("the source shows %+v", source.Held)
	}
	if other := h.sourceAs(ana(), "warehouse"); other.Held != nil || len(other.Problems) > 0 {
		t.Errorf("who may not crawl is shown %+v", other)
	}
	h.crawl() // asks again, and is no new event
	ctx := t.Context()
	mustBe(t, h.app().StartCrawl(ctx, ana(), "warehouse", report.Held), graph.ErrDenied)
	mustBe(t, h.app().StartCrawl(ctx, otto(), "warehouse", "0000"), graph.ErrConflict)
	mustBe(t, h.app().StartCrawl(ctx, otto(), "registry", report.Held), graph.ErrConflict)
	if _, err := h.app().Crawl(ctx, otto(), nil, report.Held); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("allow it of all sources: %v", err)
	}
	reports, err := h.app().Crawl(ctx, otto(), []string{"warehouse"}, report.Held)
	if err != nil || reports[0].Held != "" || len(h.tablesOf(company.Raw)) != len(tables)/2 {
		t.Errorf("allowed: %+v, %v, and %d tables stand", reports, err, len(h.tablesOf(company.Raw)))
	}
	if held := h.sourceAs(otto(), "warehouse").Held; held != nil {
		t.Errorf("after it was made it is still shown: %+v", held)
	}
	if got, want := h.events(eventHold), []string{"service:cadastre hold_removal warehouse"}; !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
	if got, want := h.events(eventAllow), []string{otto().ID + " allow_removal warehouse"}; !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

func (h *house) cursorOf(source string) store.Cursor {
	h.t.Helper()
	c, err := h.app().store.Cursor(h.t.Context(), source)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// changes counts the rows of all items that the store holds, ended ones too.
func (b *bench) changes() int {
	b.t.Helper()
	n := 0
	list, err := b.reader(0).Revisions(b.t.Context(), store.Page{First: 100})
	if err != nil {
		b.t.Fatal(err)
	}
	for range list.Items {
		n++
	}
	return n
}

// An unchanged crawl writes no item and makes no revision; when it was is kept
// beside, and the asset page tells it.
func TestAnUnchangedCrawlKeepsOnlyWhenItWas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	b.app.now = func() time.Time { return at }
	b.on(&script{name: "warehouse", crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		return ingest.Cursor("1"), peopleSeen(emit)
	}})
	for range 3 {
		if err := b.app.crawl(t.Context(), "warehouse"); err != nil {
			t.Fatal(err)
		}
		seen, err := apiCatalog{b.app}.LastSeen(t.Context(), system(), people().Ref)
		if err != nil || !seen[people().Ref].Equal(at) {
			t.Errorf("last seen %v, %v, want %v", seen, err, at)
		}
		if b.changes() != 1 {
			t.Errorf("%d revisions, want the first crawl's", b.changes())
		}
		at = at.Add(time.Hour)
	}
	stranger := graph.Principal{ID: "stranger@shop.example"}
	if seen, err := (apiCatalog{b.app}).LastSeen(t.Context(), stranger, people().Ref); err != nil || len(seen) > 0 {
		t.Errorf("of a hidden asset a stranger learns %v, %v", seen, err)
	}
}

// What a failed run says of the past does not make a held removal vanish, and
// a source is judged by its own limits.
func TestAHeldRemovalOutlivesAFailedRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app.config.Sources = []SourceConfig{{Name: "warehouse", Removal: RemovalConfig{Threshold: 0.9, Least: 3}}}
	tables, fail := 10, error(nil)
	b.on(&script{name: "warehouse", crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		for n := range tables {
			seen := people()
			seen.Ref = graph.BigQueryRef("shop", "raw", fmt.Sprint("t", n))
			if err := emit(graph.AssetSeen{Asset: seen}); err != nil {
				return nil, err
			}
		}
		return ingest.Cursor("1"), errors.Join(fail, emit(graph.ScopeDone{Scope: graph.Scope{Source: "warehouse"}}))
	}})
	run := func(n int, err error) *ingest.Held {
		t.Helper()
		tables, fail = n, err
		if got := b.app.crawl(t.Context(), "warehouse"); !errors.Is(got, err) {
			t.Fatalf("crawl: %v, want %v", got, err)
		}
		held, err := b.app.heldRemoval(t.Context(), "warehouse")
		if err != nil {
			t.Fatal(err)
		}
		return held
	}
	if held := run(10, nil); held != nil {
		t.Errorf("a first crawl holds back %+v", held)
	}
	if held := run(2, nil); held != nil {
		t.Errorf("8 of 10 where 9 may go: %+v", held)
	}
	run(10, nil)
	first := run(0, nil)
	if first == nil {
		t.Fatal("10 of 10 were not held back")
	}
	if held := run(0, graph.ErrUnavailable); held == nil || held.Hash != first.Hash {
		t.Errorf("after a failed run %+v is held back", held)
	}
	if held := run(10, nil); held != nil {
		t.Errorf("when all is there again %+v is held back", held)
	}
}
