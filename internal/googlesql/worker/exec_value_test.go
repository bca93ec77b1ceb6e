package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// The law of parameters: what a query is given it gives back in the same form.
func TestParametersAreReadBack(t *testing.T) {
	s := newSession(t)
	tests := []struct {
		name, typ string
		values    []string
	}{
		{"text", "STRING", []string{"", "ü", "'", `"`, `\`, "a\nb", "@p", "--", "\x00", "NULL", "{{ x }}"}},
		{"number", "INTEGER", []string{"0", "-1", "9223372036854775807", "-9223372036854775808"}},
		{"float", "FLOAT", []string{"0", "0.1", "-1.5", "1e+300", "5e-324"}},
		{"truth", "BOOLEAN", []string{"true", "false"}},
		{"bytes", "BYTES", []string{"", "AA==", "/+8=", "AAEC"}},
		{"day", "DATE", []string{"0001-01-01", "1969-12-31", "2024-02-29", "9999-12-31"}},
		{"time", "TIME", []string{"00:00:00", "23:59:59.999999", "12:00:00.5"}},
		{"day and time", "DATETIME", []string{"0001-01-01T00:00:00", "1969-12-31T23:59:59.5", "9999-12-31T23:59:59.999999"}},
		{"instant", "TIMESTAMP", []string{"0001-01-01T00:00:00Z", "1901-12-13T20:45:51Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2038-01-19T03:14:08Z", "9999-12-31T23:59:59.999999Z"}},
		{"decimal", "NUMERIC", []string{"0", "-0.000000001", "99999999999999999999999999999.999999999", "-99999999999999999999999999999.999999999"}},
		{"big decimal", "BIGNUMERIC", []string{"0", "0.00000000000000000000000000000000000001", "-12345678901234567890123456789012345678.5"}},
	}
	for _, tt := range tests {
		for _, v := range tt.values {
			got := s.exec("SELECT @p AS v, [@p] AS a, STRUCT(@p AS f) AS s", parameter{"p", tt.typ, &v})
			one := toJSON(t, v)
			if want := "[[" + one + ",[" + one + "],[" + one + "]]]"; got != want {
				t.Errorf("%s %q: got %s, want %s", tt.name, v, got, want)
			}
		}
	}
}

// What is loaded can be compared with a parameter of the same form.
func TestLoadedEqualsParameter(t *testing.T) {
	s := newSession(t)
	values := map[string]string{
		"s": "it's", "b": "eA==", "i": "-5", "f": "1.5", "o": "true", "n": "1.25", "g": "3.5",
		"t": "1969-07-20T20:17:40.5Z", "d": "1969-07-20", "c": "20:17:40.5", "e": "1969-07-20T20:17:40.5",
	}
	for _, f := range everyType {
		v, ok := values[f.Name]
		if !ok {
			continue // JSON has no equality
		}
		table := "p.d.one_" + f.Name
		s.create(table, f)
		if err := s.load(table, "[["+toJSON(t, v)+"],[null]]", f); err != nil {
			t.Fatalf("%s: %v", f.Type, err)
		}
		sql := "SELECT COUNT(*) FROM " + table + " WHERE " + quote(f.Name) + " = @p"
		if got := s.exec(sql, parameter{"p", f.Type, &v}); got != `[["1"]]` {
			t.Errorf("%s: %s rows equal what was loaded", f.Type, got)
		}
		if got := s.exec(sql, parameter{"p", f.Type, nil}); got != `[["0"]]` {
			t.Errorf("%s: %s rows equal NULL", f.Type, got)
		}
	}
}

// A load that is refused names a column or nothing, and never a value.
func TestLoadsRefusedSayNoValue(t *testing.T) {
	tests := []struct{ name, typ, rows string }{
		{"text for a number", "INTEGER", `[["secret"]]`},
		{"too great a number", "INTEGER", `[["92233720368547758080"]]`},
		{"text for a day", "DATE", `[["secret"]]`},
		{"a day that is none", "DATE", `[["2023-02-30"]]`},
		{"text for an instant", "TIMESTAMP", `[["secret"]]`},
		{"text for a truth", "BOOLEAN", `[["secret"]]`},
		{"text for a decimal", "NUMERIC", `[["secret"]]`},
		{"text for bytes", "BYTES", `[["secret!"]]`},
		{"text for JSON", "JSON", `[["{secret"]]`},
		{"text for a float", "FLOAT", `[["secret"]]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSession(t)
			f := field{Name: "v", Type: tt.typ}
			s.create("p.d.t", f)
			err := s.load("p.d.t", tt.rows, f)
			if err == nil {
				t.Fatalf("it was loaded as %s", s.exec("SELECT * FROM p.d.t"))
			}
			for _, value := range []string{"secret", "92233720368547758080", "2023-02-30"} {
				if strings.Contains(err.Error(), value) {
					t.Errorf("the error quotes %q: %v", value, err)
				}
			}
			if got := s.exec("SELECT COUNT(*) FROM p.d.t"); got != `[["0"]]` {
				t.Errorf("%s rows after a load that was refused", got)
			}
		})
	}
}

// A query that fails on a row says why without the row.
func TestFailuresOnARowSayNoValue(t *testing.T) {
	s := newSession(t)
	s.exec("CREATE TABLE p.d.t AS SELECT 'secret' AS v, 0 AS zero")
	for _, expr := range []string{
		"CAST(v AS INT64)", "CAST(v AS DATE)", "CAST(v AS TIMESTAMP)", "CAST(v AS BOOL)", "CAST(v AS FLOAT64)",
		"PARSE_DATE('%Y', v)", "PARSE_TIMESTAMP('%Y', v)", "PARSE_JSON(v)", "FROM_HEX(v)", "PARSE_NUMERIC(v)", "ERROR(v)",
		"ERROR(CONCAT(v, ' [at 1:1]'))", "ERROR(CONCAT('failed to analyze: ', v))", "ERROR(CONCAT('INVALID_ARGUMENT: ', v))", "INT64(TO_JSON(v))", "REGEXP_CONTAINS('x', CONCAT('(', v))", "DATE_TRUNC(DATE(v), MONTH)",
	} {
		if got := s.refused("SELECT " + expr + " AS x FROM p.d.t"); strings.Contains(got, "secret") {
			t.Errorf("%s fails with %q", expr, got)
		}
	}
	s.refused("SELECT 1 / zero FROM p.d.t")
	s.refused("SELECT [1][OFFSET(zero + 5)] FROM p.d.t")
	if got := s.exec("SELECT SAFE_CAST(v AS INT64), SAFE_DIVIDE(1, zero), [1][SAFE_OFFSET(5)] FROM p.d.t"); got != `[[null,null,null]]` {
		t.Errorf("what is safe gives %s", got)
	}
}

// Rows, schemas and refusals over the protocol have the forms that are promised.
func TestConversationOfASession(t *testing.T) {
	k := newWorker()
	ask := func(id, op string, q any) string {
		t.Helper()
		raw, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(question{ID: id, Op: op, Question: raw})
		if err != nil {
			t.Fatal(err)
		}
		got := converse(t, k, string(line))
		if len(got) != 1 {
			t.Fatalf("%s: %d answers", id, len(got))
		}
		return got[0]
	}
	schema := []field{{Name: "k", Type: "INTEGER"}, {Name: "v", Type: "STRING"}}
	steps := []struct {
		id, op string
		q      any
		want   string
	}{
		{"1", "create", tableQuestion{Table: "p.d.t", Schema: schema}, `{"id":"1","result":`},
		{"2", "load", tableQuestion{Table: "p.d.t", Schema: schema, Rows: []json.RawMessage{[]byte(`["1","a"]`), []byte(`["2",null]`)}}, `{"id":"2","result":`},
		{
			"3", "exec",
			statementQuestion{SQL: "SELECT v FROM t ORDER BY k", DefaultProject: "p", DefaultDataset: "d"},
			`{"id":"3","result":{"schema":[{"name":"v","type":"STRING","mode":"NULLABLE"}],"rows":[["a"],[null]]`,
		},
		{"4", "exec", statementQuestion{SQL: "SELECT v FROM nowhere"}, `{"id":"4","error":{"kind":"invalid","message":"Table not found`},
		{"5", "load", tableQuestion{Table: "p.d.t", Schema: schema, Rows: []json.RawMessage{[]byte(`"no row"`)}}, `{"id":"5","error":{"kind":"invalid","message":"row 0 is no list of 2 cells"}}`},
		{"6", "load", tableQuestion{Table: "p.d.none", Schema: schema, Rows: []json.RawMessage{[]byte(`["1","a"]`)}}, `{"id":"6","error":{"kind":"invalid"`},
		{"7", "view", tableQuestion{Table: "p.d.shown", SQL: "SELECT v FROM d.t", DefaultProject: "p"}, `{"id":"7","result":`},
		{"8", "exec", statementQuestion{SQL: "SELECT COUNT(v) AS n FROM p.d.shown"}, `{"id":"8","result":{"schema":[{"name":"n","type":"INTEGER","mode":"NULLABLE"}],"rows":[["1"]]`},
		{"9", "drop", tableQuestion{Table: "p.d.shown"}, `{"id":"9","result":`},
		{"10", "exec", statementQuestion{SQL: "SELECT REPEAT('x', -1) AS x"}, `{"id":"10","error":{"kind":`},
		{"11", "exec", statementQuestion{SQL: "SELECT COUNT(v) AS n FROM p.d.t"}, `{"id":"11","result":{"schema":[{"name":"n","type":"INTEGER","mode":"NULLABLE"}],"rows":[["1"]]`},
		{"12", "load", tableQuestion{Table: "p.d.t", Schema: schema, Rows: []json.RawMessage{[]byte(`["3"]`)}}, `{"id":"12","error":{"kind":"invalid","message":"row 0 is no list of 2 cells"}}`},
		{"13", "exec", statementQuestion{SQL: "SELECT COUNT(v) AS n FROM p.d.shown"}, `{"id":"13","error":{"kind":"invalid"`},
	}
	for _, step := range steps {
		if got := ask(step.id, step.op, step.q); !strings.HasPrefix(got, step.want) {
			t.Errorf("%s %s: answered %s, want %s", step.id, step.op, got, step.want)
		}
	}
}
