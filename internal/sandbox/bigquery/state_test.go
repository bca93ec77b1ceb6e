package bigquery_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/internal/sandbox/journal"
)

// change is one call that writes.
type change struct{ name, verb, path, body string }

const (
	datasetD = "projects/p/datasets/d"
	tableT   = datasetD + "/tables/t"
	schemaKV = `"schema":{"fields":[{"name":"k","type":"INTEGER"},{"name":"v","type":"STRING"}]}`
)

// changes are calls of every kind that writes, each building on those before.
func changes() []change {
	return []change{
		{"dataset", http.MethodPost, "projects/p/datasets", `{"datasetReference":{"datasetId":"d"}}`},
		{"another dataset", http.MethodPost, "projects/p/datasets", `{"datasetReference":{"datasetId":"e"},"labels":{"a":"b"}}`},
		{"table", http.MethodPost, datasetD + "/tables", `{"tableReference":{"tableId":"t"},` + schemaKV + `}`},
		{"rows", http.MethodPost, tableT + "/insertAll", `{"rows":[{"json":{"k":1,"v":"a"}},{"json":{"k":2,"v":"ü\n"}}]}`},
		{"words of a table", http.MethodPatch, tableT, `{"description":"words","labels":{"x":"y"}}`},
		{"more rows", http.MethodPost, tableT + "/insertAll", `{"rows":[{"json":{"k":3}}]}`},
		{"a column", http.MethodPatch, tableT, `{"schema":{"fields":[{"name":"k","type":"INTEGER"},{"name":"v","type":"STRING"},{"name":"n","type":"STRING"}]}}`},
		{"access", http.MethodPatch, datasetD, `{"access":[{"role":"OWNER","userByEmail":"` + admin + `"},{"role":"READER","userByEmail":"` + analyst + `"}]}`},
		{"another table", http.MethodPost, datasetD + "/tables", `{"tableReference":{"tableId":"u"},` + schemaKV + `}`},
		{"the end of a table", http.MethodDelete, datasetD + "/tables/u", ""},
		{"the whole of a dataset", http.MethodPut, "projects/p/datasets/e", `{"description":"other words"}`},
		{"the end of a dataset", http.MethodDelete, datasetD + "?deleteContents=true", ""},
		{"it begins again", http.MethodPost, "projects/p/datasets", `{"datasetReference":{"datasetId":"d"}}`},
	}
}

// holds is all that a warehouse answers to reads, as the admin and as one who
// may read what access lists say.
func (w *world) holds() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for _, who := range []string{admin, analyst} {
		for _, path := range []string{
			"projects/p/datasets?all=true", datasetD, "projects/p/datasets/e", datasetD + "/tables",
			tableT, tableT + "/data", datasetD + "/tables/u",
		} {
			code, body, _ := w.send(who, http.MethodGet, path, "")
			var answer any
			if err := json.Unmarshal([]byte(body), &answer); err != nil {
				w.t.Fatalf("%s: %v in %s", path, err, body)
			}
			plain, err := json.Marshal(answer)
			if err != nil {
				w.t.Fatal(err)
			}
			out[who+" "+path] = fmt.Sprint(code, " ", string(plain))
		}
	}
	return out
}

func (w *world) do(c change) {
	w.t.Helper()
	if code, body, _ := w.send(admin, c.verb, c.path, c.body); code >= 300 {
		w.t.Fatalf("%s: %d %s", c.name, code, body)
	}
}

// TestEachWriteSurvivesACrash stops the warehouse hard after each write, and
// also within the writing of the next: what was acknowledged is there, to the
// byte, and nothing half.
func TestEachWriteSurvivesACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := worldIn(t, dir)
	type moment struct {
		name  string
		size  int
		holds map[string]string
	}
	path := filepath.Join(dir, "state.jsonl")
	var moments []moment
	for _, c := range changes() {
		w.do(c)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		moments = append(moments, moment{c.name, int(info.Size()), w.holds()})
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reopen := func(t *testing.T, size int) map[string]string {
		t.Helper()
		crashed := t.TempDir()
		if err := os.WriteFile(filepath.Join(crashed, "state.jsonl"), whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		return worldIn(t, crashed).holds()
	}
	for i, m := range moments {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(m.holds, reopen(t, m.size)); diff != "" {
				t.Errorf("after the crash (-before +after):\n%s", diff)
			}
			if i+1 == len(moments) {
				return
			}
			first := m.size + strings.IndexByte(string(whole[m.size:]), '\n')
			if diff := cmp.Diff(m.holds, reopen(t, (m.size+first)/2)); diff != "" {
				t.Errorf("after a crash within the next write (-before +after):\n%s", diff)
			}
		})
	}
}

// TestWhatCannotBeKeptIsNotDone closes the state under a warehouse before each
// write: it is refused as the server's fault, and what was there stays.
func TestWhatCannotBeKeptIsNotDone(t *testing.T) {
	t.Parallel()
	all := changes()
	for i, c := range all {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			who, err := directory.New(people())
			if err != nil {
				t.Fatal(err)
			}
			j, records, err := journal.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			warehouse, err := bigquery.New(bigquery.Config{Directory: who, Journal: j, Records: records, Worker: worker()})
			if err != nil {
				t.Fatal(err)
			}
			w := serveWarehouse(t, warehouse)
			for _, before := range all[:i] {
				w.do(before)
			}
			was := w.holds()
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			code, body, _ := w.send(admin, c.verb, c.path, c.body)
			if code != http.StatusInternalServerError || !strings.Contains(body, "internalError") {
				t.Errorf("%d %s, want an error of the server", code, body)
			}
			if diff := cmp.Diff(was, w.holds()); diff != "" {
				t.Errorf("done all the same (-before +after):\n%s", diff)
			}
		})
	}
}

// TestRecordsThatCannotBeRead holds that a warehouse does not start over a
// state of which it would lose a part.
func TestRecordsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	who, err := directory.New(people())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"dataset", "table", "rows", "job"} {
		for _, value := range []string{`"no object"`, `{}`, `{"meta":{}}`, `[1]`} {
			records := []journal.Record{{Kind: kind, Key: "p.d", Value: json.RawMessage(value)}}
			_, err := bigquery.New(bigquery.Config{Directory: who, Records: records, Worker: worker()})
			if err == nil || !strings.Contains(err.Error(), "p.d") {
				t.Errorf("over the %s %s: %v, want an error that names it", kind, value, err)
			}
		}
	}
}
