package registry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"

	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/internal/sandbox/journal"
	"cadastre.dev/cadastre/internal/sandbox/registry"
)

const (
	recordA = `{"type":"record","name":"A","fields":[{"name":"x","type":"string"}]}`
	recordB = `{"type":"record","name":"B","fields":[{"name":"a","type":"A"}]}`
)

// serve is a registry behind a test server.
func serve(t *testing.T, cfg registry.Config) string {
	t.Helper()
	r, err := registry.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return server.URL
}

// call makes a call and returns its status and body.
func call(t *testing.T, verb, url, body string) (int, string) {
	t.Helper()
	in, err := http.NewRequestWithContext(t.Context(), verb, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	out, err := http.DefaultClient.Do(in)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	data, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return out.StatusCode, strings.TrimSpace(string(data))
}

// TestClientStory fills a registry and reads it with a client of the trade.
func TestClientStory(t *testing.T) {
	t.Parallel()
	c, err := sr.NewClient(sr.URLs(serve(t, registry.Config{})))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	first, err := c.CreateSchema(ctx, "a-value", sr.Schema{Schema: recordA})
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.CreateSchema(ctx, "b-value", sr.Schema{
		Schema:         recordB,
		References:     []sr.SchemaReference{{Name: "A", Subject: "a-value", Version: 1}},
		SchemaMetadata: &sr.SchemaMetadata{Tags: map[string][]string{"B.a": {"PII"}}, Properties: map[string]string{"owner": "o"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.CreateSchema(ctx, "a-value", sr.Schema{Schema: recordA})
	if err != nil || again.ID != first.ID || again.Version != 1 {
		t.Errorf("the same schema twice: %+v, %v", again, err)
	}
	elsewhere, err := c.CreateSchema(ctx, "c-value", sr.Schema{Schema: recordA})
	if err != nil || elsewhere.ID != first.ID {
		t.Errorf("the same schema elsewhere: %+v, %v", elsewhere, err)
	}
	subjects, err := c.Subjects(ctx)
	if diff := cmp.Diff([]string{"a-value", "b-value", "c-value"}, subjects); diff != "" || err != nil {
		t.Errorf("%s %v", diff, err)
	}
	all, err := c.AllSchemas(ctx)
	if err != nil || len(all) != 3 || all[1].SchemaMetadata.Tags["B.a"][0] != "PII" {
		t.Errorf("bulk: %+v, %v", all, err)
	}
	users, err := c.SchemaReferences(ctx, "a-value", 1)
	if err != nil || len(users) != 1 || users[0].ID != second.ID {
		t.Errorf("who refers to it: %+v, %v", users, err)
	}
	found, err := c.LookupSchema(ctx, "b-value", second.Schema)
	if err != nil || found.Version != 1 {
		t.Errorf("look up: %+v, %v", found, err)
	}
	if _, err := c.DeleteSubject(ctx, "c-value", sr.SoftDelete); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Subjects(ctx); err != nil {
		t.Fatal(err)
	}
	withDeleted, err := c.Subjects(sr.WithParams(ctx, sr.ShowDeleted))
	if err != nil || len(withDeleted) != 3 {
		t.Errorf("a soft delete forgot: %v, %v", withDeleted, err)
	}
	if _, err := c.DeleteSubject(ctx, "a-value", sr.HardDelete); err == nil {
		t.Error("deleted for good without having been deleted")
	}
	_, err = c.SchemaByVersion(ctx, "nothing", 1)
	var failure *sr.ResponseError
	if !errors.As(err, &failure) || failure.ErrorCode != 40401 {
		t.Errorf("got %v", err)
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	url := serve(t, registry.Config{})
	post := func(subject, schema string) {
		t.Helper()
		body, err := json.Marshal(map[string]string{"schema": schema})
		if err != nil {
			t.Fatal(err)
		}
		if code, answer := call(t, http.MethodPost, url+"/subjects/"+subject+"/versions", string(body)); code != 200 {
			t.Fatal(answer)
		}
	}
	post("a-value", recordA)
	post("a-value", recordA[:len(recordA)-2]+`,{"name":"y","type":"int"}]}`)
	post(":.stage:a-value", recordA)
	post("gone", `"string"`)
	if code, body := call(t, http.MethodDelete, url+"/subjects/gone", ""); code != 200 || body != "[1]" {
		t.Fatal(body)
	}
	if code, body := call(t, http.MethodDelete, url+"/subjects/a-value/versions/1", ""); code != 200 || body != "1" {
		t.Fatal(body)
	}
	tests := []struct {
		name, verb, path, body string
		status                 int
		want                   string
	}{
		{"root", "GET", "/", "", 200, `{}`},
		{"subjects of all contexts", "GET", "/subjects", "", 200, `[":.stage:a-value","a-value"]`},
		{"of the default context", "GET", "/subjects?subjectPrefix=:.:", "", 200, `["a-value"]`},
		{"of one context", "GET", "/subjects?subjectPrefix=:.stage:", "", 200, `[":.stage:a-value"]`},
		{"by prefix in all", "GET", "/subjects?subjectPrefix=:*:a", "", 200, `[":.stage:a-value","a-value"]`},
		{"by a prefix that none has", "GET", "/subjects?subjectPrefix=:*:z", "", 200, `[]`},
		{"deleted too", "GET", "/subjects?deleted=true", "", 200, `[":.stage:a-value","a-value","gone"]`},
		{"deleted only", "GET", "/subjects?deletedOnly=true", "", 200, `["gone"]`},
		{"a page", "GET", "/subjects?offset=1&limit=1", "", 200, `["a-value"]`},
		{"beyond the end", "GET", "/subjects?offset=9", "", 200, `[]`},
		{"versions", "GET", "/subjects/a-value/versions", "", 200, `[2]`},
		{"deleted versions too", "GET", "/subjects/a-value/versions?deleted=true", "", 200, `[1,2]`},
		{"as negative", "GET", "/subjects/a-value/versions?deletedAsNegative=true", "", 200, `[-1,2]`},
		{"only deleted ones", "GET", "/subjects/a-value/versions?deletedOnly=true", "", 200, `[1]`},
		{"a version that is deleted", "GET", "/subjects/a-value/versions/1", "", 404, `{"error_code":40402,"message":"Version 1 not found."}`},
		{"the default context by name", "GET", "/subjects/:.:a-value/versions", "", 200, `[2]`},
		{"a version that cannot be", "GET", "/subjects/a-value/versions/x", "", 422, ``},
		{"the text alone", "GET", "/subjects/:.stage:a-value/versions/latest/schema", "", 200, recordA},
		{"versions of nothing", "GET", "/subjects/q/versions", "", 404, `{"error_code":40401,"message":"Subject 'q' not found."}`},
		{"a schema by id, deleted or not", "GET", "/schemas/ids/1?fetchMaxId=true", "", 200, ``},
		{"subjects of an id", "GET", "/schemas/ids/1/subjects", "", 200, `[":.stage:a-value"]`},
		{"versions of an id", "GET", "/schemas/ids/1/versions?deleted=true", "", 200, `[{"subject":":.stage:a-value","version":1},{"subject":"a-value","version":1}]`},
		{"no such id", "GET", "/schemas/ids/99", "", 404, `{"error_code":40403,"message":"Schema 99 not found"}`},
		{"an id that is none", "GET", "/schemas/ids/x", "", 404, ``},
		{"types", "GET", "/schemas/types", "", 200, `["JSON","PROTOBUF","AVRO"]`},
		{"contexts", "GET", "/contexts", "", 200, `[".",".stage"]`},
		{"global compatibility", "GET", "/config", "", 200, `{"compatibilityLevel":"BACKWARD"}`},
		{"of a subject that has none", "GET", "/config/a-value", "", 404, ``},
		{"of a subject, or the global one", "GET", "/config/a-value?defaultToGlobal=true", "", 200, `{"compatibilityLevel":"BACKWARD"}`},
		{"set it", "PUT", "/config/a-value", `{"compatibility":"FULL"}`, 200, `{"compatibility":"FULL"}`},
		{"it is set", "GET", "/config/a-value", "", 200, `{"compatibilityLevel":"FULL"}`},
		{"a level that is none", "PUT", "/config", `{"compatibility":"SOME"}`, 422, ``},
		{"mode", "GET", "/mode", "", 200, `{"mode":"READWRITE"}`},
		{"not JSON", "POST", "/subjects/x/versions", `{`, 400, ``},
		{"Avro that is not JSON", "POST", "/subjects/x/versions", `{"schema":"{"}`, 422, ``},
		{"Avro without a type", "POST", "/subjects/x/versions", `{"schema":"{}"}`, 422, ``},
		{"a type that is none", "POST", "/subjects/x/versions", `{"schema":"{}","schemaType":"THRIFT"}`, 422, ``},
		{"Protobuf", "POST", "/subjects/x/versions", `{"schema":"message M {}","schemaType":"PROTOBUF"}`, 200, ``},
		{"a reference to nothing", "POST", "/subjects/y/versions", `{"schema":"\"string\"","references":[{"name":"q","subject":"q","version":1}]}`, 422, ``},
		{"look up what is not there", "POST", "/subjects/a-value", `{"schema":"\"int\""}`, 404, `{"error_code":40403,"message":"Schema not found"}`},
		{"for good", "DELETE", "/subjects/gone?permanent=true", "", 200, `[1]`},
		{"now gone", "GET", "/subjects?deletedOnly=true", "", 200, `[]`},
		{"delete nothing", "DELETE", "/subjects/q", "", 404, ``},
		{"no such call", "GET", "/nonsense", "", 404, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
	}
	for _, tt := range tests { // in order: some change what the next sees
		code, body := call(t, tt.verb, url+tt.path, tt.body)
		if code != tt.status || tt.want != "" && body != tt.want {
			t.Errorf("%s: want %d %s, got %d %s", tt.name, tt.status, tt.want, code, body)
		}
	}
}

func TestTypeOfAvroIsLeftOut(t *testing.T) {
	t.Parallel()
	url := serve(t, registry.Config{})
	call(t, http.MethodPost, url+"/subjects/a/versions", `{"schema":"\"string\"","schemaType":"AVRO"}`)
	call(t, http.MethodPost, url+"/subjects/j/versions", `{"schema":"{}","schemaType":"JSON"}`)
	_, bulk := call(t, http.MethodGet, url+"/schemas?latestOnly=true", "")
	const want = `[{"subject":"a","version":1,"id":1,"schema":"\"string\""},{"subject":"j","version":1,"id":2,"schemaType":"JSON","schema":"{}"}]`
	if bulk != want {
		t.Errorf("got %s", bulk)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	people, err := directory.New([]directory.Principal{{Email: "a@x.example", Tokens: []string{"secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, registry.Config{Directory: people})
	tests := []struct {
		name   string
		set    func(*http.Request)
		status int
	}{
		{"none", func(*http.Request) {}, 401},
		{"bearer", func(r *http.Request) { r.Header.Set("Authorization", "Bearer secret") }, 200},
		{"wrong bearer", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401},
		{"basic", func(r *http.Request) { r.SetBasicAuth("a@x.example", "secret") }, 200},
		{"basic of another", func(r *http.Request) { r.SetBasicAuth("b@x.example", "secret") }, 401},
		{"basic, wrong", func(r *http.Request) { r.SetBasicAuth("a@x.example", "x") }, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/subjects", nil)
			if err != nil {
				t.Fatal(err)
			}
			tt.set(in)
			out, err := http.DefaultClient.Do(in)
			if err != nil {
				t.Fatal(err)
			}
			_ = out.Body.Close()
			if out.StatusCode != tt.status {
				t.Errorf("got %d", out.StatusCode)
			}
		})
	}
}

// TestStateSurvives holds that a registry made of the journal answers as the
// one before, and goes on counting where that one ended.
func TestStateSurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var before string
	for round := range 3 {
		j, records, err := journal.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		url := serve(t, registry.Config{Journal: j, Records: records})
		if _, got := call(t, http.MethodGet, url+"/schemas?deleted=true", ""); round > 0 && got != before {
			t.Errorf("round %d: was %s, is %s", round, before, got)
		}
		call(t, http.MethodPost, fmt.Sprintf("%s/subjects/s/versions", url), fmt.Sprintf(`{"schema":"{\"type\":\"fixed\",\"size\":%d,\"name\":\"F\"}"}`, round))
		call(t, http.MethodPut, url+"/config/s", `{"compatibility":"NONE"}`)
		call(t, http.MethodDelete, fmt.Sprintf("%s/subjects/s/versions/%d", url, round), "")
		_, before = call(t, http.MethodGet, url+"/schemas?deleted=true", "")
		if _, level := call(t, http.MethodGet, url+"/config/s", ""); !strings.Contains(level, "NONE") {
			t.Error(level)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(before, `"subject":"s"`) != 3 || strings.Count(before, `"deleted":true`) != 2 {
		t.Errorf("after three rounds: %s", before)
	}
}
