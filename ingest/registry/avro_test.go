package registry

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
			seen := map[string]bool{"": true}
			for _, c := range columns {
				if !seen[graph.ParentPath(c.Ref.Path)] || seen[c.Ref.Path] {
					t.Fatalf("column %q is there twice or before its parent", c.Ref.Path)
				}
				seen[c.Ref.Path] = true
			}
		}
	})
}

// TestRealTags reads schemas that the makers of the registry test with.
func TestRealTags(t *testing.T) {
	t.Parallel()
	cases := os.Getenv("CADASTRE_CASES")
	if cases == "" {
		t.Skip("CADASTRE_CASES does not name a folder of real cases")
	}
	file, err := os.Open(filepath.Join(cases, "avro", "confluent_tags.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	read := 0
	for lines.Scan() {
		var c struct {
			Kind   string          `json:"kind"`
			Schema json.RawMessage `json:"schema"`
			Tags   [][]any         `json:"expected_tags"`
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.Kind != "avro" {
			continue
		}
		u, err := newAvro().parse(string(c.Schema))
		if err != nil {
			t.Errorf("%s: %v", c.Schema, err)
			continue
		}
		columns, err := columnsOf(graph.Ref{Namespace: "n", Name: "a"}, "", u, nil)
		if err != nil {
			t.Errorf("%s: %v", c.Schema, err)
		}
		read++
		for _, want := range c.Tags {
			found := false
			for _, column := range columns {
				found = found || column.Name() == want[0] && fmt.Sprint(column.tags) == fmt.Sprint(want[1])
			}
			if !found {
				t.Errorf("no column %v with the tags %v in %s", want[0], want[1], c.Schema)
			}
		}
	}
	if read == 0 {
		t.Error("no schema was read")
	}
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
