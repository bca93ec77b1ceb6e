package bigquery

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/googlesql"
)

func leaf(name, kind string) *bq.TableFieldSchema {
	return &bq.TableFieldSchema{Name: name, Type: kind, Mode: "NULLABLE"}
}

func nested(name, mode string, fields ...*bq.TableFieldSchema) *bq.TableFieldSchema {
	return &bq.TableFieldSchema{Name: name, Type: "RECORD", Mode: mode, Fields: fields}
}

// TestMigrateToTheSameIsNothing and the next are the laws of migration.
func TestMigrateToTheSameIsNothing(t *testing.T) {
	t.Parallel()
	schema := fields([]*bq.TableFieldSchema{
		leaf("a", "STRING"), nested("r", "NULLABLE", leaf("b", "STRING")),
		nested("l", "REPEATED", leaf("c", "STRING"), nested("m", "REPEATED", leaf("d", "STRING"))),
	})
	rows := []googlesql.Row{
		{"x", []any{"y"}, []any{[]any{"z", []any{[]any{"w"}}}}},
		{nil, nil, []any{}},
	}
	if diff := cmp.Diff(rows, migrate(schema, schema, rows)); diff != "" {
		t.Error(diff)
	}
}

func TestMigrateAddsAndReorders(t *testing.T) {
	t.Parallel()
	was := fields([]*bq.TableFieldSchema{leaf("a", "STRING"), nested("r", "NULLABLE", leaf("b", "STRING")), nested("l", "REPEATED", leaf("c", "STRING"))})
	now := fields([]*bq.TableFieldSchema{
		nested("l", "REPEATED", leaf("n", "STRING"), leaf("c", "STRING")),
		nested("r", "NULLABLE", leaf("b", "STRING"), &bq.TableFieldSchema{Name: "t", Type: "STRING", Mode: "REPEATED"}),
		leaf("A", "STRING"), leaf("z", "STRING"),
	})
	got := migrate(was, now, []googlesql.Row{{"x", []any{"y"}, []any{[]any{"1"}, []any{"2"}}}, {"x", nil, []any{}}})
	want := []googlesql.Row{
		{[]any{[]any{nil, "1"}, []any{nil, "2"}}, []any{"y", []any{}}, "x", nil},
		{[]any{}, nil, "x", nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRowsComeBack holds that what insertAll takes is what a read gives.
func TestRowsComeBack(t *testing.T) {
	t.Parallel()
	schema := []*bq.TableFieldSchema{
		{Name: "id", Type: "INT64", Mode: "REQUIRED"},
		leaf("b", "BOOL"), leaf("f", "FLOAT"), leaf("n", "NUMERIC"), leaf("ts", "TIMESTAMP"),
		leaf("d", "DATE"), nested("r", "NULLABLE", leaf("x", "STRING"), nested("deep", "NULLABLE", leaf("y", "STRING"))),
		nested("l", "REPEATED", leaf("x", "STRING")),
		{Name: "tags", Type: "STRING", Mode: "REPEATED"},
	}
	tests := []struct{ name, in, want string }{
		{
			"all of it", `{"id":1,"b":true,"f":1.5,"n":"2.50","ts":"2026-01-02T03:04:05Z","d":"2026-01-02","r":{"x":"a","deep":{"y":"b"}},"l":[{"x":"c"},{}],"tags":["u","v"]}`,
			`{"f":[{"v":"1"},{"v":"true"},{"v":"1.5"},{"v":"2.50"},{"v":"1767323045000000"},{"v":"2026-01-02"},{"v":{"f":[{"v":"a"},{"v":{"f":[{"v":"b"}]}}]}},{"v":[{"v":{"f":[{"v":"c"}]}},{"v":{"f":[{"v":null}]}}]},{"v":[{"v":"u"},{"v":"v"}]}]}`,
		},
		{
			"nothing but what is required", `{"ID":"7"}`,
			`{"f":[{"v":"7"},{"v":null},{"v":null},{"v":null},{"v":null},{"v":null},{"v":null},{"v":[]},{"v":[]}]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var object map[string]any
			if err := json.Unmarshal([]byte(tt.in), &object); err != nil {
				t.Fatal(err)
			}
			row, err := rowOf(schema, object, false)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(restRow(fields(schema), row, true))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWrongRowsNameTheField holds that an error names the field and keeps the
// value to itself.
func TestWrongRowsNameTheField(t *testing.T) {
	t.Parallel()
	schema := []*bq.TableFieldSchema{
		{Name: "id", Type: "INTEGER", Mode: "REQUIRED"},
		leaf("b", "BOOLEAN"), leaf("f", "FLOAT"), leaf("ts", "TIMESTAMP"), leaf("d", "DATE"),
		nested("r", "NULLABLE", leaf("x", "INTEGER")), nested("l", "REPEATED", leaf("x", "INTEGER")),
	}
	tests := []struct{ name, in, want string }{
		{"missing", `{}`, "missing required field: id"},
		{"unknown", `{"id":1,"secret":1}`, "no such field: secret"},
		{"no number", `{"id":"hush"}`, "field id"},
		{"no truth", `{"id":1,"b":"hush"}`, "field b"},
		{"no float", `{"id":1,"f":"hush"}`, "field f"},
		{"no moment", `{"id":1,"ts":"hush"}`, "field ts"},
		{"no day", `{"id":1,"d":"hush"}`, "field d"},
		{"no record", `{"id":1,"r":"hush"}`, "field r"},
		{"wrong inside a record", `{"id":1,"r":{"x":"hush"}}`, "field x"},
		{"no array", `{"id":1,"l":{"x":"hush"}}`, "field l"},
		{"null in an array", `{"id":1,"l":[null]}`, "field: l"},
		{"an array for a scalar", `{"id":["hush"]}`, "field id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var object map[string]any
			if err := json.Unmarshal([]byte(tt.in), &object); err != nil {
				t.Fatal(err)
			}
			_, err := rowOf(schema, object, false)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("want %q, got %v", tt.want, err)
			}
		})
	}
}

func TestMoments(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 1, 2, 3, 4, 5, 600000000, time.UTC)
	for _, text := range []string{
		"2026-01-02T03:04:05.6Z", "2026-01-02 03:04:05.6 UTC", "2026-01-02 05:04:05.6+02:00", "2026-01-02T03:04:05.6",
		"2026-01-02 03:04:05.6", strconv.FormatFloat(float64(want.UnixMilli())/1000, 'f', -1, 64),
	} {
		if got, ok := momentOf(text); !ok || !got.Equal(want) {
			t.Errorf("%s is %v, %v", text, got, ok)
		}
	}
	if _, ok := momentOf("yesterday"); ok {
		t.Error("yesterday is a moment")
	}
}

func TestTypesHaveTwoNames(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, legacy, sql string }{
		{"int64", "INTEGER", "INT64"}, {"float64", "FLOAT", "FLOAT64"}, {"bool", "BOOLEAN", "BOOL"}, {"string", "STRING", "STRING"},
	}
	for _, tt := range tests {
		if got := legacyType(tt.name); got != tt.legacy {
			t.Errorf("%s: %s", tt.name, got)
		}
		if got := sqlType(leaf("x", tt.name)); got != tt.sql {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
	list := nested("l", "REPEATED", leaf("a", "INT64"), nested("r", "NULLABLE", leaf("b", "STRING")))
	if got, want := sqlType(list), "ARRAY<STRUCT<a INT64, r STRUCT<b STRING>>>"; got != want {
		t.Errorf("got %s", got)
	}
}

// TestSchemasComeBack holds that a schema survives the way to the executor's
// words and back, but for what the executor does not keep.
func TestSchemasComeBack(t *testing.T) {
	t.Parallel()
	schema := &bq.TableSchema{Fields: []*bq.TableFieldSchema{
		leaf("a", "STRING"),
		nested("l", "REPEATED", leaf("b", "INTEGER"), nested("r", "NULLABLE", leaf("c", "BYTES"))),
	}}
	if diff := cmp.Diff(schema, schemaOf(fieldsOf(schema))); diff != "" {
		t.Error(diff)
	}
	if fieldsOf(nil) != nil {
		t.Error("no schema has fields")
	}
}

// FuzzRow holds that no object panics, and that a row that was taken has a
// cell for each field.
func FuzzRow(f *testing.F) {
	f.Add(`{"id":1,"r":{"x":[]},"l":[{"x":"1"}]}`)
	f.Add(`{"ID":null}`)
	f.Add(`{"id":"9223372036854775808"}`)
	schema := []*bq.TableFieldSchema{leaf("id", "INTEGER"), nested("r", "NULLABLE", leaf("x", "TIMESTAMP")), nested("l", "REPEATED", leaf("x", "FLOAT"))}
	f.Fuzz(func(t *testing.T, text string) {
		var object map[string]any
		if json.Unmarshal([]byte(text), &object) != nil {
			return
		}
		row, err := rowOf(schema, object, true)
		if err != nil {
			return
		}
		if len(row) != len(schema) {
			t.Fatalf("%d cells", len(row))
		}
		if _, err := json.Marshal(restRow(fields(schema), row, false)); err != nil {
			t.Fatal(err)
		}
	})
}
