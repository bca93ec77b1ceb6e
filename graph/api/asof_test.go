package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/graphtest"
)

// ofThePresent are the queries that have no answer as of the past.
func ofThePresent() []string {
	return []string{"activity", "audiences", "audit", "auditSigning", "auditVerification", "plan", "plans", "runs", "sources", "tokens", "undoPreview", "vocabulary"}
}

// Law: each query of the schema answers as of the past, at the revision asked
// for, or is refused by name; none answers with the present.
func TestEveryQueryAnswersAsOfThePastOrIsRefused(t *testing.T) {
	t.Parallel()
	const column = "bigquery/shop.sales.customers#email"
	arguments := map[string]string{
		"asset": `(ref: "bigquery/shop.sales.customers")`, "lineage": `(ref: "bigquery/shop.sales.customers", direction: UP)`,
		"search": `(query: "")`, "explain": `(column: "` + column + `")`, "whoCouldSee": `(column: "` + column + `")`, "plan": `(id: "1")`,
		"undoPreview": `(run: 4)`, "runs": `(source: "warehouse")`,
	}
	for _, field := range schema(t).Query.Fields {
		if strings.HasPrefix(field.Name, "__") {
			continue
		}
		t.Run(field.Name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			selection := ""
			if def := schema(t).Types[field.Type.Name()]; def.Kind == ast.Object {
				selection = " { __typename }"
			}
			document := `query @asOf(revision: 4) { ` + field.Name + arguments[field.Name] + selection + ` }`
			answer := ask(t, api.New(f.config(graphtest.Uma())), document, nil)
			refused := strings.Contains(answer, field.Name+" tells of the present alone") && strings.Contains(answer, `"INVALID"`)
			if want := slices.Contains(ofThePresent(), field.Name); refused != want {
				t.Errorf("refused is %v, want %v:\n%s", refused, want, answer)
			}
			if want := map[graph.AsOf]int{{Revision: 4, Past: true}: 1}; !refused && (len(f.asked) != 1 || f.asked[graph.AsOf{Revision: 4, Past: true}] == 0) {
				t.Errorf("asked at %v, want only %v", f.asked, want)
			}
		})
	}
}

const many = `query %s {
  me { head } standing { revision } inbox { total } search(query: "") { revision edges { node { views { ref } mayTag history(first: 1) { complete } columns { whatISee { effect } } } } }
  asset(ref: "bigquery/shop.sales.customers") { columns { path } } explain(column: "bigquery/shop.sales.customers#email") { effect }
  lineage(ref: "bigquery/shop.sales.customers", direction: UP) { complete }
}`

// Law: all fields of a query are answered at one revision, with the directive
// or without.
func TestAQueryIsAnsweredAtOneRevision(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, directive string
		want            graph.AsOf
	}{
		{name: "now", want: graph.AsOf{Revision: fakeHead}},
		{name: "as of a revision", directive: `@asOf(revision: 5)`, want: graph.AsOf{Revision: 5, Past: true}},
		{name: "as of the newest", directive: `@asOf(revision: 7)`, want: graph.AsOf{Revision: 7, Past: true}},
		{name: "as of a time", directive: `@asOf(time: "2026-02-28T13:00:00Z")`, want: graph.AsOf{Revision: 4, Past: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			answer := ask(t, api.New(f.config(graphtest.Olu())), strings.Replace(many, "%s", tt.directive, 1), nil)
			if strings.Contains(answer, "errors") || !strings.Contains(answer, `"head": 7`) {
				t.Errorf("answered:\n%s", answer)
			}
			if at := slices.Collect(maps.Keys(f.asked)); len(at) != 1 || at[0] != tt.want || f.asked[tt.want] < 7 {
				t.Errorf("asked at %v, want all at %v", f.asked, tt.want)
			}
		})
	}
}

func TestAsOfRefusesWhatIsNoMoment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, directive, code, text string }{
		{"neither", `@asOf`, "INVALID", "want a revision or a time"},
		{"both", `@asOf(revision: 4, time: "2026-03-01T00:00:00Z")`, "INVALID", "not both"},
		{"revision 0", `@asOf(revision: 0)`, "INVALID", "count from 1"},
		{"a negative one", `@asOf(revision: -1)`, "INVALID", "whole number"},
		{"one that is not there yet", `@asOf(revision: 8)`, "NOT_FOUND", "not there yet"},
		{"a time before the first", `@asOf(time: "2020-01-01T00:00:00Z")`, "NOT_FOUND", "was removed"},
		{"one that was removed", `@asOf(revision: 2)`, "NOT_FOUND", "was removed"},
		{"a word", `@asOf(time: "yesterday")`, "INVALID", "RFC 3339"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			answer := ask(t, api.New(f.config(graphtest.Ana())), `query `+tt.directive+` { standing { revision } }`, nil)
			if !strings.Contains(answer, tt.code) || !strings.Contains(answer, tt.text) || len(f.asked) > 0 {
				t.Errorf("answered:\n%s", answer)
			}
		})
	}
}

func TestTheMomentMayBeAVariable(t *testing.T) {
	t.Parallel()
	h := api.New(newFake().config(graphtest.Ana()))
	answer := ask(t, h, `query($at: Revision!) @asOf(revision: $at) { standing { revision newest } }`, map[string]any{"at": 6})
	if !strings.Contains(answer, `"revision": 6`) || !strings.Contains(answer, `"newest": false`) {
		t.Errorf("answered:\n%s", answer)
	}
}

// A mutation reads what it wrote: it has no moment, and none can be given.
func TestAMutationHasNoMoment(t *testing.T) {
	t.Parallel()
	f := newFake()
	h := api.New(f.config(graphtest.Olu()))
	if answer := ask(t, h, `mutation @asOf(revision: 4) { crawl(source: "warehouse") { name } }`, nil); !strings.Contains(answer, "errors") || strings.Contains(answer, "warehouse") {
		t.Errorf("a mutation as of the past is answered:\n%s", answer)
	}
	if answer := ask(t, h, `query @asOf(revision: 4) @asOf(revision: 5) { standing { revision } }`, nil); !strings.Contains(answer, "errors") {
		t.Errorf("two moments are answered:\n%s", answer)
	}
}

// Where the newest revision cannot be read, nothing is answered.
func TestAQueryThatCannotBePinnedIsNotAnswered(t *testing.T) {
	t.Parallel()
	f := newFake()
	c := f.config(graphtest.Ana())
	c.Catalog = unpinned{f}
	answer := ask(t, api.New(c), `{ me { id } }`, nil)
	var got struct {
		Data   any
		Errors []struct{ Extensions map[string]string }
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("INTERNAL", got.Errors[0].Extensions["code"]); diff != "" || got.Data != nil || len(f.asked) > 0 {
		t.Errorf("answered:\n%s", answer)
	}
	if answer := ask(t, api.New(c), `query @asOf(revision: 3) { me { id } }`, nil); !strings.Contains(answer, "INTERNAL") || strings.Contains(answer, "example.org") {
		t.Errorf("as of the past answered:\n%s", answer)
	}
}

// unpinned is a catalog of which the revisions cannot be read.
type unpinned struct{ *fake }

func (unpinned) AsOf(context.Context, graph.Moment) (graph.AsOf, error) {
	return graph.AsOf{}, errors.New("the disk is gone")
}
