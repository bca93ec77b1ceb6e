package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/graphtest"
)

func TestOnlyPostedJSONIsAnswered(t *testing.T) {
	t.Parallel()
	h := api.New(newFake().config(graphtest.Ana()))
	document := `{"query": "{ me { id } }"}`
	for _, tt := range []struct {
		name, method, contentType, body string
		want                            int
	}{
		{"a posted document", http.MethodPost, "application/json", document, http.StatusOK},
		{"with a charset", http.MethodPost, "application/json; charset=utf-8", document, http.StatusOK},
		{"a GET", http.MethodGet, "application/json", "", http.StatusMethodNotAllowed},
		{"a PUT", http.MethodPut, "application/json", document, http.StatusMethodNotAllowed},
		{"a form, as another site could post it", http.MethodPost, "application/x-www-form-urlencoded", "query=x", http.StatusUnsupportedMediaType},
		{"plain text, as another site could post it", http.MethodPost, "text/plain", document, http.StatusUnsupportedMediaType},
		{"an upload", http.MethodPost, "multipart/form-data; boundary=x", "--x--", http.StatusUnsupportedMediaType},
		{"no content type", http.MethodPost, "", document, http.StatusUnsupportedMediaType},
		{"no JSON", http.MethodPost, "application/json", "{", http.StatusBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), tt.method, "/graphql?query={me{id}}", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("status %d, want %d: %s", w.Code, tt.want, w.Body)
			}
			if told := strings.Contains(w.Body.String(), graphtest.Ana().ID); told != (tt.want == http.StatusOK) {
				t.Errorf("the body answers: %v: %s", told, w.Body)
			}
		})
	}
}

func TestABodyThatIsTooLongIsNotRead(t *testing.T) {
	t.Parallel()
	f := newFake()
	w := post(t, api.New(f.config(graphtest.Ana())), `{"query": "`+strings.Repeat(" ", 1<<20)+`{ me { id } }"}`)
	if got := failureOf(t, w.Body.String()); got.Extensions.Code != "INVALID" || !strings.Contains(got.Message, "too large") {
		t.Errorf("%+v", got)
	}
	if len(f.counted()) != 0 {
		t.Errorf("it was answered: %v", f.counted())
	}
}

// nested returns a document whose fragments nest n deep below the asset.
func nested(n int) string {
	return `{ asset(ref: "bigquery/shop.sales.customers") ` + strings.Repeat("{ ... on Asset ", n) + "{ ref }" + strings.Repeat(" }", n) + " }"
}

func TestOperationsAreLimited(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, document string
		change         func(*api.Config)
		// refused is a part of the refusal; empty where it is answered.
		refused string
	}{
		{name: "as deep as may be", document: `{ asset(ref: "a/b") { columns { tags { label } } } }`, change: func(c *api.Config) { c.Depth = 4 }},
		{name: "too deep", document: `{ asset(ref: "a/b") { columns { tags { label } } } }`, change: func(c *api.Config) { c.Depth = 3 }, refused: "nest more than 3 deep"},
		{name: "too deep in a fragment", document: `query { ...q } fragment q on Query { asset(ref: "a/b") { columns { ...c } } } fragment c on Column { tags { label } }`, change: func(c *api.Config) { c.Depth = 3 }, refused: "nest more than 3 deep"},
		{name: "too deep in an inline fragment", document: `{ ... { asset(ref: "a/b") { ... on Asset { columns { ... { tags { label } } } } } } }`, change: func(c *api.Config) { c.Depth = 3 }, refused: "nest more than 3 deep"},
		{name: "inline fragments do not count", document: nested(20)},
		{name: "a fragment of itself", document: `query { ...q } fragment q on Query { ...q }`, refused: "q"},
		{name: "as much as may be", document: `{ search(query: "", first: 10) { edges { cursor } } }`, change: func(c *api.Config) { c.Complexity = 21 }},
		{name: "too much", document: `{ search(query: "", first: 11) { edges { cursor } } }`, change: func(c *api.Config) { c.Complexity = 21 }, refused: "complexity"},
		{name: "many aliases of a dear field", document: "{ " + aliases(100, `search(query: "", first: 200) { edges { node { columns { whatISee { effect } } } } }`) + " }", refused: "complexity"},
		{name: "a default page is counted", document: `{ audit { edges { cursor } } }`, change: func(c *api.Config) { c.Complexity = 100 }, refused: "complexity"},
		{name: "plans are counted", document: `{ plans(first: 100) { edges { cursor } } }`, change: func(c *api.Config) { c.Complexity = 100 }, refused: "complexity"},
		{name: "the inbox is counted", document: `{ inbox(first: 100) { edges { cursor } } }`, change: func(c *api.Config) { c.Complexity = 100 }, refused: "complexity"},
		{name: "histories are counted", document: `{ asset(ref: "a/b") { history(first: 100) { edges { cursor } } } }`, change: func(c *api.Config) { c.Complexity = 100 }, refused: "complexity"},
		{name: "too many tokens", document: "{ " + aliases(2000, "me { id }") + " }", refused: "token"},
		{name: "introspection", document: `{ __schema { types { name } } }`, refused: "introspection is off"},
		{name: "introspection of a type", document: `{ __type(name: "Asset") { name } }`, refused: "introspection is off"},
		{name: "introspection in a fragment", document: `query { ...q } fragment q on Query { ... { __schema { types { name } } } }`, refused: "introspection is off"},
		{name: "the name of a type", document: `{ __typename me { __typename } }`},
		{name: "introspection where it is wanted", document: `{ __schema { types { name } } }`, change: func(c *api.Config) { c.Introspection = true }},
		{name: "a field that is not there, without a suggestion", document: `{ asse }`, refused: `Cannot query field "asse" on type "Query".`},
		{name: "no document", document: ``, refused: "no operation"},
		{name: "a document that does not parse", document: `{ me { `, refused: "Expected Name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newFake().config(graphtest.Olu())
			if tt.change != nil {
				tt.change(&c)
			}
			answer := ask(t, api.New(c), tt.document, nil)
			if tt.refused == "" {
				if strings.Contains(answer, `"errors"`) {
					t.Errorf("refused: %s", answer)
				}
				return
			}
			got := failureOf(t, answer)
			if !strings.Contains(got.Message, tt.refused) || got.Extensions.Code == "" || strings.Contains(got.Message, "Did you mean") {
				t.Errorf("%+v, want a code and %q", got, tt.refused)
			}
		})
	}
}

func aliases(n int, field string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d: %s ", i, field)
	}
	return b.String()
}

func TestPageSizesAreLimited(t *testing.T) {
	t.Parallel()
	h := api.New(newFake().config(graphtest.Uma()))
	for _, list := range []string{`search(query: "", first: %d)`, "audit(first: %d)", "plans(first: %d)", "inbox(first: %d)"} {
		for first, ok := range map[int]bool{-1: false, 0: false, 1: true, 200: true, 201: false, 1 << 30: false} {
			answer := ask(t, h, "{ "+fmt.Sprintf(list, first)+" { pageInfo { hasNextPage } } }", nil)
			if strings.Contains(answer, `"errors"`) == ok {
				t.Errorf("%s of %d: %s", list, first, answer)
			}
			if !ok && failureOf(t, answer).Extensions.Code != "INVALID" {
				t.Errorf("%s of %d is refused without INVALID: %s", list, first, answer)
			}
		}
	}
	for arguments, ok := range map[string]bool{
		"depth: 1": true, "depth: 0": false, "depth: 100": true, "depth: 101": false,
		"limit: 1": true, "limit: 0": false, "limit: 2000": true, "limit: 2001": false, "depth: -1": false,
	} {
		answer := ask(t, h, `{ lineage(ref: "bigquery/shop.sales.customers", direction: DOWN, `+arguments+`) { complete } }`, nil)
		if strings.Contains(answer, `"errors"`) == ok {
			t.Errorf("lineage with %s: %s", arguments, answer)
		}
	}
}

// A list whose page size is null has the size that the schema names.
func TestNullIsTheDefaultPage(t *testing.T) {
	t.Parallel()
	h := api.New(newFake().config(graphtest.Olu()))
	answer := ask(t, h, `query($n: Int) { inbox(first: $n, after: null) { total edges { cursor } } search(query: "", first: $n) { total }
		plans(first: $n) { pageInfo { hasNextPage } } lineage(ref: "bigquery/shop.sales.customers", direction: UP, depth: $n, limit: $n, columns: null) { nodes { ref } } }`, map[string]any{"n": nil})
	var got struct {
		Data struct {
			Inbox struct{ Edges []any }
		}
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || len(got.Data.Inbox.Edges) != 3 {
		t.Errorf("%v: %s", err, answer)
	}
}
