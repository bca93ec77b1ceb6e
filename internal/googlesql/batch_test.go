package googlesql

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBatchKeepsOrder(t *testing.T) {
	t.Parallel()
	p := newPool(t, fake(t, "good"))
	var in strings.Builder
	const n = 200
	for i := range n {
		fmt.Fprintf(&in, `{"id":"%d","sql":"q%d"}`+"\n", i, i)
	}
	var out bytes.Buffer
	if err := p.Batch(t.Context(), strings.NewReader(in.String()), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != n {
		t.Fatalf("%d answers to %d questions", len(lines), n)
	}
	for i, line := range lines {
		want := fmt.Sprintf(`{"id":"%d","parsed":true,"outcome":"exact","inputs":["q%d"],"outputs":[],"columns":[]}`, i, i)
		if line != want {
			t.Fatalf("answer %d is %s, want %s", i, line, want)
		}
	}
}

func TestBatchAnswersEachLine(t *testing.T) {
	t.Parallel()
	p := newPool(t, fake(t, "good"))
	tests := []struct{ name, line, id, errorHas string }{
		{"good", `{"id":"a","sql":"x"}`, `"a"`, ""},
		{"number as id", `{"id":7,"sql":"x"}`, `7`, ""},
		{"no id", `{"sql":"x"}`, `null`, ""},
		{"not JSON", `nope`, `null`, "line is not a question"},
		{"a list", `[]`, `null`, "line is not a question"},
		{"wrong type", `{"id":"b","sql":5}`, `"b"`, "line is not a question"},
		{"wrong schema", `{"id":"c","sql":"x","schemas":{"t":[]}}`, `"c"`, "line is not a question"},
		{"fatal", `{"id":"d","sql":"die"}`, `"d"`, "died"},
		{"after a fatal one", `{"id":"e","sql":"x"}`, `"e"`, ""},
	}
	var in strings.Builder
	for _, tt := range tests {
		in.WriteString("\n" + tt.line + "\n")
	}
	var out bytes.Buffer
	if err := p.Batch(t.Context(), strings.NewReader(in.String()), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(tests) {
		t.Fatalf("%d answers to %d lines:\n%s", len(lines), len(tests), out.String())
	}
	for i, tt := range tests {
		var a batchAnswer
		if err := json.Unmarshal([]byte(lines[i]), &a); err != nil {
			t.Fatal(err)
		}
		if string(a.ID) != tt.id {
			t.Errorf("%s: id %s, want %s", tt.name, a.ID, tt.id)
		}
		if tt.errorHas == "" && (a.Error != "" || a.Outcome != Exact) || !strings.Contains(a.Error, tt.errorHas) {
			t.Errorf("%s: outcome %q, error %q, want %q", tt.name, a.Outcome, a.Error, tt.errorHas)
		}
	}
}

func TestBatchColumnOf(t *testing.T) {
	t.Parallel()
	sources := []Source{{Asset: "p.d.t", Column: "a.b", Kind: Transformation, Function: "SHA256", Masking: true}}
	tests := []struct {
		name string
		in   Output
		want string
	}{
		{"a table's", Output{"p.d.v", "x", sources}, `{"output":"p.d.v","column":"x","sources":[{"asset":"p.d.t","column":"a.b","kind":"transformation"}]}`},
		{"a bare SELECT's", Output{"", "x", nil}, `{"output":null,"column":"x","sources":[]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(batchColumnOf(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var errPipe = errors.New("pipe is broken")

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }
func (brokenPipe) Read([]byte) (int, error)  { return 0, errPipe }

func TestBatchFailsWithItsPipes(t *testing.T) {
	t.Parallel()
	p := newPool(t, fake(t, "good"))
	question := `{"id":"a","sql":"x"}` + "\n"
	if err := p.Batch(t.Context(), brokenPipe{}, io.Discard); !errors.Is(err, errPipe) {
		t.Errorf("a broken reader ends with %v", err)
	}
	if err := p.Batch(t.Context(), strings.NewReader(question), brokenPipe{}); !errors.Is(err, errPipe) {
		t.Errorf("a broken writer ends with %v", err)
	}
}

func TestBatchWithoutWorker(t *testing.T) {
	t.Parallel()
	p := newPool(t, fake(t, "stillborn"))
	err := p.Batch(t.Context(), strings.NewReader(strings.Repeat(`{"id":"a","sql":"x"}`+"\n", 50)), io.Discard)
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("a batch without a worker ends with %v", err)
	}
}
