package api_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/graphtest"
)

// Law: a page asks for each kind of thing once, however many assets and
// columns it shows.
func TestAPageLoadsOnce(t *testing.T) {
	t.Parallel()
	f := newFake()
	ask(t, api.New(f.config(graphtest.Ana())), `{ search(query: "") { edges { node {
		owners { principal } tags { label } statement { id } views { ref } columns { tags { label } whatISee { effect } } } } } }`, nil)
	want := map[string]int{"Reader": 1, "Search": 1, "Assets": 1, "Columns": 1, "Tags": 1, "Statements": 1, "Views": 1, "ExplainColumns": 1}
	if diff := cmp.Diff(want, f.counted()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A page asks for nothing that nobody asked it for.
func TestAPageLoadsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, document string
		want           map[string]int
	}{
		{
			name: "names alone", document: `{ search(query: "") { edges { node { name } } } }`,
			want: map[string]int{"Reader": 1, "Search": 1, "Assets": 1},
		},
		{
			name: "columns need their tags", document: `{ asset(ref: "bigquery/shop.sales.customers") { columns { assessment } } }`,
			want: map[string]int{"Reader": 1, "Assets": 1, "Columns": 1, "Tags": 1},
		},
		{
			name: "of what is only discoverable nothing is asked", document: `{ asset(ref: "bigquery/shop.sales.customers_raw") { tags { label } statement { id } views { ref } mayTag mayDescribe says { value } columns { whatISee { effect } } } }`,
			want: map[string]int{"Reader": 1, "Assets": 1},
		},
		{
			name: "what may be tagged is asked once", document: `{ search(query: "") { edges { node { mayTag } } } }`,
			want: map[string]int{"Reader": 1, "Search": 1, "Assets": 1, "May tag": 1},
		},
		{
			name: "two pages load apart", document: `{ a: asset(ref: "bigquery/shop.sales.customers") { tags { label } } b: asset(ref: "bigquery/shop.sales.customers_view") { tags { label } } }`,
			want: map[string]int{"Reader": 2, "Assets": 2, "Tags": 2},
		},
		{
			name: "lineage loads the assets of all nodes together", document: `{ lineage(ref: "bigquery/shop.sales.customers", direction: BOTH, depth: 9) { nodes { kind labels } } }`,
			want: map[string]int{"Reader": 1, "Assets": 2, "Walk": 1, "Tags": 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			ask(t, api.New(f.config(graphtest.Ana())), tt.document, nil)
			if diff := cmp.Diff(tt.want, f.counted()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// forgetfulReader has lost the first asset that is asked for, as where it
// ended between the search and the look at it.
type forgetfulReader struct{ api.Reader }

func (r forgetfulReader) Assets(ctx context.Context, refs ...graph.Ref) (map[graph.Ref]shape.AssetView, error) {
	return r.Reader.Assets(ctx, refs[1:]...)
}

type forgetfulCatalog struct{ *fake }

func (c forgetfulCatalog) Reader(ctx context.Context, who graph.Principal) (api.Reader, error) {
	r, err := c.fake.Reader(ctx, who)
	return forgetfulReader{r}, err
}

// A hit that cannot be shown is left out; those behind it stay.
func TestAHitThatIsGoneIsLeftOut(t *testing.T) {
	t.Parallel()
	f := newFake()
	c := f.config(graphtest.Olu())
	const document = `{ search(query: "customers") { edges { node { ref } } } }`
	all := strings.Count(ask(t, api.New(c), document, nil), `"ref"`)
	c.Catalog = forgetfulCatalog{f}
	if n := strings.Count(ask(t, api.New(c), document, nil), `"ref"`); all < 3 || n != all-1 {
		t.Errorf("%d of %d hits are shown", n, all)
	}
}

// Whoever belongs to no audience sees no view, and nothing is decided for them.
func TestWithoutAudienceNothingIsExplained(t *testing.T) {
	t.Parallel()
	f := newFake()
	ask(t, api.New(f.config(graphtest.Uma())), `{ asset(ref: "bigquery/shop.sales.customers") { columns { whatISee { effect } } } }`, nil)
	if n := f.counted()["ExplainColumns"]; n != 0 {
		t.Errorf("ExplainColumns was called %d times", n)
	}
}
