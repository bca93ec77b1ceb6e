package serve

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
)

// peopleSeen is a crawl that sees the table.
func peopleSeen(emit func(graph.Fact) error) error {
	return errors.Join(
		emit(graph.AssetSeen{Asset: people(), Columns: []graph.Column{leaf(people(), "email", "STRING", 0)}}),
		emit(graph.ScopeDone{Scope: graph.Scope{Source: "warehouse"}}),
	)
}

// on puts a source on the bench in place of those configured.
func (b *bench) on(s *script) {
	b.app.sources = []crawled{{name: s.name, platform: "bigquery", source: s}}
}

// due are the kinds of the jobs that wait.
func (b *bench) due() (kinds []string) {
	b.t.Helper()
	jobs, err := b.app.store.Pending(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, j := range jobs {
		kinds = append(kinds, j.Kind)
	}
	return kinds
}

// keep writes a cursor of the warehouse's statements as it stands.
func (b *bench) keep(cursor string) {
	b.t.Helper()
	_, err := b.app.store.Commit(b.t.Context(), system(), "test", func(tx *store.Tx) error {
		return tx.PutCursor(b.t.Context(), store.Cursor{Source: ingest.StatementsOf("warehouse"), Cursor: []byte(cursor), CrawledAt: time.Now()})
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) cursor(name string) store.Cursor {
	b.t.Helper()
	c, err := b.app.store.Cursor(b.t.Context(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// A run that fails keeps its problem, the cursor and the time of the last good
// run and all that was known; nothing follows from it. The next good run
// clears the problem.
func TestARunThatFailsLosesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	b.app.now = func() time.Time { return at }
	var since []string
	fail := error(nil)
	b.on(&script{name: "warehouse", crawl: func(last ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		since = append(since, string(last))
		if fail != nil {
			return nil, fail
		}
		return ingest.Cursor("page two"), peopleSeen(emit)
	}})
	if err := b.app.crawl(t.Context(), "warehouse"); err != nil {
		t.Fatal(err)
	}
	if got := b.due(); !slices.Equal(got, []string{"analyze"}) {
		t.Errorf("after a good run %v is due", got)
	}
	good, head := b.cursor("warehouse"), b.reader(0).Revision()

	at, fail = at.Add(time.Hour), errors.Join(errors.New("connection refused"), graph.ErrUnavailable)
	mustBe(t, b.app.crawl(t.Context(), "warehouse"), graph.ErrUnavailable)
	kept := b.cursor("warehouse")
	if string(kept.Cursor) != "page two" || !kept.CrawledAt.Equal(good.CrawledAt) {
		t.Errorf("the cursor is %q of %v, was %q of %v", kept.Cursor, kept.CrawledAt, good.Cursor, good.CrawledAt)
	}
	if len(kept.Problems) != 1 || !strings.Contains(kept.Problems[0], "; ") {
		t.Errorf("the problems are %q, each with what to do", kept.Problems)
	}
	if got := b.reader(0).Revision(); got != head {
		t.Errorf("a failed run made revision %d after %d", got, head)
	}
	if got := b.due(); len(got) != 1 {
		t.Errorf("after a failed run %v is due", got)
	}

	fail = nil
	if err := b.app.crawl(t.Context(), "warehouse"); err != nil {
		t.Fatal(err)
	}
	if again := b.cursor("warehouse"); len(again.Problems) > 0 || !again.CrawledAt.Equal(at) {
		t.Errorf("after a good run: %+v", again)
	}
	if want := []string{"", "page two", "page two"}; !slices.Equal(since, want) {
		t.Errorf("the source was told the cursors %q, want %q", since, want)
	}
}

// A first run that fails leaves no cursor and no time: the source was never
// crawled, and is said to be so.
func TestAFirstRunThatFailsIsNoCrawl(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.on(&script{name: "warehouse", crawl: func(ingest.Cursor, func(graph.Fact) error) (ingest.Cursor, error) {
		return ingest.Cursor("half"), graph.ErrDenied
	}})
	mustBe(t, b.app.crawl(t.Context(), "warehouse"), graph.ErrDenied)
	if c := b.cursor("warehouse"); c.Cursor != nil || !c.CrawledAt.IsZero() || len(c.Problems) != 1 {
		t.Errorf("kept is %+v", c)
	}
	sources, err := b.app.Sources(t.Context(), system())
	if err != nil || len(sources) != 1 || sources[0].CrawledAt != nil || sources[0].Assets != 0 {
		t.Errorf("the source is told as %+v, %v", sources, err)
	}
	if got := b.due(); len(got) > 0 {
		t.Errorf("%v is due", got)
	}
}

// A partial run is good but for what it names.
func TestAPartialRunIsGoodButForWhatItNames(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.on(&script{name: "warehouse", crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		finding := graph.Finding{Code: ingest.CodeDenied, What: "the dataset hr was not seen", Do: "grant metadataViewer"}
		return ingest.Cursor("one"), errors.Join(peopleSeen(emit), ingest.Partial([]graph.Finding{finding}))
	}})
	if err := b.app.crawl(t.Context(), "warehouse"); err != nil {
		t.Fatal(err)
	}
	c := b.cursor("warehouse")
	if want := []string{"the dataset hr was not seen; grant metadataViewer"}; !slices.Equal(c.Problems, want) || string(c.Cursor) != "one" {
		t.Errorf("kept is %+v, want the problems %q", c, want)
	}
	if found, err := b.reader(0).Assets(t.Context(), people().Ref); err != nil || len(found) != 1 {
		t.Errorf("what was seen is %v, %v", found, err)
	}
	if got := b.due(); !slices.Equal(got, []string{"analyze"}) {
		t.Errorf("%v is due", got)
	}
}

// plain is a source that cannot tell which SQL ran.
type plain struct{ ingest.Source }

func TestStatementsAreListedAsFarAsTheSourceCanTell(t *testing.T) {
	t.Parallel()
	finding := graph.Finding{What: "jobs of others", Do: "grant"}
	one := graph.Statement{ID: "job:1", SQL: "SELECT 1"}
	for _, test := range []struct {
		name     string
		answer   error
		kind     error
		problems int
	}{
		{name: "whole"},
		{name: "in part", answer: ingest.Partial([]graph.Finding{finding}), problems: 1},
		{name: "not at all", answer: graph.ErrDenied, kind: graph.ErrDenied},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &script{name: "warehouse", list: func(since ingest.Cursor, emit func(graph.Statement) error) (ingest.Cursor, error) {
				return append(slices.Clone(since), '+'), errors.Join(emit(one), test.answer)
			}}
			l, err := listStatements(t.Context(), s, ingest.Cursor("a"))
			if test.kind != nil {
				mustBe(t, err, test.kind)
				if !strings.Contains(err.Error(), "warehouse") || len(l.statements) > 0 || l.cursor != nil {
					t.Errorf("got %+v, %v", l, err)
				}
				return
			}
			if err != nil || len(l.statements) != 1 || string(l.cursor) != "a+" || len(l.problems) != test.problems {
				t.Errorf("got %+v, %v", l, err)
			}
		})
	}
	l, err := listStatements(t.Context(), plain{&script{name: "registry"}}, ingest.Cursor("a"))
	if err != nil || len(l.statements) > 0 || string(l.cursor) != "a" {
		t.Errorf("a source that cannot tell has %+v, %v", l, err)
	}
}

func TestOnlyAssetsAndColumnsAreSchema(t *testing.T) {
	t.Parallel()
	second, first := leaf(people(), "b", "STRING", 1), leaf(people(), "a", "STRING", 0)
	v := people()
	v.Ref, v.Kind, v.Definition = graph.BigQueryRef("shop", "raw", "v"), graph.KindView, "SELECT 1"
	elsewhere := v
	elsewhere.Ref, elsewhere.Source = graph.BigQueryRef("shop", "raw", "w"), "other"
	blank := v
	blank.Ref, blank.Definition = graph.BigQueryRef("shop", "raw", "x"), ""
	items := graph.NewSnapshot(people(), second, first, v, elsewhere, blank,
		word(first.Ref, "user.name", graph.TagConfirmed), granted(people().Ref, "user:a@shop.example", "READER"))
	if got := schemaOf(items); len(got) != 6 {
		t.Errorf("the schema has %d items: %v", len(got), got.Sorted())
	}
	if got := viewsOf(items, "warehouse"); len(got) != 1 || got[0].Ref != v.Ref {
		t.Errorf("the views of the source are %v", got)
	}
	if got := schemas(items).Columns(people().Ref); len(got) != 2 || got[0].Ref != first.Ref {
		t.Errorf("the columns are not in order: %v", got)
	}
}
