package watch

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"cadastre.dev/cadastre/graph"
)

// receiver takes OTLP over HTTP as a collector does, and decodes it.
type receiver struct {
	url string

	mu     sync.Mutex
	raw    bytes.Buffer
	spans  []*wire.Span
	paths  []string
	tokens []string
	agent  map[string]string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	c := &receiver{agent: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err := errors.Join(err, proto.Unmarshal(body, &sent)); err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw.Write(body)
		c.paths = append(c.paths, r.URL.Path)
		c.tokens = append(c.tokens, r.Header.Get("Authorization"))
		for _, of := range sent.GetResourceSpans() {
			for _, a := range of.GetResource().GetAttributes() {
				c.agent[a.GetKey()] = a.GetValue().GetStringValue()
			}
			for _, s := range of.GetScopeSpans() {
				c.spans = append(c.spans, s.GetSpans()...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		answer, _ := proto.Marshal(&collector.ExportTraceServiceResponse{})
		_, _ = w.Write(answer)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *receiver) named(t *testing.T, name string) *wire.Span {
	t.Helper()
	i := slices.IndexFunc(c.spans, func(s *wire.Span) bool { return s.GetName() == name })
	if i < 0 {
		var names []string
		for _, s := range c.spans {
			names = append(names, s.GetName())
		}
		t.Fatalf("there is no span %q in %q", name, names)
	}
	return c.spans[i]
}

func attributes(s *wire.Span) map[string]string {
	out := map[string]string{}
	for _, a := range s.GetAttributes() {
		out[a.GetKey()] = a.GetValue().GetStringValue()
		if out[a.GetKey()] == "" {
			out[a.GetKey()] = string(rune('0' + a.GetValue().GetIntValue()%10))
		}
	}
	return out
}

// A request and a job reach the collector as spans with what they did below
// them, and nothing of what they were about.
func TestSpansReachACollector(t *testing.T) {
	t.Parallel()
	c := newReceiver(t)
	w := newWatch(t, Config{Version: "v7", Traces: Traces{Endpoint: c.url, Token: "made-up", Percent: 100}})
	ask(t, served(w), "GET", "/asset/bigquery/shop.raw.people?q=ana@shop.example",
		"User-Agent", "curl/secret", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Forwarded-For", "203.0.113.7")
	ask(t, served(w), "GET", "/healthz")
	ctx, end := w.Job(t.Context(), "crawl", "warehouse", 2)
	_, done := w.Begin(ctx, "store", "snapshot")
	done(nil)
	end("retried", errors.Join(errors.New("people of ana@shop.example"), graph.ErrUnavailable))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.spans) != 5 || c.agent["service.name"] != "cadastre" || c.agent["service.version"] != "v7" {
		t.Errorf("%d spans of %v", len(c.spans), c.agent)
	}
	if !slices.Contains(c.paths, "/v1/traces") || !slices.Contains(c.tokens, "Bearer made-up") {
		t.Errorf("sent to %q with %q", c.paths, c.tokens)
	}
	request := c.named(t, "GET /asset/{ref...}")
	if got := attributes(request); got["http.route"] != "/asset/{ref...}" || got["cadastre.request"] != "REQ1" || got["http.request.method"] != "GET" || got["http.response.status_code"] != "8" {
		t.Errorf("the request says %v", got)
	}
	// What a client says of its trace is a link, never a parent.
	if len(request.GetParentSpanId()) > 0 || len(request.GetLinks()) != 1 || hex.EncodeToString(request.GetLinks()[0].GetTraceId()) != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("the request's parent is %x, its links %v", request.GetParentSpanId(), request.GetLinks())
	}
	job := c.named(t, "job crawl")
	if got := attributes(job); got["cadastre.source"] != "warehouse" || got["cadastre.attempt"] != "2" || got["cadastre.outcome"] != "retried" {
		t.Errorf("the job says %v", got)
	}
	for child, parent := range map[string]*wire.Span{"store search": request, "store commit": request, "store snapshot": job} {
		if s := c.named(t, child); !bytes.Equal(s.GetParentSpanId(), parent.GetSpanId()) || !bytes.Equal(s.GetTraceId(), parent.GetTraceId()) {
			t.Errorf("%s is not below %s", child, parent.GetName())
		}
	}
	if s := c.named(t, "store commit").GetStatus(); s.GetCode() != wire.Status_STATUS_CODE_ERROR || s.GetMessage() != "conflict" {
		t.Errorf("the commit's status is %v", s)
	}
	for _, secret := range []string{"people", "ana@", "secret", "203.0.113.7", "curl", "healthz"} {
		if bytes.Contains(c.raw.Bytes(), []byte(secret)) {
			t.Errorf("%q left the process", secret)
		}
	}
}

func TestWithoutACollectorNothingIsTraced(t *testing.T) {
	t.Parallel()
	w := newWatch(t, Config{})
	ctx, end := w.Job(t.Context(), "crawl", "warehouse", 1)
	_, done := w.Begin(ctx, "store", "commit")
	done(nil)
	end("done", nil)
	ask(t, served(w), "GET", "/asset/x")
	wantLines(t, scraped(t, w), `cadastre_work_seconds_count{area="store",outcome="ok",work="commit"} 1`)
}

// A collector that is away costs the spans and nothing else.
func TestACollectorThatIsAwayStopsNothing(t *testing.T) {
	t.Parallel()
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer away.Close()
	var log strings.Builder
	w := newWatch(t, Config{Traces: Traces{Endpoint: away.URL, Percent: 100}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	_, end := w.Job(t.Context(), "crawl", "warehouse", 1)
	end("done", nil)
	if err := w.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	wantLines(t, scraped(t, w), `cadastre_lost_spans_total 1`, `cadastre_job_seconds_count{kind="crawl",outcome="done"} 1`)
	if !strings.Contains(log.String(), "spans lost") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestAnEndpointThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := New(t.Context(), Config{Traces: Traces{Endpoint: "nowhere"}}); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// No percent of requests means none.
func TestNoPercentIsNoTrace(t *testing.T) {
	t.Parallel()
	c := newReceiver(t)
	w := newWatch(t, Config{Traces: Traces{Endpoint: c.url}})
	_, end := w.Job(t.Context(), "crawl", "warehouse", 1)
	end("done", nil)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if len(c.spans) > 0 {
		t.Errorf("%d spans", len(c.spans))
	}
}
