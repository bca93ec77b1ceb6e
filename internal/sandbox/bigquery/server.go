package bigquery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/internal/sandbox/journal"
)

// Config says what a warehouse serves. Directory is required, the rest has
// defaults.
type Config struct {
	// Directory says whom a token names.
	Directory *directory.Directory
	// Roles are custom roles: name → permissions. Defaults to none.
	Roles map[string][]string
	// Journal keeps the state. Defaults to nil: memory only.
	Journal *journal.Journal
	// Records are what the journal held when it was opened.
	Records []journal.Record
	// Worker says how to start the program that runs queries; it is started by
	// the first query. Without one queries answer that there is none.
	Worker googlesql.Config
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Logger receives one line a call, and never a value of a row. Defaults to
	// discarding it.
	Logger *slog.Logger
}

// Warehouse is the service. It is safe for concurrent use.
type Warehouse struct {
	store     *store
	directory *directory.Directory
	roles     roleBook
	checks    []check
	faults    *faults
	engine    *engine
	now       func() time.Time
	log       *slog.Logger
	mux       *http.ServeMux
}

// New returns a warehouse with the state of the records. It is empty if there
// are none.
func New(cfg Config) (*Warehouse, error) {
	if cfg.Directory == nil {
		return nil, errors.New("sandbox warehouse: no directory")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Warehouse{
		store:     newStore(cfg.Journal, cfg.Now),
		directory: cfg.Directory,
		roles:     newRoleBook(cfg.Roles),
		checks:    accessChecks(),
		faults:    &faults{},
		engine:    newEngine(cfg.Worker),
		now:       cfg.Now,
		log:       cfg.Logger,
	}
	for _, r := range cfg.Records {
		if err := w.store.replay(r); err != nil {
			return nil, fmt.Errorf("sandbox warehouse: %w", err)
		}
	}
	w.mux = w.routes()
	return w, nil
}

// Close ends the worker, if one was started.
func (w *Warehouse) Close() error { return w.engine.close() }

// ServeHTTP answers below /bigquery/v2/.
func (w *Warehouse) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	w.mux.ServeHTTP(out, in)
}

// call is one call of the API by a known caller.
type call struct {
	*http.Request
	who                     directory.Principal
	project, dataset, table string
	job                     string
}

// handler answers a call with a JSON value, or with nil for no content.
type handler func(*call) (any, error)

func (w *Warehouse) routes() *http.ServeMux {
	const base = "/bigquery/v2/projects"
	mux := http.NewServeMux()
	route := func(pattern, method string, h handler) {
		verb, path, _ := strings.Cut(pattern, " ")
		mux.Handle(verb+" "+base+path, w.serve(method, h))
	}
	route("GET ", "bigquery.projects.list", w.listProjects)
	route("GET /{project}/datasets", "bigquery.datasets.list", w.listDatasets)
	route("POST /{project}/datasets", "bigquery.datasets.insert", w.insertDataset)
	route("GET /{project}/datasets/{dataset}", "bigquery.datasets.get", w.getDataset)
	route("PATCH /{project}/datasets/{dataset}", "bigquery.datasets.patch", w.patchDataset)
	route("PUT /{project}/datasets/{dataset}", "bigquery.datasets.update", w.updateDataset)
	route("DELETE /{project}/datasets/{dataset}", "bigquery.datasets.delete", w.deleteDataset)
	route("GET /{project}/datasets/{dataset}/tables", "bigquery.tables.list", w.listTables)
	route("POST /{project}/datasets/{dataset}/tables", "bigquery.tables.insert", w.insertTable)
	route("GET /{project}/datasets/{dataset}/tables/{table}", "bigquery.tables.get", w.getTable)
	route("PATCH /{project}/datasets/{dataset}/tables/{table}", "bigquery.tables.patch", w.patchTable)
	route("PUT /{project}/datasets/{dataset}/tables/{table}", "bigquery.tables.update", w.updateTable)
	route("DELETE /{project}/datasets/{dataset}/tables/{table}", "bigquery.tables.delete", w.deleteTable)
	route("GET /{project}/datasets/{dataset}/tables/{table}/data", "bigquery.tabledata.list", w.listRows)
	route("POST /{project}/datasets/{dataset}/tables/{table}/insertAll", "bigquery.tabledata.insertAll", w.insertRows)
	route("GET /{project}/jobs", "bigquery.jobs.list", w.listJobs)
	route("POST /{project}/jobs", "bigquery.jobs.insert", w.insertJob)
	route("GET /{project}/jobs/{job}", "bigquery.jobs.get", w.getJob)
	route("POST /{project}/jobs/{job}/cancel", "bigquery.jobs.cancel", w.cancelJob)
	route("POST /{project}/queries", "bigquery.jobs.query", w.query)
	route("GET /{project}/queries/{job}", "bigquery.jobs.getQueryResults", w.queryResults)
	mux.HandleFunc("/", func(out http.ResponseWriter, in *http.Request) {
		writeError(out, &apiError{
			status: http.StatusNotFound, reason: "notFound",
			message: "The sandbox does not serve " + in.Method + " " + in.URL.Path,
		})
	})
	return mux
}

// serve wraps a handler with what all calls have: who is asking, faults made
// on purpose, conditional reads, and the form of answers and errors.
func (w *Warehouse) serve(method string, h handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		began := w.now()
		answer, err := w.answer(method, h, in)
		if err == nil {
			w.write(out, in, answer)
		} else {
			writeError(out, asAPIError(err))
		}
		w.log.LogAttrs(in.Context(), slog.LevelDebug, "sandbox call", slog.String("request", method),
			slog.Duration("dur", w.now().Sub(began)), slog.Bool("failed", err != nil))
	})
}

func (w *Warehouse) answer(method string, h handler, in *http.Request) (any, error) {
	c := &call{
		Request: in, project: in.PathValue("project"), dataset: in.PathValue("dataset"),
		table: in.PathValue("table"), job: in.PathValue("job"),
	}
	who, err := w.authenticate(in)
	if err != nil {
		return nil, err
	}
	c.who = who
	if err := w.faults.strike(in.Context(), method, c); err != nil {
		return nil, err
	}
	return h(c)
}

// authenticate reads the bearer token. Whoever it does not name is told only
// that the credentials are no good.
func (w *Warehouse) authenticate(in *http.Request) (directory.Principal, error) {
	scheme, token, _ := strings.Cut(in.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		if who, ok := w.directory.Authenticate(strings.TrimSpace(token)); ok {
			return who, nil
		}
	}
	return directory.Principal{}, &apiError{
		status: http.StatusUnauthorized, reason: "authError", location: "Authorization",
		message: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
	}
}

// write answers a value. A read whose etag the client already has is answered
// by 304 without it.
func (w *Warehouse) write(out http.ResponseWriter, in *http.Request, answer any) {
	if answer == nil {
		out.WriteHeader(http.StatusNoContent)
		return
	}
	if tagged, ok := answer.(interface{ etag() string }); ok {
		out.Header().Set("ETag", tagged.etag())
		if in.Method == http.MethodGet && in.Header.Get("If-None-Match") == tagged.etag() {
			out.WriteHeader(http.StatusNotModified)
			return
		}
	}
	writeJSON(out, http.StatusOK, answer)
}

func writeJSON(out http.ResponseWriter, status int, value any) {
	data, err := json.Marshal(value)
	if err != nil { // an impossible state: every answer is made of plain values
		status, data = http.StatusInternalServerError, []byte(`{"error":{"code":500,"message":"answer cannot be written"}}`)
	}
	out.Header().Set("Content-Type", "application/json; charset=UTF-8")
	out.WriteHeader(status)
	_, _ = out.Write(append(data, '\n'))
}

// maxBody bounds what a call may send: more than BigQuery's 10 MB of rows.
const maxBody = 16 << 20

// read decodes the body of a call.
func (c *call) read(into any) error {
	data, err := c.body()
	if err != nil {
		return err
	}
	return decode(data, into)
}

func decode(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return &apiError{status: http.StatusBadRequest, reason: "parseError", message: "Parse Error: " + err.Error()}
	}
	return nil
}

func (c *call) body() ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(nil, c.Body, maxBody))
	if err != nil {
		return nil, &apiError{status: http.StatusRequestEntityTooLarge, reason: "uploadTooLarge", message: "Request too large: " + err.Error()}
	}
	return data, nil
}

// matches says whether the call's condition, if it has one, still holds.
func (c *call) matches(etag string) error {
	if want := c.Header.Get("If-Match"); want != "" && want != "*" && want != etag {
		return conditionNotMet()
	}
	return nil
}

// may asks the access checks on the caller's own behalf. A nil dataset asks
// about the project.
func (w *Warehouse) may(c *call, want permission, project string, d *dataset) bool {
	a := ask{who: c.who, want: want, project: project, roles: w.roles}
	if d != nil {
		a.dataset = d.access
	}
	return allowed(w.checks, a)
}

// Fault adds a fault. It strikes calls from now on, before anything is read or
// written.
func (w *Warehouse) Fault(f Fault) { w.faults.add(f) }

// ClearFaults ends all faults.
func (w *Warehouse) ClearFaults() { w.faults.clear() }

// wait returns early when the caller goes away.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// param is a parameter of the call's address.
func (c *call) param(name string) string { return c.URL.Query().Get(name) }
