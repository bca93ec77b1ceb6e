package googlesql

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain runs this binary as a fake worker when it is started as one, so that
// the laws of supervision are tested with real processes and without the real
// program.
func TestMain(m *testing.M) {
	if os.Getenv("FAKE_WORKER") != "" {
		fakeWorker()
		return
	}
	os.Exit(m.Run())
}

// fakeWorker answers each question with the question's SQL as its only input,
// unless the SQL asks for a misdeed.
func fakeWorker() {
	in := bufio.NewReader(os.Stdin)
	held := map[int][]byte{}
	for n := 0; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var q struct {
			ID       string `json:"id"`
			Op       string `json:"op"`
			Question struct {
				SQL   string `json:"sql"`
				Table string `json:"table"`
			} `json:"question"`
		}
		if err := json.Unmarshal(line, &q); err != nil {
			fmt.Println(`{"id":"","error":{"kind":"protocol","message":"no question"}}`)
			continue
		}
		if q.Op == "version" {
			fakeHello(q.ID)
			continue
		}
		switch misdeed, _, _ := strings.Cut(q.Question.SQL+q.Question.Table, " "); misdeed {
		case "hang":
			time.Sleep(time.Hour)
		case "die":
			os.Exit(3)
		case "grow":
			for {
				held[len(held)] = bytes.Repeat([]byte{1}, 16<<20)
			}
		case "garbage":
			fmt.Println("this is no JSON")
		case "stranger":
			fmt.Println(`{"id":"another","result":{}}`)
		case "misshapen":
			fmt.Printf(`{"id":%q,"result":[]}`+"\n", q.ID)
		case "refuse":
			fmt.Printf(`{"id":%q,"error":{"kind":"invalid","message":"refused as asked"}}`+"\n", q.ID)
		default:
			fmt.Printf(`{"id":%q,"result":{"parsed":true,"outcome":"exact","inputs":[%q],"outputs":[],"columns":[],"affected":%d,"tables":[%q]}}`+"\n",
				q.ID, q.Question.SQL, n, q.Question.SQL)
		}
	}
}

func fakeHello(id string) {
	switch os.Getenv("FAKE_WORKER") {
	case "old":
		fmt.Printf(`{"id":%q,"result":{"protocol":0}}`+"\n", id)
	case "mute":
		time.Sleep(time.Hour)
	case "stillborn":
		os.Exit(1)
	default:
		fmt.Printf(`{"id":%q,"result":{"protocol":%d}}`+"\n", id, protocol)
	}
}

// fake is a Config whose worker is this binary in a mode.
func fake(t *testing.T, mode string) Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Config{Path: self, Env: []string{"FAKE_WORKER=" + mode}, Deadline: time.Minute, MemoryLimit: -1}
}

func newPool(t *testing.T, cfg Config) *Pool {
	t.Helper()
	p, err := NewPool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// realWorker is the path of the worker as it was built, or the test is skipped.
func realWorker(t testing.TB) string {
	t.Helper()
	path := os.Getenv("CADASTRE_GOOGLESQL")
	if path == "" {
		path = filepath.Join("..", "..", "bin", Program)
	}
	if _, err := Locate(path); err != nil {
		t.Skipf("needs the worker: run `make build`, or name it in CADASTRE_GOOGLESQL (%v)", err)
	}
	return path
}
