package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/graphtest"
)

// connection is a page of any list.
type connection struct {
	Edges []struct {
		Cursor string
		Node   json.RawMessage
	}
	PageInfo struct {
		HasNextPage bool
		EndCursor   *string
	}
}

// list asks for a page of the list called name.
func list(t *testing.T, f *fake, name, arguments, node, after string, first int) connection {
	t.Helper()
	document := fmt.Sprintf(`query($first: Int, $after: String) { %s(%s first: $first, after: $after) {
		edges { cursor node { %s } } pageInfo { hasNextPage endCursor } } }`, name, arguments, node)
	variables := map[string]any{"first": first}
	if after != "" {
		variables["after"] = after
	}
	who := graphtest.Uma()
	if name == "inbox" {
		who = graphtest.Olu()
	}
	answer := ask(t, api.New(f.config(who)), document, variables)
	var page struct{ Data map[string]connection }
	if err := json.Unmarshal([]byte(answer), &page); err != nil || strings.Contains(answer, `"errors"`) {
		t.Fatalf("%s: %v\n%s", name, err, answer)
	}
	return page.Data[name]
}

func nodes(c connection) []string {
	var out []string
	for _, e := range c.Edges {
		out = append(out, string(e.Node))
	}
	return out
}

// Law: every list goes on behind any of its cursors, so that pages of any
// size together are the whole, and the end says that it is the end.
func TestEveryCursorGoesOnBehindItsEdge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, arguments, node string }{
		{"search", `query: "",`, "ref"}, {"plans", "", "id"}, {"audit", "", "seq"}, {"inbox", "", "ref label"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			for _, audiences := range []string{`["analysts"]`, `["fraud"]`, "null"} {
				ask(t, api.New(f.config(graphtest.Olu())), `mutation { plan(audiences: `+audiences+`) { id } }`, nil)
			}
			whole := list(t, f, tt.name, tt.arguments, tt.node, "", 100)
			if len(whole.Edges) == 0 || whole.PageInfo.HasNextPage || *whole.PageInfo.EndCursor != whole.Edges[len(whole.Edges)-1].Cursor {
				t.Fatalf("the whole: %+v", whole)
			}
			all := nodes(whole)
			for i, e := range whole.Edges {
				rest := list(t, f, tt.name, tt.arguments, tt.node, e.Cursor, 100)
				if diff := cmp.Diff(strings.Join(all[i+1:], "\n"), strings.Join(nodes(rest), "\n")); diff != "" {
					t.Errorf("behind edge %d (-want +got):\n%s", i, diff)
				}
				if len(rest.Edges) == 0 && rest.PageInfo.EndCursor != nil {
					t.Errorf("an empty page ends at %q", *rest.PageInfo.EndCursor)
				}
			}
			first := list(t, f, tt.name, tt.arguments, tt.node, "", 1)
			if len(first.Edges) != 1 || first.PageInfo.HasNextPage != (len(all) > 1) {
				t.Errorf("the first of %d: %+v", len(all), first)
			}
		})
	}
}

func TestACursorOfAnotherListIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, document string }{
		{"search", `{ search(query: "", after: "!") { total } }`},
		{"plans", `{ plans(after: "!") { edges { cursor } } }`},
		{"audit", `{ audit(after: "!") { edges { cursor } } }`},
		{"inbox", `{ inbox(after: "!") { total } }`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answer := ask(t, api.New(newFake().config(graphtest.Uma())), tt.document, nil)
			if !strings.Contains(answer, `"code": "INVALID"`) {
				t.Errorf("answer:\n%s", answer)
			}
		})
	}
}

// An asset asked for with its columns is walked from all of them.
func TestLineageOfAllColumns(t *testing.T) {
	t.Parallel()
	f := newFake()
	for _, tt := range []struct {
		name string
		who  string
		ref  string
		want []string
	}{
		{"visible", "olu", f.company.View.String(), []string{
			"bigquery/shop.sales.customers_view#city 0", "bigquery/shop.sales.customers_view#id 0",
			"bigquery/shop.sales.customers#city -1", "bigquery/shop.sales.customers#id -1",
		}},
		{"only discoverable", "ana", f.company.Raw.String(), []string{f.company.Raw.String() + " 0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answer := ask(t, api.New(f.config(person(tt.who))), `query($ref: Ref!) { lineage(ref: $ref, direction: UP, columns: true) { root nodes { ref distance } } }`, map[string]any{"ref": tt.ref})
			var got struct {
				Data struct {
					Lineage struct {
						Root  string
						Nodes []struct {
							Ref      string
							Distance int
						}
					}
				}
			}
			if err := json.Unmarshal([]byte(answer), &got); err != nil {
				t.Fatal(err)
			}
			var refs []string
			for _, n := range got.Data.Lineage.Nodes {
				refs = append(refs, fmt.Sprintf("%s %d", n.Ref, n.Distance))
			}
			if diff := cmp.Diff(tt.want, refs); diff != "" || got.Data.Lineage.Root != tt.ref {
				t.Errorf("root %s, nodes (-want +got):\n%s", got.Data.Lineage.Root, diff)
			}
		})
	}
}
