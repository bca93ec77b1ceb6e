package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"cadastre.dev/cadastre/graph"
)

func newWatch(t *testing.T, c Config) *Watch {
	t.Helper()
	w, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// scraped are the numbers as Prometheus reads them.
func scraped(t *testing.T, w *Watch) string {
	t.Helper()
	answer := httptest.NewRecorder()
	w.Metrics().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("%d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(line) + `$`).MatchString(text) {
			name, _, _ := strings.Cut(line, "{")
			t.Errorf("there is no line %s; there are\n%s", line, strings.Join(regexp.MustCompile(`(?m)^`+name+`.*$`).FindAllString(text, 20), "\n"))
		}
	}
}

// served is a program with two routes.
func served(w *Watch) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /asset/{ref...}", func(rw http.ResponseWriter, r *http.Request) {
		_, end := w.Begin(r.Context(), "store", "search")
		end(nil)
		_, end = w.Begin(r.Context(), "store", "commit")
		end(fmt.Errorf("apply people of ana@shop.example: %w", graph.ErrConflict))
		rw.Header().Set("X-Request-Id", "REQ1")
		rw.WriteHeader(http.StatusTeapot)
	})
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	return w.Requests(w.Routes(mux))
}

func ask(t *testing.T, h http.Handler, method, path string, header ...string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	h.ServeHTTP(httptest.NewRecorder(), r)
}

func TestWhatIsDoneIsCounted(t *testing.T) {
	t.Parallel()
	at := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	w := newWatch(t, Config{Version: "v7", Gauges: func(context.Context) (Gauges, error) {
		return Gauges{
			Ready: true, Revision: 42, Events: 99, Sessions: 3, Bytes: 4096, Workers: 2, WorkerRestarts: 5,
			Jobs:   map[KindState]int{{"crawl", "running"}: 1, {"decide", "available"}: 2},
			Failed: map[string]int{"analyze": 1}, CrawledAt: map[string]time.Time{"warehouse": at},
		}, nil
	}})
	h := served(w)
	ask(t, h, "GET", "/asset/bigquery/shop.raw.people")
	ask(t, h, "GET", "/asset/bigquery/shop.raw.others")
	ask(t, h, "BREW", "/nowhere")
	w.Committed(true, 7, 2)
	w.Committed(false, 0, 1)
	w.Crawled("warehouse", Facts{Assets: 3, Columns: 20, Problems: 2})
	w.Crawled("warehouse", Facts{Assets: 3, Columns: 20, Problems: 1})
	_, end := w.Job(t.Context(), "crawl", "warehouse", 1)
	end("retried", graph.ErrUnavailable)
	_, end = w.Job(t.Context(), "crawl", "warehouse", 2)
	end("done", nil)
	text := scraped(t, w)
	wantLines(t, text,
		`cadastre_http_request_seconds_count{method="GET",route="/asset/{ref...}",status="418"} 2`,
		`cadastre_http_request_seconds_count{method="other",route="none",status="404"} 1`,
		`cadastre_work_seconds_count{area="store",outcome="ok",work="search"} 2`,
		`cadastre_work_seconds_count{area="store",outcome="conflict",work="commit"} 2`,
		`cadastre_job_seconds_count{kind="crawl",outcome="retried"} 1`,
		`cadastre_job_seconds_count{kind="crawl",outcome="done"} 1`,
		`cadastre_job_retries_total{kind="crawl"} 1`,
		`cadastre_revisions_total 1`, `cadastre_changes_total 7`, `cadastre_audit_events_total 3`,
		`cadastre_crawl_facts_total{fact="column",source="warehouse"} 40`, `cadastre_crawl_problems{source="warehouse"} 1`,
		`cadastre_store_up 1`, `cadastre_ready 1`, `cadastre_revision 42`, `cadastre_audit_events 99`, `cadastre_sessions 3`,
		`cadastre_store_bytes 4096`, `cadastre_jobs{kind="crawl",state="running"} 1`, `cadastre_jobs{kind="decide",state="available"} 2`,
		`cadastre_jobs_failed{kind="analyze"} 1`, `cadastre_crawl_last_success_timestamp_seconds{source="warehouse"} 1.9354032e+09`,
		`cadastre_googlesql_workers 2`, `cadastre_googlesql_worker_restarts_total 5`, `cadastre_build_info{version="v7"} 1`,
	)
	if !strings.Contains(text, "go_goroutines") || !strings.Contains(text, "process_open_fds") {
		t.Error("the numbers of Go and of the process are missing")
	}
	for _, secret := range []string{"people", "others", "ana@", "BREW", "nowhere"} {
		if strings.Contains(text, secret) {
			t.Errorf("the numbers name %q", secret)
		}
	}
	if problems, err := testutil.GatherAndLint(w.registry); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}

// Whatever people send, the numbers of series stay few.
func TestWhatPeopleSendMakesNoSeries(t *testing.T) {
	t.Parallel()
	w := newWatch(t, Config{})
	h := served(w)
	series := func() int {
		n, err := testutil.GatherAndCount(w.registry, "cadastre_http_request_seconds")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range 200 {
		ask(t, h, "GET", fmt.Sprintf("/asset/%d?q=%d", i, i))
		ask(t, h, fmt.Sprintf("M%d", i), fmt.Sprintf("/%d", i))
	}
	if got := series(); got != 2 {
		t.Errorf("%d series, want 2", got)
	}
}

// A store that does not answer is told of; what is counted as it happens is
// there all the same.
func TestAStoreThatDoesNotAnswerIsTold(t *testing.T) {
	t.Parallel()
	w := newWatch(t, Config{Gauges: func(context.Context) (Gauges, error) { return Gauges{Ready: true}, errors.New("disk") }})
	w.Committed(true, 1, 1)
	text := scraped(t, w)
	wantLines(t, text, `cadastre_store_up 0`, `cadastre_ready 0`, `cadastre_revisions_total 1`)
	if strings.Contains(text, "cadastre_revision ") {
		t.Error("it tells a revision that it does not know")
	}
}

// Two in one process do not meet.
func TestNothingIsGlobal(t *testing.T) {
	t.Parallel()
	one, two := newWatch(t, Config{}), newWatch(t, Config{})
	one.Committed(true, 1, 1)
	wantLines(t, scraped(t, one), `cadastre_revisions_total 1`)
	wantLines(t, scraped(t, two), `cadastre_revisions_total 0`)
}

func TestOutcomesAreKinds(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		nil: "ok", errors.New("x"): "error", graph.ErrNotFound: "not_found", graph.ErrInvalid: "invalid", graph.ErrDenied: "denied",
		graph.ErrStale: "stale", graph.ErrConflict: "conflict", graph.ErrUnavailable: "unavailable", context.Canceled: "canceled",
		context.DeadlineExceeded: "timeout", io.EOF: "error",
	} {
		if got := outcome(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}
