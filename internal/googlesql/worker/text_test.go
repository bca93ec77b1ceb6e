package main

import (
	"slices"
	"strings"
	"testing"
)

func TestReadings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, dialect, sql string
		want               []string
	}{
		{"GoogleSQL is one", "bigquery", `SELECT "a" FROM t`, []string{`SELECT "a" FROM t`}},
		{"names in double quotes", "postgres", `SELECT "a" FROM t`, []string{"SELECT `a` FROM t"}},
		{"but no texts", "snowflake", `SELECT 'say "a"' -- "b"` + "\n" + `FROM "t"`, []string{`SELECT 'say "a"' -- "b"` + "\nFROM `t`"}},
		{"legacy names", "", "SELECT 1 FROM [p:d.t]", []string{"SELECT 1 FROM [p:d.t]", "SELECT 1 FROM `p.d.t`"}},
		{"legacy names in a list", "bigquery", "SELECT 1 FROM a, [p-q:d.t$1]", []string{"SELECT 1 FROM a, [p-q:d.t$1]", "SELECT 1 FROM a, `p-q.d.t$1`"}},
		{
			"branches of a template", "bigquery", "{% if a %}X{% elif b %}Y{% else %}Z{% endif %}",
			[]string{"{% if a %}X{% elif b %}Y{% else %}Z{% endif %}", strings.Repeat(" ", 34) + "Z" + strings.Repeat(" ", 11)},
		},
		{"a branch without another", "bigquery", "A{% if a %}X{% endif %}", []string{"A{% if a %}X{% endif %}", "A" + strings.Repeat(" ", 10) + "X" + strings.Repeat(" ", 11)}},
		{
			"nested branches", "bigquery", "{% if a %}{% if b %}X{% else %}Y{% endif %}{% else %}Z{% endif %}",
			[]string{"{% if a %}{% if b %}X{% else %}Y{% endif %}{% else %}Z{% endif %}", strings.Repeat(" ", 53) + "Z" + strings.Repeat(" ", 11)},
		},
		{"values of a template", "bigquery", "t_{{ a }}_u", []string{"t_{{ a }}_u", "t_j_______u"}},
		{"an end without a beginning", "bigquery", "{% endif %}{% else %}X", []string{"{% endif %}{% else %}X", strings.Repeat(" ", 21) + "X"}},
		{"set operators", "hive", "SELECT 1 UNION SELECT 2 except (select 3)", []string{"SELECT 1 UNION DISTINCT SELECT 2 except DISTINCT (select 3)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := readings(tt.sql, tt.dialect); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// FuzzReadings holds that bytes keep their places in every reading of a BigQuery
// text, as its statements are pointed at by bytes.
func FuzzReadings(f *testing.F) {
	for _, s := range []string{"SELECT 1", "{% if a %}b{% else %}c{% endif %}{{ d }}{# e #}", "FROM [p:d.t]", "{{}}", "{%%}", "{{\n}}", "JOIN [a.b], [c:d]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		for _, r := range readings(sql, "bigquery") {
			if len(r) != len(sql) {
				t.Errorf("%q became %q", sql, r)
			}
		}
		if got := doubleQuoted(sql); len(got) != len(sql) {
			t.Errorf("%q became %q", sql, got)
		}
	})
}

func TestValueLike(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		like string
		at   int
		want string
	}{{"j___", 7, "@j07"}, {"j______", 12345, "@j12345"}, {"j___", 12345, "@j45"}} {
		if got := valueLike(tt.like, tt.at); got != tt.want {
			t.Errorf("valueLike(%q, %d) = %q, want %q", tt.like, tt.at, got, tt.want)
		}
	}
}

func TestByteOffset(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql    string
		line, column int
		want         string // what stands there
	}{
		{"first", "abc", 1, 1, "abc"},
		{"later line", "ab\ncd\nef", 3, 2, "f"},
		{"characters, not bytes", "äöü x", 1, 5, "x"},
		{"a tab reaches to the eighth", "\tx", 1, 9, "x"},
		{"a tab after others", "abc\tx", 1, 9, "x"},
		{"beyond the end", "abc", 1, 99, ""},
		{"beyond the last line", "abc", 9, 1, "abc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.sql[byteOffset(tt.sql, tt.line, tt.column):]; got != tt.want {
				t.Errorf("at %d:%d of %q stands %q, want %q", tt.line, tt.column, tt.sql, got, tt.want)
			}
		})
	}
}

func TestPathAround(t *testing.T) {
	t.Parallel()
	sql := "SELECT a.`b c`.d, f(x).g, h.i (y).j"
	tests := []struct {
		name, at string
		want     []string
	}{
		{"from its first name", "a.", []string{"a", "b"}},
		{"a plain name", "x)", []string{"x"}},
		{"behind a call", "g,", []string{"g"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := pathAround(sql, strings.Index(sql, tt.at)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for text, want := range map[string]string{".g": "f", ".j": "h.i", "a.": ""} {
		if got := calledBefore(sql, strings.Index(sql, text)); got != want {
			t.Errorf("before %q ends a call of %q, want %q", text, got, want)
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	ordered := []string{"no place", "x [at 1:1]", "x [at 1:20]", "x [at 2:3]", "x [at 11:1]"}
	for i := 1; i < len(ordered); i++ {
		if progress(ordered[i-1]) >= progress(ordered[i]) {
			t.Errorf("%q is not before %q", ordered[i-1], ordered[i])
		}
	}
}

func TestNamerFull(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, project, dataset string
		path                   []string
		want                   string
	}{
		{"whole", "p", "d", []string{"a", "b", "c"}, "a.b.c"},
		{"in one piece", "p", "d", []string{"a.b.c"}, "a.b.c"},
		{"without project", "p", "d", []string{"b", "c"}, "p.b.c"},
		{"alone", "p", "d", []string{"c"}, "p.d.c"},
		{"alone without defaults", "", "", []string{"c"}, "c"},
		{"alone with a project only", "p", "", []string{"c"}, "c"},
		{"partition", "p", "d", []string{"t$20240101"}, "p.d.t"},
		{"snapshot", "p", "d", []string{"t@-3600000"}, "p.d.t"},
		{"shard", "p", "d", []string{"t_20240101"}, "p.d.t_20240101"},
		{"wildcard", "p", "d", []string{"d", "t_*"}, "p.d.t_*"},
		{"information schema", "p", "d", []string{"d", "INFORMATION_SCHEMA", "TABLES"}, "p.d.INFORMATION_SCHEMA.TABLES"},
		{"region's information schema", "p", "d", []string{"region-eu", "INFORMATION_SCHEMA", "JOBS"}, "p.region-eu.INFORMATION_SCHEMA.JOBS"},
		{"of another project", "p", "d", []string{"q", "region-eu", "INFORMATION_SCHEMA", "JOBS"}, "q.region-eu.INFORMATION_SCHEMA.JOBS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := (namer{tt.project, tt.dataset}).full(tt.path); got != tt.want {
				t.Errorf("full(%q) = %q, want %q", tt.path, got, tt.want)
			}
		})
	}
}
