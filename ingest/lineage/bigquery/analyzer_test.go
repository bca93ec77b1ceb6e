package bigquery_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest/lineage"
	"cadastre.dev/cadastre/ingest/lineage/bigquery"
	"cadastre.dev/cadastre/internal/googlesql"
)

// fake answers as it is told and keeps the last question.
type fake struct {
	names  googlesql.Names
	answer googlesql.Answer
	err    error
	asked  googlesql.Request
}

func (f *fake) Names(_ context.Context, r googlesql.Request) (googlesql.Names, error) {
	f.asked = r
	return f.names, f.err
}

func (f *fake) Analyze(_ context.Context, r googlesql.Request) (googlesql.Answer, error) {
	f.asked = r
	return f.answer, f.err
}

func col(ref graph.Ref, path, typ string, mode graph.Mode) graph.Column {
	return graph.Column{Ref: ref.Column(path), Type: typ, Mode: mode}
}

func TestQuestionHasTheSchemasOfTheTablesNamed(t *testing.T) {
	t.Parallel()
	events, plain := graph.BigQueryRef("p", "d", "events_*"), graph.BigQueryRef("p", "d", "t")
	schemas := lineage.SchemaMap{
		events: {col(events, "id", "INTEGER", graph.ModeRequired)},
		plain: {
			col(plain, "f", "FLOAT", graph.ModeNullable), col(plain, "ok", "BOOLEAN", graph.ModeRepeated),
			col(plain, "s", "RECORD", graph.ModeNullable), col(plain, "s.a", "STRING", graph.ModeNullable),
			col(plain, "s.list", "RECORD", graph.ModeRepeated), col(plain, "s.list[].b`c", "INTEGER", graph.ModeNullable),
			col(plain, "s.empty", "RECORD", graph.ModeNullable),
			col(plain, "open", "", graph.ModeNullable), col(plain, "r", "RANGE<DATE>", graph.ModeNullable),
		},
		graph.BigQueryRef("p", "d", "other"): {col(plain, "x", "STRING", graph.ModeNullable)},
	}
	pool := &fake{names: googlesql.Names{Parsed: true, Tables: []string{"p.d.events_20260101", "p.d.t", "p.d.unknown"}}}
	s := graph.Statement{SQL: "SELECT 1", Project: "p", Dataset: "d"}
	if _, err := bigquery.New(pool).Analyze(t.Context(), s, schemas); err != nil {
		t.Fatal(err)
	}
	want := googlesql.Request{
		SQL: "SELECT 1", Dialect: "bigquery", DefaultProject: "p", DefaultDataset: "d",
		Schemas: map[string]googlesql.Schema{
			"p.d.events_20260101": {{Name: "id", Type: "INT64"}},
			"p.d.t": {
				{Name: "f", Type: "FLOAT64"},
				{Name: "ok", Type: "ARRAY<BOOL>"},
				{Name: "s", Type: "STRUCT<`a` STRING, `list` ARRAY<STRUCT<`b\\`c` INT64>>, `empty` STRING>"},
				{Name: "open", Type: "RECORD"},
				{Name: "r", Type: "RANGE<DATE>"},
			},
		},
	}
	if diff := cmp.Diff(want, pool.asked); diff != "" {
		t.Errorf("question (-want +got):\n%s", diff)
	}
}

func TestAnswerIsTranslated(t *testing.T) {
	t.Parallel()
	pool := &fake{answer: googlesql.Answer{
		Parsed: true, Outcome: googlesql.Partial,
		Inputs:  []string{"p.d.t$20260101", "p.d.events_2026*", "p.d.events_20260101"},
		Outputs: []string{"p.d.out"},
		Columns: []googlesql.Output{
			{Output: "p.d.out", Column: "x", Sources: []googlesql.Source{{Asset: "p.d.t", Column: "a.b", Kind: googlesql.Identity}}},
			{Column: "y", Sources: []googlesql.Source{{Asset: "p.d.t", Column: "c", Kind: googlesql.Aggregation, Function: "SHA256", Masking: true}}},
			{Column: "z", Sources: []googlesql.Source{{Asset: "p.d.t", Column: "d", Kind: "new"}, {Asset: "p.d.t", Column: "e", Kind: googlesql.Window}}},
		},
		Influences: []googlesql.Source{
			{Asset: "p.d.t", Column: "k", Kind: googlesql.Join}, {Asset: "p.d.t", Column: "l", Kind: googlesql.Filter}, {Asset: "p.d.t", Column: "m", Kind: googlesql.Group},
		},
		Unresolved: []string{"table p.d.u: its columns are not known"}, Error: "why",
	}}
	got, err := bigquery.New(pool).Analyze(t.Context(), graph.Statement{SQL: "x"}, lineage.SchemaMap{})
	if err != nil {
		t.Fatal(err)
	}
	table := graph.BigQueryRef("p", "d", "t")
	want := graph.Analysis{
		Parsed: true, Outcome: graph.OutcomePartial,
		Inputs:  []graph.Ref{graph.BigQueryRef("p", "d", "events_*"), table},
		Outputs: []graph.Ref{graph.BigQueryRef("p", "d", "out")},
		Columns: []graph.OutputColumn{
			{Output: graph.BigQueryRef("p", "d", "out").Column("x"), Name: "x", Sources: []graph.ColumnSource{{Column: table.Column("a.b"), Kind: graph.EdgeIdentity}}},
			{Name: "y", Sources: []graph.ColumnSource{{Column: table.Column("c"), Kind: graph.EdgeAggregation, Function: "SHA256", Masking: true}}},
			{Name: "z", Sources: []graph.ColumnSource{{Column: table.Column("d"), Kind: graph.EdgeTransformation}, {Column: table.Column("e"), Kind: graph.EdgeWindow}}},
		},
		Influences: []graph.ColumnSource{
			{Column: table.Column("k"), Kind: graph.EdgeJoin}, {Column: table.Column("l"), Kind: graph.EdgeFilter}, {Column: table.Column("m"), Kind: graph.EdgeGroup},
		},
		Unresolved: []string{"table p.d.u: its columns are not known"}, Reason: "why",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("analysis (-want +got):\n%s", diff)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		ended bool
		a     *bigquery.Analyzer
		sql   string
		want  graph.Outcome
		err   error
	}{
		{"exact", false, bigquery.New(&fake{answer: googlesql.Answer{Outcome: googlesql.Exact}}), "SELECT 1", graph.OutcomeExact, nil},
		{"failed", false, bigquery.New(&fake{answer: googlesql.Answer{Outcome: googlesql.Failed}}), "SELECT", graph.OutcomeFailed, nil},
		{"an outcome of another version is not trusted", false, bigquery.New(&fake{answer: googlesql.Answer{Outcome: "great"}}), "SELECT", graph.OutcomeFailed, nil},
		{"no worker", false, bigquery.None(errors.New("no program")), "SELECT 1", graph.OutcomeUnanalyzed, nil},
		{"worker went away", false, bigquery.New(&fake{err: fmt.Errorf("x: %w", googlesql.ErrUnavailable)}), "SELECT 1", graph.OutcomeUnanalyzed, nil},
		{"odd error", false, bigquery.New(&fake{err: errors.New("odd")}), "SELECT 1", graph.OutcomeFailed, nil},
		{"legacy SQL", false, bigquery.New(&fake{}), "  #legacySQL\nSELECT 1 FROM [p:d.t]", graph.OutcomeFailed, nil},
		{"end of the context", true, bigquery.New(&fake{err: context.Canceled}), "SELECT 1", "", context.Canceled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.ended {
				cancel()
			}
			got, err := tt.a.Analyze(ctx, graph.Statement{SQL: tt.sql}, lineage.SchemaMap{})
			if got.Outcome != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("outcome %q and error %v, want %q and %v", got.Outcome, err, tt.want, tt.err)
			}
			if got.Outcome == graph.OutcomeUnanalyzed && got.Reason == "" {
				t.Error("unanalyzed without a reason")
			}
		})
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	pool := &fake{names: googlesql.Names{Tables: []string{"p.d.z", "p.d.a_20260101", "p.d.a_20260102"}}}
	got, err := bigquery.New(pool).Tables(t.Context(), graph.Statement{SQL: "SELECT 1"})
	if diff := cmp.Diff([]graph.Ref{graph.BigQueryRef("p", "d", "a_*"), graph.BigQueryRef("p", "d", "z")}, got); diff != "" || err != nil {
		t.Errorf("tables (-want +got), error %v:\n%s", err, diff)
	}
	if got, err := bigquery.None(errors.New("none")).Tables(t.Context(), graph.Statement{SQL: "SELECT 1"}); len(got) != 0 || err != nil {
		t.Errorf("without a worker: %v, %v", got, err)
	}
	pool.err = googlesql.ErrUnavailable
	if _, err := bigquery.New(pool).Tables(t.Context(), graph.Statement{SQL: "SELECT 1"}); !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
}

// worker is a pool of the real program; without it the test is skipped.
func worker(t *testing.T) *googlesql.Pool {
	t.Helper()
	path := os.Getenv("CADASTRE_GOOGLESQL")
	if path == "" {
		path = filepath.Join("..", "..", "..", "bin", googlesql.Program)
	}
	pool, err := googlesql.NewPool(googlesql.Config{Path: path, Workers: 1, Deadline: time.Minute})
	if err != nil {
		t.Skipf("asks the worker: %v", err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

func TestStoryWithTheWorker(t *testing.T) {
	t.Parallel()
	analyzer := bigquery.New(worker(t))
	raw := graph.BigQueryRef("p", "raw", "customers")
	schemas := lineage.SchemaMap{raw: {
		col(raw, "id", "STRING", graph.ModeRequired), col(raw, "contact", "RECORD", graph.ModeNullable),
		col(raw, "contact.email", "STRING", graph.ModeNullable), col(raw, "contracts", "RECORD", graph.ModeRepeated),
		col(raw, "contracts[].iban", "STRING", graph.ModeNullable), col(raw, "spent", "FLOAT", graph.ModeNullable),
	}}
	view := func(name, sql string) graph.Asset {
		ref := graph.BigQueryRef("p", "core", name)
		return graph.Asset{Ref: ref, Parent: ref.Parent(), Source: "w", Kind: graph.KindView, Definition: sql}
	}
	delta, report, err := lineage.Update(t.Context(), analyzer, lineage.Input{
		Source: "w", Schemas: schemas,
		Views: []graph.Asset{
			view("all", "SELECT * FROM `p.raw.customers`"),
			view("ibans", "SELECT id, c.iban, TO_HEX(SHA256(contact.email)) AS mail FROM `p.core.all`, UNNEST(contracts) AS c"),
			view("wrong", "SELECT FROM WHERE"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := (lineage.Report{Exact: 2, Failed: 1}); report != want {
		t.Errorf("report %+v, want %+v", report, want)
	}
	var got []string
	for _, c := range delta {
		if e, ok := c.Item().(graph.Edge); ok {
			line := fmt.Sprintf("%s#%s > %s#%s %s", e.From.Base(), e.From.Path, e.To.Base(), e.To.Path, e.Kind)
			if e.Masking {
				line += " masking"
			}
			got = append(got, line)
		}
	}
	want := []string{
		"all#contact.email > ibans#mail transformation masking",
		"all#contracts[].iban > ibans#iban identity",
		"all#id > ibans#id identity",
		"customers#contact.email > all#contact.email identity",
		"customers#contracts[].iban > all#contracts[].iban identity",
		"customers#id > all#id identity",
		"customers#spent > all#spent identity",
	}
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
}
