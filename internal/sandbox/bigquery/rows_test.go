package bigquery_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	client "cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"
)

// typed makes a table p.d.typed with one column of each type.
func typed(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.dataset("d")
	const fields = `[{"name":"s","type":"STRING"},{"name":"i","type":"INTEGER"},{"name":"f","type":"FLOAT"},{"name":"o","type":"BOOLEAN"},
		{"name":"b","type":"BYTES"},{"name":"n","type":"NUMERIC"},{"name":"d","type":"DATE"},{"name":"t","type":"TIMESTAMP"},
		{"name":"r","type":"RECORD","fields":[{"name":"x","type":"STRING","mode":"REQUIRED"},{"name":"l","type":"INTEGER","mode":"REPEATED"}]},
		{"name":"m","type":"STRING","mode":"REPEATED"},{"name":"j","type":"JSON"}]`
	w.do(change{"typed", http.MethodPost, "projects/p/datasets/d/tables", `{"tableReference":{"tableId":"typed"},"schema":{"fields":` + fields + `}}`})
	return w
}

// TestInsertAllByValue sends one row at a time: it is stored and read back in
// its REST form, or it is refused with its number and no word of its value.
func TestInsertAllByValue(t *testing.T) {
	t.Parallel()
	w := typed(t)
	const path = "projects/p/datasets/d/tables/typed"
	for _, tt := range []struct {
		name, row string
		column    int
		want      string // as it stands in the answer; "" where it is refused
	}{
		{"a text", `{"s":"a \"b\" ü"}`, 0, `"a \"b\" ü"`},
		{"an empty text", `{"s":""}`, 0, `""`},
		{"null", `{"s":null}`, 0, `null`},
		{"nothing", `{}`, 0, `null`},
		{"a name in other letters", `{"S":"x"}`, 0, `"x"`},
		{"a list for a text", `{"s":["private"]}`, 0, ``},
		{"a record for a text", `{"s":{"x":"private"}}`, 0, ``},
		{"a number", `{"i":-5}`, 1, `"-5"`},
		{"a number as text", `{"i":"9223372036854775807"}`, 1, `"9223372036854775807"`},
		{"a number too large", `{"i":"9223372036854775808"}`, 1, ``},
		{"a text for a number", `{"i":"private"}`, 1, ``},
		{"a float", `{"f":1.5}`, 2, `"1.5"`},
		{"a text for a float", `{"f":"private"}`, 2, ``},
		{"true", `{"o":true}`, 3, `"true"`},
		{"false as text", `{"o":"false"}`, 3, `"false"`},
		{"a text for a truth", `{"o":"private"}`, 3, ``},
		{"bytes", `{"b":"eA=="}`, 4, `"eA=="`},
		{"bytes that are none", `{"b":"private!"}`, 4, ``},
		{"a decimal", `{"n":"1.25"}`, 5, `"1.25"`},
		{"a decimal without end", `{"n":"Infinity"}`, 5, ``},
		{"a float without end", `{"f":"Infinity"}`, 2, `"Infinity"`},
		{"JSON", `{"j":"{\"a\":1}"}`, 10, `"{\"a\":1}"`},
		{"JSON that is none", `{"j":"{private"}`, 10, ``},
		{"a date", `{"d":"2030-07-17"}`, 6, `"2030-07-17"`},
		{"a day that is none", `{"d":"2030-02-31private"}`, 6, ``},
		{"a record", `{"r":{"x":"a","l":[1,"2"]}}`, 8, `{"f":[{"v":"a"},{"v":[{"v":"1"},{"v":"2"}]}]}`},
		{"a record that lacks what it needs", `{"r":{"l":[1]}}`, 8, ``},
		{"a field that a record has not", `{"r":{"x":"a","private":1}}`, 8, ``},
		{"a text for a record", `{"r":"private"}`, 8, ``},
		{"a list", `{"m":["a","b"]}`, 9, `[{"v":"a"},{"v":"b"}]`},
		{"an empty list", `{"m":[]}`, 9, `[]`},
		{"a list with null", `{"m":["private",null]}`, 9, ``},
		{"a column that is not there", `{"q":"private"}`, 0, ``},
	} {
		_, before, _ := w.send(admin, http.MethodGet, path+"/data", "")
		code, answer, _ := w.send(admin, http.MethodPost, path+"/insertAll", `{"rows":[{"json":`+tt.row+`}]}`)
		if code != http.StatusOK {
			t.Errorf("%s: %d %s", tt.name, code, answer)
			continue
		}
		_, after, _ := w.send(admin, http.MethodGet, path+"/data", "")
		if tt.want == "" {
			if !strings.Contains(answer, `"index":0`) || strings.Contains(answer, "private!") || strings.Contains(answer, `"private"`) || rowsOf(t, after) != rowsOf(t, before) {
				t.Errorf("%s: %s, want it refused, its value unsaid and nothing stored", tt.name, answer)
			}
			continue
		}
		if strings.Contains(answer, "insertErrors") {
			t.Errorf("%s is refused: %s", tt.name, answer)
			continue
		}
		if got := lastCell(t, after, tt.column); got != tt.want {
			t.Errorf("%s is read back as %s, want %s", tt.name, got, tt.want)
		}
	}
}

type rowList struct {
	Rows []struct {
		F []struct {
			V json.RawMessage `json:"v"`
		} `json:"f"`
	} `json:"rows"`
	TotalRows string `json:"totalRows"`
	PageToken string `json:"pageToken"`
}

func readRows(t *testing.T, body string) rowList {
	t.Helper()
	var list rowList
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return list
}

func rowsOf(t *testing.T, body string) int { return len(readRows(t, body).Rows) }

func lastCell(t *testing.T, body string, column int) string {
	t.Helper()
	list := readRows(t, body)
	if len(list.Rows) == 0 {
		t.Fatalf("no row in %s", body)
	}
	return string(list.Rows[len(list.Rows)-1].F[column].V)
}

// TestWindowsOfRowsAreTheRows reads a table in windows of every size from every
// place, by index and by token.
func TestWindowsOfRowsAreTheRows(t *testing.T) {
	t.Parallel()
	w := plain(t)
	const path, total = "projects/p/datasets/d/tables/t", 7
	var rows []string
	for n := range total {
		rows = append(rows, fmt.Sprintf(`{"json":{"k":%d}}`, n))
	}
	w.do(change{"rows", http.MethodPost, path + "/insertAll", `{"rows":[` + strings.Join(rows, ",") + `]}`})
	for start := range total + 2 {
		for size := 1; size <= total+1; size++ {
			var got []string
			query := fmt.Sprintf("/data?startIndex=%d&maxResults=%d", start, size)
			for query != "" {
				code, body, _ := w.send(admin, http.MethodGet, path+query, "")
				list := readRows(t, body)
				if code != http.StatusOK || list.TotalRows != fmt.Sprint(total) || len(list.Rows) > size {
					t.Fatalf("%s: %d %s", query, code, body)
				}
				for _, r := range list.Rows {
					got = append(got, string(r.F[0].V))
				}
				query = ""
				if list.PageToken != "" {
					query = fmt.Sprintf("/data?maxResults=%d&pageToken=%s", size, list.PageToken)
				}
			}
			var want []string
			for n := start; n < total; n++ {
				want = append(want, fmt.Sprintf("%q", fmt.Sprint(n)))
			}
			if !slices.Equal(got, want) {
				t.Errorf("from %d by %d: %v, want %v", start, size, got, want)
			}
		}
	}
	for _, query := range []string{"maxResults=-1", "maxResults=x", "startIndex=-1", "startIndex=x", "pageToken=***", "pageToken=eA"} {
		if code, body, _ := w.send(admin, http.MethodGet, path+"/data?"+query, ""); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, code, body)
		}
	}
}

// TestMetadataViewsShowWhatTheAPIShows is the law of INFORMATION_SCHEMA: for
// each person, its tables are those that the person gets by tables.get, and
// its columns are theirs.
func TestMetadataViewsShowWhatTheAPIShows(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := newWorld(t)
	reader := &client.AccessEntry{Role: client.ReaderRole, EntityType: client.GroupEmailEntity, Entity: "readers@x.example"}
	w.dataset("shared", reader)
	w.dataset("closed")
	const fields = `{"fields":[{"name":"k","type":"INTEGER","mode":"REQUIRED","description":"the key"},
		{"name":"r","type":"RECORD","mode":"REPEATED","fields":[{"name":"email","type":"STRING","policyTags":{"names":["` + secretTag + `"]}}]}]}`
	all := []string{"closed.a", "closed.b", "shared.a"}
	for _, name := range all {
		dataset, table, _ := strings.Cut(name, ".")
		w.do(change{name, http.MethodPost, "projects/p/datasets/" + dataset + "/tables", `{"tableReference":{"tableId":"` + table + `"},"schema":` + fields + `}`})
	}
	read := func(who, sql string) (out []string) {
		for _, row := range w.must(who, sql) {
			out = append(out, fmt.Sprint(row[0]))
		}
		return out
	}
	for _, who := range []string{admin, librarian, analyst, cleared, lister} {
		var want []string
		for _, name := range all {
			dataset, table, _ := strings.Cut(name, ".")
			if code, _, _ := w.send(who, http.MethodGet, "projects/p/datasets/"+dataset+"/tables/"+table, ""); code == http.StatusOK {
				want = append(want, name)
			}
		}
		for _, view := range []string{"TABLES", "COLUMNS", "COLUMN_FIELD_PATHS"} {
			got := read(who, "SELECT DISTINCT CONCAT(table_schema, '.', table_name) AS n FROM `region-us`.INFORMATION_SCHEMA."+view+" ORDER BY n")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s of %s (-API +view):\n%s", view, who, diff)
			}
		}
	}
	paths := read(admin, "SELECT CONCAT(field_path, '|', data_type, '|', IFNULL(description, ''), '|', ARRAY_TO_STRING(policy_tags, ',')) AS n "+
		"FROM shared.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS ORDER BY n")
	if diff := cmp.Diff([]string{"k|INT64|the key|", "r.email|STRING||" + secretTag, "r|ARRAY<STRUCT<email STRING>>||"}, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	for _, tt := range []struct{ name, who, sql, want string }{
		{"a view that is none", admin, "SELECT * FROM shared.INFORMATION_SCHEMA.NONSENSE", "NONSENSE"},
		{"no view", admin, "SELECT * FROM shared.INFORMATION_SCHEMA", ""},
		{"no qualifier", admin, "SELECT * FROM INFORMATION_SCHEMA.TABLES", "needs a dataset or a region"},
		{"jobs of a dataset", admin, "SELECT * FROM shared.INFORMATION_SCHEMA.JOBS", "region qualifier"},
		{"jobs of everybody, by one who may not", analyst, "SELECT * FROM `region-us`.INFORMATION_SCHEMA.JOBS", "bigquery.jobs.listAll"},
		{"a dataset that is not there", admin, "SELECT * FROM gone.INFORMATION_SCHEMA.TABLES", "Not found: Dataset p:gone"},
		{"a dataset that one may not know", analyst, "SELECT * FROM closed.INFORMATION_SCHEMA.TABLES", "Access Denied"},
		{"one that is not there, to one who may not know", analyst, "SELECT * FROM gone.INFORMATION_SCHEMA.TABLES", "Access Denied"},
	} {
		if _, err := w.rows(tt.who, tt.sql); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
