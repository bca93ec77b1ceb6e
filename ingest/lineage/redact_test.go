package lineage_test

import (
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest/lineage"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, sql, want string }{
		{"nothing to hide", "SELECT a.b FROM `p-1.d.t` AS a", "SELECT a.b FROM `p-1.d.t` AS a"},
		{"string", "WHERE mail = 'ana@example.org'", "WHERE mail = '?'"},
		{"double quotes", `WHERE mail = "ana"`, `WHERE mail = "?"`},
		{"escaped quote", `SELECT 'it\'s', x`, `SELECT '?', x`},
		{"raw string keeps its backslash rule", `SELECT r'a\'b', x`, `SELECT r'?', x`},
		{"bytes", `SELECT b'abc', RB"x", Br'y'`, `SELECT b'?', RB"?", Br'?'`},
		{"triple quotes", `SELECT '''it's "here"''', x`, `SELECT '''?''', x`},
		{"triple double quotes", `SELECT """a"b""", x`, `SELECT """?""", x`},
		{"empty string", `SELECT '', ""`, `SELECT '?', "?"`},
		{"string after a name", "SELECT DATE'2026-01-01'", "SELECT DATE'?'"},
		{"numbers", "SELECT 1, 2.5, .5, 1e9, 1.5E-3, 0xFF, 42.", "SELECT 0, 0, 0, 0, 0, 0, 0"},
		{"sign stays an operator", "SELECT a-17, -3", "SELECT a-0, -0"},
		{"digits in a name stay", "SELECT c1 FROM d.events_20260101", "SELECT c1 FROM d.events_20260101"},
		{"number that letters touch", "SELECT 12ab", "SELECT 0"},
		{"parameters", "WHERE d = @run_date AND @@x > ?", "WHERE d = @run_date AND @@x > ?"},
		{"digits of a parameter stay", "SELECT @p1", "SELECT @p1"},
		{"line comments", "SELECT a -- for Ana\n, b # 0171\nFROM t", "SELECT a \n, b \nFROM t"},
		{"block comment", "SELECT/* for\nAna */a", "SELECT\na"},
		{"comment at the end", "SELECT a -- for Ana", "SELECT a"},
		{"quote in a comment", "SELECT a -- it's\n, 'x'", "SELECT a \n, '?'"},
		{"comment in a string", "SELECT '-- no', a", "SELECT '?', a"},
		{"string that does not end", "SELECT a, 'secr", "SELECT a, '?'"},
		{"comment that does not end", "SELECT a /* secret", "SELECT a"},
		{"backticks that do not end", "SELECT a, `secret", "SELECT a,"},
		{"quote in backticks", "SELECT `it's` , 'x'", "SELECT `it's` , '?'"},
		{"string ends in a backslash", `SELECT 'x\`, `SELECT '?'`},
		{"letters beyond ASCII", "SELECT größe, 'größe'", "SELECT größe, '?'"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := lineage.Redact(tt.sql)
			if got != tt.want {
				t.Errorf("Redact = %q, want %q", got, tt.want)
			}
			if again := lineage.Redact(got); again != got {
				t.Errorf("redacted twice: %q, then %q", got, again)
			}
		})
	}
}

// FuzzRedact holds two laws: redaction is idempotent, and no literal that a
// text is built with is in what is left of it.
func FuzzRedact(f *testing.F) {
	f.Add("SELECT 'a' -- b\n", "ana@example.org")
	f.Add("x'''", `\`)
	f.Add("`", "'")
	f.Add("/*", "*/1")
	f.Add("r\"", "\n")
	f.Fuzz(func(t *testing.T, sql, secret string) {
		once := lineage.Redact(sql)
		if twice := lineage.Redact(once); twice != once {
			t.Fatalf("Redact(%q) = %q, and of that %q", sql, once, twice)
		}
		const mark = "SECRET7731"
		inner := strings.Map(func(r rune) rune {
			if r == '\'' || r == '\\' || r == '"' {
				return -1
			}
			return r
		}, secret) + mark
		for _, quotes := range []string{"'", `"`, "'''", `"""`} {
			text := "SELECT a, " + quotes + inner + quotes + ", 77317731 FROM t"
			got := lineage.Redact(text)
			if strings.Contains(got, mark) || strings.Contains(got, "7731") || !strings.HasSuffix(got, "FROM t") {
				t.Fatalf("Redact(%q) = %q", text, got)
			}
		}
	})
}

func TestJobIDIsOfTheQueryAndNotOfTheRun(t *testing.T) {
	t.Parallel()
	base := graph.Statement{
		SQL:    "SELECT a FROM `p.d.events_20260101` WHERE day = '2026-01-01' AND n IN (1, 2)",
		Target: graph.BigQueryRef("p", "d", "out"), Project: "p",
	}
	with := func(change func(*graph.Statement)) graph.Statement { s := base; change(&s); return s }
	tests := []struct {
		name  string
		other graph.Statement
		same  bool
	}{
		{"another day", with(func(s *graph.Statement) {
			s.SQL = "SELECT a FROM `p.d.events_20260102` WHERE day = '2026-01-02' AND n IN (1, 2)"
		}), true},
		{"another spacing, case and comment", with(func(s *graph.Statement) {
			s.SQL = "-- run 7\nselect A\nfrom `p.d.events_20260101` where DAY='2026-01-01' and n in (1,2)"
		}), true},
		{"a longer list", with(func(s *graph.Statement) {
			s.SQL = "SELECT a FROM `p.d.events_20260101` WHERE day = '2026-01-01' AND n IN (1, 2, 3, 4)"
		}), true},
		{"another author", with(func(s *graph.Statement) { s.Author = "else" }), true},
		{"another column", with(func(s *graph.Statement) {
			s.SQL = "SELECT b FROM `p.d.events_20260101` WHERE day = '2026-01-01' AND n IN (1, 2)"
		}), false},
		{"another target", with(func(s *graph.Statement) { s.Target.Name = "p.d.other" }), false},
		{"another project", with(func(s *graph.Statement) { s.Project = "q" }), false},
		{"another dataset", with(func(s *graph.Statement) { s.Dataset = "d" }), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if same := lineage.JobID(base) == lineage.JobID(tt.other); same != tt.same {
				t.Errorf("same ID: %v, want %v", same, tt.same)
			}
		})
	}
	if id := lineage.JobID(base); !strings.HasPrefix(id, "job:") {
		t.Errorf("ID %q, want it to begin with job:", id)
	}
}

func TestViewStatement(t *testing.T) {
	t.Parallel()
	ref := graph.BigQueryRef("example.com:p", "d", "v")
	s := lineage.ViewStatement(graph.Asset{Ref: ref, Parent: ref.Parent(), Source: "w", Definition: "SELECT 'x' AS a"}, "")
	if s.ID != ref.String() || s.Target != ref || s.SQL != "SELECT 'x' AS a" || s.Project != "example.com:p" || s.Dialect != lineage.DialectBigQuery || s.Because != graph.EvidenceView {
		t.Errorf("statement %+v", s)
	}
}
