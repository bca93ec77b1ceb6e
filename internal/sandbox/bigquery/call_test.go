package bigquery_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	client "cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"
	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"

	"cadastre.dev/cadastre/internal/sandbox/bigquery"
)

// send makes one call as somebody and returns its status and body.
func (w *world) send(email, verb, path, body string, header ...string) (int, string, http.Header) {
	w.t.Helper()
	in, err := http.NewRequestWithContext(w.t.Context(), verb, w.url+"/bigquery/v2/"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	in.Header.Set("Authorization", "Bearer "+email)
	for i := 0; i+1 < len(header); i += 2 {
		in.Header.Set(header[i], header[i+1])
	}
	out, err := http.DefaultClient.Do(in)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	data, err := io.ReadAll(out.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.StatusCode, string(data), out.Header
}

// plain fills a dataset d with a table t of two columns and a view's absence.
func plain(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.dataset("d")
	err := w.as(admin).Dataset("d").Table("t").Create(t.Context(), &client.TableMetadata{Schema: client.Schema{
		{Name: "k", Type: client.IntegerFieldType}, {Name: "v", Type: client.StringFieldType},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestEachCallAsksForAccess makes every call without a token, as one who may
// nothing, and as one who may all: it is the proof that no call was left
// without its question.
func TestEachCallAsksForAccess(t *testing.T) {
	t.Parallel()
	const (
		dataset = "projects/p/datasets/d"
		table   = dataset + "/tables/t"
		query   = `{"query":"SELECT 1","useLegacySql":false,"dryRun":true}`
		job     = `{"configuration":{"dryRun":true,"query":{"query":"SELECT 1","useLegacySql":false}}}`
	)
	tests := []struct {
		name, verb, path, body string
		strangers              int // what one without any role gets
		worker                 bool
	}{
		{"datasets.get", http.MethodGet, dataset, "", 403, false},
		{"datasets.list", http.MethodGet, "projects/p/datasets", "", 200, false}, // of nothing
		{"datasets.insert", http.MethodPost, "projects/p/datasets", `{"datasetReference":{"datasetId":"e"}}`, 403, false},
		{"datasets.patch", http.MethodPatch, dataset, `{"description":"x"}`, 403, false},
		{"datasets.update", http.MethodPut, dataset, `{"description":"x"}`, 403, false},
		{"tables.list", http.MethodGet, dataset + "/tables", "", 403, false},
		{"tables.get", http.MethodGet, table, "", 403, false},
		{"tables.insert", http.MethodPost, dataset + "/tables", `{"tableReference":{"tableId":"u"}}`, 403, false},
		{"tables.patch", http.MethodPatch, table, `{"description":"x"}`, 403, false},
		{"tables.update", http.MethodPut, table, `{"description":"x"}`, 403, false},
		{"tabledata.list", http.MethodGet, table + "/data", "", 403, false},
		{"tabledata.insertAll", http.MethodPost, table + "/insertAll", `{"rows":[{"json":{"k":1}}]}`, 403, false},
		{"jobs.list", http.MethodGet, "projects/p/jobs?allUsers=true", "", 403, false},
		{"jobs.query", http.MethodPost, "projects/p/queries", query, 403, true},
		{"jobs.insert", http.MethodPost, "projects/p/jobs", job, 403, true},
		{"tables.delete", http.MethodDelete, table, "", 403, false},
		{"datasets.delete", http.MethodDelete, dataset + "?deleteContents=true", "", 403, false},
	}
	w := plain(t)
	for _, tt := range tests { // in order: the last ones delete
		if got, body, header := w.send("wrong token", tt.verb, tt.path, tt.body); got != 401 || header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s with an unknown token: %d %s", tt.name, got, body)
		}
		if got, body, _ := w.send(stranger, tt.verb, tt.path, tt.body); got != tt.strangers || strings.Contains(body, `"d"`) {
			t.Errorf("%s as a stranger: %d %s", tt.name, got, body)
		}
		if tt.worker {
			continue // needs the program that runs queries; the stories do
		}
		if got, body, _ := w.send(admin, tt.verb, tt.path, tt.body); got >= 300 {
			t.Errorf("%s as the admin: %d %s", tt.name, got, body)
		}
	}
}

// TestDeniedAndAbsentAreOne holds that one without access cannot tell what is
// there from what is not.
func TestDeniedAndAbsentAreOne(t *testing.T) {
	t.Parallel()
	w := plain(t)
	for _, path := range []string{"projects/p/datasets/%s", "projects/p/datasets/%s/tables/t", "projects/p/datasets/%s/tables"} {
		_, there, _ := w.send(stranger, http.MethodGet, fmt.Sprintf(path, "d"), "")
		_, absent, _ := w.send(stranger, http.MethodGet, fmt.Sprintf(path, "q"), "")
		there = strings.NewReplacer(":d", ":q").Replace(there)
		if diff := cmp.Diff(absent, there); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
	}
	if got, _, _ := w.send(admin, http.MethodGet, "projects/p/datasets/q", ""); got != 404 {
		t.Errorf("one who may see all got %d for what is not there", got)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	w := plain(t)
	for _, path := range []string{"projects/p/datasets/d", "projects/p/datasets/d/tables/t"} {
		_, _, header := w.send(admin, http.MethodGet, path, "")
		first := header.Get("ETag")
		if got, _, _ := w.send(admin, http.MethodGet, path, "", "If-None-Match", first); got != 304 {
			t.Errorf("%s unchanged: %d", path, got)
		}
		if got, body, _ := w.send(admin, http.MethodPatch, path, `{"description":"one"}`, "If-Match", first); got != 200 {
			t.Errorf("%s with the present etag: %d %s", path, got, body)
		}
		got, body, _ := w.send(admin, http.MethodPatch, path, `{"description":"two"}`, "If-Match", first)
		if got != 412 || !strings.Contains(body, "conditionNotMet") {
			t.Errorf("%s with an old etag: %d %s", path, got, body)
		}
		if _, body, _ := w.send(admin, http.MethodGet, path, ""); !strings.Contains(body, `"description":"one"`) {
			t.Errorf("%s: a refused change was written: %s", path, body)
		}
		if got, _, _ := w.send(admin, http.MethodGet, path, "", "If-None-Match", first); got != 200 {
			t.Errorf("%s changed: %d", path, got)
		}
	}
}

// TestForeignChangeStory is the same by Google's client: two read, both write,
// one is told.
func TestForeignChangeStory(t *testing.T) {
	t.Parallel()
	w := plain(t)
	d := w.as(admin).Dataset("d")
	meta, err := d.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mine := append(slices.Clone(meta.Access), &client.AccessEntry{Role: client.ReaderRole, EntityType: client.UserEmailEntity, Entity: analyst})
	theirs := append(slices.Clone(meta.Access), &client.AccessEntry{Role: client.ReaderRole, EntityType: client.DomainEntity, Entity: "x.example"})
	if _, err := d.Update(t.Context(), client.DatasetMetadataToUpdate{Access: theirs}, meta.ETag); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Update(t.Context(), client.DatasetMetadataToUpdate{Access: mine}, meta.ETag); status(t, err) != 412 {
		t.Fatalf("want 412, got %v", err)
	}
	after, err := d.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(after.Access) != 2 || after.Access[1].EntityType != client.DomainEntity {
		t.Errorf("access list after the refused write: %+v", after.Access)
	}
}

func TestPatchMerges(t *testing.T) {
	t.Parallel()
	w := plain(t)
	d := w.as(admin).Dataset("d")
	var first client.DatasetMetadataToUpdate
	first.SetLabel("team", "one")
	first.SetLabel("owner", "otto")
	first.Description = "words"
	if _, err := d.Update(t.Context(), first, ""); err != nil {
		t.Fatal(err)
	}
	var second client.DatasetMetadataToUpdate
	second.DeleteLabel("team")
	meta, err := d.Update(t.Context(), second, "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"owner": "otto"}, meta.Labels); diff != "" || meta.Description != "words" || len(meta.Access) != 1 {
		t.Errorf("labels %s, description %q, access %v", diff, meta.Description, meta.Access)
	}
	if got, body, _ := w.send(admin, http.MethodPatch, "projects/p/datasets/d", `{"location":"EU"}`); got != 400 {
		t.Errorf("a dataset moved: %d %s", got, body)
	}
	if got, body, _ := w.send(admin, http.MethodPatch, "projects/p/datasets/d", `{"location"`); got != 400 || !strings.Contains(body, "parseError") {
		t.Errorf("half a text: %d %s", got, body)
	}
}

func TestAccessListsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := plain(t)
	tests := []struct {
		name, entry string
		status      int
	}{
		{"nobody", `{"role":"READER"}`, 400},
		{"two at once", `{"role":"READER","userByEmail":"a@x","groupByEmail":"b@x"}`, 400},
		{"no role", `{"userByEmail":"a@x"}`, 400},
		{"a role that is none", `{"role":"roles/nonsense","userByEmail":"a@x"}`, 400},
		{"a role for a view", `{"role":"READER","view":{"projectId":"p","datasetId":"d","tableId":"t"}}`, 400},
		{"a table as a view", `{"view":{"projectId":"p","datasetId":"d","tableId":"t"}}`, 404},
		{"a view that is not there", `{"view":{"projectId":"p","datasetId":"d","tableId":"q"}}`, 404},
		{"a dataset that is not there", `{"dataset":{"dataset":{"projectId":"p","datasetId":"q"},"targetTypes":["VIEWS"]}}`, 404},
		{"a dataset for nothing", `{"dataset":{"dataset":{"projectId":"p","datasetId":"d"}}}`, 400},
	}
	for _, tt := range tests {
		if got, body, _ := w.send(admin, http.MethodPatch, "projects/p/datasets/d", `{"access":[`+tt.entry+`]}`); got != tt.status {
			t.Errorf("%s: want %d, got %d %s", tt.name, tt.status, got, body)
		}
	}
	var many bytes.Buffer
	for i := range 2501 {
		if i > 0 {
			many.WriteByte(',')
		}
		fmt.Fprintf(&many, `{"routine":{"projectId":"p","datasetId":"d","routineId":"r%d"}}`, i)
	}
	if got, body, _ := w.send(admin, http.MethodPatch, "projects/p/datasets/d", `{"access":[`+many.String()+`]}`); got != 400 || !strings.Contains(body, "2500") {
		t.Errorf("more authorized resources than the limit: %d %s", got, body)
	}
	const long = `{"access":[{"role":"roles/bigquery.dataOwner","userByEmail":"` + admin + `"}]}`
	if _, body, _ := w.send(admin, http.MethodPatch, "projects/p/datasets/d", long); !strings.Contains(body, `"role":"OWNER"`) {
		t.Errorf("the long name of a basic role is answered as it was sent: %s", body)
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 7 {
		w.dataset(fmt.Sprintf("d%d", i))
	}
	w.dataset("_hidden")
	for i := range 5 {
		if err := w.as(admin).Dataset("d0").Table(fmt.Sprintf("t%d", i)).Create(t.Context(), &client.TableMetadata{}); err != nil {
			t.Fatal(err)
		}
	}
	raw := w.raw(librarian)
	var datasets []string
	pages := 0
	err := raw.Datasets.List(project).MaxResults(3).Pages(t.Context(), func(l *bq.DatasetList) error {
		pages++
		for _, d := range l.Datasets {
			datasets = append(datasets, d.DatasetReference.DatasetId)
		}
		return nil
	})
	if want := []string{"d0", "d1", "d2", "d3", "d4", "d5", "d6"}; err != nil || pages != 3 || !slices.Equal(datasets, want) {
		t.Errorf("got %v in %d pages, %v", datasets, pages, err)
	}
	var tables []string
	err = raw.Tables.List(project, "d0").MaxResults(2).Pages(t.Context(), func(l *bq.TableList) error {
		for _, table := range l.Tables {
			tables = append(tables, table.TableReference.TableId)
		}
		return nil
	})
	if want := []string{"t0", "t1", "t2", "t3", "t4"}; err != nil || !slices.Equal(tables, want) {
		t.Errorf("got %v, %v", tables, err)
	}
	w.send(admin, http.MethodPatch, "projects/p/datasets/d3", `{"labels":{"team":"grid"}}`)
	for filter, want := range map[string]int{"labels.team:grid": 1, "labels.team": 1, "labels.team:web": 0, "labels.owner:x": 0, "": 7} {
		_, body, _ := w.send(admin, http.MethodGet, "projects/p/datasets?filter="+filter, "")
		if got := strings.Count(body, `"kind":"bigquery#dataset"`); got != want {
			t.Errorf("filter %q: %d datasets", filter, got)
		}
	}
	for _, bad := range []string{"maxResults=x", "maxResults=-1", "pageToken=***"} {
		if got, _, _ := w.send(admin, http.MethodGet, "projects/p/datasets?"+bad, ""); got != 400 {
			t.Errorf("%s: %d", bad, got)
		}
	}
	if _, body, _ := w.send(admin, http.MethodGet, "projects/p/datasets?all=true&maxResults=1000", ""); !strings.Contains(body, "_hidden") {
		t.Error("all=true leaves hidden datasets out")
	}
	if _, body, _ := w.send(admin, http.MethodGet, "projects", ""); !strings.Contains(body, `"id":"p"`) {
		t.Errorf("projects: %s", body)
	}
}

func TestRowsArePaged(t *testing.T) {
	t.Parallel()
	w := plain(t)
	var rows []string
	for i := range 10 {
		rows = append(rows, fmt.Sprintf(`{"json":{"k":%d,"v":"x"}}`, i))
	}
	const data = "projects/p/datasets/d/tables/t"
	if got, body, _ := w.send(admin, http.MethodPost, data+"/insertAll", `{"rows":[`+strings.Join(rows, ",")+`]}`); got != 200 {
		t.Fatal(body)
	}
	it := w.as(admin).Dataset("d").Table("t").Read(t.Context())
	it.PageInfo().MaxSize = 3
	var got []client.Value
	for {
		var row []client.Value
		if err := it.Next(&row); err != nil {
			break
		}
		got = append(got, row[0])
	}
	if want := []client.Value{int64(0), int64(1), int64(2), int64(3), int64(4), int64(5), int64(6), int64(7), int64(8), int64(9)}; !cmp.Equal(want, got) {
		t.Errorf("got %v", got)
	}
	meta, err := w.as(admin).Dataset("d").Table("t").Metadata(t.Context())
	if err != nil || meta.NumRows != 10 {
		t.Errorf("got %d rows, %v", meta.NumRows, err)
	}
	for _, bad := range []string{"maxResults=x", "startIndex=-1", "pageToken=eA"} {
		if got, _, _ := w.send(admin, http.MethodGet, data+"/data?"+bad, ""); got != 400 {
			t.Errorf("%s: %d", bad, got)
		}
	}
}

func TestInsertAllNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := plain(t)
	const path = "projects/p/datasets/d/tables/t/insertAll"
	const mixed = `"rows":[{"json":{"k":1}},{"json":{"k":"secret value"}},{"json":{"z":1}}]`
	_, body, _ := w.send(admin, http.MethodPost, path, "{"+mixed+"}")
	if !strings.Contains(body, `"index":1`) || !strings.Contains(body, "no such field: z") || strings.Contains(body, "secret") {
		t.Errorf("got %s", body)
	}
	if meta, err := w.as(admin).Dataset("d").Table("t").Metadata(t.Context()); err != nil || meta.NumRows != 0 {
		t.Errorf("half of a bad batch was stored: %v, %v", meta, err)
	}
	w.send(admin, http.MethodPost, path, `{"skipInvalidRows":true,"ignoreUnknownValues":true,`+mixed+"}")
	if meta, err := w.as(admin).Dataset("d").Table("t").Metadata(t.Context()); err != nil || meta.NumRows != 2 {
		t.Errorf("want the two good rows: %v, %v", meta, err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	w := plain(t)
	w.dataset("e")
	get := func(dataset string) int {
		code, _, _ := w.send(admin, http.MethodGet, "projects/p/datasets/"+dataset, "")
		return code
	}
	w.warehouse.Fault(bigquery.Fault{Dataset: "d", Status: 403})
	if first, second := get("d"), get("d"); first != 403 || second != 403 || get("e") != 200 {
		t.Error("a fault of one dataset struck elsewhere or ended")
	}
	w.warehouse.ClearFaults()
	w.warehouse.Fault(bigquery.Fault{Method: "bigquery.datasets.get", Status: 429, Times: 2, RetryAfter: 7})
	code, body, header := w.send(admin, http.MethodGet, "projects/p/datasets/d", "")
	if code != 429 || header.Get("Retry-After") != "7" || !strings.Contains(body, "rateLimitExceeded") {
		t.Errorf("got %d %v %s", code, header, body)
	}
	if get("d") != 429 || get("d") != 200 {
		t.Error("a fault of two times did not strike just twice")
	}
	w.warehouse.Fault(bigquery.Fault{Status: 503, Times: 2})
	if _, err := w.as(admin).Dataset("d").Metadata(t.Context()); err != nil {
		t.Errorf("the client did not get over two failures: %v", err)
	}
	for code, reason := range map[int]string{404: "notFound", 412: "conditionNotMet", 500: "backendError", 400: "invalid"} {
		w.warehouse.Fault(bigquery.Fault{Status: code, Times: 1})
		if got, body, _ := w.send(admin, http.MethodGet, "projects/p/datasets/d", ""); got != code || !strings.Contains(body, reason) {
			t.Errorf("a fault of %d: %d %s", code, got, body)
		}
	}
	w.warehouse.Fault(bigquery.Fault{Status: 403, Reason: "quotaExceeded", Message: "words", Times: 1})
	if _, body, _ := w.send(admin, http.MethodGet, "projects/p/datasets/d", ""); !strings.Contains(body, "quotaExceeded") || !strings.Contains(body, "words") {
		t.Errorf("a fault in its own words: %s", body)
	}
	w.warehouse.Fault(bigquery.Fault{DelayMilliseconds: 30, Times: 1})
	began := time.Now()
	if get("d") != 200 || time.Since(began) < 30*time.Millisecond {
		t.Error("the slow answer was not slow")
	}
}

func TestUnknownPathsAndBodies(t *testing.T) {
	t.Parallel()
	w := plain(t)
	tests := []struct {
		name, verb, path, body string
		status                 int
	}{
		{"dataset twice", http.MethodPost, "projects/p/datasets", `{"datasetReference":{"datasetId":"d"}}`, 409},
		{"dataset of a bad name", http.MethodPost, "projects/p/datasets", `{"datasetReference":{"datasetId":"a-b"}}`, 400},
		{"dataset of another project", http.MethodPost, "projects/p/datasets", `{"datasetReference":{"projectId":"q","datasetId":"x"}}`, 400},
		{"table twice", http.MethodPost, "projects/p/datasets/d/tables", `{"tableReference":{"tableId":"t"}}`, 409},
		{"table without a name", http.MethodPost, "projects/p/datasets/d/tables", `{}`, 400},
		{"record without fields", http.MethodPost, "projects/p/datasets/d/tables", `{"tableReference":{"tableId":"u"},"schema":{"fields":[{"name":"r","type":"RECORD"}]}}`, 400},
		{"column twice", http.MethodPost, "projects/p/datasets/d/tables", `{"tableReference":{"tableId":"u"},"schema":{"fields":[{"name":"a","type":"STRING"},{"name":"A","type":"STRING"}]}}`, 400},
		{"two policy tags", http.MethodPost, "projects/p/datasets/d/tables", `{"tableReference":{"tableId":"u"},"schema":{"fields":[{"name":"a","type":"STRING","policyTags":{"names":["x","y"]}}]}}`, 400},
		{"view with a schema", http.MethodPost, "projects/p/datasets/d/tables", `{"tableReference":{"tableId":"u"},"view":{"query":"SELECT 1","useLegacySql":false},"schema":{"fields":[{"name":"a","type":"STRING"}]}}`, 400},
		{"view in legacy SQL by default", http.MethodPost, "projects/p/datasets/d/tables", `{"tableReference":{"tableId":"u"},"view":{"query":"SELECT 1 AS a"}}`, 400},
		{"query in legacy SQL by default", http.MethodPost, "projects/p/queries", `{"query":"SELECT 1"}`, 400},
		{"load job", http.MethodPost, "projects/p/jobs", `{"configuration":{"load":{}}}`, 400},
		{"positional parameter", http.MethodPost, "projects/p/queries", `{"query":"SELECT ?","useLegacySql":false,"parameterMode":"POSITIONAL","queryParameters":[{"parameterType":{"type":"INT64"},"parameterValue":{"value":"1"}}]}`, 400},
		{"dataset that is not empty", http.MethodDelete, "projects/p/datasets/d", "", 400},
		{"job that is not there", http.MethodGet, "projects/p/jobs/x", "", 404},
		{"result of a job that is not there", http.MethodGet, "projects/p/queries/x", "", 403},
		{"filter that is none", http.MethodGet, "projects/p/datasets?filter=owner:x", "", 400},
	}
	for _, tt := range tests {
		if got, body, _ := w.send(admin, tt.verb, tt.path, tt.body); got != tt.status {
			t.Errorf("%s: want %d, got %d %s", tt.name, tt.status, got, body)
		}
	}
}

func TestSchemaMayOnlyGrow(t *testing.T) {
	t.Parallel()
	w := plain(t)
	const path = "projects/p/datasets/d/tables/t"
	w.send(admin, http.MethodPost, path+"/insertAll", `{"rows":[{"json":{"k":1,"v":"a"}}]}`)
	tests := []struct {
		name, fields string
		status       int
	}{
		{"loses a column", `{"name":"k","type":"INTEGER"}`, 400},
		{"changes a type", `{"name":"k","type":"STRING"},{"name":"v","type":"STRING"}`, 400},
		{"changes a mode", `{"name":"k","type":"INTEGER","mode":"REPEATED"},{"name":"v","type":"STRING"}`, 400},
		{"adds a required one", `{"name":"k","type":"INTEGER"},{"name":"v","type":"STRING"},{"name":"n","type":"STRING","mode":"REQUIRED"}`, 400},
		{"says more of a column", `{"name":"k","type":"INT64","description":"key"},{"name":"v","type":"STRING"}`, 200},
		{"adds columns", `{"name":"n","type":"STRING"},{"name":"k","type":"INTEGER"},{"name":"v","type":"STRING"},{"name":"l","type":"STRING","mode":"REPEATED"}`, 200},
	}
	for _, tt := range tests {
		if got, body, _ := w.send(admin, http.MethodPatch, path, `{"schema":{"fields":[`+tt.fields+`]}}`); got != tt.status {
			t.Errorf("%s: want %d, got %d %s", tt.name, tt.status, got, body)
		}
	}
	_, body, _ := w.send(admin, http.MethodGet, path+"/data", "")
	if !strings.Contains(body, `"rows":[{"f":[{"v":null},{"v":"1"},{"v":"a"},{"v":[]}]}]`) {
		t.Errorf("the row did not follow its columns: %s", body)
	}
}

// TestFailuresAreErrorsOfTheAPI holds that Google's client can read them.
func TestFailuresAreErrorsOfTheAPI(t *testing.T) {
	t.Parallel()
	w := plain(t)
	_, err := w.as(stranger).Dataset("d").Metadata(t.Context())
	var api *googleapi.Error
	if !errors.As(err, &api) || len(api.Errors) != 1 || api.Errors[0].Reason != "accessDenied" {
		t.Fatalf("got %#v", err)
	}
	const words = "Access Denied: Dataset p:d: Permission bigquery.datasets.get denied on dataset p:d (or it may not exist)."
	if diff := cmp.Diff(words, api.Message); diff != "" {
		t.Error(diff)
	}
}
