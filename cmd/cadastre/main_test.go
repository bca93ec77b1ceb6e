package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/company"
	"cadastre.dev/cadastre/internal/serve"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cadastre": main})
}

// workerPath is the program that analyzes and runs SQL: by name, or where the
// build leaves it.
func workerPath() string {
	if path := os.Getenv("CADASTRE_GOOGLESQL"); path != "" {
		return path
	}
	path, err := filepath.Abs(filepath.Join("..", "..", "bin", googlesql.Program))
	if err != nil {
		return googlesql.Program
	}
	return path
}

func hasWorker() bool {
	_, err := googlesql.Locate(workerPath())
	return err == nil
}

func TestStories(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("WORKER", workerPath())
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "worker" {
				return hasWorker(), nil
			}
			return false, fmt.Errorf("condition %q is unknown", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"demo": startDemo, "exits": exits, "hash": hash, "runs": keepRun, "revision": revision, "flip": flip, "keys": keys, "drop": drop, "held": held, "token": token,
		},
		RequireExplicitExec: true,
	})
}

// startDemo runs the demo in a folder until the story ends: demo DIR.
func startDemo(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	o := serve.DemoOptions{DataDir: ts.MkAbs(args[0]), Listen: "127.0.0.1:0", Worker: workerPath()}
	go func() { ended <- serve.Demo(ctx, o, func(serve.Welcome) { close(ready) }) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			ts.Logf("the demo ended: %v", err)
		}
	})
	ts.Defer(stop)
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		ts.Fatalf("the demo did not start: %v", err)
	case <-time.After(time.Minute):
		ts.Fatalf("the demo did not start")
	}
}

// exits runs a command and holds it to an exit code: exits CODE cadastre ARGS.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// hash keeps the hash of the plan that was last printed in $PLAN.
func hash(ts *testscript.TestScript, _ bool, _ []string) {
	var plan struct{ ID string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &plan))
	ts.Setenv("PLAN", plan.ID)
}

// keepRun keeps the revision of the run that was listed last in $RUN.
func keepRun(ts *testscript.TestScript, _ bool, _ []string) {
	var runs []struct{ Revision int64 }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &runs))
	if len(runs) == 0 {
		ts.Fatalf("no run is listed")
	}
	ts.Setenv("RUN", strconv.FormatInt(runs[len(runs)-1].Revision, 10))
}

// held keeps the hash of the first removal that the JSON document that was
// last printed says is held back in $HELD.
func held(ts *testscript.TestScript, _ bool, _ []string) {
	var reports []struct{ Held string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &reports))
	for _, r := range reports {
		if r.Held != "" {
			ts.Setenv("HELD", r.Held)
			return
		}
	}
	ts.Fatalf("nothing is held back")
}

// token keeps the id of the first token that was last listed: token NAME.
func token(ts *testscript.TestScript, _ bool, args []string) {
	var tokens []struct{ ID string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &tokens))
	if len(tokens) == 0 {
		ts.Fatalf("there is no token")
	}
	ts.Setenv(args[0], tokens[0].ID)
}

// drop drops a table of the demo's warehouse: drop DIR DATASET TABLE.
func drop(ts *testscript.TestScript, _ bool, args []string) {
	config, err := serve.LoadConfig(filepath.Join(ts.MkAbs(args[0]), serve.ConfigFile), nil)
	ts.Check(err)
	address := fmt.Sprintf("%sprojects/%s/datasets/%s/tables/%s", config.Sources[0].BigQuery.Endpoint, company.Project, args[1], args[2])
	request, err := http.NewRequestWithContext(context.Background(), http.MethodDelete, address, nil)
	ts.Check(err)
	request.Header.Set("Authorization", "Bearer "+company.Token(company.Scheduler()))
	answer, err := http.DefaultClient.Do(request)
	ts.Check(err)
	ts.Check(answer.Body.Close())
	if answer.StatusCode >= 300 {
		ts.Fatalf("drop %s: %s", address, answer.Status)
	}
}

// revision keeps the revision before the one that was last printed in $BEFORE.
func revision(ts *testscript.TestScript, _ bool, _ []string) {
	var made struct{ Revision int }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &made))
	ts.Setenv("BEFORE", strconv.Itoa(made.Revision-1))
}

// flip changes one byte of the first place of a text in a file: flip FILE TEXT.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	at := bytes.LastIndex(data, []byte(args[1]))
	if at < 0 {
		ts.Fatalf("%s does not hold %s", args[0], args[1])
	}
	data[at] ^= 1
	ts.Check(os.WriteFile(path, data, 0o600))
}

// keys holds that every key of the JSON document that was last printed is
// lower case with underscores, save those that are values of the catalog.
func keys(ts *testscript.TestScript, _ bool, _ []string) {
	var document any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &document); err != nil {
		ts.Fatalf("not one JSON document: %v", err)
	}
	if wrong := wrongKeys(document, false); len(wrong) > 0 {
		ts.Fatalf("keys are %q", wrong)
	}
}

// wrongKeys returns keys in another manner; those below free are data.
func wrongKeys(v any, free bool) (wrong []string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			wrong = append(wrong, wrongKeys(e, free)...)
		}
	case map[string]any:
		for key, e := range v {
			if !free && strings.ContainsFunc(key, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) {
				wrong = append(wrong, key)
			}
			wrong = append(wrong, wrongKeys(e, free || key == "facets" || key == "labels")...)
		}
	}
	return wrong
}

func TestExitCodesAreAsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		err  error
		code int
		word string
	}{
		{nil, 0, "done"},
		{context.Canceled, 0, "done"},
		{errors.New("a fault"), 1, "internal"},
		{graph.ErrInvalid, 2, "wrong"},
		{graph.ErrNotFound, 3, "not found"},
		{graph.ErrDenied, 4, "denied"},
		{graph.ErrStale, 5, "stale"},
		{graph.ErrConflict, 6, "conflict"},
		{graph.ErrUnavailable, 7, "unavailable"},
		{errFalse, 8, "the answer is no"},
	} {
		err := test.err
		if err != nil {
			err = fmt.Errorf("what was being done: %w", err)
		}
		if got := exitCode(err); got != test.code {
			t.Errorf("%v exits %d, want %d", test.err, got, test.code)
		}
		if line := fmt.Sprintf("| %d | ", test.code); !strings.Contains(strings.ToLower(string(page)), line) || !strings.Contains(string(page), test.word) {
			t.Errorf("docs/cli.md does not tell of exit code %d", test.code)
		}
	}
}

// watched is a writer that closes a channel once a text was written to it.
type watched struct {
	mu   sync.Mutex
	text strings.Builder
	want string
	seen chan struct{}
}

func (s *watched) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := strings.Contains(s.text.String(), s.want)
	s.text.Write(p)
	if !had && strings.Contains(s.text.String(), s.want) {
		close(s.seen)
	}
	return len(p), nil
}

func TestTheDemoEndsWhenItIsTold(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	out := &watched{want: "Stop with Ctrl-C", seen: make(chan struct{})}
	ended := make(chan int, 1)
	var errOut bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"demo", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}, strings.NewReader(""), out, &errOut)
	}()
	select {
	case <-out.seen:
	case <-time.After(time.Minute):
		t.Fatal("it does not start")
	}
	interrupt()
	asked := time.Now()
	select {
	case code := <-ended:
		if code != exitOK {
			t.Errorf("exit code %d: %s", code, errOut.String())
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	if took := time.Since(asked); took > 15*time.Second {
		t.Errorf("it took %v to end", took)
	}
	for _, name := range []string{"Ana", "Otto", "Audra"} {
		if !strings.Contains(out.text.String(), name) {
			t.Errorf("the welcome does not name %s: %s", name, out.text.String())
		}
	}
}

func TestNoBarWithoutATerminal(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "err"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, s := range map[string]*streams{
		"a file": {err: file}, "a buffer": {err: new(bytes.Buffer)}, "json": {err: os.Stderr, json: true},
	} {
		if s.progress() != nil {
			t.Errorf("there is a bar on %s", name)
		}
	}
}

func TestABarShowsWorkUntilTheAnswer(t *testing.T) {
	t.Parallel()
	var shown bytes.Buffer
	b := &bars{w: &shown}
	b.show("crawl warehouse", 1, 0)
	b.show("analyze warehouse", 1, 2)
	b.show("analyze warehouse", 2, 2)
	if text := shown.String(); !strings.Contains(text, "crawl warehouse") || !strings.Contains(text, "(2/2)") && !strings.Contains(text, "analyze warehouse") {
		t.Errorf("shown is %q", text)
	}
	b.end()
	before := shown.Len()
	b.show("crawl warehouse", 2, 0)
	if shown.Len() != before {
		t.Error("a bar is shown below the answer")
	}
	(*bars)(nil).end()
}
