package registry

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
)

// read returns the columns of a schema as lines "path TYPE mode tags doc".
func read(t *testing.T, root, schema string, tags map[string][]string) []string {
	t.Helper()
	u, err := newAvro().parse(schema)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := columnsOf(graph.Ref{Namespace: "n", Name: "a"}, root, u, tagRules(tags))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, c := range columns {
		if c.Position != i {
			t.Errorf("column %s is at %d, want %d", c.Ref.Path, c.Position, i)
		}
		line := fmt.Sprintf("%s %s %s", c.Ref.Path, c.Type, c.Mode)
		if len(c.tags) > 0 {
			line += " " + strings.Join(c.tags, ",")
		}
		if c.Description != "" {
			line += " // " + c.Description
		}
		if !c.leaf {
			line += " {}"
		}
		out = append(out, line)
	}
	return out
}

func TestColumnsOfAvro(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, root, schema string
		tags               map[string][]string
		want               []string
	}{
		{
			name:   "primitives, documentation and null",
			schema: `{"type":"record","name":"R","fields":[{"name":"a","type":"string","doc":"A."},{"name":"b","type":["null","long"]},{"name":"c","type":["int","null"]},{"name":"d","type":"null"}]}`,
			want:   []string{"a string required // A.", "b long nullable", "c int nullable", "d null nullable"},
		},
		{
			name:   "logical types, enum and fixed",
			schema: `{"type":"record","name":"R","fields":[{"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"e","type":{"type":"enum","name":"E","symbols":["X"],"doc":"Kinds."}},{"name":"f","type":{"type":"fixed","name":"F","size":4}},{"name":"n","type":{"type":"fixed","name":"N","size":4,"logicalType":"decimal"}},{"name":"e2","type":"E"}]}`,
			want:   []string{"t timestamp-millis required", "e enum required // Kinds.", "f fixed required", "n decimal required", "e2 enum required // Kinds."},
		},
		{
			name:   "records, arrays and maps",
			schema: `{"type":"record","name":"R","fields":[{"name":"r","type":["null",{"type":"record","name":"S","doc":"Inner.","fields":[{"name":"x","type":"int"}]}]},{"name":"l","type":{"type":"array","items":"S"}},{"name":"m","type":{"type":"map","values":{"type":"array","items":"string"}}},{"name":"ll","type":{"type":"array","items":{"type":"array","items":["null","int"]}}}]}`,
			want: []string{
				"r RECORD nullable // Inner. {}", "r.x int required", "l RECORD repeated // Inner. {}", "l[].x int required",
				"m RECORD repeated {}", "m[].key string required", "m[].value string repeated", "ll int repeated",
			},
		},
		{
			name:   "union of several types",
			schema: `{"type":"record","name":"R","fields":[{"name":"u","type":["null","int","string"]},{"name":"v","type":[{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]},{"type":"record","name":"B","fields":[{"name":"x","type":"string"},{"name":"y","type":"int"}]}]}]}`,
			want:   []string{"u union nullable", "v RECORD required {}", "v.x int required", "v.y int required"},
		},
		{
			name: "of one field in two records of a union, the tags and the fields of both",
			schema: `{"type":"record","name":"R","fields":[{"name":"v","type":[
				{"type":"record","name":"A","fields":[{"name":"x","type":"string"},{"name":"in","type":{"type":"record","name":"AI","fields":[{"name":"p","type":"int"}]}}]},
				{"type":"record","name":"B","fields":[{"name":"X","type":"string","confluent:tags":["PII"]},{"name":"in","type":{"type":"record","name":"BI","fields":[{"name":"q","type":"int","confluent:tags":["SECRET"]}]}}]}]}]}`,
			want: []string{"v RECORD required {}", "v.x string required PII", "v.in RECORD required {}", "v.in.p int required", "v.in.q int required SECRET"},
		},
		{
			name: "of one field that is a value here and a record there, the record",
			schema: `{"type":"record","name":"R","fields":[{"name":"v","type":[
				{"type":"record","name":"A","fields":[{"name":"x","type":"string"}]},
				{"type":"record","name":"B","fields":[{"name":"x","type":{"type":"record","name":"C","fields":[{"name":"mail","type":"string","confluent:tags":["PII"]}]}}]}]}]}`,
			want: []string{"v RECORD required {}", "v.x RECORD required {}", "v.x.mail string required PII"},
		},
		{
			name:   "a record that contains itself beside another type is a leaf there",
			schema: `{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node","string"],"confluent:tags":["PII"]},{"name":"all","type":{"type":"map","values":"Node"}}]}`,
			want:   []string{"next RECORD nullable PII", "all RECORD repeated {}", "all[].key string required", "all[].value RECORD required"},
		},
		{
			name: "tags of what a union may hold",
			schema: `{"type":"record","name":"R","fields":[{"name":"u","type":["null",{"type":"string","confluent:tags":["PII"]},"int",{"type":"map","values":{"type":"long","confluent:tags":["SECRET"]}}]},
				{"name":"l","type":["string",{"type":"array","items":{"type":"record","name":"I","confluent:tags":["IN"],"fields":[{"name":"x","type":"int","confluent:tags":["PII"]}]}}]}]}`,
			want: []string{"u union nullable PII,SECRET", "l RECORD required {}", "l.x int required IN,PII"},
		},
		{
			name:   "a record without fields",
			schema: `{"type":"record","name":"R","fields":[{"name":"e","type":{"type":"record","name":"E","fields":[]}}]}`,
			want:   []string{"e RECORD required"},
		},
		{
			name:   "what the writer adds is passed over",
			schema: `{"type":"record","name":"R","aliases":["Q"],"version":7,"fields":[{"name":"a","type":{"type":"string","avro.java.string":"String"},"default":"x","order":"ignore","aliases":["b"]},{"name":"t","type":{"type":"int","logicalType":"unheard-of"}},{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]}`,
			want:   []string{"a string required", "t unheard-of required", "d decimal required"},
		},
		{
			name:   "an empty namespace is none",
			schema: `{"type":"record","name":"R","namespace":"a","fields":[{"name":"x","type":{"type":"enum","name":"E","namespace":"","symbols":["S"]}},{"name":"y","type":"E"}]}`,
			want:   []string{"x enum required", "y enum required"},
		},
		{
			name:   "one path of several names, at any depth",
			schema: `{"type":"record","name":"R","namespace":"c.d","fields":[{"name":"a","type":{"type":"map","values":{"type":"record","name":"S","fields":[{"name":"mail","type":"string"}]}}}]}`,
			tags:   map[string][]string{"c.**": {"ALL"}, "**": {"EACH"}, "c.d.?": {"ONE"}, "c.d.S.*": {"FIELD"}, "c.d": {"never"}, "": {"never"}, "[": {"never"}},
			want: []string{
				"a RECORD repeated ALL,EACH,ONE {}", "a[].key string required ALL,EACH,ONE",
				"a[].value RECORD required ALL,EACH,ONE {}", "a[].value.mail string required ALL,EACH,FIELD,ONE",
			},
		},
		{
			name:   "a record that contains itself ends",
			schema: `{"type":"record","name":"Node","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","Node"]},{"name":"kids","type":{"type":"array","items":"Node"}}]}`,
			want:   []string{"v int required", "next RECORD nullable", "kids RECORD repeated"},
		},
		{
			name:   "namespaces",
			schema: `{"type":"record","name":"R","namespace":"a.b","fields":[{"name":"x","type":{"type":"record","name":"S","fields":[{"name":"k","type":"int"}]}},{"name":"y","type":"a.b.S"},{"name":"z","type":"S"}]}`,
			want:   []string{"x RECORD required {}", "x.k int required", "y RECORD required {}", "y.k int required", "z RECORD required {}", "z.k int required"},
		},
		{name: "no record", schema: `"string"`, want: []string{"__value string required"}},
		{name: "key", root: keyColumn, schema: `{"type":"record","name":"K","fields":[{"name":"id","type":"string"}]}`, want: []string{"__key RECORD required {}", "__key.id string required"}},
		{name: "key of one value", root: keyColumn, schema: `["null","long"]`, want: []string{"__key long nullable"}},
		{
			name:   "tags within the schema, down to the leaves",
			schema: `{"type":"record","name":"R","fields":[{"name":"a","type":"string","confluent:tags":["PII"]},{"name":"r","type":{"type":"record","name":"S","confluent:tags":["SECRET"],"fields":[{"name":"x","type":"int","confluent:tags":["PII"]},{"name":"y","type":{"type":"string","confluent:tags":["T"]}}]}}]}`,
			want:   []string{"a string required PII", "r RECORD required SECRET {}", "r.x int required PII,SECRET", "r.y string required SECRET,T"},
		},
		{
			name:   "tags beside the schema",
			schema: `{"type":"record","name":"R","namespace":"c","fields":[{"name":"mail","type":"string"},{"name":"r","type":{"type":"record","name":"S","fields":[{"name":"phone","type":"string"},{"name":"phone2","type":"string"}]}}]}`,
			tags:   map[string][]string{"c.R.mail": {"A"}, "**.phone": {"B"}, "c.*.phone?": {"C"}, "*.phone": {"never"}, "c.S": {"D"}, "c.R.r": {"E"}},
			want:   []string{"mail string required A", "r RECORD required E {}", "r.phone string required B,D,E", "r.phone2 string required C,D,E"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, read(t, tt.root, tt.schema, tt.tags)); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInvalidAvroSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	field := func(f string) string { return `{"type":"record","name":"R","fields":[` + f + `]}` }
	tests := []struct{ name, schema, says string }{
		{"not JSON", `{"type":`, "not JSON"},
		{"comments are not JSON", "{\n// who\n\"type\": \"string\"}", "not JSON"},
		{"comments at the end", `"string" /* who */`, "something follows"},
		{"nothing", ``, "not JSON"},
		{"null", `null`, "a type is a name"},
		{"record within a list of itself", `["R",{"type":"record","name":"R","fields":[]}]`, `type "R" is not defined`},
		{"name beyond ASCII", `{"type":"record","name":"Größe","fields":[]}`, "not a name"},
		{"namespace that is no name", `{"type":"fixed","name":"F","namespace":"a-b","size":1}`, "not a name"},
		{"more than one", `"int" "int"`, "something follows"},
		{"a number", `1`, "not json.Number"},
		{"unknown type", `"strin"`, `type "strin" is not defined`},
		{"no type", `{"name":"x"}`, `no "type"`},
		{"record without fields", `{"type":"record","name":"R"}`, "no list of fields"},
		{"record without name", `{"type":"record","fields":[]}`, "not a name"},
		{"field without name", field(`{"type":"int"}`), "not a name"},
		{"field with a dot", field(`{"name":"a.b","type":"int"}`), `field "a.b": not a name`},
		{"field without type", field(`{"name":"a"}`), `field "a" has no type`},
		{"field that is no object", field(`"a"`), "a field is an object"},
		{"two fields", field(`{"name":"a","type":"int"},{"name":"A","type":"int"}`), "two fields"},
		{"where it is wrong", field(`{"name":"a","type":["null","nope"]}`), "record R: field a"},
		{"array without items", `{"type":"array"}`, "no \"items\""},
		{"map without values", `{"type":"map"}`, "no \"values\""},
		{"enum without symbols", `{"type":"enum","name":"E"}`, "no symbols"},
		{"defined twice", field(`{"name":"a","type":{"type":"fixed","name":"R","size":1}}`), "defined twice"},
		{"too deep", strings.Repeat(`{"type":"array","items":`, 80) + `"int"` + strings.Repeat("}", 80), "deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := newAvro().parse(tt.schema)
			if !errors.Is(err, graph.ErrInvalid) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("parse = %v, want ErrInvalid that says %q", err, tt.says)
			}
		})
	}
}

func TestSchemaThatMultipliesIsRefused(t *testing.T) {
	t.Parallel()
	// Each record holds the one before it ten times: few lines, many columns.
	var b strings.Builder
	b.WriteString(`{"type":"record","name":"R0","fields":[{"name":"x","type":"int"}]}`)
	for level := 1; level <= 6; level++ {
		fields := []string{fmt.Sprintf(`{"name":"f0","type":%s}`, b.String())}
		for i := 1; i < 10; i++ {
			fields = append(fields, fmt.Sprintf(`{"name":"f%d","type":"R%d"}`, i, level-1))
		}
		b.Reset()
		fmt.Fprintf(&b, `{"type":"record","name":"R%d","fields":[%s]}`, level, strings.Join(fields, ","))
	}
	u, err := newAvro().parse(b.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := columnsOf(graph.Ref{Namespace: "n", Name: "a"}, "", u, nil); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("a million columns: %v, want ErrInvalid", err)
	}
}

func TestUnionsThatMultiplyAreRefused(t *testing.T) {
	t.Parallel()
	// Each of two records holds the same field, which is the next two records:
	// one column a level, and twice as many ways to it.
	schema := `"int"`
	for level := range 30 {
		record := func(name, typ string) string {
			return fmt.Sprintf(`{"type":"record","name":"%s%d","fields":[{"name":"x","type":%s}]}`, name, level, typ)
		}
		again := `"int"`
		if level > 0 {
			again = fmt.Sprintf(`["A%d","B%d"]`, level-1, level-1)
		}
		schema = "[" + record("A", schema) + "," + record("B", again) + "]"
	}
	u, err := newAvro().parse(schema)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := columnsOf(graph.Ref{Namespace: "n", Name: "a"}, "", u, nil); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("a thousand million ways: %v, want ErrInvalid", err)
	}
}

// FuzzAvro holds that no text makes the reader crash, and that what it accepts
// has columns by the law of paths.
func FuzzAvro(f *testing.F) {
	f.Add(`{"type":"record","name":"R","fields":[{"name":"a","type":["null",{"type":"map","values":"R"}]}]}`, "**.a")
	f.Add(`["null","int",{"type":"array","items":{"type":"enum","name":"E","symbols":[]}}]`, "?")
	f.Add(`{"type":{"type":"string"}}`, "\xff*")
	f.Fuzz(func(t *testing.T, schema, path string) {
		u, err := newAvro().parse(schema)
		if err != nil {
			if !errors.Is(err, graph.ErrInvalid) {
				t.Fatalf("error %v has no kind", err)
			}
			return
		}
		for _, root := range []string{"", keyColumn} {
			columns, err := columnsOf(graph.Ref{Namespace: "n", Name: "a"}, root, u, tagRules(map[string][]string{path: {"T"}}))
			if err != nil {
				continue
			}
			seen, parents := map[string]bool{"": true}, map[string]bool{}
			for _, c := range columns {
				parent := graph.ParentPath(c.Ref.Path)
				if !seen[parent] || seen[c.Ref.Path] {
					t.Fatalf("column %q is there twice or before its parent", c.Ref.Path)
				}
				seen[c.Ref.Path], parents[parent] = true, true
			}
			for _, c := range columns {
				if c.leaf == parents[c.Ref.Path] || !c.leaf && c.Type != recordType {
					t.Fatalf("column %q of type %q is a leaf: %v, has children: %v", c.Ref.Path, c.Type, c.leaf, parents[c.Ref.Path])
				}
			}
		}
	})
}

func TestTopicOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, subject, record, topic string
		role                         role
	}{
		{"value", "orders-value", "com.Order", "orders", roleValue},
		{"key", "orders-key", "", "orders", roleKey},
		{"record name", "com.acme.Order", "com.acme.Order", "", roleNone},
		{"record named like a topic's value", "orders-value", "orders-value", "", roleNone},
		{"topic and record", "orders-com.acme.Order", "com.acme.Order", "orders", roleValue},
		{"topic with dashes", "eu-orders-com.acme.Order", "com.acme.Order", "eu-orders", roleValue},
		{"topic that ends like a subject", "a-value-value", "R", "a-value", roleValue},
		{"a key whose record is named so", "orders-key", "key", "orders", roleKey},
		{"a value whose record is named so", "orders-value", "value", "orders", roleValue},
		{"a topic that begins like another", "orders-returns-value", "", "orders-returns", roleValue},
		{"a topic that begins like another, and a record", "orders-returns-com.acme.Order", "com.acme.Order", "orders-returns", roleValue},
		{"a record whose name ends like this one's", "orders-com.acme.BigOrder", "Order", "", roleNone},
		{"no topic before the record", "-com.acme.Order", "com.acme.Order", "", roleNone},
		{"another record", "orders-com.acme.Order", "com.acme.Other", "", roleNone},
		{"no name of a topic", "-value", "", "", roleNone},
		{"another context", ":.staging:orders-value", "R", "", roleNone},
		{"what only looks like a context", ":.staging", "R", "", roleNone},
		{"anything else", "orders", "R", "", roleNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if topic, role := topicOf(tt.subject, tt.record); topic != tt.topic || role != tt.role {
				t.Errorf("topicOf = %q, %d; want %q, %d", topic, role, tt.topic, tt.role)
			}
		})
	}
}
