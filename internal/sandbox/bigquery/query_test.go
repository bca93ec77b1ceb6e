package bigquery_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	client "cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"
	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/directory"
)

func TestStatements(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	steps := []struct {
		name, sql string
		want      [][]client.Value // of d.t, or of the statement if it is a SELECT
	}{
		{"insert", "INSERT INTO d.t (k, v) VALUES (1, 'a'), (2, 'b')", [][]client.Value{{int64(1), "a"}, {int64(2), "b"}}},
		{"update", "UPDATE d.t SET v = CONCAT(t.v, '!') WHERE k = 2", [][]client.Value{{int64(1), "a"}, {int64(2), "b!"}}},
		{"delete", "DELETE FROM d.t WHERE k = 1", [][]client.Value{{int64(2), "b!"}}},
		{"what to merge", "CREATE TABLE d.s AS SELECT 2 AS k, 'm' AS v UNION ALL SELECT 3, 'n'", nil},
		{"merge", "MERGE d.t AS t USING d.s AS s ON t.k = s.k " +
			"WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v)", [][]client.Value{{int64(2), "m"}, {int64(3), "n"}}},
		{"table from a query", "CREATE TABLE d.u AS SELECT k * 10 AS k FROM d.t", nil},
		{"read it", "SELECT k FROM d.u ORDER BY k", [][]client.Value{{int64(20)}, {int64(30)}}},
		{"leave what is there", "CREATE TABLE IF NOT EXISTS d.u AS SELECT 1 AS k", nil},
		{"still the same", "SELECT COUNT(*) FROM d.u", [][]client.Value{{int64(2)}}},
		{"replace it", "CREATE OR REPLACE TABLE d.u AS SELECT 1 AS k", nil},
		{"now another", "SELECT COUNT(*) FROM `p.d.u`", [][]client.Value{{int64(1)}}},
		{"truncate", "TRUNCATE TABLE d.t", [][]client.Value{}},
		{"drop", "DROP TABLE d.u", nil},
		{"drop what is not there", "DROP TABLE IF EXISTS d.u", nil},
		{"with and unnest", "WITH x AS (SELECT [1, 2] AS a) SELECT y FROM x, UNNEST(x.a) AS y ORDER BY y", [][]client.Value{{int64(1)}, {int64(2)}}},
	}
	for _, s := range steps { // in order: each builds on the one before
		got := w.must(admin, s.sql)
		if s.want == nil {
			continue
		}
		if !strings.HasPrefix(s.sql, "SELECT") && !strings.HasPrefix(s.sql, "WITH") {
			got = w.must(admin, "SELECT k, v FROM d.t ORDER BY k")
		}
		if diff := cmp.Diff(s.want, got, cmp.Transformer("empty", func(v [][]client.Value) [][]client.Value { return append([][]client.Value{}, v...) })); diff != "" {
			t.Errorf("%s:\n%s", s.name, diff)
		}
	}
}

func TestStatementsThatAreRefused(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	w.must(admin, "CREATE VIEW d.v AS SELECT k FROM `p.d.t`")
	tests := []struct {
		name, sql string
		status    int
		words     string
	}{
		{"no statement", "SELEC 1", 400, "SELEC"},
		{"not closed", "SELECT 'x", 400, "Syntax error"},
		{"a script", "SELECT 1; SELECT 2", 400, "not supported by the sandbox"},
		{"a column that is not there", "SELECT z FROM d.t", 400, "z"},
		{"a table that is not there", "SELECT 1 FROM d.q", 404, "Not found: Table p:d.q"},
		{"a dataset that is not there", "SELECT 1 FROM q.t", 404, "Not found: Dataset p:q"},
		{"no dataset at all", "SELECT 1 FROM t", 400, "must be qualified"},
		{"too many parts", "SELECT 1 FROM a.b.c.d", 400, "Invalid table name"},
		{"a name of the executor", "SELECT 1 FROM `sandbox.s.t1`", 403, "Access Denied"},
		{"table there already", "CREATE TABLE d.t AS SELECT 1 AS k", 409, "Already Exists"},
		{"view in place of a table", "CREATE OR REPLACE VIEW d.t AS SELECT 1 AS k", 400, "another type"},
		{"drop a view as a table", "DROP TABLE d.v", 400, "another type"},
		{"write a view", "DELETE FROM d.v WHERE TRUE", 400, "is a view"},
		{"drop what is not there", "DROP VIEW d.q", 404, "Not found"},
		{"unknown metadata", "SELECT 1 FROM d.INFORMATION_SCHEMA.NONSENSE", 400, "NONSENSE"},
		{"metadata of nothing", "SELECT 1 FROM INFORMATION_SCHEMA.TABLES", 400, "qualifier"},
		{"jobs of a dataset", "SELECT 1 FROM d.INFORMATION_SCHEMA.JOBS", 400, "region"},
	}
	for _, tt := range tests {
		_, err := w.rows(admin, tt.sql)
		if status(t, err) != tt.status || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%s: want %d and %q, got %v", tt.name, tt.status, tt.words, err)
		}
	}
}

// TestWritingAsksForAccess is the table of who may write what by SQL.
func TestWritingAsksForAccess(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	w.dataset("mine", &client.AccessEntry{Role: client.WriterRole, EntityType: client.UserEmailEntity, Entity: analyst})
	tests := []struct {
		name, sql string
		ok        bool
	}{
		{"own table", "CREATE TABLE mine.t AS SELECT 1 AS k", true},
		{"view of own table", "CREATE VIEW mine.v AS SELECT k FROM `p.mine.t`", true},
		{"own table from another's", "CREATE TABLE mine.u AS SELECT k FROM d.t", false},
		{"view of another's", "CREATE VIEW mine.w AS SELECT k FROM `p.d.t`", false},
		{"another's dataset", "CREATE TABLE d.u AS SELECT 1 AS k", false},
		{"insert", "INSERT INTO d.t (k) VALUES (1)", false},
		{"insert what one may not read", "INSERT INTO mine.t (k) SELECT k FROM d.t", false},
		{"delete by what one may not read", "DELETE FROM mine.t WHERE k IN (SELECT k FROM d.t)", false},
		{"drop", "DROP TABLE d.t", false},
		{"drop own", "DROP VIEW mine.v", true},
		{"truncate", "TRUNCATE TABLE d.t", false},
		{"metadata", "SELECT 1 FROM d.INFORMATION_SCHEMA.TABLES", false},
		{"jobs", "SELECT 1 FROM `region-us`.INFORMATION_SCHEMA.JOBS", false},
	}
	for _, tt := range tests {
		if _, err := w.rows(analyst, tt.sql); (status(t, err) == http.StatusOK) != tt.ok || !tt.ok && status(t, err) != http.StatusForbidden {
			t.Errorf("%s: want ok %v, got %v", tt.name, tt.ok, err)
		}
	}
}

// TestCellForms reads each type through Google's client: as a literal, and
// from a table into which it was inserted.
func TestCellForms(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := newWorld(t)
	w.dataset("d")
	w.must(admin, `CREATE TABLE d.t AS SELECT TRUE AS b, -7 AS i, 1.5 AS f, NUMERIC '12.34' AS n, 'é' AS s, b'\x00\xff' AS y,
		DATE '2026-02-03' AS d, TIMESTAMP '2026-02-03 04:05:06.789+00' AS ts, STRUCT(1 AS a, STRUCT('x' AS c) AS b) AS r,
		[STRUCT('p' AS k, [1, 2] AS l)] AS a, CAST(NULL AS STRUCT<a INT64>) AS nr, ARRAY<INT64>[] AS e`)
	row := w.must(admin, "SELECT * FROM d.t")[0]
	got := make([]string, len(row))
	for i, v := range row {
		got[i] = fmt.Sprint(v)
	}
	want := []string{
		"true", "-7", "1.5", "617/50", "é", "[0 255]", "2026-02-03", "2026-02-03 04:05:06.789 +0000 UTC", "[1 [x]]",
		"[[p [1 2]]]", "<nil>", "[]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	seconds := w.raw(admin)
	answer, err := seconds.Jobs.Query(project, &bq.QueryRequest{Query: "SELECT ts FROM d.t", UseLegacySql: new(bool)}).Do()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(answer.Rows[0].F[0].V); got != "1.770091506789E+09" {
		t.Errorf("a moment in seconds: %s", got)
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	w.must(admin, "INSERT INTO d.t (k, v) VALUES (1, 'a'), (2, 'b')")
	q := w.as(admin).Query("SELECT v FROM d.t WHERE k = @k")
	q.Parameters = []client.QueryParameter{{Name: "k", Value: 2}}
	it, err := q.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var row []client.Value
	if err := it.Next(&row); err != nil || row[0] != "b" {
		t.Errorf("got %v, %v", row, err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	w.must(admin, "CREATE VIEW d.v AS SELECT k AS id, v FROM `p.d.t`")
	q := w.as(admin).Query("SELECT id, COUNT(*) AS n FROM d.v GROUP BY id")
	q.DryRun = true
	job, err := q.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stats := job.LastStatus().Statistics.Details.(*client.QueryStatistics)
	var tables, columns []string
	for _, table := range stats.ReferencedTables {
		tables = append(tables, table.TableID)
	}
	for _, f := range stats.Schema {
		columns = append(columns, f.Name+" "+string(f.Type))
	}
	if diff := cmp.Diff([][]string{{"v", "t"}, {"id INTEGER", "n INTEGER"}}, [][]string{tables, columns}); diff != "" {
		t.Error(diff)
	}
	for _, sql := range []string{"DELETE FROM d.t WHERE TRUE", "DROP TABLE d.t", "CREATE TABLE d.u AS SELECT 1 AS k", "CREATE VIEW d.w AS SELECT 1 AS k", "TRUNCATE TABLE d.t"} {
		q := w.as(admin).Query(sql)
		q.DryRun = true
		if _, err := q.Run(t.Context()); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if _, body, _ := w.send(admin, http.MethodGet, "projects/p/datasets/d/tables", ""); !strings.Contains(body, `"totalItems":2`) {
		t.Errorf("a dry run wrote: %s", body)
	}
	bad := w.as(admin).Query("SELECT nothing FROM d.t")
	bad.DryRun = true
	if _, err := bad.Run(t.Context()); status(t, err) != http.StatusBadRequest {
		t.Errorf("want 400, got %v", err)
	}
}

func TestJobs(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	q := w.as(analyst).Query("SELECT 1 AS one UNION ALL SELECT 2 UNION ALL SELECT 3")
	q.JobID = "analysts"
	job, err := q.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	it, err := job.Read(t.Context())
	if err != nil || it.TotalRows != 3 {
		t.Fatalf("got %v, %v", it, err)
	}
	q.JobID = "analysts"
	if _, body, _ := w.send(analyst, http.MethodPost, "projects/p/jobs",
		`{"jobReference":{"projectId":"p","jobId":"analysts"},"configuration":{"query":{"query":"SELECT 1","useLegacySql":false}}}`); !strings.Contains(body, "duplicate") {
		t.Errorf("an id was taken twice: %s", body)
	}
	if _, err := w.rows(analyst, "SELECT k FROM d.t"); status(t, err) != http.StatusForbidden {
		t.Fatal(err)
	}
	get := func(who, path string) (int, string) {
		code, body, _ := w.send(who, http.MethodGet, "projects/p/"+path, "")
		return code, body
	}
	if code, body := get(librarian, "jobs/analysts"); code != 200 || !strings.Contains(body, "UNION ALL") {
		t.Errorf("one who lists all jobs: %d %s", code, body)
	}
	if code, body := get(librarian, "queries/analysts"); code != 403 {
		t.Errorf("another's result: %d %s", code, body)
	}
	if code, _ := get(cleared, "jobs/analysts"); code != 403 {
		t.Errorf("another's job: %d", code)
	}
	if code, body := get(cleared, "jobs"); code != 200 || strings.Contains(body, "analysts") {
		t.Errorf("list of nobody's jobs: %d %s", code, body)
	}
	if _, body := get(analyst, "queries/analysts?maxResults=2"); !strings.Contains(body, "pageToken") {
		t.Errorf("a part of the rows has no next page: %s", body)
	}
	if _, body := get(librarian, "jobs?allUsers=true&projection=full"); strings.Count(body, `"query":"SELECT`) != 2 || !strings.Contains(body, `"errorResult"`) {
		t.Errorf("all jobs in full: %s", body)
	}
	if _, body := get(librarian, "jobs?allUsers=true"); strings.Contains(body, "UNION ALL") {
		t.Errorf("without full there is text: %s", body)
	}
	if _, body := get(lister, "jobs?allUsers=true&projection=full"); !strings.Contains(body, "analysts") || strings.Contains(body, "UNION ALL") || strings.Contains(body, analyst) {
		t.Errorf("one who may list, but not all of it: %s", body)
	}
	for _, filter := range []string{"minCreationTime=99999999999999", "maxCreationTime=1", "stateFilter=running", "parentJobId=x"} {
		if _, body := get(librarian, "jobs?allUsers=true&"+filter); strings.Contains(body, "analysts") {
			t.Errorf("%s keeps nothing out: %s", filter, body)
		}
	}
	if code, _ := get(librarian, "jobs?minCreationTime=x"); code != 400 {
		t.Errorf("a time that is none: %d", code)
	}
	var ids []string
	err = w.raw(librarian).Jobs.List(project).AllUsers(true).MaxResults(1).Pages(t.Context(), func(l *bq.JobList) error {
		for _, j := range l.Jobs {
			ids = append(ids, j.JobReference.JobId)
		}
		return nil
	})
	if err != nil || len(ids) != 2 || !slices.Contains(ids, "analysts") {
		t.Errorf("one a page: %v, %v", ids, err)
	}
	if code, body, _ := w.send(analyst, http.MethodPost, "projects/p/jobs/analysts/cancel", ""); code != 200 {
		t.Errorf("cancel: %d %s", code, body)
	}
}

func TestDestination(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	write := func(who, table string, how client.TableWriteDisposition) error {
		q := w.as(who).Query("SELECT 1 AS k")
		q.Dst, q.WriteDisposition = w.as(who).Dataset("d").Table(table), how
		job, err := q.Run(t.Context())
		if err != nil {
			return err
		}
		return job.LastStatus().Err()
	}
	rows := func() int { return len(w.must(admin, "SELECT k FROM d.out")) }
	if err := write(admin, "out", client.WriteEmpty); err != nil || rows() != 1 {
		t.Errorf("a new table: %v", err)
	}
	if err := write(admin, "out", client.WriteEmpty); err == nil {
		t.Error("a table that is not empty was taken for one")
	}
	if err := write(admin, "out", client.WriteAppend); err != nil || rows() != 2 {
		t.Errorf("append: %v", err)
	}
	if err := write(admin, "out", client.WriteTruncate); err != nil || rows() != 1 {
		t.Errorf("truncate: %v", err)
	}
	if err := write(analyst, "out", client.WriteTruncate); err == nil || !strings.Contains(err.Error(), "Access Denied") {
		t.Errorf("one who may not write: %v", err)
	}
	if err := write(analyst, "new", client.WriteTruncate); err == nil || !strings.Contains(err.Error(), "Access Denied") {
		t.Errorf("one who may not create: %v", err)
	}
}

func TestInformationSchema(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := newWorld(t)
	customers(w)
	w.dataset("other")
	w.must(admin, "CREATE VIEW other.v AS SELECT id FROM `p.raw.customers`")
	tests := []struct{ name, sql, want string }{
		{
			"tables of the region", "SELECT table_schema, table_name, table_type FROM `region-us`.INFORMATION_SCHEMA.TABLES ORDER BY 1",
			"[other v VIEW] [raw customers BASE TABLE]",
		},
		{"tables of a dataset", "SELECT table_name FROM raw.INFORMATION_SCHEMA.TABLES", "[customers]"},
		{"of a project's region", "SELECT table_name FROM `p.region-us.INFORMATION_SCHEMA.VIEWS`", "[v]"},
		{"of another region", "SELECT table_name FROM `region-eu`.INFORMATION_SCHEMA.TABLES", ""},
		{"columns", "SELECT column_name, data_type, ordinal_position FROM raw.INFORMATION_SCHEMA.COLUMNS WHERE is_nullable = 'NO'", "[id INT64 1]"},
		{
			"paths", "SELECT field_path, data_type FROM raw.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS WHERE column_name = 'contact' ORDER BY 1",
			"[contact STRUCT<phone STRING, address STRUCT<city STRING>>] [contact.address STRUCT<city STRING>] [contact.address.city STRING] [contact.phone STRING]",
		},
		{"view text", "SELECT view_definition FROM other.INFORMATION_SCHEMA.VIEWS", "[SELECT id FROM `p.raw.customers`]"},
		{"datasets", "SELECT schema_name FROM `region-us`.INFORMATION_SCHEMA.SCHEMATA ORDER BY 1", "[other] [raw]"},
		{
			"jobs", "SELECT statement_type, destination_table.table_id, user_email FROM `region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT WHERE statement_type = 'CREATE_VIEW'",
			"[CREATE_VIEW <nil> admin@x.example]",
		},
	}
	for _, tt := range tests {
		var got []string
		for _, row := range w.must(librarian, tt.sql) {
			got = append(got, fmt.Sprint(row))
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
	if rows := w.must(analyst, "SELECT 1 FROM `region-us`.INFORMATION_SCHEMA.TABLES"); len(rows) != 0 {
		t.Errorf("one who knows no dataset sees %d tables", len(rows))
	}
}

// TestStateSurvives stops and starts: everything is there, authority too.
func TestStateSurvives(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	dir := t.TempDir()
	var etag string
	t.Run("before", func(t *testing.T) {
		w := worldIn(t, dir)
		customers(w)
		w.dataset("views", &client.AccessEntry{Role: client.ReaderRole, EntityType: client.UserEmailEntity, Entity: analyst})
		for _, name := range []string{"v", "replaced"} {
			w.must(admin, "CREATE VIEW views."+name+" AS SELECT id FROM `p.raw.customers`")
			authorize(w, "raw", &client.AccessEntry{EntityType: client.ViewEntity, View: w.as(admin).Dataset("views").Table(name)})
		}
		w.must(admin, "CREATE OR REPLACE VIEW views.replaced AS SELECT id FROM `p.raw.customers`")
		meta, err := w.as(admin).Dataset("raw").Metadata(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		etag = meta.ETag
	})
	t.Run("after", func(t *testing.T) {
		w := worldIn(t, dir)
		if rows := w.must(analyst, "SELECT id FROM views.v"); len(rows) != 2 {
			t.Errorf("got %v", rows)
		}
		if _, err := w.rows(analyst, "SELECT id FROM views.replaced"); status(t, err) != http.StatusForbidden {
			t.Errorf("a restart gave a replaced view its authority back: %v", err)
		}
		meta, err := w.as(admin).Dataset("raw").Metadata(t.Context())
		if err != nil || meta.ETag != etag {
			t.Errorf("etag %q became %q, %v", etag, meta.ETag, err)
		}
		if _, body, _ := w.send(librarian, http.MethodGet, "projects/p/jobs?allUsers=true", ""); strings.Count(body, `"kind":"bigquery#job"`) < 3 {
			t.Errorf("jobs are gone: %s", body)
		}
	})
}

// TestWithoutWorker holds that metadata is served without the program that
// runs queries, and that queries say what lacks.
func TestWithoutWorker(t *testing.T) {
	t.Parallel()
	who, err := directory.New(people())
	if err != nil {
		t.Fatal(err)
	}
	warehouse, err := bigquery.New(bigquery.Config{Directory: who, Worker: googlesql.Config{Path: t.TempDir() + "/none"}})
	if err != nil {
		t.Fatal(err)
	}
	w := serveWarehouse(t, warehouse)
	w.dataset("d")
	code, body, _ := w.send(admin, http.MethodPost, "projects/p/queries", `{"query":"SELECT 1","useLegacySql":false}`)
	if code != http.StatusServiceUnavailable || !strings.Contains(body, "worker") {
		t.Errorf("got %d %s", code, body)
	}
}
