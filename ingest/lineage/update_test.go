package lineage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest/lineage"
)

// toy is an analyzer of a toy language: "out=table.column out2=… from tables",
// where a star takes all columns of a table. Its answers are exact where the
// columns of the tables are known and partial where they are not; a text that
// has "broken" in it fails.
type toy struct {
	mu    sync.Mutex
	asked []string // IDs, in the order of the questions
	off   bool
	stop  func()
}

func (y *toy) Tables(_ context.Context, s graph.Statement) ([]graph.Ref, error) {
	if y.off {
		return nil, graph.ErrUnavailable
	}
	_, tables := parse(s.SQL)
	return tables, nil
}

func parse(sql string) (outputs []string, tables []graph.Ref) {
	head, tail, _ := strings.Cut(sql, " from ")
	for name := range strings.FieldsSeq(tail) {
		if !strings.HasPrefix(name, "'") {
			tables = append(tables, at(name))
		}
	}
	return strings.Fields(head), tables
}

func (y *toy) Analyze(ctx context.Context, s graph.Statement, known lineage.Schemas) (graph.Analysis, error) {
	y.mu.Lock()
	y.asked = append(y.asked, s.ID)
	y.mu.Unlock()
	if y.stop != nil {
		y.stop()
		return graph.Analysis{}, context.Cause(ctx)
	}
	if y.off {
		return graph.Analysis{Outcome: graph.OutcomeUnanalyzed, Reason: "no worker"}, nil
	}
	if strings.Contains(s.SQL, "broken") {
		return graph.Analysis{Outcome: graph.OutcomeFailed, Reason: "cannot read 'ana@example.org' in " + s.SQL}, nil
	}
	outputs, tables := parse(s.SQL)
	a := graph.Analysis{Parsed: true, Outcome: graph.OutcomeExact, Inputs: tables}
	for _, table := range tables {
		if len(known.Columns(table)) == 0 {
			a.Outcome = graph.OutcomePartial
			a.Unresolved = append(a.Unresolved, "table "+table.Name+": not known")
		}
	}
	for _, o := range outputs {
		name, source, _ := strings.Cut(o, "=")
		if table, ok := strings.CutSuffix(source, ".*"); ok {
			for _, c := range known.Columns(at(table)) {
				a.Columns = append(a.Columns, copied(c.Ref.Path, table+"#"+c.Ref.Path))
			}
			continue
		}
		a.Columns = append(a.Columns, copied(name, strings.Replace(source, ".", "#", 1)))
	}
	return a, nil
}

// house is what is updated in these tests.
type house struct {
	t       *testing.T
	toy     *toy
	known   graph.Snapshot
	schemas lineage.SchemaMap
	views   map[string]string // name → text
	jobs    []graph.Statement
}

func newHouse(t *testing.T, schema ...string) *house {
	t.Helper()
	return &house{t: t, toy: &toy{}, known: graph.Snapshot{}, schemas: schemas(t, schema...), views: map[string]string{}}
}

func (h *house) job(target, sql string) string {
	s := graph.Statement{Source: "w", Because: graph.EvidenceJob, Dialect: lineage.DialectBigQuery, SQL: sql, Target: at(target)}
	s.ID = lineage.JobID(s)
	h.jobs = append(h.jobs, s)
	return s.ID
}

func (h *house) input(changed ...string) lineage.Input {
	in := lineage.Input{Source: "w", Known: h.known, Schemas: h.schemas, Statements: h.jobs, Changed: map[graph.Ref]bool{}}
	for name, sql := range h.views {
		in.Views = append(in.Views, graph.Asset{Ref: at(name), Parent: at(name).Parent(), Source: "w", Kind: graph.KindView, Definition: sql})
	}
	for _, name := range changed {
		in.Changed[at(name)] = true
	}
	return in
}

// update brings the house up to date and returns the report; what was asked is
// forgotten before.
func (h *house) update(in lineage.Input) (graph.Delta, lineage.Report) {
	h.t.Helper()
	h.toy.asked = nil
	delta, report, err := lineage.Update(h.t.Context(), h.toy, in)
	if err != nil {
		h.t.Fatal(err)
	}
	h.known = graph.Apply(h.known, delta)
	return delta, report
}

func (h *house) edges() []string {
	var out []graph.Edge
	for _, item := range h.known.Sorted() {
		if e, ok := item.(graph.Edge); ok {
			out = append(out, e)
		}
	}
	return show(out)
}

func (h *house) statement(id string) graph.Statement {
	h.t.Helper()
	item, ok := h.known.Get(graph.Statement{ID: id})
	if !ok {
		h.t.Fatalf("statement %s is not known", id)
	}
	return item.(graph.Statement)
}

func TestUpdateTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "t: a STRING, b STRING", "v: x STRING")
	h.views["v"] = "x=t.a from t"
	h.job("out", "y=v.x from v")
	_, report := h.update(h.input())
	if want := (lineage.Report{Exact: 2}); report != want {
		t.Errorf("report %+v, want %+v", report, want)
	}
	if diff := cmp.Diff([]string{"t#a > v#x identity", "v#x > out#y identity"}, h.edges()); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	delta, report := h.update(h.input())
	if want := (lineage.Report{Exact: 2, Kept: 2}); len(delta) != 0 || report != want || len(h.toy.asked) != 0 {
		t.Errorf("second update: %d changes, report %+v, asked %v; want nothing done", len(delta), report, h.toy.asked)
	}
	full := h.input()
	full.Full = true
	if delta, _ := h.update(full); len(delta) != 0 || len(h.toy.asked) != 2 {
		t.Errorf("full update: %d changes, asked %v; want both asked and nothing changed", len(delta), h.toy.asked)
	}
}

func TestUpdateAnalyzesWhatChanged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(h *house) lineage.Input
		asked   []string
		changes bool
	}{
		{"nothing", func(h *house) lineage.Input { return h.input() }, nil, false},
		{"an input", func(h *house) lineage.Input { return h.input("t") }, []string{"v"}, false},
		{"another table", func(h *house) lineage.Input { return h.input("far") }, nil, false},
		{"the target", func(h *house) lineage.Input { return h.input("w") }, []string{"w"}, false},
		{"the text", func(h *house) lineage.Input { h.views["v"] = "x=t.b from t"; return h.input() }, []string{"v"}, true},
		{"a new view", func(h *house) lineage.Input { h.views["n"] = "z=t.b from t"; return h.input() }, []string{"n"}, true},
		{"a view that is gone", func(h *house) lineage.Input { delete(h.views, "w"); return h.input() }, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "t: a STRING, b STRING", "v: x STRING", "w: x STRING", "u: x STRING")
			h.views["v"], h.views["w"] = "x=t.a from t", "x=u.x from u"
			h.update(h.input())
			delta, _ := h.update(tt.change(h))
			var want []string
			for _, name := range tt.asked {
				want = append(want, at(name).String())
			}
			if diff := cmp.Diff(want, h.toy.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if changes := len(delta) > 0; changes != tt.changes {
				t.Errorf("changes %v, want some: %v", delta, tt.changes)
			}
		})
	}
}

func TestUpdateEndsOldEdgesOfAStatement(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "t: a STRING, b STRING", "v: x STRING")
	h.views["v"] = "x=t.a from t"
	h.update(h.input())
	h.views["v"] = "x=t.b from t"
	h.update(h.input())
	if diff := cmp.Diff([]string{"t#b > v#x identity"}, h.edges()); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	delete(h.views, "v")
	h.update(h.input())
	if len(h.known) != 0 {
		t.Errorf("%d items are left of a view that is gone: %v", len(h.known), h.known)
	}
}

func TestUpdateLeavesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "t: a STRING", "v: x STRING")
	h.views["v"] = "x=t.a from t"
	drawn := graph.Edge{From: at("t#a"), To: at("v#x"), Kind: graph.EdgeTransformation, Because: graph.EvidencePerson, Outcome: graph.OutcomeExact, Statement: at("v").String()}
	wired := graph.Edge{From: at("t#a"), To: at("z#x"), Kind: graph.EdgeIdentity, Because: graph.EvidenceConnector, Outcome: graph.OutcomeExact}
	foreign := graph.Statement{ID: "job:other", Source: "other", Because: graph.EvidenceJob, Target: at("z")}
	theirs := graph.Edge{From: at("t#a"), To: at("z#y"), Kind: graph.EdgeIdentity, Because: graph.EvidenceJob, Outcome: graph.OutcomeExact, Statement: foreign.ID}
	others := []graph.Item{drawn, wired, foreign, theirs}
	h.known = graph.NewSnapshot(others...)
	h.update(h.input())
	h.views["v"] = "broken"
	h.update(h.input())
	delete(h.views, "v")
	h.update(h.input("t", "v", "z"))
	if diff := cmp.Diff(graph.NewSnapshot(others...), h.known); diff != "" {
		t.Errorf("what others said (-before +after):\n%s", diff)
	}
}

func TestUpdateDerivesColumnsOfViewsInTheirOrder(t *testing.T) {
	t.Parallel()
	// Each view takes all of the one before it; none shows a schema.
	h := newHouse(t, "t: a STRING, s RECORD, s.b STRING")
	names := []string{"t", "v9", "v1", "v5", "v3"}
	for i, name := range names[1:] {
		h.views[name] = fmt.Sprintf("*=%s.* from %s", names[i], names[i])
	}
	_, report := h.update(h.input())
	if want := (lineage.Report{Exact: 4}); report != want {
		t.Errorf("report %+v, want %+v", report, want)
	}
	want := []string{
		"t#a > v9#a identity", "t#s.b > v9#s.b identity",
		"v1#a > v5#a identity", "v1#s.b > v5#s.b identity",
		"v5#a > v3#a identity", "v5#s.b > v3#s.b identity",
		"v9#a > v1#a identity", "v9#s.b > v1#s.b identity",
	}
	if diff := cmp.Diff(want, h.edges()); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}

	// A column that begins at the source shows at the far end.
	h.schemas[at("t")] = append(h.schemas[at("t")], graph.Column{Ref: at("t#new"), Position: 3, Type: "STRING"})
	h.update(h.input("t"))
	if !slices.Contains(h.edges(), "v5#new > v3#new identity") {
		t.Errorf("edges %v, want the new column at the far end", h.edges())
	}
}

func TestUpdateAnalyzesAViewThatOnlyAnotherNeeds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "t: a STRING")
	h.views["open"] = "a=t.a from t"
	h.update(h.input())
	h.views["reader"] = "*=open.* from open"
	delta, _ := h.update(h.input())
	if diff := cmp.Diff([]string{at("open").String(), at("reader").String()}, h.toy.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if len(delta) != 2 || !slices.Contains(h.edges(), "open#a > reader#a identity") {
		t.Errorf("delta %v, want the reader's statement and its edge alone", delta)
	}
}

func TestUpdateIsNoSurerThanWhatItRestsOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.views["open"] = "a=unknown.a from unknown"
	h.views["reader"] = "*=open.* from open"
	_, report := h.update(h.input())
	if want := (lineage.Report{Partial: 2}); report != want {
		t.Errorf("report %+v, want %+v", report, want)
	}
	s := h.statement(at("reader").String())
	if !slices.Contains(s.Unresolved, "view p.d.open: its columns are not wholly known") {
		t.Errorf("unresolved %q, want it to name the view", s.Unresolved)
	}
}

func TestUpdateOfViewsInACircleEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.views["a"], h.views["b"], h.views["c"] = "x=b.x from b", "x=a.x from a", "x=c.x from c"
	_, report := h.update(h.input())
	if got := report.Exact + report.Partial; got != 3 {
		t.Errorf("report %+v, want three statements", report)
	}
}

func TestUpdateWithoutAnalyzerKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "t: a STRING, b STRING", "v: x STRING")
	h.views["v"] = "x=t.a from t"
	h.update(h.input())
	h.toy.off = true
	if delta, report := h.update(h.input("t")); len(delta) != 0 || report.Exact != 1 {
		t.Errorf("delta %v, report %+v; want the lineage kept", delta, report)
	}
	h.views["n"] = "y=t.a from t"
	h.views["v"] = "x=t.b from t"
	_, report := h.update(h.input())
	if want := (lineage.Report{Unanalyzed: 2}); report != want {
		t.Errorf("report %+v, want %+v", report, want)
	}
	if len(h.edges()) != 0 {
		t.Errorf("edges %v: those of another text must not stay", h.edges())
	}
	h.toy.off = false
	if _, report := h.update(h.input()); report.Exact != 2 {
		t.Errorf("report %+v, want both analyzed once there is an analyzer", report)
	}
}

func TestUpdateKeepsNoLiteralOfAJob(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "t: a STRING")
	id := h.job("out", "x=t.a broken from t 'ana@example.org' -- for Ana")
	h.update(h.input())
	s := h.statement(id)
	for _, kept := range append(s.Unresolved, s.SQL, s.Reason) {
		if strings.Contains(kept, "ana") || strings.Contains(kept, "Ana") {
			t.Errorf("kept %q", kept)
		}
	}
	if s.Outcome != graph.OutcomeFailed || s.Reason == "" {
		t.Errorf("statement %+v, want failed with its reason", s)
	}
}

func TestUpdateCountsJobsWhoseTextIsNeededAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "t: a STRING")
	h.job("out", "x=t.a from t")
	h.update(h.input())
	h.jobs = nil
	delta, report := h.update(h.input("t"))
	if want := (lineage.Report{Exact: 1, Kept: 1, Unlisted: 1}); report != want || len(delta) != 0 {
		t.Errorf("report %+v and delta %v, want %+v and the job kept", report, delta, want)
	}
}

func TestUpdateTellsProgressAndStops(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "t: a STRING")
	for i := range 20 {
		h.views[fmt.Sprintf("v%d", i)] = "x=t.a from t"
	}
	in := h.input()
	var told []string
	in.Progress = func(done, of int) { told = append(told, fmt.Sprintf("%d/%d", done, of)) }
	h.update(in)
	if len(told) != 20 || told[0] != "1/20" || told[19] != "20/20" {
		t.Errorf("progress %v", told)
	}

	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	in.Full, in.Known = true, h.known
	h.toy.stop = func() { cancel(cause) }
	delta, _, err := lineage.Update(ctx, h.toy, in)
	if !errors.Is(err, cause) || delta != nil {
		t.Errorf("a stopped update: delta %v, error %v; want none and the cause", delta, err)
	}
}

func TestTouched(t *testing.T) {
	t.Parallel()
	got := lineage.Touched(graph.Delta{
		graph.Began{Now: graph.Asset{Ref: at("a")}},
		graph.Ended{Was: graph.Column{Ref: at("b#x")}},
		graph.Changed{Was: graph.Owner{Asset: at("c")}, Now: graph.Owner{Asset: at("c")}},
	})
	if diff := cmp.Diff(map[graph.Ref]bool{at("a"): true, at("b"): true}, got); diff != "" {
		t.Errorf("touched (-want +got):\n%s", diff)
	}
}

func ExampleUpdate() {
	orders := graph.BigQueryRef("p", "d", "orders")
	view := graph.Asset{Ref: graph.BigQueryRef("p", "d", "v"), Source: "w", Kind: graph.KindView, Definition: "mail=orders.email from orders"}
	delta, report, err := lineage.Update(context.Background(), &toy{}, lineage.Input{
		Source: "w", Views: []graph.Asset{view},
		Schemas: lineage.SchemaMap{orders: {{Ref: orders.Column("email"), Type: "STRING"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Exact, "exact")
	for _, c := range delta {
		if e, ok := c.Item().(graph.Edge); ok {
			fmt.Println(e.From, e.Kind, e.To)
		}
	}
	// Output:
	// 1 exact
	// bigquery/p.d.orders#email identity bigquery/p.d.v#mail
}
