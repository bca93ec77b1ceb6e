package graph_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
)

// Law: ParseRef(r.String()) == r.
func FuzzRef(f *testing.F) {
	f.Add("bigquery", "p.d.t", "items[].sku")
	f.Add("kafka://host:9092", "a/b", "")
	f.Add("a%2Fb", "%", "#%23")
	f.Add("#", "/", "%25")
	f.Fuzz(func(t *testing.T, namespace, name, path string) {
		r := graph.Ref{Namespace: namespace, Name: name, Path: path}
		got, err := graph.ParseRef(r.String())
		if namespace == "" || name == "" {
			if err == nil {
				t.Fatalf("ParseRef(%q) of a ref without namespace or name gives %#v", r.String(), got)
			}
			return
		}
		if err != nil || got != r {
			t.Fatalf("ParseRef(%q) = %#v, %v, want %#v", r.String(), got, err, r)
		}
	})
}

// Law: what ParseRef accepts is spelled as String spells it, so that no two
// texts name one thing.
func FuzzParseRef(f *testing.F) {
	f.Add("bigquery/p.d.t#a.b")
	f.Add("a/b%2Fc")
	f.Add("a/b%2f")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := graph.ParseRef(s)
		if err != nil {
			if !errors.Is(err, graph.ErrInvalid) {
				t.Fatalf("ParseRef(%q): %v is not ErrInvalid", s, err)
			}
			return
		}
		if r.String() != s {
			t.Fatalf("ParseRef(%q).String() = %q", s, r.String())
		}
	})
}

func TestParseRef(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       graph.Ref
	}{
		{name: "a table", text: "bigquery/p.d.t", want: graph.BigQueryRef("p", "d", "t")},
		{name: "a column", text: "bigquery/p.d.t#a.b", want: graph.BigQueryRef("p", "d", "t").Column("a.b")},
		{name: "a namespace with slashes", text: "kafka://h:1/t", want: graph.Ref{Namespace: "kafka://h:1", Name: "t"}},
		{name: "a name with a slash", text: "s3://b/x%2Fy", want: graph.Ref{Namespace: "s3://b", Name: "x/y"}},
		{name: "a path with a hash", text: "a/b#c#d", want: graph.Ref{Namespace: "a", Name: "b", Path: "c#d"}},
		{name: "nothing"},
		{name: "no slash", text: "bigquery"},
		{name: "no namespace", text: "/t"},
		{name: "no name", text: "bigquery/"},
		{name: "an empty path", text: "bigquery/p.d.t#"},
		{name: "an escape that is none", text: "a/b%zz"},
		{name: "a needless escape", text: "a/b%41"},
		{name: "another spelling of an escape", text: "a/b%2f"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := graph.ParseRef(tt.text)
			if tt.want.IsZero() != errors.Is(err, graph.ErrInvalid) {
				t.Fatalf("ParseRef(%q): %v", tt.text, err)
			}
			if got != tt.want {
				t.Errorf("ParseRef(%q) = %#v, want %#v", tt.text, got, tt.want)
			}
		})
	}
}

func TestRefParts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		ref          graph.Ref
		base, parent string
		key          string
	}{
		{"a column of BigQuery", graph.BigQueryRef("p", "d", "T").Column("A.b"), "T", "bigquery/p.d", "bigquery/p.d.T#a.b"},
		{"a container", graph.BigQueryRef("p", "d"), "d", "", "bigquery/p.d"},
		{"a topic with dots", graph.Ref{Namespace: "kafka://h", Name: "a.B"}, "a.B", "", "kafka://h/a.B"},
		{"a topic's column keeps its case", graph.Ref{Namespace: "kafka://h", Name: "a", Path: "B"}, "a", "", "kafka://h/a#B"},
		{"a path in a bucket", graph.Ref{Namespace: "s3://b", Name: "x/y"}, "y", "", "s3://b/x%2Fy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			parent := ""
			if p := tt.ref.Parent(); !p.IsZero() {
				parent = p.String()
			}
			got := []string{tt.ref.Base(), parent, tt.ref.Key()}
			if diff := cmp.Diff([]string{tt.base, tt.parent, tt.key}, got); diff != "" {
				t.Errorf("base, parent, key (-want +got):\n%s", diff)
			}
			if tt.ref.Asset().IsColumn() || tt.ref.Asset().Column(tt.ref.Path) != tt.ref {
				t.Errorf("asset %v and path %q do not make the ref", tt.ref.Asset(), tt.ref.Path)
			}
		})
	}
}

// Law: a ref in JSON is the string that ParseRef reads, and the zero Ref is
// the empty string.
func TestRefInJSON(t *testing.T) {
	t.Parallel()
	type holder struct {
		Ref  graph.Ref
		Gone graph.Ref `json:",omitzero"`
	}
	want := holder{Ref: graph.BigQueryRef("p", "d", "t").Column("a")}
	data, err := json.Marshal(want)
	if err != nil || string(data) != `{"Ref":"bigquery/p.d.t#a"}` {
		t.Fatalf("Marshal = %s, %v", data, err)
	}
	var got holder
	if err := json.Unmarshal(data, &got); err != nil || got != want {
		t.Errorf("Unmarshal = %+v, %v, want %+v", got, err, want)
	}
	if err := json.Unmarshal([]byte(`{"Ref":""}`), &got); err != nil || !got.Ref.IsZero() {
		t.Errorf("an empty ref is read as %+v, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`{"Ref":"x"}`), &got); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("a ref without name is read without ErrInvalid: %v", err)
	}
}

func TestCompareRefsOrdersWhollyAndByParts(t *testing.T) {
	t.Parallel()
	want := []graph.Ref{
		{Namespace: "a", Name: "a"},
		{Namespace: "a", Name: "a", Path: "a"},
		{Namespace: "a", Name: "b"},
		{Namespace: "b", Name: "a"},
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, graph.CompareRefs)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestColumnNamesAndPaths(t *testing.T) {
	t.Parallel()
	table := graph.BigQueryRef("p", "d", "t")
	items := graph.Column{Ref: table.Column("order.items"), Type: "RECORD", Mode: graph.ModeRepeated}
	size := graph.Column{Ref: table.Column(graph.ChildPath(items, "size")), Type: "STRUCT", Mode: graph.ModeNullable}
	for _, tt := range []struct{ name, got, want string }{
		{"the last part", items.Name(), "items"},
		{"a child of a repeated record", size.Ref.Path, "order.items[].size"},
		{"a child of a record", graph.ChildPath(size, "cm"), "order.items[].size.cm"},
		{"the parent of a child of a repeated record", graph.ParentPath(size.Ref.Path), "order.items"},
		{"the parent of a nested column", graph.ParentPath("order.items[].size.cm"), "order.items[].size"},
		{"the parent of a top-level column", graph.ParentPath("order"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.got != tt.want {
				t.Errorf("got %q, want %q", tt.got, tt.want)
			}
		})
	}
	if !items.IsRecord() || !size.IsRecord() || (graph.Column{Type: "STRING"}).IsRecord() {
		t.Error("RECORD and STRUCT are records, STRING is none")
	}
}

func ExampleParseRef() {
	r, err := graph.ParseRef("bigquery/shop.sales.customers#contact.email")
	fmt.Println(r.Base(), r.Path, err)
	// Output: customers contact.email <nil>
}
