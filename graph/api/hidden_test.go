package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/graphtest"
)

// documents ask of one asset or column in every way that takes one.
func documents() map[string]string {
	return map[string]string{
		"asset":       `query($asset: Ref!) { asset(ref: $asset) { ref columns { path } } }`,
		"column":      `query($column: Ref!) { asset(ref: $column) { ref columns { path } } }`,
		"lineage":     `query($asset: Ref!) { lineage(ref: $asset, direction: BOTH) { root nodes { ref } edges { from } complete } }`,
		"columns":     `query($column: Ref!) { lineage(ref: $column, direction: BOTH, columns: true) { root nodes { ref } complete } }`,
		"explain":     `query($column: Ref!) { explain(column: $column) { effect } }`,
		"whoCouldSee": `query($column: Ref!) { whoCouldSee(column: $column) { revision } }`,
		"search":      `query($name: String!) { search(query: $name) { total edges { node { ref } } facets { attribute values { value count } more } } }`,
		"parent":      `query($parent: Ref!) { search(query: "", filter: {parents: [$parent]}) { total edges { node { ref } } } }`,
	}
}

// declared keeps those of the variables that a document declares.
func declared(document string, all map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range all {
		if strings.Contains(document, "$"+name+":") {
			out[name] = value
		}
	}
	return out
}

// Law: a principal from whom an asset is hidden cannot tell it from one that
// does not exist.
func TestHiddenAssetIsAsIfItDidNotExist(t *testing.T) {
	t.Parallel()
	missing := map[string]any{
		"asset": "bigquery/shop.vault.nobodies", "column": "bigquery/shop.vault.nobodies#nowhere",
		"name": "nobodies", "parent": "bigquery/shop.nowhere",
	}
	hidden := map[string]any{
		"asset": "bigquery/shop.vault.salaries", "column": "bigquery/shop.vault.salaries#salary",
		"name": "salaries", "parent": "bigquery/shop.vault",
	}
	for name, document := range documents() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := api.New(newFake().config(graphtest.Ana()))
			want, got := ask(t, h, document, declared(document, missing)), ask(t, h, document, declared(document, hidden))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("hidden and missing can be told apart (-missing +hidden):\n%s", diff)
			}
		})
	}
}

// Law: nothing that is hidden stands in any answer to whoever may not know of
// it, whatever is asked.
func TestNoStoryOfAnaNamesTheVault(t *testing.T) {
	t.Parallel()
	f := newFake()
	c := f.company
	h := api.New(f.config(graphtest.Ana()))
	var refs []graph.Ref
	for _, a := range graphtest.Of[graph.Asset](c.Items) {
		refs = append(refs, a.Ref)
		for _, column := range f.columnsOf(a.Ref) {
			refs = append(refs, column.Ref)
		}
	}
	for _, ref := range refs {
		if ref.Asset() == c.Salaries || ref.Asset() == c.Vault || ref.Asset() == c.Customers {
			continue
		}
		all := map[string]any{"asset": ref.Asset(), "column": ref, "name": ref.Base(), "parent": ref.Parent()}
		for name, document := range documents() {
			answer := ask(t, h, document, declared(document, all))
			for _, word := range []string{"vault", "salar", "kafka", "broker"} {
				if strings.Contains(answer, word) {
					t.Errorf("%s of %s names %q:\n%s", name, ref, word, answer)
				}
			}
		}
	}
}

// Law: of an asset that is only discoverable, the columns that it has cannot
// be told from those that it has not.
func TestDiscoverableAssetShowsNoColumn(t *testing.T) {
	t.Parallel()
	h := api.New(newFake().config(graphtest.Ana()))
	for _, name := range []string{"columns", "explain", "column"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := documents()[name]
			has := ask(t, h, document, map[string]any{"column": "bigquery/shop.sales.customers_raw#contact.email"})
			hasNot := ask(t, h, document, map[string]any{"column": "bigquery/shop.sales.customers_raw#nothing"})
			if diff := cmp.Diff(hasNot, has); diff != "" {
				t.Errorf("a column that is there differs from one that is not (-not +there):\n%s", diff)
			}
			if strings.Contains(has, "email") {
				t.Errorf("the answer names the column:\n%s", has)
			}
		})
	}
}

// A label that a person rejected is none of a node's, whoever proposes it.
func TestLineageShowsEffectiveLabels(t *testing.T) {
	t.Parallel()
	f := newFake()
	name := f.company.Core.Column("name")
	f.company.Items = append(f.company.Items,
		graphtest.Proposed(name, graphtest.LabelName, "names", 0.9), graphtest.Rejected(name, graphtest.LabelName, graphtest.Olu().ID),
		graphtest.Proposed(f.company.Core.Column("email"), graphtest.LabelEmail, "names", 0.9))
	for _, tt := range []struct{ name, ref, want string }{
		{"an asset bears the labels of its columns", f.company.Core.String(), `"labels": ["user.contact.email"]`},
		{"a column bears its own", f.company.Core.Column("email").String(), `"labels": ["user.contact.email"]`},
		{"a rejected label is none", name.String(), `"labels": []`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answer := ask(t, api.New(f.config(graphtest.Olu())), `query($ref: Ref!, $columns: Boolean!) { lineage(ref: $ref, direction: UP, columns: $columns, limit: 1) { nodes { labels } } }`,
				map[string]any{"ref": tt.ref, "columns": strings.Contains(tt.ref, "#")})
			flat := strings.Join(strings.Fields(answer), "")
			if !strings.Contains(flat, strings.ReplaceAll(tt.want, " ", "")) {
				t.Errorf("answer lacks %s:\n%s", tt.want, answer)
			}
		})
	}
}
