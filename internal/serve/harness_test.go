package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/company"
	"cadastre.dev/cadastre/internal/sandbox/directory"
)

// house is the demo company with an app in a folder of its own, as most tests
// need it.
type house struct {
	t    *testing.T
	demo *demo
	log  *lines
}

// workerPath is the program that analyzes and runs SQL: by name, or where the
// build leaves it.
func workerPath() string {
	if path := os.Getenv("CADASTRE_GOOGLESQL"); path != "" {
		return path
	}
	path, err := filepath.Abs(filepath.Join("..", "..", "bin", googlesql.Program))
	if err != nil {
		return googlesql.Program
	}
	return path
}

// newHouse is a house whose warehouse runs queries; the test is skipped where
// nothing can run them.
func newHouse(t *testing.T) *house {
	t.Helper()
	if _, err := googlesql.Locate(workerPath()); err != nil {
		t.Skipf("runs queries: %v", err)
	}
	return startHouse(t, DemoOptions{DataDir: t.TempDir(), Worker: workerPath()})
}

// newQuietHouse is a house without a worker: nothing is analyzed or published
// in it, and it is there at once.
func newQuietHouse(t *testing.T) *house {
	t.Helper()
	return startHouse(t, DemoOptions{DataDir: t.TempDir(), Worker: filepath.Join(t.TempDir(), "none")})
}

func startHouse(t *testing.T, o DemoOptions) *house {
	t.Helper()
	h := &house{t: t, log: new(lines)}
	o.Listen = "127.0.0.1:0"
	o.Logger = slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if h.demo, err = startDemo(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.demo.stop() })
	return h
}

// crawled is the house after its first crawl.
func (h *house) crawled() *house {
	h.t.Helper()
	if err := h.demo.firstCrawl(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return h
}

func (h *house) app() *App { return h.demo.app }

// reopen closes the app and opens it with another configuration.
func (h *house) reopen(change func(*Config)) {
	h.t.Helper()
	config := h.app().config
	if err := h.app().Close(); err != nil {
		h.t.Fatal(err)
	}
	change(&config)
	var err error
	if h.demo.app, err = Open(h.t.Context(), config, Options{Logger: h.demo.o.Logger}); err != nil {
		h.t.Fatal(err)
	}
}

// serve serves the app on an address of its own and returns it.
func (h *house) serve() string {
	h.t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	h.t.Cleanup(server.Close)
	h.app().config.URL = server.URL
	h.demo.sandbox.AllowRedirect(server.URL + "/auth/callback")
	var err error
	if handler, err = h.app().Handler(); err != nil {
		h.t.Fatal(err)
	}
	return server.URL
}

// signIn signs somebody of the company in over the real API.
func (h *house) signIn(url string, who directory.Principal) *session {
	h.t.Helper()
	s, err := signInToDemo(h.t.Context(), http.DefaultTransport, url, who.Email)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// fault makes calls of the warehouse go wrong.
func (h *house) fault(f bigquery.Fault) { h.demo.sandbox.Fault(f) }

// settled waits until no job is due.
func (h *house) settled() {
	h.t.Helper()
	if err := h.app().Settle(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// tag says something as somebody, and waits until decisions have followed.
func (h *house) tag(who graph.Principal, requests ...graph.TagRequest) {
	h.t.Helper()
	if _, _, err := h.app().Tag(h.t.Context(), who, requests); err != nil {
		h.t.Fatal(err)
	}
	h.settled()
}

// published plans, approves and applies as the owner, and waits for the end.
func (h *house) published() graph.SavedPlan {
	h.t.Helper()
	ctx := h.t.Context()
	plan, err := h.app().Plan(ctx, otto(), nil)
	if err == nil {
		_, err = h.app().Approve(ctx, otto(), plan.ID)
	}
	if err == nil {
		_, err = h.app().Apply(ctx, otto(), plan.ID)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.settled()
	plan, err = h.app().SavedPlan(ctx, otto(), plan.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return plan
}

// head is the newest revision.
func (h *house) head() graph.Revision {
	h.t.Helper()
	head, err := h.app().store.Head(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return head
}

// events are the audit log, newest first, as the auditor sees it.
func (h *house) events(action string) []string {
	h.t.Helper()
	found, _, err := h.app().Events(h.t.Context(), audra(), "", action, "", 100, "")
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, e := range found {
		out = append(out, e.Actor+" "+e.Action+" "+e.Object)
	}
	return out
}

func as(p directory.Principal) graph.Principal {
	return graph.Principal{ID: p.Email, Name: p.Name, Groups: p.Groups}
}

func ana() graph.Principal   { return as(company.Ana()) }
func otto() graph.Principal  { return as(company.Otto()) }
func audra() graph.Principal { return as(company.Audra()) }

// column is a column of the company's warehouse.
func column(table, path string) graph.Ref {
	return graph.BigQueryRef(company.Project, table).Column(path)
}

// mustBe holds an error to its kind.
func mustBe(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want %v", err, kind)
	}
}

// lines is a log that tests read; it may be written from any goroutine.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// browser keeps cookies and follows no redirect.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{
		Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// page is an answer with its body read.
type page struct {
	*http.Response
	body string
}

func (b *browser) do(method, url, body string, header ...string) page {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{answer, string(text)}
}

func (b *browser) get(url string) page { b.t.Helper(); return b.do(http.MethodGet, url, "") }

// ask sends a GraphQL operation and returns the status and the first code.
func (b *browser) ask(base, query string) (status int, code string) {
	b.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		b.t.Fatal(err)
	}
	p := b.do(http.MethodPost, base+"/graphql", string(body), "Content-Type", "application/json")
	var reply struct {
		Errors []struct{ Extensions struct{ Code string } }
	}
	if err := json.Unmarshal([]byte(p.body), &reply); err != nil {
		b.t.Fatalf("%s: %v", p.body, err)
	}
	if len(reply.Errors) > 0 {
		code = reply.Errors[0].Extensions.Code
	}
	return p.StatusCode, code
}

// until polls a condition, for at most ten seconds.
func until(t *testing.T, what string, holds func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}
