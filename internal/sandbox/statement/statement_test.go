package statement_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/internal/sandbox/statement"
)

// TestRewriteNamesNothingIsTheText is the law that holds the rest together: a
// replacement of nothing changes nothing.
func TestRewriteNamesNothingIsTheText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"SELECT 1",
		"SELECT * FROM a.b, UNNEST(c) -- end",
		"INSERT INTO d.t (a) VALUES ('x`y')",
		"MERGE d.t AS t USING (SELECT 1 AS k) s ON t.k = s.k WHEN MATCHED THEN DELETE",
	} {
		s, err := statement.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := s.Rewrite(0, func(statement.Ref) string { return "" }); got != s.Text {
			t.Errorf("rewrite of nothing changed the text:\n%s\n%s", s.Text, got)
		}
	}
}

func TestParseFindsTables(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text   string
		kind         statement.Kind
		target, refs string
	}{
		{"plain", "SELECT a FROM d.t", statement.Select, "", "d.t"},
		{"no table", "SELECT 'FROM d.t' /* FROM d.u */ # FROM d.v", statement.Select, "", ""},
		{"dashed project", "select * from lumen-prod.raw.customers c", statement.Select, "", "lumen-prod|raw|customers"},
		{"quoted whole", "SELECT * FROM `lumen-prod.raw.customers`", statement.Select, "", "lumen-prod|raw|customers"},
		{"quoted parts", "SELECT * FROM `lumen-prod`.raw.`customers`", statement.Select, "", "lumen-prod|raw|customers"},
		{"comma join", "SELECT * FROM a.x, b.y AS q, c.z WHERE f(1, d.w) > 0", statement.Select, "", "a.x b.y c.z"},
		{"joins", "SELECT * FROM a.x LEFT JOIN b.y USING (k, l) CROSS JOIN c.z ON x.k = y.k", statement.Select, "", "a.x b.y c.z"},
		{"parenthesised join", "SELECT * FROM (a.x JOIN b.y USING (k)), c.z", statement.Select, "", "a.x b.y c.z"},
		{"subqueries", "SELECT (SELECT MAX(k) FROM a.x) FROM (SELECT * FROM b.y) AS s, c.z", statement.Select, "", "a.x b.y c.z"},
		{"in a condition", "SELECT 1 FROM a.x WHERE k IN (SELECT k FROM b.y)", statement.Select, "", "a.x b.y"},
		{"with", "WITH p AS (SELECT * FROM a.x), q AS (SELECT * FROM p) SELECT * FROM q JOIN p ON TRUE", statement.Select, "", "a.x"},
		{"nested with", "SELECT * FROM (WITH p AS (SELECT 1), q AS (SELECT * FROM a.x) SELECT * FROM q)", statement.Select, "", "a.x"},
		{"unnest", "SELECT * FROM a.x AS c, UNNEST(c.items) AS i WITH OFFSET o, b.y", statement.Select, "", "a.x b.y"},
		{"array of a table", "SELECT * FROM a.x AS c, c.items AS i, i.parts", statement.Select, "", "a.x"},
		{"array of a table by its own name", "SELECT * FROM a.x, x.items", statement.Select, "", "a.x"},
		{"alias of unnest", "SELECT * FROM a.x, UNNEST(x.items) i, i.parts", statement.Select, "", "a.x"},
		{"array of a table named further on", "SELECT (SELECT MAX(i.k) FROM c.items AS i) FROM a.x AS c", statement.Select, "", "a.x"},
		{"table of its dataset's name", "SELECT 1 FROM a.x JOIN a.a USING (k)", statement.Select, "", "a.x a.a"},
		{"extract", "SELECT EXTRACT(YEAR FROM d) FROM a.x", statement.Select, "", "a.x"},
		{"distinct from", "SELECT * FROM a.x WHERE k IS NOT DISTINCT FROM l", statement.Select, "", "a.x"},
		{"order by list", "SELECT * FROM a.x ORDER BY k, b.y", statement.Select, "", "a.x"},
		{"union", "SELECT * FROM a.x UNION ALL SELECT * FROM b.y", statement.Select, "", "a.x b.y"},
		{"array index in a join", "SELECT * FROM a.x JOIN b.y ON l[OFFSET(0)] = m, c.z", statement.Select, "", "a.x b.y c.z"},
		{"pipe", "FROM a.x |> JOIN b.y USING (k) |> SELECT k, l", statement.Select, "", "a.x b.y"},
		{"information schema", "SELECT * FROM `region-eu`.INFORMATION_SCHEMA.TABLES", statement.Select, "", "region-eu|INFORMATION_SCHEMA|TABLES"},
		{"insert values", "INSERT INTO a.x (k, l) VALUES (1, 2), (3, 4);", statement.Insert, "a.x", ""},
		{"insert select", "INSERT a.x (k) SELECT k FROM b.y", statement.Insert, "a.x", "b.y"},
		{"update", "UPDATE a.x t SET k = s.k, l = 2 FROM b.y s WHERE TRUE", statement.Update, "a.x", "b.y"},
		{"delete", "DELETE FROM a.x WHERE k IN (SELECT k FROM b.y)", statement.Delete, "a.x", "b.y"},
		{"merge", "MERGE INTO a.x t USING b.y s ON t.k = s.k WHEN NOT MATCHED THEN INSERT (k) VALUES (s.k)", statement.Merge, "a.x", "b.y"},
		{"merge with a query", "MERGE a.x t USING (SELECT * FROM b.y) s ON t.k = s.k WHEN MATCHED THEN DELETE", statement.Merge, "a.x", "b.y"},
		{"view", "CREATE OR REPLACE VIEW a.v OPTIONS (description = 'x') AS SELECT * FROM b.y", statement.CreateView, "a.v", "b.y"},
		{"table", "CREATE TABLE IF NOT EXISTS a.t PARTITION BY d AS (SELECT * FROM b.y)", statement.CreateTableAs, "a.t", "b.y"},
		{"drop", "DROP VIEW IF EXISTS a.v", statement.DropView, "a.v", ""},
		{"truncate", "TRUNCATE TABLE a.t", statement.TruncateTable, "a.t", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := statement.Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			target := ""
			if s.Target != nil {
				target = show(*s.Target)
			}
			var refs []string
			for _, r := range s.Refs {
				refs = append(refs, show(r))
			}
			got := []string{string(s.Kind), target, strings.Join(refs, " ")}
			if diff := cmp.Diff([]string{string(tt.kind), tt.target, tt.refs}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text  string
		unsupported bool
	}{
		{"nothing", " -- only a comment", false},
		{"open string", "SELECT 'x", false},
		{"open name", "SELECT `x", false},
		{"open comment", "SELECT 1 /* x", false},
		{"no target", "INSERT INTO (k) VALUES (1)", false},
		{"nothing after AS", "CREATE VIEW a.v AS", false},
		{"script", "SELECT 1; SELECT 2", true},
		{"grant", "GRANT `roles/x` ON SCHEMA d TO 'user:a'", true},
		{"create function", "CREATE FUNCTION d.f() AS (1)", true},
		{"create table of columns", "CREATE TABLE d.t (k INT64)", true},
		{"not a statement", "1 + 1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := statement.Parse(tt.text)
			if err == nil {
				t.Fatal("parsed")
			}
			if errors.Is(err, statement.ErrUnsupported) != tt.unsupported {
				t.Errorf("unsupported is not %v: %v", tt.unsupported, err)
			}
		})
	}
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"alias is added", "SELECT x.k FROM a.x WHERE TRUE", "SELECT x.k FROM T AS `x` WHERE TRUE"},
		{"alias is kept", "SELECT * FROM a.x AS q, b.y r", "SELECT * FROM T AS q, T r"},
		{"insert has no alias", "INSERT INTO a.x (k) SELECT k FROM b.y", "INSERT INTO T (k) SELECT k FROM T AS `y`"},
		{"update has one", "UPDATE a.x SET k = x.l WHERE TRUE", "UPDATE T AS `x` SET k = x.l WHERE TRUE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := statement.Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, s.Rewrite(0, func(statement.Ref) string { return "T" })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRewriteOfBody(t *testing.T) {
	t.Parallel()
	s, err := statement.Parse("CREATE VIEW a.v AS SELECT * FROM b.y")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Rewrite(s.Body, func(statement.Ref) string { return "T" }), "SELECT * FROM T AS `y`"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	if got, want := statement.Quote("a`b\\c\nd"), "`a\\`b\\\\c\\nd`"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzParse holds that no text panics, and that every name found lies in the
// text where the statement says.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"SELECT * FROM `a.b` c, UNNEST(c.d) WITH OFFSET", "WITH a AS (SELECT 1) SELECT * FROM a", "'''x", "r'\\'",
		"CREATE VIEW a.v AS SELECT x FROM b-c.d.e", "MERGE a USING b", "FROM (((((",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := statement.Parse(text)
		if err != nil {
			return
		}
		at := 0
		for _, r := range s.Refs {
			if r.Start < at || r.End <= r.Start || r.End > len(s.Text) {
				t.Fatalf("name %v at %d..%d after %d in %q", r.Parts, r.Start, r.End, at, text)
			}
			at = r.End
		}
		if got := s.Rewrite(0, func(statement.Ref) string { return "" }); got != s.Text {
			t.Fatalf("rewrite of nothing changed %q to %q", s.Text, got)
		}
	})
}

// show joins the parts of a name by dots, or by bars where a dot would be read
// as part of a project's or region's name.
func show(r statement.Ref) string {
	if len(r.Parts) == 3 {
		return strings.Join(r.Parts, "|")
	}
	return strings.Join(r.Parts, ".")
}

func TestSpare(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"none of them", "SELECT * EXCEPT (a, b) FROM t", "SELECT * EXCEPT (a, b) FROM t"},
		{"one of two", "SELECT * EXCEPT (a, secret) FROM t", "SELECT * EXCEPT (a) FROM t"},
		{"the only one", "SELECT t.* EXCEPT (`Secret`) FROM t", "SELECT t.* FROM t"},
		{"the set operation is another word", "SELECT secret FROM t EXCEPT DISTINCT (SELECT secret FROM u)", "SELECT secret FROM t EXCEPT DISTINCT (SELECT secret FROM u)"},
		{"two lists", "SELECT * EXCEPT (secret) FROM (SELECT * EXCEPT (b, secret) FROM t)", "SELECT * FROM (SELECT * EXCEPT (b) FROM t)"},
		{"not a list", "SELECT * EXCEPT (1) FROM t", "SELECT * EXCEPT (1) FROM t"},
		{"not closed", "SELECT * EXCEPT (secret", "SELECT * EXCEPT (secret"},
		{"not a text", "SELECT * EXCEPT (secret) '", "SELECT * EXCEPT (secret) '"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, statement.Spare(tt.text, []string{"SECRET"})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"a call", "SELECT session_user() AS me", `SELECT 'a\'@x' AS me`},
		{"two calls", "SELECT SESSION_USER ( ) = SESSION_USER()", `SELECT 'a\'@x' = 'a\'@x'`},
		{"a column of that name", "SELECT session_user FROM t", "SELECT session_user FROM t"},
		{"a member of that name", "SELECT f.session_user() FROM t", "SELECT f.session_user() FROM t"},
		{"in a literal", "SELECT 'SESSION_USER()'", "SELECT 'SESSION_USER()'"},
		{"not a text", "SELECT SESSION_USER() '", "SELECT SESSION_USER() '"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, statement.Sign(tt.text, "a'@x")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
