package bigquery_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/bigquery"
	"cadastre.dev/cadastre/ingest/ingesttest"
	"cadastre.dev/cadastre/internal/gcp"
	sandbox "cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/directory"
)

// world is a warehouse and what was asked of it.
type world struct {
	t         *testing.T
	warehouse *sandbox.Warehouse
	url       string

	mu    sync.Mutex
	calls []string // "GET 304 datasets/d/tables/t", with the query where it matters
}

const (
	project = "p"
	crawler = "crawler@x.example"
)

func newWorld(t *testing.T, seed sandbox.Seed) *world {
	t.Helper()
	roles := func(names ...string) map[string][]string {
		out := map[string][]string{}
		for _, n := range names {
			out[project] = append(out[project], "roles/bigquery."+n)
			out["q"] = append(out["q"], "roles/bigquery."+n)
		}
		return out
	}
	people, err := directory.New([]directory.Principal{
		{Email: crawler, Roles: roles("metadataViewer", "resourceViewer", "jobUser"), Tokens: []string{crawler}},
		{Email: "poor@x.example", Roles: roles("metadataViewer"), Tokens: []string{"poor@x.example"}},
		{Email: "nobody@x.example", Tokens: []string{"nobody@x.example"}},
		{Email: "admin@x.example", Roles: roles("admin"), Tokens: []string{"admin@x.example"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	warehouse, err := sandbox.New(sandbox.Config{Directory: people})
	if err != nil {
		t.Fatal(err)
	}
	if err := warehouse.Fill(seed); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, warehouse: warehouse}
	server := httptest.NewServer(w)
	w.url = server.URL
	t.Cleanup(func() { server.Close(); _ = warehouse.Close() })
	return w
}

// ServeHTTP notes each call and its status.
func (w *world) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	recorder := &status{ResponseWriter: out, code: http.StatusOK}
	w.warehouse.ServeHTTP(recorder, in)
	_, path, _ := strings.Cut(in.URL.Path, "/projects/")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, in.Method+" "+http.StatusText(recorder.code)+" "+path)
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) { s.code = code; s.ResponseWriter.WriteHeader(code) }

// count returns how many calls since the last count had all the words.
func (w *world) count(words ...string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, call := range w.calls {
		all := true
		for _, word := range words {
			all = all && strings.Contains(call, word)
		}
		if all {
			n++
		}
	}
	return n
}

func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

func (w *world) client(token string) *http.Client {
	w.t.Helper()
	c, err := gcp.Client(w.t.Context(), gcp.Config{Token: token, PerSecond: -1, Backoff: time.Microsecond})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// source crawls the world; change adjusts its configuration.
func (w *world) source(change func(*bigquery.Config)) *bigquery.Source {
	w.t.Helper()
	cfg := bigquery.Config{
		Name: "w", Projects: []string{project}, Endpoint: w.url + "/bigquery/v2/", HTTPClient: w.client(crawler),
		Owners: map[string]string{"otto": "user:otto@x.example"}, Lookback: -1,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := bigquery.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// admin changes the warehouse from outside.
func (w *world) admin() *bq.Service {
	w.t.Helper()
	service, err := bq.NewService(w.t.Context(), endpoint(w.url), withClient(w.client("admin@x.example")))
	if err != nil {
		w.t.Fatal(err)
	}
	return service
}

func (w *world) run(s ingest.Source, c ingest.Catalog) ingest.Report {
	w.t.Helper()
	w.forget()
	report, err := ingest.Run(w.t.Context(), s, c, ingest.RunConfig{Removal: ingest.Removal{Threshold: 1}})
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

func dataset(name string, access ...*bq.DatasetAccess) *bq.Dataset {
	return &bq.Dataset{
		DatasetReference: &bq.DatasetReference{ProjectId: project, DatasetId: name}, Location: "EU",
		Access: access,
	}
}

func table(dataset, name string, fields ...*bq.TableFieldSchema) *bq.Table {
	t := &bq.Table{TableReference: &bq.TableReference{ProjectId: project, DatasetId: dataset, TableId: name}, Type: "TABLE"}
	if len(fields) > 0 {
		t.Schema = &bq.TableSchema{Fields: fields}
	}
	return t
}

func column(name, typ string, fields ...*bq.TableFieldSchema) *bq.TableFieldSchema {
	return &bq.TableFieldSchema{Name: name, Type: typ, Fields: fields}
}

// small is a world of two datasets.
func small() sandbox.Seed {
	return sandbox.Seed{
		Datasets: []*bq.Dataset{dataset("a"), dataset("b")},
		Tables: []*bq.Table{
			table("a", "t1", column("x", "STRING")), table("a", "t2", column("y", "INTEGER")), table("a", "bare"),
			table("b", "u", column("z", "STRING")),
		},
	}
}

// assetsOf returns the names of the assets of a snapshot, sorted.
func assetsOf(c *ingesttest.Catalog) []string {
	var out []string
	for _, a := range ingesttest.Of[graph.Asset](c.All()) {
		out = append(out, a.Ref.Name)
	}
	return out
}
