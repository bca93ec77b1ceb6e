package bigquery_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/bigquery"
	"cadastre.dev/cadastre/ingest/lineage"
	sandbox "cadastre.dev/cadastre/internal/sandbox/bigquery"
)

// noon is when the jobs of these tests begin to run.
var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// job is a query job that ran some minutes after noon and wrote to a table.
func job(id string, minutes int, sql, target string, change func(*bq.Job)) *bq.Job {
	at := noon.Add(time.Duration(minutes) * time.Minute).UnixMilli()
	standard := false
	j := &bq.Job{
		Kind: "bigquery#job", Id: project + ":EU." + id, UserEmail: "etl@x.example",
		JobReference:  &bq.JobReference{ProjectId: project, JobId: id, Location: "EU"},
		Configuration: &bq.JobConfiguration{JobType: "QUERY", Query: &bq.JobConfigurationQuery{Query: sql, UseLegacySql: &standard}},
		Statistics:    &bq.JobStatistics{CreationTime: at, StartTime: at, EndTime: at + 1000, Query: &bq.JobStatistics2{StatementType: "SELECT"}},
		Status:        &bq.JobStatus{State: "DONE"},
	}
	if dataset, name, ok := strings.Cut(target, "."); ok {
		j.Configuration.Query.DestinationTable = &bq.TableReference{ProjectId: project, DatasetId: dataset, TableId: name}
	}
	if change != nil {
		change(j)
	}
	return j
}

func kind(statement string) func(*bq.Job) {
	return func(j *bq.Job) { j.Statistics.Query.StatementType = statement }
}

// listed returns what a source lists since a cursor.
func listed(t *testing.T, s *bigquery.Source, since ingest.Cursor) ([]graph.Statement, ingest.Cursor, error) {
	t.Helper()
	var out []graph.Statement
	cursor, err := s.Statements(t.Context(), since, func(s graph.Statement) error { out = append(out, s); return nil })
	return out, cursor, err
}

func TestStatementsAreThoseThatWroteATable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		job  *bq.Job
		want string // the target; empty: not told
	}{
		{"select into a table", job("j", 0, "SELECT 1", "a.out", nil), "p.a.out"},
		{"select into nowhere", job("j", 0, "SELECT 1", "", nil), ""},
		{"select into a temporary table", job("j", 0, "SELECT 1", "_anon.x", nil), ""},
		{"insert", job("j", 0, "INSERT INTO a.out SELECT 1", "a.out", kind("INSERT")), "p.a.out"},
		{"merge", job("j", 0, "MERGE a.out", "a.out", kind("MERGE")), "p.a.out"},
		{"create as select", job("j", 0, "CREATE TABLE", "_x.y", func(j *bq.Job) {
			kind("CREATE_TABLE_AS_SELECT")(j)
			j.Statistics.Query.DdlTargetTable = &bq.TableReference{ProjectId: project, DatasetId: "a", TableId: "made"}
		}), "p.a.made"},
		{"a partition of a table", job("j", 0, "SELECT 1", "a.out$20260501", nil), "p.a.out"},
		{"a day's table", job("j", 0, "SELECT 1", "a.out_20260501", nil), "p.a.out_*"},
		{"a view's definition is told by the crawl", job("j", 0, "CREATE VIEW a.v AS SELECT 1", "a.v", kind("CREATE_VIEW")), ""},
		{"nothing that carries values", job("j", 0, "DROP TABLE a.out", "a.out", kind("DROP_TABLE")), ""},
		{"failed", job("j", 0, "SELECT 1", "a.out", func(j *bq.Job) { j.Status.ErrorResult = &bq.ErrorProto{Reason: "invalidQuery"} }), ""},
		{"still running", job("j", 0, "SELECT 1", "a.out", func(j *bq.Job) { j.Status.State = "RUNNING" }), ""},
		{"no query", job("j", 0, "", "a.out", nil), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{dataset("a")}, Jobs: []*bq.Job{tt.job}})
			got, _, err := listed(t, w.source(nil), nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if len(got) != 0 {
					t.Errorf("told %+v, want nothing", got)
				}
				return
			}
			if len(got) != 1 || got[0].Target.Name != tt.want || got[0].ID != lineage.JobID(got[0]) {
				t.Errorf("told %+v, want one statement that writes %s", got, tt.want)
			}
		})
	}
}

func TestStatementsTellOneQueryOnceAndAsItLastRan(t *testing.T) {
	t.Parallel()
	short := func(j *bq.Job) {
		j.Configuration.Query.DefaultDataset = &bq.DatasetReference{ProjectId: "q", DatasetId: "d"}
		j.UserEmail = "late@x.example"
	}
	legacy := func(j *bq.Job) { old := true; j.Configuration.Query.UseLegacySql = &old }
	w := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{dataset("a")}, Jobs: []*bq.Job{
		job("j1", 0, "SELECT x FROM t WHERE day = '2026-05-01'", "a.out_20260501", nil),
		job("j3", 20, "SELECT x FROM t WHERE day = '2026-05-03'", "a.out_20260503", func(j *bq.Job) { j.UserEmail = "late@x.example" }),
		job("j2", 10, "SELECT x FROM t WHERE day = '2026-05-02'", "a.out_20260502", nil),
		job("j4", 5, "SELECT y FROM t", "a.other", short),
		job("j5", 6, "SELECT z FROM [p:a.t]", "a.old", legacy),
	}})
	got, _, err := listed(t, w.source(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []graph.Statement{
		{Project: "q", Dataset: "d", Target: graph.BigQueryRef("p", "a", "other"), SQL: "SELECT y FROM t", Author: "late@x.example"},
		{Project: "p", Target: graph.BigQueryRef("p", "a", "old"), SQL: "#legacySQL\nSELECT z FROM [p:a.t]", Author: "etl@x.example"},
		{Project: "p", Target: graph.BigQueryRef("p", "a", "out_*"), SQL: "SELECT x FROM t WHERE day = '2026-05-03'", Author: "late@x.example"},
	}
	for i := range want {
		want[i].Source, want[i].Because, want[i].Dialect = "w", graph.EvidenceJob, lineage.DialectBigQuery
		want[i].ID = lineage.JobID(want[i])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
}

func TestStatementsOfAScriptAreTheScript(t *testing.T) {
	t.Parallel()
	child := func(of string) func(*bq.Job) {
		return func(j *bq.Job) { j.Statistics.ParentJobId = of }
	}
	w := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{dataset("a")}, Jobs: []*bq.Job{
		job("script", 0, "CREATE TEMP TABLE x AS SELECT 1; INSERT INTO a.out SELECT * FROM x", "", kind("SCRIPT")),
		job("c1", 1, "SELECT 1 AS one", "a.out", child("script")),
		job("orphan", 2, "SELECT 2 AS two", "a.out", child("not listed")),
	}})
	got, _, err := listed(t, w.source(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !strings.HasPrefix(got[0].SQL, "CREATE TEMP") || got[1].SQL != "SELECT 2 AS two" {
		t.Errorf("told %+v, want the script and the child whose script is not there", got)
	}
}

func TestStatementsSinceTheCursor(t *testing.T) {
	t.Parallel()
	const day = 24 * 60
	w := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{dataset("a")}, Jobs: []*bq.Job{
		job("old", 0, "SELECT 'a' AS old", "a.old", nil), job("late", 2*day-60, "SELECT 'a' AS late", "a.late", nil), job("new", 2*day, "SELECT 'a' AS new", "a.new", nil),
	}})
	s := w.source(nil)
	all, cursor, err := listed(t, s, nil)
	if err != nil || len(all) != 3 {
		t.Fatalf("told %d, %v; want three", len(all), err)
	}
	again, same, err := listed(t, s, cursor)
	if err != nil || len(again) != 2 || string(same) != string(cursor) {
		t.Errorf("told %+v and cursor %s, %v; want those within reach of the newest and the same cursor", again, same, err)
	}
	for _, c := range []string{"garbage", `{"version":99}`} {
		if fresh, _, err := listed(t, s, ingest.Cursor(c)); err != nil || len(fresh) != 3 {
			t.Errorf("after cursor %q: %d, %v; want all three", c, len(fresh), err)
		}
	}
	recent := w.source(func(c *bigquery.Config) {
		c.Lookback, c.Now = 24*time.Hour, func() time.Time { return noon.Add(2*24*time.Hour + time.Hour) }
	})
	if few, _, err := listed(t, recent, nil); err != nil || len(few) != 2 {
		t.Errorf("with a day's lookback: %d, %v; want two", len(few), err)
	}
}

func TestStatementsThatMayNotBeListedAreAProblem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{dataset("a")}, Jobs: []*bq.Job{job("j", 0, "SELECT 1", "a.out", nil)}})
	s := w.source(nil)
	_, cursor, err := listed(t, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.warehouse.Fault(sandbox.Fault{Method: "bigquery.jobs.list", Status: 403})
	got, kept, err := listed(t, s, cursor)
	var partial *ingest.PartialError
	if !errors.As(err, &partial) || len(partial.Findings) != 1 || !strings.Contains(partial.Findings[0].What, "bigquery.jobs.listAll") || len(got) != 0 {
		t.Fatalf("told %v, error %v; want a problem that names the permission", got, err)
	}
	if string(kept) != string(cursor) {
		t.Errorf("cursor %s, want %s kept", kept, cursor)
	}
	full := errors.New("full")
	w.warehouse.ClearFaults()
	if _, err := s.Statements(t.Context(), nil, func(graph.Statement) error { return full }); !errors.Is(err, full) {
		t.Errorf("error %v, want that of emit", err)
	}
}
