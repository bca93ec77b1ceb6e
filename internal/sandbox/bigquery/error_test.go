package bigquery_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/internal/sandbox/bigquery"
)

// apiCall is one call of the API with what it needs to be asked for.
type apiCall struct{ method, verb, path, body string }

// apiCalls are all calls, each about dataset d and table t of project p, or of
// another dataset.
func apiCalls(dataset, table string) []apiCall {
	d := "projects/p/datasets/" + dataset
	t := d + "/tables/" + table
	return []apiCall{
		{"projects.list", http.MethodGet, "projects", ""},
		{"datasets.list", http.MethodGet, "projects/p/datasets", ""},
		{"datasets.insert", http.MethodPost, "projects/p/datasets", `{}`},
		{"datasets.get", http.MethodGet, d, ""},
		{"datasets.patch", http.MethodPatch, d, `{}`},
		{"datasets.update", http.MethodPut, d, `{}`},
		{"datasets.delete", http.MethodDelete, d, ""},
		{"tables.list", http.MethodGet, d + "/tables", ""},
		{"tables.insert", http.MethodPost, d + "/tables", `{}`},
		{"tables.get", http.MethodGet, t, ""},
		{"tables.patch", http.MethodPatch, t, `{}`},
		{"tables.update", http.MethodPut, t, `{}`},
		{"tables.delete", http.MethodDelete, t, ""},
		{"tabledata.list", http.MethodGet, t + "/data", ""},
		{"tabledata.insertAll", http.MethodPost, t + "/insertAll", `{}`},
		{"jobs.list", http.MethodGet, "projects/p/jobs", ""},
		{"jobs.insert", http.MethodPost, "projects/p/jobs", `{}`},
		{"jobs.get", http.MethodGet, "projects/p/jobs/x", ""},
		{"jobs.cancel", http.MethodPost, "projects/p/jobs/x/cancel", ""},
		{"jobs.query", http.MethodPost, "projects/p/queries", `{}`},
		{"jobs.getQueryResults", http.MethodGet, "projects/p/queries/x", ""},
	}
}

// said is an error as it stands in an answer.
type said struct {
	Error struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Status  string `json:"status"`
		Errors  []struct {
			Message  string `json:"message"`
			Domain   string `json:"domain"`
			Reason   string `json:"reason"`
			Location string `json:"location"`
		} `json:"errors"`
	} `json:"error"`
}

// words are the names that go with each status that is answered.
func words() map[int]string {
	return map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ALREADY_EXISTS",
		412: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
	}
}

// readError reads an error and holds it to the form that all have: said twice,
// with the same words and the same status.
func readError(t *testing.T, name string, code int, body string) said {
	t.Helper()
	var e said
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("%s: %d %s: %v", name, code, body, err)
	}
	if len(e.Error.Errors) != 1 {
		t.Fatalf("%s: %d reasons in %s", name, len(e.Error.Errors), body)
	}
	one := e.Error.Errors[0]
	if e.Error.Code != code || e.Error.Status != words()[code] || one.Domain != "global" || one.Reason == "" ||
		e.Error.Message == "" || one.Message != e.Error.Message {
		t.Errorf("%s: answered with %d: %s", name, code, body)
	}
	return e
}

// TestErrorsHaveOneForm makes each call fail in every way that it can be made
// to without a query, and reads what it says.
func TestErrorsHaveOneForm(t *testing.T) {
	t.Parallel()
	w := plain(t)
	for _, c := range apiCalls("d", "t") {
		for _, who := range []string{"nobody's token", stranger} {
			code, body, header := w.send(who, c.verb, c.path, c.body)
			name := c.method + " as " + who
			if code < 400 {
				if who != stranger || c.verb != http.MethodGet {
					t.Errorf("%s: %d %s", name, code, body)
				}
				continue
			}
			readError(t, name, code, body)
			if got := header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
				t.Errorf("%s is answered as %s", name, got)
			}
		}
	}
	for _, c := range apiCalls("d", "t") {
		if c.body == "" {
			continue
		}
		for _, body := range []string{"", "{", "[]", `"x"`, `{"rows":1,"query":1,"configuration":1,"datasetReference":1,"tableReference":1,"labels":1}`} {
			code, answer, _ := w.send(admin, c.verb, c.path, body)
			if code != http.StatusBadRequest {
				t.Errorf("%s of %q: %d %s, want a refusal", c.method, body, code, answer)
				continue
			}
			readError(t, c.method+" of "+body, code, answer)
		}
	}
}

// TestAbsentIsSaidToThoseWhoMayKnow asks the admin's questions about what is
// not there: each says so, and names it.
func TestAbsentIsSaidToThoseWhoMayKnow(t *testing.T) {
	t.Parallel()
	w := plain(t)
	for _, absent := range []struct{ dataset, table, name string }{{"q", "t", "p:q"}, {"d", "q", "p:d.q"}} {
		for _, c := range apiCalls(absent.dataset, absent.table) {
			of, _, _ := strings.Cut(c.method, ".")
			about := of == "tables" || of == "tabledata" || of == "datasets"
			listed := c.method == "tables.list" || c.method == "tables.insert"
			if !about || c.path == "projects/p/datasets" || absent.dataset == "d" && (of == "datasets" || listed) {
				continue
			}
			body := c.body
			if c.method == "tables.insert" {
				body = `{"tableReference":{"tableId":"t"}}`
			}
			code, answer, _ := w.send(admin, c.verb, c.path, body)
			if code != http.StatusNotFound {
				t.Errorf("%s about %s: %d %s", c.method, absent.name, code, answer)
				continue
			}
			if e := readError(t, c.method, code, answer); e.Error.Errors[0].Reason != "notFound" || !strings.Contains(e.Error.Message, absent.name) {
				t.Errorf("%s about %s says %s", c.method, absent.name, answer)
			}
		}
	}
}

// TestFaultsStrikeWhatTheyAreMeantFor sets a fault for each call in turn and
// makes all calls: that one is struck, with the status asked for, and no other
// answers anything else than without the fault.
func TestFaultsStrikeWhatTheyAreMeantFor(t *testing.T) {
	t.Parallel()
	w := plain(t)
	statuses := slices.Sorted(maps.Keys(words()))
	safe := func(c apiCall) bool { return c.verb == http.MethodGet }
	usual := map[string]int{}
	for _, c := range apiCalls("d", "t") {
		if safe(c) {
			usual[c.method], _, _ = w.send(admin, c.verb, c.path, c.body)
		}
	}
	for i, meant := range apiCalls("d", "t") {
		status := statuses[i%len(statuses)]
		w.warehouse.Fault(bigquery.Fault{Method: "bigquery." + meant.method, Status: status, Message: "made up"})
		for _, c := range apiCalls("d", "t") {
			if !safe(c) && c.method != meant.method {
				continue // it would change what the next are asked about
			}
			code, body, _ := w.send(admin, c.verb, c.path, c.body)
			if c.method != meant.method {
				if code != usual[c.method] {
					t.Errorf("a fault of %s: %s answers %d, and %d without it", meant.method, c.method, code, usual[c.method])
				}
				continue
			}
			if code != status {
				t.Errorf("%s: %d %s, want %d", c.method, code, body, status)
				continue
			}
			if e := readError(t, c.method, code, body); e.Error.Message != "made up" {
				t.Errorf("%s says %q", c.method, e.Error.Message)
			}
		}
		w.warehouse.ClearFaults()
	}
}

// TestWhatAFaultIsMeantFor holds each field of a fault against the law: a fault
// strikes a call if all that it names is what the call is about.
func TestWhatAFaultIsMeantFor(t *testing.T) {
	t.Parallel()
	w := plain(t)
	w.dataset("e")
	calls := []struct{ method, dataset, table, path string }{
		{"bigquery.datasets.list", "", "", "projects/p/datasets"},
		{"bigquery.datasets.get", "d", "", "projects/p/datasets/d"},
		{"bigquery.datasets.get", "e", "", "projects/p/datasets/e"},
		{"bigquery.tables.list", "d", "", "projects/p/datasets/d/tables"},
		{"bigquery.tables.get", "d", "t", "projects/p/datasets/d/tables/t"},
		{"bigquery.tabledata.list", "d", "t", "projects/p/datasets/d/tables/t/data"},
	}
	for _, method := range []string{"", "bigquery.datasets.get", "bigquery.tables.get", "bigquery.none"} {
		for _, dataset := range []string{"", "d", "e"} {
			for _, table := range []string{"", "t", "u"} {
				for _, in := range []string{"", "p", "q"} {
					fault := bigquery.Fault{Method: method, Project: in, Dataset: dataset, Table: table, Status: 418}
					w.warehouse.Fault(fault)
					for _, c := range calls {
						meant := (method == "" || method == c.method) && (in == "" || in == "p") &&
							(dataset == "" || dataset == c.dataset) && (table == "" || table == c.table)
						if code, _, _ := w.send(admin, http.MethodGet, c.path, ""); (code == 418) != meant {
							t.Errorf("%+v at %s: %d", fault, c.path, code)
						}
					}
					w.warehouse.ClearFaults()
				}
			}
		}
	}
}

// TestFaultsSayWhatIsUsual gives no reason and no words: those that go with the
// status are said.
func TestFaultsSayWhatIsUsual(t *testing.T) {
	t.Parallel()
	w := plain(t)
	reasons := map[int]string{}
	for status := range words() {
		w.warehouse.Fault(bigquery.Fault{Status: status, Times: 1})
		code, body, _ := w.send(admin, http.MethodGet, "projects/p/datasets/d", "")
		reasons[code] = readError(t, fmt.Sprint(status), code, body).Error.Errors[0].Reason
	}
	want := map[int]string{
		400: "invalid", 401: "invalid", 403: "accessDenied", 404: "notFound", 409: "invalid", 412: "conditionNotMet",
		429: "rateLimitExceeded", 500: "backendError", 503: "backendError",
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	w.warehouse.Fault(bigquery.Fault{DelayMilliseconds: 1, Times: 1})
	if code, body, _ := w.send(admin, http.MethodGet, "projects/p/datasets/d", ""); code != http.StatusOK {
		t.Errorf("a fault that only delays: %d %s", code, body)
	}
}
