package serve

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/lineage"
)

// copier is an analyzer for which every statement copies the column email of
// the people; it can be away.
type copier struct {
	mu    sync.Mutex
	away  bool
	asked []string
}

func (c *copier) Tables(context.Context, graph.Statement) ([]graph.Ref, error) {
	if c.away {
		return nil, graph.ErrUnavailable
	}
	return []graph.Ref{people().Ref, copied().Ref}, nil
}

func (c *copier) Analyze(_ context.Context, s graph.Statement, _ lineage.Schemas) (graph.Analysis, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, s.ID)
	if c.away {
		return graph.Analysis{Outcome: graph.OutcomeUnanalyzed, Reason: "the worker is away"}, nil
	}
	return graph.Analysis{
		Parsed: true, Outcome: graph.OutcomeExact, Inputs: []graph.Ref{people().Ref}, Outputs: []graph.Ref{copied().Ref},
		Columns: []graph.OutputColumn{{
			Output: copied().Ref.Column("email"), Name: "email",
			Sources: []graph.ColumnSource{{Column: people().Ref.Column("email"), Kind: graph.EdgeIdentity}},
		}},
	}, nil
}

// copied is the table that a statement of the warehouse makes of the people.
func copied() graph.Asset {
	a := people()
	a.Ref = graph.BigQueryRef("shop", "raw", "copied")
	return a
}

// workshop is a bench with a source that lists one statement once, and an
// analyzer.
type workshop struct {
	*bench
	copier *copier
	// since are the cursors under which statements were listed.
	since []string
	// refuse is what listing answers, where it is set.
	refuse error
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	w := &workshop{bench: newBench(t), copier: new(copier)}
	w.put(people(), leaf(people(), "email", "STRING", 0), copied(), leaf(copied(), "email", "STRING", 0))
	w.on(&script{name: "warehouse", list: w.list})
	w.app.analyzer, w.app.workerErr = w.copier, nil
	return w
}

func (w *workshop) list(since ingest.Cursor, emit func(graph.Statement) error) (ingest.Cursor, error) {
	w.since = append(w.since, string(since))
	if w.refuse != nil {
		return nil, w.refuse
	}
	if string(since) == "read" {
		return since, nil
	}
	return ingest.Cursor("read"), emit(graph.Statement{
		ID: "job:copy", Source: "warehouse", Because: graph.EvidenceJob, Dialect: "bigquery",
		Target: copied().Ref, SQL: "INSERT INTO raw.copied SELECT email FROM raw.people",
	})
}

// analyzed analyzes once and returns how far it is by then.
func (w *workshop) analyzed() analyzed {
	w.t.Helper()
	if err := w.app.analyze(w.t.Context(), "warehouse"); err != nil {
		w.t.Fatal(err)
	}
	var at analyzed
	if err := json.Unmarshal(w.cursor(ingest.StatementsOf("warehouse")).Cursor, &at); err != nil {
		w.t.Fatal(err)
	}
	return at
}

// outcome is that of the one statement.
func (w *workshop) outcome() graph.Outcome {
	w.t.Helper()
	found, err := w.reader(0).Statements(w.t.Context(), "job:copy")
	if err != nil || len(found) != 1 {
		w.t.Fatalf("the statement is %v, %v", found, err)
	}
	return found[0].Outcome
}

func (w *workshop) edges() int {
	w.t.Helper()
	edges, err := w.reader(0).Edges(w.t.Context(), copied().Ref)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(edges)
}

func TestStatementsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	if at := w.analyzed(); string(at.Statements) != "read" || !at.Analyzer || at.Revision == 0 {
		t.Errorf("the first time: %+v", at)
	}
	if w.outcome() != graph.OutcomeExact || w.edges() == 0 {
		t.Errorf("the statement is %s with %d edges", w.outcome(), w.edges())
	}
	head := w.reader(0).Revision()
	w.analyzed()
	if want := []string{"", "read"}; !slices.Equal(w.since, want) || len(w.copier.asked) != 1 {
		t.Errorf("listed since %q, want %q, and analyzed %v", w.since, want, w.copier.asked)
	}
	if again := w.reader(0).Revision(); again != head {
		t.Errorf("the second time made revision %d after %d", again, head)
	}
}

// Where the worker fails on the way, the same texts are asked for again: none
// of them is kept.
func TestAWorkerThatFailsOnTheWayIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.copier.away = true
	if at := w.analyzed(); at.Statements != nil {
		t.Errorf("the cursor moved on to %q though nothing was analyzed", at.Statements)
	}
	if got := w.outcome(); got != graph.OutcomeUnanalyzed || w.edges() > 0 {
		t.Errorf("the statement is %s with %d edges", got, w.edges())
	}
	w.copier.away = false
	if at := w.analyzed(); string(at.Statements) != "read" || w.outcome() != graph.OutcomeExact || w.edges() == 0 {
		t.Errorf("once it is back: %+v, %s, %d edges", at, w.outcome(), w.edges())
	}
	if want := []string{"", ""}; !slices.Equal(w.since, want) {
		t.Errorf("listed since %q, want %q", w.since, want)
	}
}

// A program without a worker moves on; one that comes later has all listed and
// analyzed from the start, and one that goes keeps what was found.
func TestAWorkerThatComesLaterAnalyzesAll(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	away := errors.New("no worker")
	w.app.workerErr, w.copier.away = away, true
	if at := w.analyzed(); string(at.Statements) != "read" || at.Analyzer {
		t.Errorf("without a worker: %+v", at)
	}
	w.app.workerErr, w.copier.away = nil, false
	if at := w.analyzed(); string(at.Statements) != "read" || !at.Analyzer || w.outcome() != graph.OutcomeExact {
		t.Errorf("with a worker: %+v, %s", at, w.outcome())
	}
	w.app.workerErr, w.copier.away = away, true
	w.analyzed()
	if got := w.outcome(); got != graph.OutcomeExact || w.edges() == 0 {
		t.Errorf("when the worker went, what it had found became %s with %d edges", got, w.edges())
	}
	if want := []string{"", "", ""}; !slices.Equal(w.since, want) {
		t.Errorf("listed since %q, want %q", w.since, want)
	}
}

// A table of an older statement changed: its text is listed anew, because none
// is kept.
func TestAChangedTableHasItsStatementsListedAnew(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.analyzed()
	w.put(leaf(people(), "phone", "STRING", 1))
	if at := w.analyzed(); string(at.Statements) != "read" {
		t.Errorf("afterwards: %+v", at)
	}
	if want := []string{"", "read", ""}; !slices.Equal(w.since, want) || len(w.copier.asked) != 2 {
		t.Errorf("listed since %q, want %q, and analyzed %v", w.since, want, w.copier.asked)
	}
	w.put(word(people().Ref.Column("email"), "user.contact.email", graph.TagConfirmed))
	w.analyzed()
	if len(w.copier.asked) != 2 {
		t.Errorf("a tag changed nothing of the schema, and %v were analyzed", w.copier.asked)
	}
}

// Where listing fails, what was known stands, the problem says so, and the
// next time goes on from where the last good one ended.
func TestLineageStandsWhereListingFails(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.analyzed()
	edges := w.edges()
	w.refuse = graph.ErrDenied
	mustBe(t, w.app.analyze(t.Context(), "warehouse"), graph.ErrDenied)
	c := w.cursor(ingest.StatementsOf("warehouse"))
	if len(c.Problems) != 1 || !strings.Contains(c.Problems[0], "crawl the source again") {
		t.Errorf("the problems are %q", c.Problems)
	}
	if w.edges() != edges || w.outcome() != graph.OutcomeExact {
		t.Errorf("%d edges of %d stand, %s", w.edges(), edges, w.outcome())
	}
	w.refuse = nil
	w.analyzed()
	if got := w.cursor(ingest.StatementsOf("warehouse")).Problems; len(got) > 0 || w.since[len(w.since)-1] != "read" {
		t.Errorf("afterwards the problems are %q, listed since %q", got, w.since)
	}
}

// A cursor that cannot be read, or that another way of analyzing left, counts
// as none.
func TestACursorOfAnotherKindCountsAsNone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, cursor string }{
		{"not JSON", "page=2"},
		{"without a worker", `{"statements":"cmVhZA==","revision":1,"analyzer":false}`},
		{"an older form", `[]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkshop(t)
			w.keep(test.cursor)
			if last, err := w.app.lastAnalyzed(t.Context(), "warehouse"); err != nil || last.Revision != 0 || last.Statements != nil {
				t.Errorf("read as %+v, %v", last, err)
			}
			if at := w.analyzed(); string(at.Statements) != "read" || w.since[0] != "" {
				t.Errorf("analyzed to %+v since %q", at, w.since)
			}
		})
	}
}

func TestASourceThatIsNotConfiguredIsNotAnalyzed(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	mustBe(t, w.app.analyzeSource(t.Context(), "elsewhere", fence{}), graph.ErrNotFound)
	if len(w.since) > 0 {
		t.Errorf("another source was listed: %q", w.since)
	}
}
