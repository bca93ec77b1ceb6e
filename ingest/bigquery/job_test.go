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

// otherProject moves a job to project q.
func otherProject(j *bq.Job) {
	j.JobReference.ProjectId, j.Id = "q", "q:EU."+j.JobReference.JobId
}

func TestStatementsOfEachProjectHaveACursorOfTheirOwn(t *testing.T) {
	t.Parallel()
	const day = 24 * 60
	q := dataset("b")
	q.DatasetReference.ProjectId = "q"
	w := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{dataset("a"), q}, Jobs: []*bq.Job{
		job("p1", 0, "SELECT 1 AS x", "a.out", nil), job("q1", 3*day, "SELECT 2 AS y", "a.other", otherProject),
	}})
	s := w.source(func(c *bigquery.Config) { c.Projects = []string{"p", "q"} })
	first, cursor, err := listed(t, s, nil)
	if err != nil || len(first) != 2 {
		t.Fatalf("told %+v, %v; want one of each project", first, err)
	}
	// The newest job of the one project is no reason to pass over the other's.
	if again, _, err := listed(t, s, cursor); err != nil || len(again) != 2 {
		t.Errorf("told %+v, %v; want the newest of each project within reach", again, err)
	}
	w.warehouse.Fault(sandbox.Fault{Method: "bigquery.jobs.list", Project: "q", Status: 403})
	some, kept, err := listed(t, s, cursor)
	var partial *ingest.PartialError
	if !errors.As(err, &partial) || len(partial.Findings) != 1 || partial.Findings[0].Ref != graph.BigQueryRef("q") {
		t.Errorf("error %v, want one finding about q", err)
	}
	if len(some) != 1 || some[0].Project != "p" || string(kept) != string(cursor) {
		t.Errorf("told %+v and cursor %s; want p's job and cursor %s", some, kept, cursor)
	}
}

// Law: a job is told once it is done, though it began before the newest that
// was listed, and however its neighbours are paged.
func TestAJobThatWasRunningIsToldWhenItIsDone(t *testing.T) {
	t.Parallel()
	slow := job("slow", 0, "SELECT 1 AS slow", "a.slow", func(j *bq.Job) { j.Status.State = "RUNNING" })
	quick := job("quick", 5*60, "SELECT 1 AS quick", "a.quick", nil)
	before := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{dataset("a")}, Jobs: []*bq.Job{slow, quick}})
	got, cursor, err := listed(t, before.source(nil), nil)
	if err != nil || len(got) != 1 || got[0].Target.Base() != "quick" {
		t.Fatalf("told %+v, %v; want the one that is done", got, err)
	}
	slow.Status.State = "DONE"
	after := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{dataset("a")}, Jobs: []*bq.Job{slow, quick}})
	got, _, err = listed(t, after.source(nil), cursor)
	if err != nil || len(got) != 2 || got[0].Target.Base() != "slow" {
		t.Errorf("told %+v, %v; want the one that took its time too", got, err)
	}
}

func TestOddJobsArePassedOver(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*bq.Job)
	}{
		{"a load", func(j *bq.Job) {
			j.Configuration = &bq.JobConfiguration{JobType: "LOAD", Load: &bq.JobConfigurationLoad{DestinationTable: j.Configuration.Query.DestinationTable}}
		}},
		{"a copy", func(j *bq.Job) {
			j.Configuration = &bq.JobConfiguration{JobType: "COPY", Copy: &bq.JobConfigurationTableCopy{DestinationTable: j.Configuration.Query.DestinationTable}}
		}},
		{"a dry run", func(j *bq.Job) { j.Configuration.DryRun = true }},
		{"a delete", kind("DELETE")},
		{"an export", kind("EXPORT_DATA")},
		{"a definition without rows", kind("CREATE_TABLE")},
		{"a kind that is new", kind("TELEPORT")},
		{"an anonymous destination", func(j *bq.Job) { j.Configuration.Query.DestinationTable.DatasetId = "_0a1b2c" }},
		{"a destination without a name", func(j *bq.Job) { j.Configuration.Query.DestinationTable.TableId = "" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{dataset("a")}, Jobs: []*bq.Job{
				job("odd", 0, "SELECT 1 AS odd", "a.odd", tt.change), job("fine", 1, "SELECT 1 AS fine", "a.fine", nil),
			}})
			got, _, err := listed(t, w.source(nil), nil)
			if err != nil || len(got) != 1 || got[0].Target.Base() != "fine" {
				t.Errorf("told %+v, %v; want the other one alone", got, err)
			}
		})
	}
}
