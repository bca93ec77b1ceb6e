package main

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// session runs questions of one executor.
type session struct {
	*testing.T
	worker *worker
}

func newSession(t *testing.T) *session { return &session{t, newWorker()} }

// exec runs a statement and gives its rows as JSON.
func (s *session) exec(sql string, params ...parameter) string {
	s.Helper()
	r, err := s.worker.execute(statementQuestion{SQL: sql, Params: params})
	if err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
	return toJSON(s.T, r.Rows)
}

// refused runs a statement that must be refused, and gives why.
func (s *session) refused(sql string, params ...parameter) string {
	s.Helper()
	_, err := s.worker.execute(statementQuestion{SQL: sql, Params: params})
	var f *fault
	if !errors.As(err, &f) || f.Kind != kindInvalid {
		s.Fatalf("%s: error %v, want a refusal", sql, err)
	}
	return f.Message
}

func (s *session) create(table string, schema ...field) {
	s.Helper()
	if _, err := s.worker.create(tableQuestion{Table: table, Schema: schema}); err != nil {
		s.Fatal(err)
	}
}

func (s *session) load(table, rows string, schema ...field) error {
	s.Helper()
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(rows), &raw); err != nil {
		s.Fatal(err)
	}
	_, err := s.worker.load(tableQuestion{Table: table, Schema: schema, Rows: raw})
	return err
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// everyType is one field of each type that can be loaded.
var everyType = []field{
	{Name: "s", Type: "STRING"},
	{Name: "b", Type: "BYTES"},
	{Name: "i", Type: "INTEGER"},
	{Name: "f", Type: "FLOAT"},
	{Name: "o", Type: "BOOLEAN"},
	{Name: "n", Type: "NUMERIC"},
	{Name: "g", Type: "BIGNUMERIC"},
	{Name: "t", Type: "TIMESTAMP"},
	{Name: "d", Type: "DATE"},
	{Name: "c", Type: "TIME"},
	{Name: "e", Type: "DATETIME"},
	{Name: "j", Type: "JSON"},
}

// The law of loading: what is loaded is read back in the same form.
func TestLoadedIsReadBack(t *testing.T) {
	s := newSession(t)
	s.create("p.d.every", everyType...)
	rows := `[["a 'b' \"c\" \\n ü","eA==","-5","1.5","true","1.25","3.5","2030-07-17T01:45:06.123456Z","2030-07-17","01:45:06.5","2030-07-17T01:45:06","{\"a\":[1,null]}"],` +
		`["","","9223372036854775807","1e+100","false","-0.000000001","0","0001-01-01T00:00:00Z","0001-01-01","00:00:00","9999-12-31T23:59:59.999999","null"],` +
		`[null,null,null,null,null,null,null,null,null,null,null,null]]`
	if err := s.load("p.d.every", rows, everyType...); err != nil {
		t.Fatal(err)
	}
	if got := s.exec("SELECT * FROM p.d.every"); got != rows {
		t.Errorf("got  %s\nwant %s", got, rows)
	}
}

func TestNestedIsReadBack(t *testing.T) {
	schema := []field{
		{Name: "id", Type: "INT64"},
		{Name: "contact", Type: "RECORD", Fields: []field{{Name: "email", Type: "STRING"}, {Name: "at", Type: "STRUCT", Fields: []field{{Name: "city", Type: "STRING"}}}}},
		{Name: "orders", Type: "RECORD", Mode: "REPEATED", Fields: []field{{Name: "sku", Type: "STRING"}, {Name: "tags", Type: "STRING", Mode: "REPEATED"}}},
		{Name: "numbers", Type: "INTEGER", Mode: "REPEATED"},
	}
	tests := []struct{ name, row string }{
		{"all there", `["1",["a@x.org",["Bath"]],[["s1",["x","y"]],["s2",[]]],["3","1","2"]]`},
		{"null struct stays null", `["1",null,[],[]]`},
		{"struct of nulls is no null", `["1",[null,null],[],[]]`},
		{"null struct in a struct", `["1",["a",null],[],[]]`},
		{"null array is no empty one", `["1",null,null,null]`},
		{"order of elements", `["1",null,[["z",[]],["a",[]],["m",[]]],["9","8","7","10"]]`},
		{"null fields of elements", `["1",null,[[null,[]],["a",["b"]]],[]]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSession(t)
			s.create("p.d.t", schema...)
			if err := s.load("p.d.t", "["+tt.row+"]", schema...); err != nil {
				t.Fatal(err)
			}
			if got := s.exec("SELECT * FROM p.d.t"); got != "["+tt.row+"]" {
				t.Errorf("got  %s\nwant [%s]", got, tt.row)
			}
		})
	}
}

func TestNullsAreTold(t *testing.T) {
	s := newSession(t)
	schema := []field{{Name: "c", Type: "RECORD", Fields: []field{{Name: "e", Type: "STRING"}}}, {Name: "a", Type: "STRING", Mode: "REPEATED"}}
	s.create("p.d.t", schema...)
	if err := s.load("p.d.t", `[[null,null],[[null],[]],[["x"],["y"]]]`, schema...); err != nil {
		t.Fatal(err)
	}
	got := s.exec("SELECT c IS NULL, c.e IS NULL, a IS NULL, ARRAY_LENGTH(a) FROM p.d.t")
	if want := `[["true","true","true",null],["false","true","false","0"],["false","false","false","1"]]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLoadIsAllOrNothing(t *testing.T) {
	s := newSession(t)
	schema := []field{{Name: "i", Type: "INTEGER"}}
	s.create("p.d.t", schema...)
	rows := `[["1"]` + strings.Repeat(`,["2"]`, loadChunk) + `,["secret"]]`
	err := s.load("p.d.t", rows, schema...)
	if err == nil {
		t.Fatal("a text was loaded as a number")
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error quotes a value of a row: %v", err)
	}
	if got := s.exec("SELECT COUNT(*) FROM p.d.t"); got != `[["0"]]` {
		t.Errorf("rows of a load that was refused: %s", got)
	}
	if err := s.load("p.d.t", strings.Replace(rows, "secret", "3", 1), schema...); err != nil {
		t.Fatal(err)
	}
	if got := s.exec("SELECT COUNT(*), SUM(i) FROM p.d.t"); got != `[["502","1004"]]` {
		t.Errorf("after the load: %s", got)
	}
}

func TestLoadRefusesTypesThatAreNone(t *testing.T) {
	s := newSession(t)
	for _, typ := range []string{"", "STRING) --", "RECORD", "STRUCT<a INT64>", "'x'"} {
		if _, err := s.worker.create(tableQuestion{Table: "p.d.t", Schema: []field{{Name: "a", Type: typ}}}); err == nil {
			t.Errorf("a table with a column of type %q was made", typ)
		}
	}
	if _, err := s.worker.create(tableQuestion{Table: "p.d.t"}); err == nil {
		t.Error("a table without columns was made")
	}
	if _, err := s.worker.create(tableQuestion{Schema: everyType}); err == nil {
		t.Error("a table without a name was made")
	}
}

func TestNamesThatNeedQuotes(t *testing.T) {
	s := newSession(t)
	schema := []field{{Name: "select", Type: "STRING"}, {Name: "a b", Type: "RECORD", Fields: []field{{Name: "from", Type: "STRING"}}}}
	s.create("my-project.d.order", schema...)
	if err := s.load("my-project.d.order", `[["x",["y"]]]`, schema...); err != nil {
		t.Fatal(err)
	}
	if got := s.exec("SELECT `select`, `a b`.`from` FROM `my-project.d.order`"); got != `[["x","y"]]` {
		t.Errorf("got %s", got)
	}
}

func TestRendering(t *testing.T) {
	s := newSession(t)
	tests := []struct{ expr, want string }{
		{"1", `"1"`},
		{"TRUE", `"true"`},
		{"1.5", `"1.5"`},
		{"1e20", `"1e+20"`},
		{"IEEE_DIVIDE(1, 0)", `"Infinity"`},
		{"IEEE_DIVIDE(-1, 0)", `"-Infinity"`},
		{"NUMERIC '1.500'", `"1.5"`},
		{"b'abc'", `"YWJj"`},
		{"TIMESTAMP '2020-01-02 03:04:05.5+00'", `"2020-01-02T03:04:05.5Z"`},
		{"TIMESTAMP '2020-01-02 03:04:05+02'", `"2020-01-02T01:04:05Z"`},
		{"DATE '2020-01-02'", `"2020-01-02"`},
		{"DATETIME '2020-01-02 03:04:05'", `"2020-01-02T03:04:05"`},
		{"TIME '03:04:05.25'", `"03:04:05.25"`},
		{`JSON '{"a": 1}'`, `"{\"a\":1}"`},
		{"NULL", `null`},
		{"[1, NULL, 3]", `["1",null,"3"]`},
		{"STRUCT(1 AS a, [STRUCT(b'x' AS b)] AS c)", `["1",[["eA=="]]]`},
		{"[STRUCT(TIMESTAMP '2020-01-02 03:04:05+00' AS t)]", `[["2020-01-02T03:04:05Z"]]`},
		{"CAST(NULL AS STRUCT<a INT64>)", `null`},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			if got := s.exec("SELECT " + tt.expr + " AS v"); got != "[["+tt.want+"]]" {
				t.Errorf("got %s, want [[%s]]", got, tt.want)
			}
		})
	}
}

func TestSchemaOfRows(t *testing.T) {
	s := newSession(t)
	r, err := s.worker.execute(statementQuestion{SQL: "SELECT 1 AS i, 'x', 1.5, TRUE AS o, [1] AS a, STRUCT('x' AS s, [STRUCT(DATE '2020-01-01' AS d)] AS l) AS r, NUMERIC '1' AS n"})
	if err != nil {
		t.Fatal(err)
	}
	want := []field{
		{Name: "i", Type: "INTEGER", Mode: "NULLABLE"},
		{Name: "f0_", Type: "STRING", Mode: "NULLABLE"},
		{Name: "f1_", Type: "FLOAT", Mode: "NULLABLE"},
		{Name: "o", Type: "BOOLEAN", Mode: "NULLABLE"},
		{Name: "a", Type: "INTEGER", Mode: "REPEATED"},
		{Name: "r", Type: "RECORD", Mode: "NULLABLE", Fields: []field{
			{Name: "s", Type: "STRING", Mode: "NULLABLE"},
			{Name: "l", Type: "RECORD", Mode: "REPEATED", Fields: []field{{Name: "d", Type: "DATE", Mode: "NULLABLE"}}},
		}},
		{Name: "n", Type: "NUMERIC", Mode: "NULLABLE"},
	}
	if !reflect.DeepEqual(r.Schema, want) {
		t.Errorf("got  %+v\nwant %+v", r.Schema, want)
	}
}

func TestParameters(t *testing.T) {
	s := newSession(t)
	text := func(v string) *string { return &v }
	tests := []struct {
		name, typ string
		value     *string
		want      string
	}{
		{"text", "STRING", text(`it's "so" @p`), `"it's \"so\" @p"`},
		{"number", "INTEGER", text("7"), `"7"`},
		{"float", "FLOAT64", text("1.5"), `"1.5"`},
		{"truth", "BOOL", text("true"), `"true"`},
		{"date", "DATE", text("2020-01-02"), `"2020-01-02"`},
		{"instant", "TIMESTAMP", text("2020-01-02T03:04:05Z"), `"2020-01-02T03:04:05Z"`},
		{"decimal", "NUMERIC", text("1.25"), `"1.25"`},
		{"bytes", "BYTES", text("eA=="), `"eA=="`},
		{"null", "STRING", nil, `null`},
		{"null date", "DATE", nil, `null`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.exec("SELECT @p AS v, '@p' AS text -- @p", parameter{"P", tt.typ, tt.value})
			if want := "[[" + tt.want + `,"@p"]]`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	if got := s.exec("SELECT @a + @b * @a AS v", parameter{"a", "INT64", text("2")}, parameter{"b", "INT64", text("5")}); got != `[["12"]]` {
		t.Errorf("a parameter used twice: %s", got)
	}
	if got := s.refused("SELECT @missing"); !strings.Contains(got, "'missing' not found") {
		t.Errorf("a parameter that is not given: %s", got)
	}
	if got := s.refused("SELECT @p", parameter{"p", "ARRAY<INT64>", nil}); !strings.Contains(got, "no scalar type") {
		t.Errorf("a parameter of an array: %s", got)
	}
}

func TestStatementsThatChange(t *testing.T) {
	s := newSession(t)
	affected := func(sql string, want int64) {
		t.Helper()
		r, err := s.worker.execute(statementQuestion{SQL: sql, DefaultProject: "p", DefaultDataset: "d"})
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if r.Affected != want || len(r.Rows) != 0 || len(r.Schema) != 0 {
			t.Errorf("%s: %+v, want %d rows changed and none answered", sql, r, want)
		}
	}
	affected("CREATE TABLE t (k INT64, v STRING)", 0)
	affected("INSERT INTO t (k, v) VALUES (1, 'a'), (2, 'b'), (3, 'c')", 3)
	affected("UPDATE d.t SET v = UPPER(v) WHERE k > 1", 2)
	affected("DELETE FROM p.d.t WHERE k = 3", 1)
	affected("CREATE TABLE s AS SELECT 2 AS k, 'z' AS v", 0)
	s.exec("MERGE p.d.t USING p.d.s ON t.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v") // which counts no rows
	affected("CREATE TABLE u AS SELECT k, [v] AS vs FROM t", 0)
	if got := s.exec("SELECT * FROM p.d.u ORDER BY k"); got != `[["1",["a"]],["2",["z"]]]` {
		t.Errorf("rows %s", got)
	}
}

func TestMerge(t *testing.T) {
	s := newSession(t)
	s.create("p.d.t", field{Name: "k", Type: "INTEGER"}, field{Name: "v", Type: "STRING"})
	if err := s.load("p.d.t", `[["1","a"],["2","b"]]`, field{Name: "k", Type: "INTEGER"}, field{Name: "v", Type: "STRING"}); err != nil {
		t.Fatal(err)
	}
	z := "z"
	sql := "MERGE p.d.t AS t USING ( SELECT k, @v AS v FROM UNNEST([2, 3]) AS k ) AS s ON t.k = s.k " +
		"WHEN MATCHED THEN UPDATE SET v = CONCAT(s.v, t.v) WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v)"
	for range 2 {
		s.exec(sql, parameter{"v", "STRING", &z})
	}
	if got, want := s.exec("SELECT * FROM p.d.t ORDER BY k"), `[["1","a"],["2","zzb"],["3","zz"]]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s.refused("MERGE p.d.t USING (SELECT nonsense FROM p.d.t) AS s ON TRUE WHEN MATCHED THEN DELETE")
	s.refused("MERGE p.d.t USING p.d.t AS s ON TRUE WHEN MATCHED THEN UPDATE SET v = @v", parameter{"v", "STRING", &z})
	s.refused("SELECT * FROM " + mergeTable)
}

func TestRefusalsChangeNothing(t *testing.T) {
	s := newSession(t)
	s.exec("CREATE TABLE p.d.t AS SELECT 'secret' AS v")
	tests := []struct{ name, sql, want string }{
		{"not grammatical", "SELEC 1", "Syntax error"},
		{"unknown table", "SELECT * FROM p.d.none", "Table not found"},
		{"unknown column", "SELECT w FROM p.d.t", "Unrecognized name: w"},
		{"fails on a row", "SELECT CAST(v AS INT64) FROM p.d.t", ""},
		{"writes outside", "EXPORT DATA OPTIONS (uri = 'gs://b/*', format = 'CSV') AS SELECT 1", "not supported"},
		{"writes outside in a script", "SELECT 1; EXPORT DATA OPTIONS (uri = 'gs://b/*', format = 'CSV') AS SELECT 1", "not supported"},
		{"reads outside", "SELECT ST_REGIONSTATS(ST_GEOGPOINT(1, 2), 'http://localhost/x')", "not supported"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.refused(tt.sql)
			if !strings.Contains(got, tt.want) {
				t.Errorf("refused with %q, want %q", got, tt.want)
			}
			if strings.Contains(got, "secret") || strings.Contains(got, "googlesqlite_") {
				t.Errorf("the refusal quotes a value or the statement behind: %q", got)
			}
		})
	}
	if got := s.exec("SELECT v FROM p.d.t"); got != `[["secret"]]` {
		t.Errorf("rows %s", got)
	}
}

func TestViews(t *testing.T) {
	s := newSession(t)
	schema := []field{
		{Name: "id", Type: "INTEGER"},
		{Name: "contact", Type: "RECORD", Fields: []field{{Name: "email", Type: "STRING"}, {Name: "phone", Type: "STRING"}}},
		{Name: "cards", Type: "RECORD", Mode: "REPEATED", Fields: []field{{Name: "number", Type: "STRING"}}},
	}
	s.create("p.raw.c", schema...)
	if err := s.load("p.raw.c", `[["1",["a@x.org","1"],[["4111"],["4222"]]],["2",null,[]]]`, schema...); err != nil {
		t.Fatal(err)
	}
	masked := `SELECT id, IF(contact IS NULL, NULL, (SELECT AS STRUCT contact.* REPLACE (TO_HEX(SHA256(contact.email)) AS email))) AS contact,
ARRAY(SELECT AS STRUCT RIGHT(c.number, 2) AS number FROM UNNEST(cards) AS c WITH OFFSET AS o ORDER BY o) AS cards FROM raw.c`
	view := func(sql string) error {
		_, err := s.worker.view(tableQuestion{Table: "p.bi.c", SQL: sql, DefaultProject: "p"})
		return err
	}
	if err := view(masked); err != nil {
		t.Fatal(err)
	}
	want := `[["1",["bdaa69a65e9bbfe3cb27f7f3b7e1da8b4aeecec1ebd7a1b66d8ee9be72fdd17c","1"],[["11"],["22"]]],["2",null,[]]]`
	got := s.exec("SELECT * FROM p.bi.c ORDER BY id")
	if got[len(`[["1",["`)+64:] != want[len(`[["1",["`)+64:] || strings.Contains(got, "a@x.org") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := view("SELECT id FROM raw.c"); err != nil {
		t.Fatal(err)
	}
	if got := s.exec("SELECT * FROM p.bi.c ORDER BY id"); got != `[["1"],["2"]]` {
		t.Errorf("the replaced view: %s", got)
	}
	for _, sql := range []string{"DELETE FROM raw.c WHERE TRUE", "SELECT 1; SELECT 2", "SELEC"} {
		if err := view(sql); err == nil {
			t.Errorf("%q was made a view", sql)
		}
	}
	for range 2 {
		if _, err := s.worker.drop(tableQuestion{Table: "p.bi.c"}); err != nil {
			t.Fatal(err)
		}
	}
	s.refused("SELECT * FROM p.bi.c")
}

func TestCreateReplaces(t *testing.T) {
	s := newSession(t)
	s.create("p.d.t", field{Name: "a", Type: "STRING"})
	s.exec("INSERT INTO p.d.t (a) VALUES ('x')")
	s.create("p.d.t", field{Name: "a", Type: "STRING"}, field{Name: "b", Type: "DATE"})
	if got := s.exec("SELECT * FROM p.d.t"); got != `[]` {
		t.Errorf("rows %s", got)
	}
	if _, err := s.worker.view(tableQuestion{Table: "p.d.v", SQL: "SELECT 1 AS one"}); err != nil {
		t.Fatal(err)
	}
	s.create("p.d.v", field{Name: "c", Type: "INTEGER"})
	s.exec("INSERT INTO p.d.v (c) VALUES (3)")
	if got := s.exec("SELECT * FROM p.d.v"); got != `[["3"]]` {
		t.Errorf("a table in place of a view: %s", got)
	}
}

func TestDescribe(t *testing.T) {
	s := newSession(t)
	s.create("p.d.t", field{Name: "a", Type: "STRING"}, field{Name: "n", Type: "INTEGER"})
	tests := []struct{ name, sql, want string }{
		{"a query", "SELECT a, n + 1 FROM t", `{"kind":"QueryStatement","schema":[{"name":"a","type":"STRING","mode":"NULLABLE"},{"name":"f0_","type":"INTEGER","mode":"NULLABLE"}],"inputs":["p.d.t"],"outputs":[]}`},
		{"a table to be made", "CREATE TABLE x.y AS SELECT n FROM t", `{"kind":"CreateTableStatement","schema":[{"name":"n","type":"INTEGER","mode":"NULLABLE"}],"inputs":["p.d.t"],"outputs":["p.x.y"]}`},
		{"a change", "DELETE FROM t WHERE TRUE", `{"kind":"DeleteStatement","schema":[],"inputs":[],"outputs":["p.d.t"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := s.worker.describe(statementQuestion{SQL: tt.sql, DefaultProject: "p", DefaultDataset: "d"})
			if err != nil {
				t.Fatal(err)
			}
			if got := toJSON(t, d); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	s.refused("SELECT * FROM p.x.y")
	if _, err := s.worker.describe(statementQuestion{SQL: "SELECT nonsense FROM p.d.t"}); err == nil {
		t.Error("a query of a column that is not there was described")
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"a": "`a`", "a.b": "`a.b`", "a`b": "`a\\`b`", `a\`: "`a\\\\`", "a\nb": "`a\\nb`"} {
		if got := quote(name); got != want {
			t.Errorf("quote(%q) = %s, want %s", name, got, want)
		}
	}
}
