package main

import (
	"maps"
	"testing"
)

var (
	upper  = step{kind: transformation, function: "UPPER"}
	sum    = step{kind: aggregation, function: "SUM"}
	hash   = step{kind: transformation, function: "SHA256", masks: true}
	reveal = step{kind: transformation, function: "DECRYPT", unmasks: true}
	hex    = step{kind: transformation, function: "TO_HEX"}
	copied = step{kind: identity}
)

func TestStepApply(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		steps []step
		from  how
		want  how
	}{
		{"nothing done", nil, how{kind: identity}, how{kind: identity}},
		{"copied", []step{copied}, how{kind: identity}, how{kind: identity}},
		{"computed", []step{upper}, how{kind: identity}, how{kind: transformation, function: "UPPER"}},
		{"the last function counts", []step{upper, hex}, how{kind: identity}, how{kind: transformation, function: "TO_HEX"}},
		{"an operator keeps the function", []step{upper, {kind: transformation}}, how{kind: identity}, how{kind: transformation, function: "UPPER"}},
		{"what was aggregated stays so", []step{sum, upper}, how{kind: identity}, how{kind: aggregation, function: "UPPER"}},
		{"a masking function is kept", []step{hash, hex, upper}, how{kind: identity}, how{kind: transformation, function: "SHA256", masking: true}},
		{"an aggregate of masked values", []step{hash, sum}, how{kind: identity}, how{kind: aggregation, function: "SHA256", masking: true}},
		{"masked again", []step{hash, {kind: transformation, function: "MD5", masks: true}}, how{kind: identity}, how{kind: transformation, function: "MD5", masking: true}},
		{"decrypted", []step{hash, reveal}, how{kind: identity}, how{kind: transformation, function: "DECRYPT"}},
		{"a window's key stays one", []step{upper, hash}, how{kind: window}, how{kind: window}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.from
			for _, s := range tt.steps {
				got = s.apply(got)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// The laws of the stronger of two ways: order does not matter, a way is as strong
// as itself, and no way is hidden by one that shows less.
func TestStrongerLaws(t *testing.T) {
	t.Parallel()
	var ways []how
	for k := group; k <= identity; k++ {
		for _, masked := range []bool{false, true} {
			ways = append(ways, how{kind: k, masking: masked})
		}
	}
	shown := func(h how) bool { return h.kind > window && !h.masking }
	for _, a := range ways {
		if got := stronger(a, a); got != a {
			t.Errorf("stronger(%v, %v) = %v", a, a, got)
		}
		for _, b := range ways {
			ab, ba := stronger(a, b), stronger(b, a)
			if ab.kind != ba.kind || shown(ab) != shown(ba) {
				t.Errorf("stronger(%v, %v) = %v, but the other way round %v", a, b, ab, ba)
			}
			if (shown(a) || shown(b)) && !shown(ab) {
				t.Errorf("stronger(%v, %v) = %v hides a clear value", a, b, ab)
			}
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	a, b := leaf{"t", "a"}, leaf{"t", "b"}
	clear := how{kind: identity}
	made := func() *value { return &value{members: []*value{copyOf("t", "a"), computed(hash, copyOf("t", "b"))}} }
	tests := []struct {
		name string
		v    *value
		want map[leaf]how
	}{
		{"constant", constant(), map[leaf]how{}},
		{"copy", copyOf("t", "a"), map[leaf]how{a: clear}},
		{"field of a copy", copyOf("t", "a").member(3, "x"), map[leaf]how{{"t", "a.x"}: clear}},
		{"element of a copy", copyOf("t", "a").item().member(0, "x"), map[leaf]how{{"t", "a[].x"}: clear}},
		{"computed", computed(upper, copyOf("t", "a"), copyOf("t", "b")), map[leaf]how{a: {transformation, "UPPER", false}, b: {transformation, "UPPER", false}}},
		{"struct", made(), map[leaf]how{a: clear, b: {transformation, "SHA256", true}}},
		{"field of a struct", made().member(0, "x"), map[leaf]how{a: clear}},
		{"field of something computed", computed(upper, copyOf("t", "a")).member(0, "x"), map[leaf]how{a: {transformation, "UPPER", false}}},
		{"choice", choice(copied, copyOf("t", "a"), copyOf("t", "b")), map[leaf]how{a: clear, b: clear}},
		{"field of a choice", choice(upper, made(), made()).member(0, "x"), map[leaf]how{a: {transformation, "UPPER", false}}},
		{"element of a choice", choice(copied, &value{element: copyOf("t", "a")}, copyOf("t", "b")).item(), map[leaf]how{a: clear, {"t", "b[]"}: clear}},
		{"masked on one way only", choice(copied, copyOf("t", "b"), computed(hash, copyOf("t", "b"))), map[leaf]how{b: clear}},
		{"masked on all ways", choice(copied, computed(hash, copyOf("t", "b")), computed(hex, computed(hash, copyOf("t", "b")))), map[leaf]how{b: {transformation, "SHA256", true}}},
		{"as a key", as(window, made()), map[leaf]how{a: {kind: window}, b: {kind: window}}},
		{"with a key beside", copyOf("t", "a").with(as(window, copyOf("t", "b"))), map[leaf]how{a: clear, b: {kind: window}}},
		{"field with a key beside", made().with(as(window, copyOf("t", "c"))).member(0, "x"), map[leaf]how{a: clear, {"t", "c"}: {kind: window}}},
		{"nothing beside", copyOf("t", "a").with(constant()), map[leaf]how{a: clear}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // what a value remembers is what it found
				if got := tt.v.collect(); !maps.Equal(got, tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			}
		})
	}
}

// A struct that goes through many choices, each of the one before, is shared and
// not copied: reading it stays cheap.
func TestValuesAreShared(t *testing.T) {
	t.Parallel()
	v := copyOf("t", "a")
	for range 200 {
		v = choice(upper, v, v, v)
	}
	if got := v.member(0, "x").member(1, "y").collect(); len(got) != 1 || got[leaf{"t", "a.x.y"}].function != "UPPER" {
		t.Errorf("got %v", got)
	}
}

func TestSourcesAreSorted(t *testing.T) {
	t.Parallel()
	got := sourcesOf(map[leaf]how{{"b", "a"}: {kind: window}, {"a", "z"}: {kind: aggregation, function: "SUM"}, {"a", "b"}: {kind: identity}})
	want := []source{{"a", "b", "identity", "", false}, {"a", "z", "aggregation", "SUM", false}, {"b", "a", "window", "", false}}
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("source %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestShapes(t *testing.T) {
	e, err := newEngine()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"INT64": "INT64", "integer": "INT64", "varchar(20)": "STRING", "NUMBER(10, 2)": "NUMERIC", "timestamp with time zone": "TIMESTAMP",
		"timestamptz": "TIMESTAMP", "double precision": "FLOAT64", "ARRAY<STRUCT<a INT64>>": "ARRAY<STRUCT<a INT64>>", "hstore": "STRING",
		"date": "date", "": "STRING", "STRUCT<": "STRING", "BOOLEAN": "BOOLEAN",
	} {
		if got := e.nearestType(name); got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
	s := e.shapeOf(columns{{"a", "INT64"}, {"b", "struct"}, {"b.c", "STRING"}, {"b.d.e", "DATE"}, {"v", "VARIANT"}})
	if got, want := s.sql(), "STRUCT<`a` INT64, `b` STRUCT<`c` STRING, `d` STRUCT<`e` DATE>>, `v` STRING>"; got != want {
		t.Errorf("shape %s, want %s", got, want)
	}
	if s.field("a").grows || !s.field("V").grows {
		t.Error("what is known grows, or what is not does not")
	}
}
