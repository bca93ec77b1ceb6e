package bigquery_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest/lineage"
	"cadastre.dev/cadastre/ingest/lineage/bigquery"
)

// Law: what is kept of a text can still be analyzed, and means the same: the
// same tables, the same columns from the same columns and, where no literal had
// to be more than a literal, the same outcome.
func TestWhatIsKeptOfATextMeansTheSame(t *testing.T) {
	t.Parallel()
	analyzer := bigquery.New(worker(t))
	people, seen := graph.BigQueryRef("shop-123456", "d", "people"), graph.BigQueryRef("shop-123456", "d", "2024_seen")
	schemas := lineage.SchemaMap{
		people: {col(people, "id", "INTEGER", graph.ModeRequired), col(people, "mail", "STRING", graph.ModeNullable), col(people, "born", "DATE", graph.ModeNullable)},
		seen:   {col(seen, "id", "INTEGER", graph.ModeNullable), col(seen, "day", "TIMESTAMP", graph.ModeNullable), col(seen, "spent", "FLOAT", graph.ModeNullable)},
	}
	tests := []struct {
		name, sql string
		// coerced: a string stands for another type, which '?' cannot, and the
		// analyzer says that it had to be lenient.
		coerced bool
	}{
		{"strings of all sorts", `SELECT id, CONCAT(mail, 'a', "b", r'\d', '''c''', """d""") AS m FROM d.people WHERE mail LIKE '%@x' -- of Ana`, false},
		{"numbers of all sorts", "SELECT id - 17 AS i, spent * 1.5e3 + .25 - 0xFF AS s FROM d.2024_seen WHERE spent > -3 LIMIT 100", false},
		{"a project with a number, and a table that begins with one", "SELECT p.mail, s.spent FROM shop-123456.d.people AS p JOIN shop-123456.d.2024_seen AS s ON p.id = s.id-1", false},
		{"lists", "SELECT mail FROM d.people WHERE id IN (1, 2, 3) OR mail IN UNNEST(['a', 'b'])", false},
		{"cases and structs", "SELECT CASE id WHEN 1 THEN 'one' ELSE mail END AS c, STRUCT(mail AS m, 7 AS n) AS s FROM d.people", false},
		{"comments everywhere", "/* Ana's */ SELECT/**/mail#x\nFROM--y\nd.people", false},
		{"names in backticks", "SELECT `mail` FROM `shop-123456.d.people` AS `it's`", false},
		{"a regular expression", `SELECT REGEXP_EXTRACT(mail, r"^(.+)@") AS who FROM d.people`, false},
		{"what does not parse", "SELECT FROM 'x' WHERE", false},
		{"an insert", "INSERT INTO d.people (id, mail) SELECT id, 'none' FROM d.2024_seen WHERE day > '2026-01-01'", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := graph.Statement{SQL: tt.sql, Project: "shop-123456"}
			want, err := analyzer.Analyze(t.Context(), s, schemas)
			if err != nil {
				t.Fatal(err)
			}
			s.SQL = lineage.Redact(tt.sql)
			got, err := analyzer.Analyze(t.Context(), s, schemas)
			if err != nil {
				t.Fatal(err)
			}
			want.Reason, got.Reason = "", "" // They tell where in the text.
			if tt.coerced {
				want.Outcome, want.Unresolved = graph.OutcomePartial, got.Unresolved
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("of %q (-whole +kept):\n%s", s.SQL, diff)
			}
			if expect := tt.name != "what does not parse"; want.Parsed != expect {
				t.Errorf("parsed: %v, want %v: %q", want.Parsed, expect, tt.sql)
			}
		})
	}
}

// TestRealTextsKeepTheirTables holds the law for the names in real jobs.
func TestRealTextsKeepTheirTables(t *testing.T) {
	t.Parallel()
	cases := os.Getenv("CADASTRE_CASES")
	if cases == "" {
		t.Skip("CADASTRE_CASES does not name a folder of real cases")
	}
	file, err := os.Open(filepath.Join(cases, "estates", "mozilla", "jobs.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	analyzer, read := bigquery.New(worker(t)), 0
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var job struct {
			Configuration struct {
				Query struct {
					Query string `json:"query"`
				} `json:"query"`
			} `json:"configuration"`
		}
		if err := json.Unmarshal(lines.Bytes(), &job); err != nil {
			t.Fatal(err)
		}
		sql := job.Configuration.Query.Query
		if strings.Contains(sql, "{{") {
			continue // A template, whose names are made up from its text.
		}
		want, err := analyzer.Tables(t.Context(), graph.Statement{SQL: sql, Project: "p"})
		if err != nil {
			t.Fatal(err)
		}
		kept := lineage.Redact(sql)
		got, err := analyzer.Tables(t.Context(), graph.Statement{SQL: kept, Project: "p"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tables of %.200q (-whole +kept):\n%s", kept, diff)
		}
		read++
	}
	if lines.Err() != nil || read < 500 {
		t.Errorf("read %d jobs, %v", read, lines.Err())
	}
}
