package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/graphtest"
)

// failure is the first error of an answer.
type failure struct {
	Message    string
	Extensions struct{ Code, Request string }
}

func failureOf(t *testing.T, answer string) failure {
	t.Helper()
	var a struct{ Errors []failure }
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		t.Fatal(err)
	}
	if len(a.Errors) == 0 {
		t.Fatalf("no error in %s", answer)
	}
	return a.Errors[0]
}

// outage is an error whose cause is not for everybody.
type outage struct{}

func (outage) Error() string  { return "dial db.internal:5432 as cadastre" }
func (outage) Advice() string { return "the database does not answer; ask again in a moment" }
func (outage) Unwrap() error  { return graph.ErrUnavailable }

func TestErrorsHaveCodes(t *testing.T) {
	t.Parallel()
	const detail = "open /var/lib/secret.db: disk I/O error"
	for _, tt := range []struct {
		name string
		err  error
		code string
		// tells says whether the text of the error is shown.
		tells bool
	}{
		{"not found", graph.ErrNotFound, "NOT_FOUND", false},
		{"invalid", graph.ErrInvalid, "INVALID", true},
		{"denied", graph.ErrDenied, "DENIED", true},
		{"stale", graph.ErrStale, "STALE", true},
		{"conflict", graph.ErrConflict, "CONFLICT", true},
		{"unavailable", graph.ErrUnavailable, "UNAVAILABLE", true},
		{"an outage, of which the advice is told", outage{}, "UNAVAILABLE", false},
		{"of no kind", errors.New("of no kind"), "INTERNAL", false},
		{"a lapsed context", context.Canceled, "INTERNAL", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.err = fmt.Errorf("%s: %w", detail, tt.err)
			got := failureOf(t, ask(t, api.New(f.config(graphtest.Olu())), `{ activity { kind } }`, nil))
			if got.Extensions.Code != tt.code {
				t.Errorf("code %q, want %q", got.Extensions.Code, tt.code)
			}
			if strings.Contains(got.Message, detail) != tt.tells {
				t.Errorf("message %q tells the detail: want %v", got.Message, tt.tells)
			}
			if errors.Is(tt.err, outage{}) && got.Message != (outage{}).Advice() {
				t.Errorf("message %q, want the advice alone", got.Message)
			}
		})
	}
}

// Every query and mutation hands on what its interface answers.
func TestEveryResolverHandsOnErrors(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		`{ me { id } }`, `{ asset(ref: "a/b") { ref } }`, `{ search(query: "") { total } }`,
		`{ lineage(ref: "a/b", direction: UP) { root } }`, `{ explain(column: "a/b#c") { effect } }`,
		`{ whoCouldSee(column: "bigquery/shop.sales.customers#email") { revision } }`, `{ inbox { total } }`, `{ plans { pageInfo { hasNextPage } } }`,
		`{ plan(id: "x") { id } }`, `{ audit { pageInfo { hasNextPage } } }`, `{ auditVerification { ok } }`, `{ auditSigning { key } }`,
		`{ sources { name } }`, `{ activity { kind } }`, `mutation { approve(id: "x") { id } }`,
		`mutation { apply(id: "x") { id } }`, `mutation { undo(id: "x") { id } }`,
	} {
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.err = graph.ErrStale
			if got := failureOf(t, ask(t, api.New(f.config(graphtest.Uma())), document, nil)); got.Extensions.Code != "STALE" {
				t.Errorf("%+v", got)
			}
		})
	}
	for _, document := range []string{
		`mutation { tag(input: []) { revision } }`, `mutation { plan { id } }`, `mutation { crawl(source: "warehouse") { name } }`,
		`mutation { breakGlass(reason: "x") { id } }`, `mutation { endBreakGlass { id } }`,
	} {
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.err = graph.ErrStale
			if got := failureOf(t, ask(t, api.New(f.config(graphtest.Olu())), document, nil)); got.Extensions.Code != "STALE" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// lateReader fails in what a page loads after its assets.
type lateReader struct{ api.Reader }

func (lateReader) Columns(context.Context, ...graph.Ref) (map[graph.Ref][]graph.Column, error) {
	return nil, graph.ErrUnavailable
}

func (lateReader) Tags(context.Context, ...graph.Ref) (map[graph.Ref][]graph.Tag, error) {
	return nil, graph.ErrUnavailable
}

func (lateReader) Statements(context.Context, ...graph.Ref) (map[graph.Ref][]graph.Statement, error) {
	return nil, graph.ErrUnavailable
}

type lateCatalog struct{ *fake }

func (c lateCatalog) Reader(ctx context.Context, who graph.Principal) (api.Reader, error) {
	r, err := c.fake.Reader(ctx, who)
	return lateReader{r}, err
}

// What fails within a page is an error with the path to it, not an empty list.
func TestWhatAPageCannotLoadIsAnError(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"columns { path }", "tags { label }", "statement { id }"} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c := f.config(graphtest.Olu())
			c.Catalog = lateCatalog{f}
			answer := ask(t, api.New(c), `{ asset(ref: "bigquery/shop.sales.customers") { ref `+field+` } }`, nil)
			if got := failureOf(t, answer); got.Extensions.Code != "UNAVAILABLE" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// panicking is an operator with a fault.
type panicking struct{ *fake }

func (panicking) Activity(context.Context, graph.Principal) ([]shape.Activity, error) {
	panic("secret " + graphtest.Pat().ID)
}

// Law: an internal error, and a panic, show the request's id alone; the detail
// goes to the log under that id.
func TestInternalErrorsStayInside(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*fake, *api.Config)
	}{
		{"an error", func(f *fake, _ *api.Config) { f.err = errors.New("secret " + graphtest.Pat().ID) }},
		{"a panic", func(f *fake, c *api.Config) { c.Operator = panicking{f} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c := f.config(graphtest.Ana())
			var log bytes.Buffer
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			tt.change(f, &c)
			answer := ask(t, api.New(c), `{ activity { kind } }`, nil)
			got := failureOf(t, answer)
			if strings.Contains(answer, "secret") || got.Extensions.Code != "INTERNAL" || got.Extensions.Request != "request-1" {
				t.Errorf("answer %s", answer)
			}
			if !strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), "request=request-1") {
				t.Errorf("the log lacks the detail or the request: %s", log.String())
			}
		})
	}
}

// leaving is an operator that is asked by somebody who leaves meanwhile.
type leaving struct {
	*fake
	leave context.CancelFunc
	err   error
}

func (l leaving) Activity(ctx context.Context, _ graph.Principal) ([]shape.Activity, error) {
	l.leave()
	if l.err != nil {
		return nil, l.err
	}
	return nil, fmt.Errorf("read: %w", ctx.Err())
}

// That somebody left is no error in the log; what went wrong meanwhile is.
func TestWhoLeavesIsNoError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"left", nil, false},
		{"left while the disk failed", errors.New("disk I/O error"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, leave := context.WithCancel(t.Context())
			f := newFake()
			c := f.config(graphtest.Ana())
			c.Operator = leaving{f, leave, tt.err}
			var log bytes.Buffer
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ activity { kind } }"}`))
			r.Header.Set("Content-Type", "application/json")
			api.New(c).ServeHTTP(httptest.NewRecorder(), r)
			if got := strings.Contains(log.String(), "level=ERROR"); got != tt.want {
				t.Errorf("logged as an error: %v, want %v: %s", got, tt.want, log.String())
			}
		})
	}
}

// A time and a number that are none are the asker's faults.
func TestScalarsThatAreNoneAreInvalid(t *testing.T) {
	t.Parallel()
	for _, arguments := range []string{`at: "yesterday"`, `at: "2026-03-03"`, `at: 7`, `revision: -1`, `revision: 3, at: "2026-03-03T00:00:00Z"`} {
		t.Run(arguments, func(t *testing.T) {
			t.Parallel()
			document := `{ whoCouldSee(column: "bigquery/shop.sales.customers#email", ` + arguments + `) { at } }`
			got := failureOf(t, ask(t, api.New(newFake().config(graphtest.Uma())), document, nil))
			if got.Extensions.Code != "INVALID" || !strings.Contains(got.Message, "want") {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Law: who is not signed in is denied everything.
func TestNobodyIsDeniedEverything(t *testing.T) {
	t.Parallel()
	f := newFake()
	h := api.New(f.config(graph.Principal{}))
	asked := 0
	for operation, root := range map[string][]string{
		"query": {
			`me { id }`, `standing { revision }`, `asset(ref: "a/b") { ref }`, `search(query: "") { total }`, `lineage(ref: "a/b", direction: UP) { root }`,
			`audiences { name }`, `vocabulary { label }`, `explain(column: "a/b#c") { effect }`, `whoCouldSee(column: "a/b#c") { revision }`,
			`inbox { total }`, `plans { pageInfo { hasNextPage } }`, `plan(id: "x") { id }`, `audit { pageInfo { hasNextPage } }`,
			`auditVerification { ok }`, `auditSigning { key }`, `sources { name }`, `activity { kind }`, `tokens { id }`,
			`runs(source: "warehouse") { revision }`, `undoPreview(run: 1) { run }`,
		},
		"mutation": {
			`tag(input: []) { revision }`, `plan { id }`, `approve(id: "x") { id }`, `apply(id: "x") { id }`, `undo(id: "x") { id }`,
			`crawl(source: "warehouse") { name }`, `undoRun(run: 1) { run }`, `annotate(input: []) { revision }`, `own(input: []) { revision }`,
			`createToken(name: "a", sources: ["b"], days: 1) { secret }`, `revokeToken(id: "x") { id }`,
			`breakGlass(reason: "x") { id }`, `endBreakGlass { id }`,
		},
	} {
		for _, field := range root {
			asked++
			if got := failureOf(t, ask(t, h, operation+" { "+field+" }", nil)); got.Extensions.Code != "DENIED" {
				t.Errorf("%s: %+v", field, got)
			}
		}
	}
	s := schema(t)
	if all := len(s.Query.Fields) - 2 + len(s.Mutation.Fields); asked != all {
		t.Errorf("%d fields were asked for, the schema has %d", asked, all)
	}
	if calls := f.counted(); len(calls) != 0 {
		t.Errorf("calls were made for nobody: %v", calls)
	}
}
