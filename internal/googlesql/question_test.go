package googlesql

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzSchema holds the law that what is written is read back, order and all,
// and that whatever is read can be written.
func FuzzSchema(f *testing.F) {
	f.Add(`{"b":"INT64","a":"STRUCT<x STRING>"}`)
	f.Add(`{}`)
	f.Add(`null`)
	f.Add(`{"a":"X","a":"Y"}`)
	f.Add(`[1]`)
	f.Add(`{"a":1}`)
	f.Fuzz(func(t *testing.T, text string) {
		var s Schema
		if json.Unmarshal([]byte(text), &s) != nil {
			return
		}
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again Schema
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatalf("%s is not read back: %v", out, err)
		}
		if diff := cmp.Diff(s, again, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSchemaKeepsOrder(t *testing.T) {
	t.Parallel()
	want := Schema{{"zeta", "STRING"}, {"alpha", "ARRAY<STRUCT<`a b` INT64>>"}, {"mid\"dle", "X"}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Schema
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSchemaRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`[]`, `"x"`, `{"a":1}`, `{"a":{}}`, `{"a"}`} {
		var s Schema
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s was read as %v", text, s)
		}
	}
}

func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	line, err := encode("7", "analyze", Request{
		SQL: "SELECT 1", DefaultProject: "p", Schemas: map[string]Schema{"p.d.t": {{"b", "INT64"}, {"a", "STRING"}}},
		Routines: []Routine{{Name: "p.d.f", Returns: "STRING"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"7","op":"analyze","question":{"sql":"SELECT 1","default_project":"p",` +
		`"schemas":{"p.d.t":{"b":"INT64","a":"STRING"}},"routines":[{"name":"p.d.f","returns":"STRING"}]}}`
	if diff := cmp.Diff(want, strings.TrimSuffix(string(line), "\n")); diff != "" {
		t.Error(diff)
	}
}
