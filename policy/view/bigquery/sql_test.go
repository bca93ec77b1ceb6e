package bigquery_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/bigquery"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

var update = flag.Bool("update", false, "write the golden files")

func allow(name string) view.Field {
	return view.Field{Name: name, Path: name, Type: "STRING", Effect: graph.EffectAllow}
}

func masks(name, kind, method, domain string) view.Field {
	return view.Field{Name: name, Path: name, Type: kind, Effect: graph.EffectMask, Method: method, Domain: domain}
}

// repeat makes a field repeated, record gives it fields; both complete paths.
func repeat(f view.Field) view.Field {
	f.Mode = graph.ModeRepeated
	return f
}

func record(name string, fields ...view.Field) view.Field {
	return view.Field{Name: name, Path: name, Type: "RECORD", Fields: fields}
}

// within gives fields the paths that they have in their table.
func within(prefix string, fields []view.Field) []view.Field {
	out := make([]view.Field, len(fields))
	for i, f := range fields {
		f.Path = prefix + f.Name
		below := f.Path + "."
		if f.Mode == graph.ModeRepeated {
			below = f.Path + "[]."
		}
		f.Fields = within(below, f.Fields)
		out[i] = f
	}
	return out
}

func definition(fields ...view.Field) view.Definition {
	base := graph.BigQueryRef("house", "raw", "customers")
	container := viewtest.Names().Container("analysts", "EU")
	d := view.Definition{
		View: viewtest.Names().View(container, base), Base: base, Audience: "analysts",
		Fields: within("", fields), Keys: viewtest.Names().Keys("EU"), KeyIDs: map[string]string{},
	}
	var walk func([]view.Field)
	walk = func(fields []view.Field) {
		for _, f := range fields {
			if f.Domain != "" {
				d.KeyIDs[f.Domain] = f.Domain + "/1"
			}
			walk(f.Fields)
		}
	}
	walk(fields)
	return d
}

// The text of a view of each shape, as people will read it.
func TestText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fields []view.Field
	}{
		{"flat", []view.Field{allow("id"), masks("email", "STRING", "email", ""), masks("born", "DATE", "null", "")}},
		{"keyed", []view.Field{masks("email", "STRING", "hash", "email"), masks("iban", "STRING", "hash", "iban"), masks("other", "STRING", "hash", "email")}},
		{"struct", []view.Field{record("contact", allow("city"), record("home", masks("street", "STRING", "null", "")))}},
		{"array", []view.Field{
			repeat(record("orders", allow("sku"), repeat(record("parts", masks("note", "STRING", "email", ""))))),
		}},
		{"scalars", []view.Field{repeat(allow("tags")), repeat(masks("phones", "STRING", "hash", "phone")), repeat(masks("notes", "STRING", "null", ""))}},
		{"names", []view.Field{allow("select"), allow("base"), record("item1", allow("a b")), repeat(record("at1", allow("key1_")))}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := bigquery.Dialect{}.SQL(definition(test.fields...))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", test.name+".sql")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTextIsRefused(t *testing.T) {
	t.Parallel()
	many := make([]view.Field, 9000)
	for i := range many {
		many[i] = allow(fmt.Sprintf("a_rather_long_name_of_a_column_%d", i))
	}
	unkeyed := definition(masks("email", "STRING", "hash", "email"))
	unkeyed.KeyIDs = nil
	for _, test := range []struct {
		name string
		def  view.Definition
	}{
		{"nothing visible", definition()},
		{"a denied leaf", definition(view.Field{Name: "x", Type: "STRING", Effect: graph.EffectDeny})},
		{"a leaf without effect", definition(view.Field{Name: "x", Type: "STRING"})},
		{"two of one name", definition(allow("x"), allow("X"))},
		{"two of one name in a record", definition(record("r", allow("x"), allow("x")))},
		{"no name", definition(allow(""))},
		{"a line break in a name", definition(allow("x\n, secret"))},
		{"a line break in a field's name", definition(record("r", allow("x\r")))},
		{"a line separator in a name", definition(allow("x\u2028"))},
		{"bytes that are no text", definition(allow("x\xff"))},
		{"a back quote in a name", definition(allow("x`, secret AS `y"))},
		{"a backslash in a name", definition(allow("x\\"))},
		{"an unknown method", definition(masks("x", "STRING", "rot13", ""))},
		{"a method that does not fit", definition(masks("x", "FLOAT", "hash", "email"))},
		{"a type that nothing masks", definition(masks("x", "RANGE<DATE>", "null", ""))},
		{"an array of a type that nothing masks", definition(repeat(masks("x", "RANGE<DATE>", "null", "")))},
		{"an array with an unknown method", definition(repeat(masks("x", "STRING", "rot13", "")))},
		{"a key that is not named", unkeyed},
		{"a domain that is no name", definition(masks("x", "STRING", "hash", "a'b"))},
		{"longer than BigQuery takes", definition(many...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sql, err := bigquery.Dialect{}.SQL(test.def)
			if !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("%v, want invalid; wrote %.200q", err, sql)
			}
		})
	}
	bad := definition(allow("x"))
	bad.Base.Name = "house.raw.a\n-- b"
	if _, err := (bigquery.Dialect{}).SQL(bad); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("a line break in the base: %v, want invalid", err)
	}
	bad = definition(allow("x"))
	bad.Audience = "analysts\nSELECT"
	if _, err := (bigquery.Dialect{}).SQL(bad); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("a line break in the audience: %v, want invalid", err)
	}
}

// No name ends its quotes.
func TestNamesAreQuoted(t *testing.T) {
	t.Parallel()
	session := newSession(t)
	for _, name := range []string{"a'b", `a"b`, "--", "/*", "a b", "日本", "select"} {
		sql, err := bigquery.Dialect{}.SQL(definition(allow(name), masks("n", "STRING", "null", "")))
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(sql, "SELECT\n  base.")
		quoted, _, _ := strings.Cut(body, " AS ")
		got, err := session.Exec(t.Context(), googlesql.Query{SQL: "SELECT 1 AS " + quoted})
		if err != nil {
			t.Errorf("%q: %v in %s", name, err, quoted)
			continue
		}
		if len(got.Schema) != 1 || got.Schema[0].Name != name {
			t.Errorf("%q is read as %+v", name, got.Schema)
		}
	}
}

// What Read gives back is what SQL wrote down, and every visible leaf is in it.
func TestReadGivesBackWhatWasWritten(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		r := newRandom(seed)
		sql, visible, err := r.plan()
		if err != nil || !visible {
			continue
		}
		reading, ok := bigquery.Dialect{}.Read(sql)
		if !ok {
			t.Fatalf("seed %d: not read:\n%s", seed, sql)
		}
		want := view.Reading{Base: r.base.Asset.Ref, Effects: map[string]graph.Effect{}}
		for path, d := range r.want {
			if d.Effect != graph.EffectDeny {
				want.Effects[path] = d.Effect
			}
		}
		if diff := cmp.Diff(want, reading); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

// Whatever the text of a view is, reading it ends well, and a text of somebody
// else's is not taken for ours.
func FuzzRead(f *testing.F) {
	sql, err := bigquery.Dialect{}.SQL(definition(allow("id"), masks("email", "STRING", "email", "")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sql)
	f.Add("SELECT 1")
	f.Add("-- Made by Cadastre. What is changed here is reported and put back.\n-- base: no ref\n")
	f.Fuzz(func(t *testing.T, text string) {
		reading, ok := bigquery.Dialect{}.Read(text)
		if ok && (reading.Base.IsZero() || !strings.HasPrefix(text, "-- Made by Cadastre.")) {
			t.Errorf("%q is read as %+v", text, reading)
		}
	})
}

// Whatever a column is called, the text is refused or the name is between its
// quotes and nowhere else.
func FuzzName(f *testing.F) {
	for _, name := range []string{"email", "a`b", "a\\", "a\nb", "--", "'"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		sql, err := bigquery.Dialect{}.SQL(definition(allow(name)))
		if err != nil {
			if !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("%q: %v, want invalid", name, err)
			}
			return
		}
		leaves, err := structure(sql)
		if err != nil || len(leaves) != 1 {
			t.Errorf("%q: %v, %d leaves in\n%s", name, err, len(leaves), sql)
		}
		if n := strings.Count(sql, "\n"); n != 7 {
			t.Errorf("%q: %d lines in\n%s", name, n, sql)
		}
	})
}

func ExampleDialect_SQL() {
	sql, err := bigquery.Dialect{}.SQL(view.Definition{
		Base: graph.BigQueryRef("house", "raw", "customers"), Audience: "analysts",
		Fields: []view.Field{
			{Name: "id", Path: "id", Type: "INTEGER", Effect: graph.EffectAllow},
			{Name: "contact", Path: "contact", Type: "RECORD", Fields: []view.Field{
				{Name: "note", Path: "contact.note", Type: "STRING", Effect: graph.EffectMask, Method: "null"},
			}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(sql)
	// Output:
	// -- Made by Cadastre. What is changed here is reported and put back.
	// -- base: bigquery/house.raw.customers
	// -- audience: analysts
	// -- allow: id
	// -- mask null: contact.note
	// SELECT
	//   base.`id` AS `id`,
	//   IF(base.`contact` IS NULL, NULL, STRUCT(
	//     CAST(NULL AS STRING) AS `note`)) AS `contact`
	// FROM `house`.`raw`.`customers` AS base
}
