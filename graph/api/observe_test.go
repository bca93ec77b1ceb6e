package api_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/graphtest"
)

type markKey struct{}

// marked is a catalog that notes whether it was asked in the context that the
// observer returned.
type marked struct {
	*fake
	seen *bool
}

func (m marked) Reader(ctx context.Context, who graph.Principal) (api.Reader, error) {
	*m.seen = ctx.Value(markKey{}) == true
	return m.fake.Reader(ctx, who)
}

// Law: what is observed of an operation is its kind, a field of the schema and
// the kind of its error: nothing that the client chose.
func TestAnOperationIsObservedWithoutItsTexts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, document, work string
		fail, kind           error
	}{
		{"a query", `query Secret { secret: search(query: "secret") { total } }`, "query search", nil, nil},
		{"one field twice", `{ a: activity { kind } b: activity { kind } }`, "query activity", nil, nil},
		{"several", `{ activity { kind } sources { name } }`, "query several", nil, nil},
		{"a fragment", `query { ...F } fragment F on Query { activity { kind } }`, "query several", nil, nil},
		{"denied", `mutation Secret { crawl(source: "warehouse") { name } }`, "mutation crawl", nil, graph.ErrDenied},
		{"unavailable", `{ activity { kind } }`, "query activity", graph.ErrUnavailable, graph.ErrUnavailable},
		{"an internal error", `{ activity { kind } }`, "query activity", errors.New("secret"), errors.New("internal error")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f, inside := newFake(), false
			f.err = test.fail
			c := f.config(graphtest.Ana())
			c.Catalog = marked{f, &inside}
			var works []string
			var ends []error
			c.Observe = func(ctx context.Context, work string) (context.Context, func(error)) {
				works = append(works, work)
				return context.WithValue(ctx, markKey{}, true), func(err error) { ends = append(ends, err) }
			}
			ask(t, api.New(c), test.document, nil)
			if !slices.Equal(works, []string{test.work}) || len(ends) != 1 {
				t.Fatalf("observed %q, ended %v, want %q once", works, ends, test.work)
			}
			if strings.Contains(works[0], "ecret") || (test.kind == nil) != (ends[0] == nil) || (test.kind != nil && ends[0].Error() != test.kind.Error()) {
				t.Errorf("it ended with %v, want %v", ends[0], test.kind)
			}
			if test.name == "a query" && !inside {
				t.Error("the work is done outside of what observes it")
			}
		})
	}
}

// What is no operation of the schema is not observed as one.
func TestWhatIsRefusedIsNoWork(t *testing.T) {
	t.Parallel()
	c := newFake().config(graphtest.Ana())
	c.Observe = func(ctx context.Context, work string) (context.Context, func(error)) {
		t.Errorf("observed %q", work)
		return ctx, func(error) {}
	}
	for _, document := range []string{`{ nothing }`, `{`, `{ __schema { types { name } } }`} {
		ask(t, api.New(c), document, nil)
	}
}
