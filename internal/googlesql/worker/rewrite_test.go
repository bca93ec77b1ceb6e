package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// plainQueries are the stories that are one exact query whose columns have
// names of their own, so that another text can read them by name. Parameters
// by place and recursion are left out: neither may stand inside a query.
func plainQueries(t *testing.T, k *worker) []story {
	t.Helper()
	var out []story
	for _, s := range stories(t) {
		text := strings.TrimSuffix(strings.TrimSpace(s.SQL), ";")
		if !strings.HasPrefix(text, "SELECT ") || strings.HasPrefix(text, "SELECT AS ") || strings.ContainsAny(text, "?;") {
			continue
		}
		a := k.mustAnalyze(t, s.request)
		names := map[string]bool{}
		for _, c := range a.Columns {
			names[strings.ToLower(c.Column)] = true
		}
		if a.Outcome != exact || len(a.Statements) > 0 || len(names) != len(a.Columns) || names["f0_"] || len(names) == 0 {
			continue
		}
		s.SQL = text
		out = append(out, s)
	}
	if len(out) < 40 {
		t.Fatalf("only %d plain queries", len(out))
	}
	return out
}

// origins are the tables and columns that an output is made of, however.
func origins(c output) []string {
	var out []string
	for _, s := range c.Sources {
		out = append(out, s.Asset+"#"+s.Column)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A query says the same whether it stands alone, in a WITH, in parentheses, or
// under what lets all of its rows through.
func TestWhereAQueryStandsDoesNotMatter(t *testing.T) {
	k := newWorker()
	forms := []struct{ name, text string }{
		{"in a WITH", "WITH a_name_of_its_own AS (%s\n) SELECT * FROM a_name_of_its_own"},
		{"in two", "WITH one_name AS (%s\n), other_name AS (SELECT * FROM one_name) SELECT * FROM other_name"},
		{"in parentheses", "(%s\n)"},
		{"under a filter of nothing", "SELECT * FROM (%s\n) AS q WHERE TRUE"},
		{"under a limit", "SELECT * FROM (%s\n) LIMIT 5"},
		{"beside one row", "SELECT q.* FROM (%s\n) AS q CROSS JOIN (SELECT 1 AS a_column_of_its_own)"},
		{"as a new table", "CREATE TABLE elsewhere.t AS %s"},
		{"as a pipe", "FROM (%s\n) |> WHERE TRUE"},
	}
	for _, s := range plainQueries(t, k) {
		alone := k.mustAnalyze(t, s.request)
		for _, form := range forms {
			if form.name == "in parentheses" && strings.Contains(s.SQL, "|>") {
				continue
			}
			r := s.request
			r.SQL = fmt.Sprintf(form.text, s.SQL)
			got := k.mustAnalyze(t, r)
			if got.Outcome != exact || !slices.Equal(got.Inputs, alone.Inputs) || !slices.EqualFunc(got.Columns, alone.Columns, sameColumn) {
				t.Errorf("%s, %s:\n%s\nalone:\n%s", s.name, form.name, describe(got), describe(alone))
			}
		}
	}
}

// What is done to a column on top of a query hides none of its origins: each
// output of a function over it has those of what it is given, and no others.
func TestFunctionsHideNoOrigin(t *testing.T) {
	k := newWorker()
	for _, s := range plainQueries(t, k) {
		alone := k.mustAnalyze(t, s.request)
		var terms []string
		for i, c := range alone.Columns {
			terms = append(terms, fmt.Sprintf("TO_JSON_STRING(q.%s) AS out_%d", quote(c.Column), i))
		}
		r := s.request
		r.SQL = "SELECT " + strings.Join(terms, ", ") + " FROM (" + s.SQL + "\n) AS q"
		got := k.mustAnalyze(t, r)
		if got.Outcome != exact || len(got.Columns) != len(alone.Columns) {
			t.Errorf("%s: %s", s.name, describe(got))
			continue
		}
		for i, c := range got.Columns {
			if want := origins(alone.Columns[i]); !slices.Equal(origins(c), want) {
				t.Errorf("%s: %s is made of %v, and a function over it of %v", s.name, alone.Columns[i].Column, want, origins(c))
			}
			for _, source := range c.Sources {
				if source.Kind == "identity" {
					t.Errorf("%s: %s went through a function and is called a copy", s.name, c.Column)
				}
			}
		}
	}
}

// Where two queries are put together, each column has the origins of both.
func TestSetsHaveTheOriginsOfBoth(t *testing.T) {
	k := newWorker()
	for _, s := range plainQueries(t, k) {
		alone := k.mustAnalyze(t, s.request)
		r := s.request
		r.SQL = "SELECT * FROM (" + s.SQL + "\n) UNION ALL SELECT * FROM (" + s.SQL + "\n)"
		got := k.mustAnalyze(t, r)
		if got.Outcome != exact || !slices.EqualFunc(got.Columns, alone.Columns, func(a, b output) bool {
			return a.Column == b.Column && slices.Equal(origins(a), origins(b))
		}) {
			t.Errorf("%s: put to itself:\n%s\nalone:\n%s", s.name, describe(got), describe(alone))
		}
	}
}

// A script of two queries reads what both read, and each of its statements says
// what it says alone, at its place in the text.
func TestScriptsSayWhatTheirStatementsSay(t *testing.T) {
	k := newWorker()
	all := plainQueries(t, k)
	for i, s := range all {
		next := all[(i+1)%len(all)]
		if strings.Contains(s.SQL, "@") || strings.Contains(next.SQL, "@") || toJSON(t, s.Schemas) != toJSON(t, next.Schemas) ||
			s.DefaultProject != next.DefaultProject || s.DefaultDataset != next.DefaultDataset || s.Dialect != next.Dialect {
			continue
		}
		r := s.request
		r.SQL = s.SQL + "\n;\n" + next.SQL + "\n;"
		got := k.mustAnalyze(t, r)
		if len(got.Statements) != 2 {
			t.Errorf("%s and %s: %d statements", s.name, next.name, len(got.Statements))
			continue
		}
		for n, of := range []story{s, next} {
			statement, alone := got.Statements[n], k.mustAnalyze(t, of.request)
			if !slices.EqualFunc(statement.Columns, alone.Columns, sameColumn) || !slices.Equal(statement.Inputs, alone.Inputs) {
				t.Errorf("%s in a script has %+v, alone %+v", of.name, statement.Columns, alone.Columns)
			}
			if place := r.SQL[statement.Start:statement.End]; !strings.HasPrefix(of.SQL, strings.TrimRight(place, "\n; ")) {
				t.Errorf("%s stands at %q", of.name, place)
			}
			for _, input := range alone.Inputs {
				if !slices.Contains(got.Inputs, input) {
					t.Errorf("%s: the script does not read %s", of.name, input)
				}
			}
		}
	}
}

// Without its last words a statement is never exact by accident: it is refused,
// or it is a statement of its own, and nothing panics.
func TestTornStatementsAreAnswered(t *testing.T) {
	k := newWorker()
	for i, s := range stories(t) {
		if i%4 != 0 {
			continue // every fourth is enough, and takes a second
		}
		for cut := 1; cut < len(s.SQL); cut += 1 + len(s.SQL)/7 {
			r := s.request
			r.SQL = s.SQL[:cut]
			a, err := k.analyze(r)
			if err != nil {
				t.Fatalf("%s cut at %d: %v", s.name, cut, err)
			}
			if !a.Parsed && (a.Outcome != failed || a.Error == "") {
				t.Errorf("%s cut at %d: not parsed, and yet %s %q", s.name, cut, a.Outcome, a.Error)
			}
			if a.Outcome == failed && a.Error == "" || a.Outcome == partial && len(a.Unresolved) == 0 && a.Error == "" {
				t.Errorf("%s cut at %d: %s without a reason", s.name, cut, a.Outcome)
			}
		}
	}
}

// In a dialect whose set operators need not say DISTINCT a statement still has
// the place that it has in the text that was asked about.
func TestPlacesAreThoseOfTheText(t *testing.T) {
	k := newWorker()
	parts := []string{
		"SELECT 1 AS a", "SELECT 1 AS a UNION SELECT 2", "SELECT 1 AS a UNION\n\n   SELECT 2 UNION  (SELECT 3)",
		"SELECT 'ü' AS a", "SELECT 1 AS a INTERSECT SELECT 2 EXCEPT SELECT 3", "SELECT 1 AS a UNION ALL SELECT 2",
	}
	for _, dialect := range []string{"", "bigquery", "postgres", "snowflake"} {
		for i := range parts {
			texts := append(slices.Clone(parts[i:]), parts[:i]...)
			if dialect == "" || dialect == "bigquery" {
				texts = slices.DeleteFunc(texts, func(s string) bool {
					return strings.Contains(s, "UNION S") || strings.Contains(s, "\n") || strings.Contains(s, "EXCEPT")
				})
			}
			r := request{Dialect: dialect, SQL: strings.Join(texts, "\n;\n") + ";"}
			a := k.mustAnalyze(t, r)
			if len(a.Statements) != len(texts) {
				t.Fatalf("%q: %d statements in %s: %s", dialect, len(a.Statements), r.SQL, a.Error)
			}
			for n, s := range a.Statements {
				if got := strings.TrimRight(r.SQL[s.Start:s.End], "\n; "); got != texts[n] {
					t.Errorf("%q: statement %d stands at %q, want %q", dialect, n, got, texts[n])
				}
			}
		}
	}
}
