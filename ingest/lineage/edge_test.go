package lineage_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest/lineage"
)

// schemas reads "table: col TYPE, rec RECORD, rec.leaf TYPE, arr RECORD*" lines;
// a star marks a repeated column.
func schemas(t *testing.T, lines ...string) lineage.SchemaMap {
	t.Helper()
	out := lineage.SchemaMap{}
	for _, line := range lines {
		name, rest, ok := strings.Cut(line, ": ")
		if !ok {
			t.Fatalf("schema %q", line)
		}
		ref := at(name)
		for i, column := range strings.Split(rest, ", ") {
			path, typ, _ := strings.Cut(column, " ")
			c := graph.Column{Ref: ref.Column(path), Position: i, Type: strings.TrimSuffix(typ, "*"), Mode: graph.ModeNullable}
			if strings.HasSuffix(typ, "*") {
				c.Mode = graph.ModeRepeated
			}
			out[ref] = append(out[ref], c)
		}
	}
	return out
}

// at names a table in one project and dataset, with a column after "#".
func at(name string) graph.Ref {
	table, path, _ := strings.Cut(name, "#")
	return graph.BigQueryRef("p", "d", table).Column(path)
}

// from reads "table#path" with a kind, and a function after a slash.
func from(name string, kind graph.EdgeKind) graph.ColumnSource {
	name, function, _ := strings.Cut(name, "/")
	return graph.ColumnSource{Column: at(name), Kind: kind, Function: function}
}

// copied is an output that is one column as it is.
func copied(name, source string) graph.OutputColumn {
	return graph.OutputColumn{Name: name, Sources: []graph.ColumnSource{from(source, graph.EdgeIdentity)}}
}

// view is the statement of these tests.
func view(outcome graph.Outcome) (graph.Statement, graph.Analysis) {
	s := graph.Statement{ID: "s", Because: graph.EvidenceView, Target: at("v")}
	return s, graph.Analysis{Parsed: true, Outcome: outcome, Inputs: []graph.Ref{at("t")}}
}

// show writes edges as "t#a > v#b identity", with what is out of the ordinary.
func show(edges []graph.Edge) []string {
	var out []string
	for _, e := range edges {
		short := func(r graph.Ref) string { return strings.TrimPrefix(r.String(), "bigquery/p.d.") }
		line := fmt.Sprintf("%s > %s %s", short(e.From), short(e.To), e.Kind)
		if e.Function != "" {
			line += " " + e.Function
		}
		if e.Masking {
			line += " masking"
		}
		if e.Outcome != graph.OutcomeExact {
			line += " " + string(e.Outcome)
		}
		out = append(out, line)
	}
	return out
}

func TestEdges(t *testing.T) {
	t.Parallel()
	flat := []string{"t: a STRING, b INTEGER"}
	nested := "t: a STRING, contact RECORD, contact.email STRING, contact.geo RECORD, contact.geo.lat FLOAT, items RECORD*, items[].sku STRING"
	tests := []struct {
		name    string
		schemas []string
		columns []graph.OutputColumn
		change  func(*graph.Statement, *graph.Analysis)
		want    []string
	}{
		{
			name: "copy, in the known spelling", schemas: append(flat, "v: X STRING"),
			columns: []graph.OutputColumn{copied("x", "t#A")},
			want:    []string{"t#a > v#X identity"},
		},
		{
			name: "function", schemas: flat,
			columns: []graph.OutputColumn{{Name: "n", Sources: []graph.ColumnSource{from("t#a/COUNT", graph.EdgeAggregation), from("t#b", graph.EdgeWindow)}}},
			want:    []string{"t#a > v#n aggregation COUNT", "t#b > v#n window"},
		},
		{
			name: "struct and array copied whole into an unknown target", schemas: []string{nested},
			columns: []graph.OutputColumn{copied("c", "t#contact"), copied("items", "t#items")},
			want:    []string{"t#contact.email > v#c.email identity", "t#contact.geo.lat > v#c.geo.lat identity", "t#items[].sku > v#items[].sku identity"},
		},
		{
			name: "struct copied whole into a known target", schemas: []string{nested, "v: C RECORD, C.Email STRING, C.geo RECORD, C.geo.lat FLOAT"},
			columns: []graph.OutputColumn{copied("c", "t#contact")},
			want:    []string{"t#contact.email > v#C.Email identity", "t#contact.geo.lat > v#C.geo.lat identity"},
		},
		{
			name: "element of an array becomes a struct", schemas: []string{nested, "v: item RECORD, item.sku STRING"},
			columns: []graph.OutputColumn{copied("item", "t#items")},
			want:    []string{"t#items[].sku > v#item.sku identity"},
		},
		{
			name: "path without marks is found", schemas: []string{nested},
			columns: []graph.OutputColumn{copied("sku", "t#items.sku"), copied("lat", "t#contact.GEO.lat")},
			want:    []string{"t#contact.geo.lat > v#lat identity", "t#items[].sku > v#sku identity"},
		},
		{
			name: "struct into one value reaches it from every leaf", schemas: []string{nested},
			columns: []graph.OutputColumn{{Name: "j", Sources: []graph.ColumnSource{from("t#contact/TO_JSON", graph.EdgeTransformation)}}},
			want:    []string{"t#contact.email > v#j transformation TO_JSON", "t#contact.geo.lat > v#j transformation TO_JSON"},
		},
		{
			name: "unknown source copied into a known struct", schemas: []string{"v: c RECORD, c.x STRING, c.y STRING"},
			columns: []graph.OutputColumn{copied("c", "t#s")},
			want:    []string{"t#s.x > v#c.x identity", "t#s.y > v#c.y identity"},
		},
		{
			name: "struct built from columns, by name", schemas: append(flat, "v: c RECORD, c.a STRING, c.b INTEGER"),
			columns: []graph.OutputColumn{{Name: "c", Sources: []graph.ColumnSource{from("t#a", graph.EdgeIdentity), from("t#b", graph.EdgeIdentity)}}},
			want:    []string{"t#a > v#c.a identity", "t#b > v#c.b identity"},
		},
		{
			name: "struct built under other names: every field, and not exact", schemas: append(flat, "v: c RECORD, c.x STRING, c.y INTEGER"),
			columns: []graph.OutputColumn{{Name: "c", Sources: []graph.ColumnSource{from("t#a", graph.EdgeIdentity), from("t#b", graph.EdgeIdentity)}}},
			want:    []string{"t#a > v#c.x identity partial", "t#a > v#c.y identity partial", "t#b > v#c.x identity partial", "t#b > v#c.y identity partial"},
		},
		{
			name: "leaf without its like goes to those that have none", schemas: []string{"t: s RECORD, s.a STRING, s.b STRING", "v: s RECORD, s.a STRING, s.c STRING"},
			columns: []graph.OutputColumn{copied("s", "t#s")},
			want:    []string{"t#s.a > v#s.a identity", "t#s.b > v#s.c identity partial"},
		},
		{
			name: "leaf that has nowhere to go keeps the record", schemas: []string{"t: s RECORD, s.a STRING, s.b STRING", "v: s RECORD, s.a STRING"},
			columns: []graph.OutputColumn{copied("s", "t#s")},
			want:    []string{"t#s.a > v#s.a identity", "t#s.b > v#s identity partial"},
		},
		{
			name: "unnamed output takes the name of its place", schemas: append(flat, "v: x STRING, y RECORD, y.z STRING"),
			columns: []graph.OutputColumn{copied("$col1", "t#a"), copied("y", "t#b")},
			want:    []string{"t#a > v#x identity", "t#b > v#y.z identity"},
		},
		{
			name: "unnamed output of another number of columns joins the assets", schemas: append(flat, "v: x STRING, y STRING"),
			columns: []graph.OutputColumn{copied("$col1", "t#a")},
			want:    []string{"t > v reads"},
		},
		{
			name: "pseudo column joins the assets", schemas: flat,
			columns: []graph.OutputColumn{copied("day", "t#_PARTITIONTIME")},
			want:    []string{"t > v reads"},
		},
		{
			name: "input that only filters and joins", schemas: flat,
			columns: []graph.OutputColumn{copied("a", "t#a")},
			change: func(_ *graph.Statement, a *graph.Analysis) {
				a.Inputs = append(a.Inputs, at("u"))
				a.Influences = []graph.ColumnSource{from("u#k", graph.EdgeJoin), from("u#k", graph.EdgeFilter), from("u#l", graph.EdgeJoin), from("t#b", graph.EdgeFilter)}
			},
			want: []string{"t#a > v#a identity", "u > v filter", "u > v join"},
		},
		{
			name: "a column from itself makes no edge", schemas: append(flat, "v: a STRING"),
			columns: []graph.OutputColumn{copied("A", "v#a"), copied("a", "t#a")},
			change:  func(_ *graph.Statement, a *graph.Analysis) { a.Inputs = append(a.Inputs, at("v")) },
			want:    []string{"t#a > v#a identity"},
		},
		{
			name: "an insert writes the columns that it lists", schemas: append(flat, "w: x STRING, y STRING"),
			columns: []graph.OutputColumn{{Output: at("w#Y"), Name: "Y", Sources: []graph.ColumnSource{from("t#a", graph.EdgeIdentity)}}},
			change:  func(_ *graph.Statement, a *graph.Analysis) { a.Outputs = []graph.Ref{at("w")} },
			want:    []string{"t#a > w#y identity"},
		},
		{
			name: "bare select", schemas: flat, columns: []graph.OutputColumn{copied("a", "t#a")},
			change: func(s *graph.Statement, _ *graph.Analysis) { s.Target = graph.Ref{} },
		},
		{
			name: "partial is kept on the edge", schemas: flat, columns: []graph.OutputColumn{copied("a", "t#a")},
			change: func(_ *graph.Statement, a *graph.Analysis) { a.Outcome = graph.OutcomePartial },
			want:   []string{"t#a > v#a identity partial"},
		},
		{
			name: "failed has no edges", schemas: flat, columns: []graph.OutputColumn{copied("a", "t#a")},
			change: func(_ *graph.Statement, a *graph.Analysis) { a.Outcome = graph.OutcomeFailed },
		},
		{
			name: "of two ways the clear one counts", schemas: flat,
			columns: []graph.OutputColumn{{Name: "a", Sources: []graph.ColumnSource{
				{Column: at("t#a"), Kind: graph.EdgeTransformation, Function: "SHA256", Masking: true},
				{Column: at("t#a"), Kind: graph.EdgeTransformation, Function: "UPPER"},
				{Column: at("t#b"), Kind: graph.EdgeTransformation, Function: "SHA256", Masking: true},
			}}},
			want: []string{"t#a > v#a transformation UPPER", "t#b > v#a transformation SHA256 masking"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, a := view(graph.OutcomeExact)
			a.Columns = tt.columns
			if tt.change != nil {
				tt.change(&s, &a)
			}
			got := lineage.Edges(s, a, schemas(t, tt.schemas...))
			if diff := cmp.Diff(tt.want, show(got)); diff != "" {
				t.Errorf("edges (-want +got):\n%s", diff)
			}
			for _, e := range got {
				if e.Statement != "s" || e.Because != graph.EvidenceView || e.From.IsColumn() != e.To.IsColumn() {
					t.Errorf("edge %+v does not say whence it is known, or joins a column and an asset", e)
				}
			}
		})
	}
}

// Law: no leaf of a source that is read gets lost, whatever the target is.
func TestEveryLeafFindsItsWay(t *testing.T) {
	t.Parallel()
	source := "t: s RECORD, s.a STRING, s.r RECORD*, s.r[].b STRING"
	for _, target := range []string{"w: x STRING", "v: s STRING", "v: s RECORD, s.a STRING", "v: s RECORD, s.z STRING", "v: s RECORD, s.a STRING, s.r RECORD*, s.r[].b STRING"} {
		for _, kind := range []graph.EdgeKind{graph.EdgeIdentity, graph.EdgeTransformation, graph.EdgeAggregation} {
			s, a := view(graph.OutcomeExact)
			a.Columns = []graph.OutputColumn{{Name: "s", Sources: []graph.ColumnSource{from("t#s", kind)}}}
			reached := map[string]bool{}
			for _, e := range lineage.Edges(s, a, schemas(t, source, target)) {
				reached[e.From.Path] = true
			}
			if !reached["s.a"] || !reached["s.r[].b"] {
				t.Errorf("into %q by %s: only %v are sources", target, kind, reached)
			}
		}
	}
}

func TestEdgesOfStatementsThatWrite(t *testing.T) {
	t.Parallel()
	const (
		base   = "t: id STRING, mail STRING, geo RECORD, geo.lat FLOAT, geo.lon FLOAT, tags STRING*, lines RECORD*, lines[].sku STRING, lines[].tax RECORD*, lines[].tax[].rate FLOAT"
		target = "w: id STRING, Mail STRING, place RECORD, place.lat FLOAT, place.lon FLOAT, tag STRING, lines RECORD*, lines[].sku STRING, lines[].tax RECORD*, lines[].tax[].rate FLOAT, note STRING"
	)
	into := func(path string, sources ...graph.ColumnSource) graph.OutputColumn {
		return graph.OutputColumn{Output: at("w#" + path), Name: path, Sources: sources}
	}
	same := func(source string) graph.ColumnSource { return from(source, graph.EdgeIdentity) }
	tests := []struct {
		name    string
		schemas []string
		inputs  []string
		columns []graph.OutputColumn
		change  func(*graph.Analysis)
		want    []string
	}{
		{
			name: "an insert of a list, in another order and another case", inputs: []string{"t"},
			columns: []graph.OutputColumn{into("MAIL", same("t#mail")), into("id", same("t#ID"))},
			want:    []string{"t#id > w#id identity", "t#mail > w#Mail identity"},
		},
		{
			name: "a struct into one of another name", inputs: []string{"t"},
			columns: []graph.OutputColumn{into("place", same("t#geo"))},
			want:    []string{"t#geo.lat > w#place.lat identity", "t#geo.lon > w#place.lon identity"},
		},
		{
			name: "lists in lists", inputs: []string{"t"},
			columns: []graph.OutputColumn{into("lines", same("t#lines"))},
			want:    []string{"t#lines[].sku > w#lines[].sku identity", "t#lines[].tax[].rate > w#lines[].tax[].rate identity"},
		},
		{
			name: "an element of a list of values", inputs: []string{"t"},
			columns: []graph.OutputColumn{into("tag", same("t#tags"))},
			want:    []string{"t#tags > w#tag identity"},
		},
		{
			name: "a merge: what matches, what does not, and itself", inputs: []string{"t", "w"},
			columns: []graph.OutputColumn{into("id", same("t#id")), into("note", same("t#mail"), from("w#note/CONCAT", graph.EdgeTransformation)), into("id", same("w#id"))},
			change: func(a *graph.Analysis) {
				a.Influences = []graph.ColumnSource{from("t#id", graph.EdgeJoin), from("w#id", graph.EdgeJoin)}
			},
			want: []string{"t#id > w#id identity", "t#mail > w#note identity"},
		},
		{
			name: "an update from itself alone", inputs: []string{"w"},
			columns: []graph.OutputColumn{into("note", from("w#Mail/CONCAT", graph.EdgeTransformation)), into("id", same("w#id"))},
			want:    []string{"w#Mail > w#note transformation CONCAT"},
		},
		{
			name: "a column that the target does not have", inputs: []string{"t"},
			columns: []graph.OutputColumn{into("gone", same("t#mail"))},
			want:    []string{"t > w reads"},
		},
		{
			name: "a column that the source does not have, beside one that it has", inputs: []string{"t"},
			columns: []graph.OutputColumn{into("id", same("t#_FILE_NAME")), into("note", same("t#mail"))},
			want:    []string{"t#mail > w#note identity"},
		},
		{
			name: "two that are read, of which one only decides", inputs: []string{"t", "u"},
			columns: []graph.OutputColumn{into("id", same("t#id"))},
			change:  func(a *graph.Analysis) { a.Influences = []graph.ColumnSource{from("u#id", graph.EdgeGroup)} },
			want:    []string{"t#id > w#id identity", "u > w group"},
		},
		{
			name: "both ends unknown", schemas: []string{}, inputs: []string{"t"},
			columns: []graph.OutputColumn{into("id", same("t#a.b"))},
			want:    []string{"t#a.b > w#id identity"},
		},
		{
			name: "two structs that share some fields", schemas: []string{"t: s RECORD, s.a STRING, s.b STRING", "w: s RECORD, s.a STRING, s.x STRING, s.y STRING"}, inputs: []string{"t"},
			columns: []graph.OutputColumn{into("s", same("t#s"))},
			want:    []string{"t#s.a > w#s.a identity", "t#s.b > w#s.x identity partial", "t#s.b > w#s.y identity partial"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lines := tt.schemas
			if lines == nil {
				lines = []string{base, target}
			}
			s := graph.Statement{ID: "job:1", Because: graph.EvidenceJob, Target: at("w")}
			a := graph.Analysis{Parsed: true, Outcome: graph.OutcomeExact, Outputs: []graph.Ref{at("w")}, Columns: tt.columns}
			for _, name := range tt.inputs {
				a.Inputs = append(a.Inputs, at(name))
			}
			if tt.change != nil {
				tt.change(&a)
			}
			if diff := cmp.Diff(tt.want, show(lineage.Edges(s, a, schemas(t, lines...)))); diff != "" {
				t.Errorf("edges (-want +got):\n%s", diff)
			}
		})
	}
}

// Law: the order of columns, sources and inputs changes nothing, and every edge
// is there once, from leaf to leaf of what is known.
func TestEdgesDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	known := schemas(t, "t: a STRING, s RECORD, s.x STRING, s.y STRING, l RECORD*, l[].z STRING", "u: a STRING, b STRING", "v: a STRING, s RECORD, s.x STRING, s.y STRING, n STRING")
	rnd := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // Chance that can be repeated.
	sources := []string{"t#a", "t#s", "t#s.x", "t#l", "t#l[].z", "u#a", "u#b", "u#_PARTITIONDATE", "v#a", "x#q"}
	kinds := []graph.EdgeKind{graph.EdgeIdentity, graph.EdgeTransformation, graph.EdgeAggregation, graph.EdgeWindow}
	for range 300 {
		s, a := view(graph.OutcomeExact)
		a.Inputs = []graph.Ref{at("t"), at("u"), at("v"), at("x")}
		for _, name := range []string{"a", "s", "n", "none"} {
			o := graph.OutputColumn{Name: name}
			for range rnd.IntN(4) {
				source := from(sources[rnd.IntN(len(sources))], kinds[rnd.IntN(len(kinds))])
				source.Masking = rnd.IntN(4) == 0
				o.Sources = append(o.Sources, source)
			}
			a.Columns = append(a.Columns, o)
		}
		for range rnd.IntN(3) {
			a.Influences = append(a.Influences, from(sources[rnd.IntN(len(sources))], graph.EdgeFilter))
		}
		want := lineage.Edges(s, a, known)
		seen := map[string]bool{}
		for _, e := range want {
			if seen[e.Key()] || e.From.Key() == e.To.Key() {
				t.Fatalf("edge %+v is there twice or joins a column to itself", e)
			}
			seen[e.Key()] = true
			for _, end := range []graph.Ref{e.From, e.To} {
				if end.Path == "s" && (end != e.To || e.Outcome != graph.OutcomePartial) || end.Path == "l" {
					t.Fatalf("edge %+v ends at a record", e)
				}
			}
		}
		rnd.Shuffle(len(a.Inputs), func(i, j int) { a.Inputs[i], a.Inputs[j] = a.Inputs[j], a.Inputs[i] })
		rnd.Shuffle(len(a.Columns), func(i, j int) { a.Columns[i], a.Columns[j] = a.Columns[j], a.Columns[i] })
		for _, o := range a.Columns {
			rnd.Shuffle(len(o.Sources), func(i, j int) { o.Sources[i], o.Sources[j] = o.Sources[j], o.Sources[i] })
		}
		if diff := cmp.Diff(want, lineage.Edges(s, a, known)); diff != "" {
			t.Fatalf("in another order (-want +got):\n%s\nof %+v", diff, a)
		}
	}
}
