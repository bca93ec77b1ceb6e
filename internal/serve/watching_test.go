package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/riverqueue/river"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The numbers are served on an address of their own, to who brings the token,
// and tell of a crawl what it did without naming an asset or a person.
func TestMetricsAreServedApart(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("made-up\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	h.reopen(func(c *Config) { c.Metrics = Metrics{Listen: address, Token: "file:" + token} })
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- h.app().Serve(ctx, func(url string) { ready <- url }) }()
	url := <-ready
	h.crawled()
	otto := h.signIn(url, company.Otto())
	if err := otto.ask(t.Context(), `{ search(query: "customers") { total } }`, nil, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	if got := b.get(url + "/metrics"); strings.Contains(got.body, "cadastre_revision ") {
		t.Error("the public address tells the numbers")
	}
	for _, header := range []string{"", "Bearer wrong", "made-up"} {
		if got := b.do(http.MethodGet, "http://"+address+"/metrics", "", "Authorization", header); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.body, "cadastre_revision ") {
			t.Errorf("with %q it answers %d", header, got.StatusCode)
		}
	}
	if got := b.do(http.MethodGet, "http://"+address+"/graphql", "", "Authorization", "Bearer made-up"); got.StatusCode != http.StatusNotFound {
		t.Errorf("the address of the numbers serves the API: %d", got.StatusCode)
	}
	text := b.do(http.MethodGet, "http://"+address+"/metrics", "", "Authorization", "Bearer made-up").body
	for _, want := range []string{
		`cadastre_revision [1-9]`, `cadastre_store_up 1`, `cadastre_ready 1`, `cadastre_sessions 1`, `cadastre_store_bytes [1-9]`,
		`cadastre_job_seconds_count\{kind="crawl",outcome="done"\} 2`, `cadastre_job_seconds_count\{kind="decide",outcome="done"\} [1-9]`,
		`cadastre_crawl_facts_total\{fact="asset",source="warehouse"\} 16`, `cadastre_crawl_problems\{source="registry"\} 0`,
		`cadastre_crawl_last_success_timestamp_seconds\{source="warehouse"\} 1\.\d+e\+09`,
		`cadastre_work_seconds_count\{area="store",outcome="ok",work="commit"\} [1-9]`, `cadastre_work_seconds_count\{area="store",outcome="ok",work="search"\} [1-9]`,
		`cadastre_work_seconds_count\{area="graphql",outcome="ok",work="query search"\} 1`,
		`cadastre_http_request_seconds_count\{method="POST",route="/graphql",status="200"\} [1-9]`,
		`cadastre_revisions_total [1-9]`, `cadastre_changes_total [1-9]`, `cadastre_audit_events_total [1-9]`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(text) {
			t.Errorf("there is no %s", want)
		}
	}
	for _, secret := range []string{"customers", "lumen.example", "raw.", "@"} {
		if strings.Contains(text, secret) {
			t.Errorf("the numbers name %q", secret)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); err == nil {
		_ = conn.Close()
		t.Error("the numbers are served after the end")
	}
}

// An address that is taken stops the start, and says which.
func TestMetricsThatCannotBeServedStopTheStart(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	h.reopen(func(c *Config) { c.Metrics = Metrics{Listen: taken.Addr().String()} })
	err = h.app().Serve(t.Context(), func(string) { t.Error("it serves") })
	mustBe(t, err, graph.ErrUnavailable)
	if !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("it says %v", err)
	}
	h.reopen(func(c *Config) { c.Metrics = Metrics{Listen: freeAddress(t), Token: "env:CADASTRE_TEST_NOT_SET"} })
	mustBe(t, h.app().Serve(t.Context(), func(string) { t.Error("it serves") }), graph.ErrInvalid)
}

// A request, a search in it, a crawl and its commits reach a collector as
// spans, and no name, no search and no address with them.
func TestTracesReachACollector(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var raw bytes.Buffer
	parents := map[string][]string{} // name → names of parents
	names, spans := map[string]string{}, map[string]string{}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err := errors.Join(err, proto.Unmarshal(body, &sent)); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		raw.Write(body)
		for _, of := range sent.GetResourceSpans() {
			for _, in := range of.GetScopeSpans() {
				for _, s := range in.GetSpans() {
					names[string(s.GetSpanId())], spans[string(s.GetSpanId())] = s.GetName(), string(s.GetParentSpanId())
				}
			}
		}
	}))
	defer receiver.Close()
	h := newQuietHouse(t)
	h.reopen(func(c *Config) { c.Traces = Traces{Endpoint: receiver.URL, Percent: 100} })
	url := h.serve()
	h.crawled()
	otto := h.signIn(url, company.Otto())
	if err := otto.ask(t.Context(), `{ search(query: "customers") { total } }`, nil, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	newBrowser(t).get(url + "/asset/bigquery/lumen-prod.raw.customers?tab=ana")
	if err := h.app().Close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for id, name := range names {
		parents[name] = append(parents[name], names[spans[id]])
	}
	for name, parent := range map[string]string{
		"POST /graphql": "", "graphql query search": "POST /graphql", "store search": "graphql query search",
		"job crawl": "", "store commit": "job crawl", "store snapshot": "job decide", "GET /": "", "GET /auth/": "",
	} {
		if !slices.Contains(parents[name], parent) {
			t.Errorf("there is no span %q below %q: %q", name, parent, parents[name])
		}
	}
	for _, secret := range []string{"customers", "lumen", "otto", "tab=", "SELECT", "127.0.0.1"} {
		if bytes.Contains(raw.Bytes(), []byte(secret)) {
			t.Errorf("%q left the process", secret)
		}
	}
}

func TestWhatBecameOfAJobIsAWord(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err     error
		attempt int
		want    string
	}{
		{nil, 1, "done"},
		{river.JobSnooze(0), 5, "put_off"},
		{river.JobCancel(graph.ErrDenied), 1, "failed"},
		{graph.ErrUnavailable, 4, "retried"},
		{graph.ErrUnavailable, 5, "failed"},
	} {
		if got := outcomeOf(test.err, test.attempt, 5); got != test.want {
			t.Errorf("%v at run %d is %q, want %q", test.err, test.attempt, got, test.want)
		}
	}
}

// What tells too much, or too much in clear, is a fault of the configuration.
func TestWhatIsToldIsGuarded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"loopback", "metrics: {listen: '127.0.0.1:9464'}", ""},
		{"open with a token", "metrics: {listen: '0.0.0.0:9464', token: 'env:T'}", ""},
		{"open", "metrics: {listen: '0.0.0.0:9464'}", "metrics.token must be set"},
		{"open by name", "metrics: {listen: ':9464'}", "metrics.token must be set"},
		{"the public address", "metrics: {listen: '127.0.0.1:8080'}", "choose another port"},
		{"no address", "metrics: {listen: 'nowhere'}", "not host:port"},
		{"a token in clear", "metrics: {token: 'hunter2'}", "plain text"},
		{"a collector here", "traces: {endpoint: 'http://localhost:4318', token: 'env:T'}", ""},
		{"a collector elsewhere", "traces: {endpoint: 'https://otel.example', token: 'env:T', percent: 1}", ""},
		{"a collector elsewhere without a token", "traces: {endpoint: 'http://otel.example:4318'}", ""},
		{"its token in clear over the net", "traces: {endpoint: 'http://otel.example:4318', token: 'env:T'}", "use https://"},
		{"no URL", "traces: {endpoint: 'otel:4318'}", "not a URL"},
		{"too many of a hundred", "traces: {percent: 101}", "not 1 to 100"},
		{"a log of another form", "log_format: xml", "neither text nor json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadConfig(writeConfig(t, test.text), nil)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			mustBe(t, err, graph.ErrInvalid)
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("it says %v", err)
			}
		})
	}
}
