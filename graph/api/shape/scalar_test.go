package shape_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/graphtest"
)

func written(m graphql.Marshaler) string {
	var b strings.Builder
	m.MarshalGQL(&b)
	return b.String()
}

// Law: every ref is read as it was written, and what is written is JSON.
func FuzzRefScalar(f *testing.F) {
	f.Add("bigquery", "p.d.t", "a.b")
	f.Add(`"`, "\\", "\n")
	f.Fuzz(func(t *testing.T, namespace, name, path string) {
		want := graph.Ref{Namespace: namespace, Name: name, Path: path}
		text := written(shape.MarshalRef(want))
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%#v is written as %s: %v", want, text, err)
		}
		if want.IsZero() {
			if v != nil {
				t.Fatalf("the zero ref is written as %s", text)
			}
			return
		}
		if namespace == "" || name == "" || strings.ToValidUTF8(want.String(), "") != want.String() {
			return // names nothing, or cannot be written in JSON
		}
		if got, err := shape.UnmarshalRef(v); err != nil || got != want {
			t.Fatalf("%s is read as %#v, %v, want %#v", text, got, err, want)
		}
	})
}

func TestRefScalarRefuses(t *testing.T) {
	t.Parallel()
	for _, v := range []any{nil, 7, "", "bigquery", "bigquery/p.d.t#", []any{}} {
		if got, err := shape.UnmarshalRef(v); !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("%#v is read as %#v, %v", v, got, err)
		}
	}
}

func TestRevisionScalar(t *testing.T) {
	t.Parallel()
	if got := written(shape.MarshalRevision(42)); got != "42" {
		t.Errorf("42 is written as %s", got)
	}
	for _, tt := range []struct {
		name string
		v    any
		want graph.Revision
		err  bool
	}{
		{name: "a number of JSON", v: json.Number("42"), want: 42},
		{name: "a number of the document", v: int64(42), want: 42},
		{name: "the empty catalog", v: 0},
		{name: "a negative number", v: -1, err: true},
		{name: "a fraction", v: json.Number("1.5"), err: true},
		{name: "a word", v: "newest", err: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := shape.UnmarshalRevision(tt.v)
			if got != tt.want || errors.Is(err, graph.ErrInvalid) != tt.err {
				t.Errorf("%#v is read as %d, %v", tt.v, got, err)
			}
		})
	}
}

func TestDirectionScalar(t *testing.T) {
	t.Parallel()
	for _, want := range []shape.Direction{shape.Up, shape.Down, shape.Both} {
		var got shape.Direction
		if err := got.UnmarshalGQL(strings.Trim(written(want), `"`)); err != nil || got != want {
			t.Errorf("%s is read as %s, %v", want, got, err)
		}
	}
	for _, v := range []any{"up", "SIDEWAYS", "", nil, 1} {
		got := shape.Up
		if err := got.UnmarshalGQL(v); !errors.Is(err, graph.ErrInvalid) || got != shape.Up {
			t.Errorf("%#v is read as %s, %v", v, got, err)
		}
	}
}

func TestPageInfoOfAnEmptyPageHasNoCursor(t *testing.T) {
	t.Parallel()
	if p := shape.NewPageInfo(false, ""); p.EndCursor != nil {
		t.Errorf("the empty page ends at %q", *p.EndCursor)
	}
	if p := shape.NewPageInfo(true, "x"); p.EndCursor == nil || *p.EndCursor != "x" || !p.HasNextPage {
		t.Errorf("a page that ends at x: %+v", p)
	}
}

// A column shows what every witness says, and assesses what they amount to.
func TestColumnShowsAllWitnesses(t *testing.T) {
	t.Parallel()
	c := graph.Column{Ref: graph.BigQueryRef("p", "d", "t").Column("a.b"), Type: "STRING", Mode: graph.ModeNullable}
	tags := []graph.Tag{graphtest.Proposed(c.Ref, graphtest.LabelName, "names", 0.5), graphtest.Rejected(c.Ref, graphtest.LabelName, "olu")}
	got := shape.NewColumn(c, shape.Asset{}, tags, nil)
	if got.Path != "a.b" || got.Name != "b" || got.Assessment != string(graph.Untouched) || len(got.Tags) != 2 {
		t.Errorf("shown as %+v", got)
	}
}
