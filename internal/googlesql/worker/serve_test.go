package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// converse asks the lines of one worker and gives its answers.
func converse(t *testing.T, k *worker, lines ...string) []string {
	t.Helper()
	var out bytes.Buffer
	if err := serve(strings.NewReader(strings.Join(lines, "\n")), &out, k); err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSuffix(out.String(), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func TestServeAnswersWhateverItIsAsked(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"no JSON", `nope`, `{"id":"","error":{"kind":"protocol","message":"line is not a question`},
		{"a list", `[1]`, `{"id":"","error":{"kind":"protocol"`},
		{"id of another type", `{"id":5,"op":"version"}`, `{"id":"","error":{"kind":"protocol"`},
		{"unknown op", `{"id":"a","op":"fly"}`, `{"id":"a","error":{"kind":"protocol","message":"op \"fly\" is not known"}}`},
		{"no op", `{"id":"a"}`, `{"id":"a","error":{"kind":"protocol","message":"op \"\" is not known"}}`},
		{"question of another type", `{"id":"a","op":"analyze","question":"SELECT 1"}`, `{"id":"a","error":{"kind":"protocol","message":"question of op \"analyze\"`},
		{"schema that is a list", `{"id":"a","op":"analyze","question":{"sql":"SELECT 1","schemas":{"t":[]}}}`, `{"id":"a","error":{"kind":"protocol"`},
		{"no question", `{"id":"a","op":"analyze"}`, `{"id":"a","result":{"parsed":`},
		{"no question to the executor", `{"id":"a","op":"exec"}`, `{"id":"a","error":{"kind":"invalid"`},
		{"version", `{"id":"v","op":"version"}`, `{"id":"v","result":{"protocol":1,`},
		{"unknown fields are no fault", `{"id":"v","op":"version","more":1}`, `{"id":"v","result":{"protocol":1,`},
	}
	k := newWorker()
	for _, tt := range tests {
		got := converse(t, k, tt.line)
		if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
			t.Errorf("%s: answered %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestServeKeepsOrderAndSkipsBlankLines(t *testing.T) {
	got := converse(t, newWorker(), `{"id":"1","op":"version"}`, "", "  ", `x`, `{"id":"3","op":"version"}`)
	if len(got) != 3 {
		t.Fatalf("%d answers to three questions: %v", len(got), got)
	}
	for i, want := range []string{`{"id":"1"`, `{"id":""`, `{"id":"3"`} {
		if !strings.HasPrefix(got[i], want) {
			t.Errorf("answer %d is %s", i, got[i])
		}
	}
}

func TestServeLastLineWithoutEnd(t *testing.T) {
	if got := converse(t, newWorker(), `{"id":"1","op":"version"}`); len(got) != 1 {
		t.Errorf("answers %v", got)
	}
	if got := converse(t, newWorker()); got != nil {
		t.Errorf("answers to nothing: %v", got)
	}
}

var errPipe = errors.New("pipe is broken")

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }
func (brokenPipe) Read([]byte) (int, error)  { return 0, errPipe }

func TestServeEndsWithItsPipes(t *testing.T) {
	if err := serve(brokenPipe{}, &bytes.Buffer{}, newWorker()); !errors.Is(err, errPipe) {
		t.Errorf("a broken reader ends with %v", err)
	}
	if err := serve(strings.NewReader("x\n"), brokenPipe{}, newWorker()); !errors.Is(err, errPipe) {
		t.Errorf("a broken writer ends with %v", err)
	}
}

// A panic is a fault of the worker that is answered; the next question finds a
// worker that works.
func TestServePanicIsAnswered(t *testing.T) {
	k := newWorker()
	k.engine = &engine{} // without its parts nothing can be analyzed
	got := converse(t, k, `{"id":"1","op":"analyze","question":{"sql":"SELECT 1"}}`, `{"id":"2","op":"parse","question":{"sql":"SELECT 1 FROM t"}}`)
	if !strings.HasPrefix(got[0], `{"id":"1","error":{"kind":"internal"`) {
		t.Errorf("a panic was answered with %s", got[0])
	}
	if got[1] != `{"id":"2","result":{"parsed":true,"tables":["t"]}}` {
		t.Errorf("after a panic: %s", got[1])
	}
}

func TestParse(t *testing.T) {
	k := newWorker()
	tests := []struct{ name, sql, want string }{
		{"names are completed", "SELECT * FROM a, b.c, `d.e.f`", `{"parsed":true,"tables":["d.e.f","p.b.c","p.x.a"]}`},
		{"no common table expressions", "WITH a AS (SELECT 1) SELECT * FROM a JOIN b USING (x)", `{"parsed":true,"tables":["p.x.b"]}`},
		{"no arrays of tables", "SELECT * FROM t, t.items, UNNEST(t.more)", `{"parsed":true,"tables":["p.x.t"]}`},
		{"what is written too", "INSERT INTO o (a) SELECT a FROM i", `{"parsed":true,"tables":["p.x.i","p.x.o"]}`},
		{"each once", "SELECT * FROM t JOIN T USING (a) JOIN p.x.t AS u USING (a)", `{"parsed":true,"tables":["p.x.t"]}`},
		{"subqueries", "SELECT (SELECT MAX(a) FROM s) FROM t WHERE b IN (SELECT c FROM u)", `{"parsed":true,"tables":["p.x.s","p.x.t","p.x.u"]}`},
		{"functions that are not built in", "SELECT d.f(UPPER(a)), NET.HOST(b) FROM tf(1)", `{"parsed":true,"tables":[],"functions":["NET.HOST","d.f","tf"]}`},
		{"scripts", "DECLARE a INT64; SELECT a FROM t; DELETE FROM u WHERE TRUE;", `{"parsed":true,"tables":["p.x.t","p.x.u"]}`},
		{"not grammatical", "SELECT FROM WHERE", `{"parsed":false,"error":"Syntax error: SELECT list must not be empty [at 1:8]","tables":[]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := k.parse(request{SQL: tt.sql, DefaultProject: "p", DefaultDataset: "x"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(n)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// FuzzServe holds that every line that is not blank is answered by one line of
// JSON with the id of its question. The executor is left out: its statements
// are not bounded in what they may take.
func FuzzServe(f *testing.F) {
	f.Add(`{"id":"1","op":"analyze","question":{"sql":"SELECT a.b, f(c) FROM d.e AS a WHERE x = 1"}}`)
	f.Add(`{"id":"2","op":"analyze","question":{"sql":"SELECT * FROM t","schemas":{"t":{"a":"INT64"}}}}`)
	f.Add(`{"id":"3","op":"parse","question":{"sql":"WITH a AS (SELECT 1) SELECT * FROM a"}}`)
	f.Add(`{"id":"4","op":"version"}`)
	f.Add(`{"id":"5","op":"analyze","question":{"sql":"{% if x %} SELECT {{ y }}","dialect":"spark"}}`)
	f.Add(`[]`)
	k := newWorker()
	f.Fuzz(func(t *testing.T, line string) {
		var q question
		_ = json.Unmarshal([]byte(line), &q)
		switch q.Op {
		case "exec", "describe", "create", "load", "view", "drop":
			return
		}
		if strings.ContainsAny(line, "\n") || strings.TrimSpace(line) == "" {
			return
		}
		got := converse(t, k, line)
		if len(got) != 1 {
			t.Fatalf("%d answers to one question", len(got))
		}
		var a struct {
			ID     string          `json:"id"`
			Result json.RawMessage `json:"result"`
			Error  *fault          `json:"error"`
		}
		if err := json.Unmarshal([]byte(got[0]), &a); err != nil {
			t.Fatal(err)
		}
		if (a.Result == nil) == (a.Error == nil) {
			t.Errorf("an answer with both or neither of result and error: %s", got[0])
		}
	})
}
