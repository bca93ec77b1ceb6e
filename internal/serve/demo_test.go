package serve

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/internal/googlesql"
)

// The points of the proof, all of which must be in it.
func TestTheDemoProvesEveryPoint(t *testing.T) {
	t.Parallel()
	if _, err := googlesql.Locate(workerPath()); err != nil {
		t.Skipf("runs queries: %v", err)
	}
	p, err := Prove(t.Context(), DemoOptions{DataDir: t.TempDir(), Worker: workerPath()})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"analyst_denied_on_base", "analyst_nested_and_repeated_masked", "analyst_reads_masked", "audit_verifies",
		"auditor_sees_before_and_after", "flipped_byte_is_found", "foreign_change_makes_plan_stale", "fraud_reads_clear",
		"new_column_in_no_view", "owner_confirms", "plan_shows_what_changes_and_why", "untouched_column_in_no_view",
	}
	if !slices.Equal(p.Points(), want) {
		t.Errorf("the points are %v", p.Points())
	}
	if !p.Holds() {
		t.Errorf("the proof does not hold: %v, %v, second crawl %d", p.Proof, p.Notes, p.SecondCrawl)
	}
	if p.Assets == 0 || p.Columns == 0 || p.Edges == 0 || p.Outcomes[graph.OutcomeExact] == 0 {
		t.Errorf("the counts are %+v", p)
	}
}

func TestAProofHoldsOnlyWhole(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		proof Proof
		want  bool
	}{
		{"all true", Proof{Proof: map[string]bool{"a": true, "b": true}}, true},
		{"one false", Proof{Proof: map[string]bool{"a": true, "b": false}}, false},
		{"a second crawl that changed something", Proof{Proof: map[string]bool{"a": true}, SecondCrawl: 1}, false},
		{"an estate has no points", Proof{}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.proof.Holds(); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
	p := Proof{Proof: map[string]bool{}}
	p.point("b", errors.New("why"))
	p.point("a", nil)
	if !slices.Equal(p.Points(), []string{"a", "b"}) || !slices.Equal(p.Notes, []string{"b: why"}) {
		t.Errorf("got %v, %v", p.Points(), p.Notes)
	}
}

// running is a demo that runs until it is stopped.
type running struct {
	welcome Welcome
	stop    func() error
}

func startDemoFor(t *testing.T, o DemoOptions) running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan Welcome, 1), make(chan error, 1)
	go func() { ended <- Demo(ctx, o, func(w Welcome) { ready <- w }) }()
	t.Cleanup(cancel)
	select {
	case w := <-ready:
		return running{w, func() error { cancel(); return <-ended }}
	case err := <-ended:
		t.Fatalf("the demo ended: %v", err)
		return running{}
	}
}

func TestStoppingAndStartingLosesNothing(t *testing.T) {
	t.Parallel()
	o := DemoOptions{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Worker: filepath.Join(t.TempDir(), "none")}
	first := startDemoFor(t, o)
	if len(first.welcome.People) != 3 || !strings.HasPrefix(first.welcome.URL, "http://127.0.0.1:") {
		t.Errorf("the welcome is %+v", first.welcome)
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	look := func() (graph.Revision, int, Config) {
		config, err := LoadConfig(filepath.Join(o.DataDir, ConfigFile), nil)
		if err != nil {
			t.Fatal(err)
		}
		app, err := Open(t.Context(), config, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = app.Close() }()
		head, err := app.store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found, err := app.Search(t.Context(), app.LocalPrincipal(), search.Query{})
		if err != nil {
			t.Fatal(err)
		}
		return head, found.Total, config
	}
	head, total, config := look()
	if head == 0 || total == 0 {
		t.Errorf("after the first start: revision %d, %d assets", head, total)
	}
	if err := startDemoFor(t, o).stop(); err != nil {
		t.Fatal(err)
	}
	headNow, totalNow, configNow := look()
	if headNow != head || totalNow != total {
		t.Errorf("revision %d became %d, %d assets became %d", head, headNow, total, totalNow)
	}
	if a, b := config.Sources[0].BigQuery.Endpoint, configNow.Sources[0].BigQuery.Endpoint; a != b {
		t.Errorf("the warehouse moved from %s to %s", a, b)
	}
}

func TestAFirstCrawlThatWasCutOffIsDoneAgain(t *testing.T) {
	t.Parallel()
	o := DemoOptions{DataDir: t.TempDir(), Worker: filepath.Join(t.TempDir(), "none")}
	h := startHouse(t, o)
	// The crawl came through, and the program was killed before the owner
	// said what is not personal.
	h.crawl()
	if got := h.ofPersons(column("raw.customers", "segment")); len(got) > 0 {
		t.Fatalf("somebody said %v", got)
	}
	h.crawled()
	if got := h.ofPersons(column("raw.customers", "segment")); len(got) != 1 {
		t.Errorf("at the next start nobody said what is not personal: %v", got)
	}
	before := h.head()
	h.tag(otto(), said("raw.customers", "segment", "none", "withdrawn"))
	h.crawled()
	if got := h.ofPersons(column("raw.customers", "segment")); len(got) > 0 || h.head() == before {
		t.Errorf("what the owner took back is said again: %v", got)
	}
}

func TestADemoSaysWhyItCannotStart(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none")
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, demoStateFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	moved := t.TempDir()
	state := demoState{Sandbox: taken.Addr().String()}
	if err := state.write(moved); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		o    DemoOptions
		kind error
		want string
	}{
		{"the port is taken", DemoOptions{Listen: taken.Addr().String()}, graph.ErrUnavailable, "--listen"},
		{"the demo runs already", DemoOptions{DataDir: moved}, graph.ErrUnavailable, "--data-dir"},
		{"its state is damaged", DemoOptions{DataDir: damaged}, graph.ErrInvalid, demoStateFile},
		{"no such estate", DemoOptions{Estate: none}, graph.ErrInvalid, none},
		{"no address", DemoOptions{Listen: "here"}, graph.ErrInvalid, "host:port"},
		{"an address for all the world", DemoOptions{Listen: "0.0.0.0:0"}, graph.ErrInvalid, "loopback"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := test.o
			o.DataDir, o.Listen, o.Worker = orDefault(o.DataDir, t.TempDir()), orDefault(o.Listen, "127.0.0.1:0"), none
			err := Demo(t.Context(), o, func(Welcome) { t.Error("the demo is ready") })
			mustBe(t, err, test.kind)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error does not tell of %q: %v", test.want, err)
			}
		})
	}
}

func TestServeNeedsAnIdentityProvider(t *testing.T) {
	t.Parallel()
	app, err := Open(t.Context(), Config{DataDir: t.TempDir()}.withDefaults(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Close() })
	err = app.Serve(t.Context(), func(string) { t.Error("it serves") })
	mustBe(t, err, graph.ErrInvalid)
	codes := map[string]graph.FindingLevel{}
	for _, f := range app.Doctor(t.Context()) {
		codes[f.Code] = f.Level
	}
	if codes["no-sso"] != graph.FindingBlock || codes["no-source"] != graph.FindingWarn {
		t.Errorf("the doctor finds %v", codes)
	}
}
