package lineage

import (
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
)

func TestScrubber(t *testing.T) {
	t.Parallel()
	const sql = "SELECT 'ana@x.org', 42, \"Otto \\\"K\\\"\", ' ', 7 FROM t -- call Fay\nWHERE a = 'x'"
	tests := []struct{ name, words, want string }{
		{"names stay", `Unrecognized name: foo at [3:5]`, `Unrecognized name: foo at [3:5]`},
		{"quoted names stay", `Table "p.d.t" has no column 'a_1'`, `Table "p.d.t" has no column 'a_1'`},
		{"string", "Could not cast ana@x.org to INT64", "Could not cast ? to INT64"},
		{"quoted string", `Could not cast "ana@x.org"`, `Could not cast "?"`},
		{"number", "got 42, wanted p42", "got ?, wanted p42"},
		{"what was cut off", `near "ana@x`, `near "?"`},
		{"comment", "before call Fay", "before ?"},
		{"blank literal is no word", "two words", "two words"},
		{"literal like a word", "x and xx", "? and xx"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := scrubber(sql)(tt.words); got != tt.want {
				t.Errorf("scrubbed %q, want %q", got, tt.want)
			}
		})
	}
}

func TestStoredCutsWordsAfterScrubbing(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s3cret ", 60)
	a := graph.Analysis{Outcome: graph.OutcomePartial, Reason: "cannot read " + secret, Unresolved: []string{"x " + secret}}
	s := stored(graph.Statement{Because: graph.EvidenceJob, SQL: "SELECT '" + secret + "'"}, a)
	for _, kept := range append(s.Unresolved, s.Reason, s.SQL) {
		if strings.Contains(kept, "s3cret") {
			t.Errorf("kept %q", kept)
		}
	}
	long := stored(graph.Statement{Because: graph.EvidenceView}, graph.Analysis{Reason: strings.Repeat("é", 400) + "\nsecond line"})
	if len(long.Reason) > maxReason+len("…") || strings.Contains(long.Reason, "second") || !strings.HasSuffix(long.Reason, "…") {
		t.Errorf("reason of %d bytes: %q", len(long.Reason), long.Reason)
	}
}

func TestStoredTakesTheTargetOfAScript(t *testing.T) {
	t.Parallel()
	out := graph.BigQueryRef("p", "d", "out")
	if s := stored(graph.Statement{}, graph.Analysis{Outputs: []graph.Ref{out}}); s.Target != out {
		t.Errorf("target %v, want the one output", s.Target)
	}
	if s := stored(graph.Statement{}, graph.Analysis{Outputs: []graph.Ref{out, graph.BigQueryRef("p", "d", "more")}}); !s.Target.IsZero() {
		t.Errorf("target %v of two outputs, want none", s.Target)
	}
}

func TestDeriveCopiesWhatIsKnown(t *testing.T) {
	t.Parallel()
	base, v := graph.BigQueryRef("p", "d", "t"), graph.BigQueryRef("p", "d", "v")
	known := SchemaMap{base: {
		{Ref: base.Column("s"), Type: "RECORD", Mode: graph.ModeRepeated},
		{Ref: base.Column("s[].a"), Type: "INTEGER", Mode: graph.ModeRequired},
		{Ref: base.Column("sum"), Type: "FLOAT"},
	}}
	source := func(path string, kind graph.EdgeKind) []graph.ColumnSource {
		return []graph.ColumnSource{{Column: base.Column(path), Kind: kind}}
	}
	got := derive(v, graph.Analysis{Columns: []graph.OutputColumn{
		{Name: "copy", Sources: source("S", graph.EdgeIdentity)},
		{Name: "n", Sources: source("sum", graph.EdgeAggregation)},
		{Name: "COPY", Sources: source("sum", graph.EdgeIdentity)},
		{Name: "$col4", Sources: source("sum", graph.EdgeIdentity)},
	}}, known)
	want := []graph.Column{
		{Ref: v.Column("copy"), Position: 0, Type: "RECORD", Mode: graph.ModeRepeated},
		{Ref: v.Column("copy[].a"), Position: 1, Type: "INTEGER", Mode: graph.ModeRequired},
		{Ref: v.Column("n"), Position: 2, Mode: graph.ModeNullable},
	}
	if len(got) != len(want) {
		t.Fatalf("columns %+v, want %+v", got, want)
	}
	for i := range want {
		if got[i].Ref != want[i].Ref || got[i].Type != want[i].Type || got[i].Mode != want[i].Mode || got[i].Position != want[i].Position {
			t.Errorf("column %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}
