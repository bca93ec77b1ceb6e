package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
	"cadastre.dev/cadastre/policy/view"
)

// away is a warehouse that cannot be reached.
type away struct{ view.Target }

func (away) Present(context.Context, view.Want) (view.Present, error) {
	return view.Present{}, graph.ErrUnavailable
}

// Each thing that the program lacks is a finding of its own, with what to do.
func TestTheDoctorTellsEachThingThatIsMissing(t *testing.T) {
	t.Parallel()
	all := []string{"no-sso", "no-source", "no-target", "no-worker"}
	for _, test := range []struct {
		name   string
		change func(b *bench)
		want   []string
	}{
		{"everything", func(*bench) {}, all},
		{"a worker is there", func(b *bench) { b.app.workerErr = nil }, []string{"no-sso", "no-source", "no-target"}},
		{"somebody can sign in", func(b *bench) { b.app.config.SSO.Issuer = "https://id.example" }, []string{"no-source", "no-target", "no-worker"}},
		{"a source that is well", func(b *bench) { b.on(&script{name: "warehouse"}) }, []string{"no-sso", "no-target", "no-worker"}},
		{
			"a source that lacks something", func(b *bench) {
				b.on(&script{name: "warehouse", findings: []graph.Finding{{Level: graph.FindingWarn, Code: "crawl-denied", What: "jobs", Do: "grant"}}})
			}, []string{"crawl-denied", "no-sso", "no-target", "no-worker"},
		},
		{"a source that cannot be asked", func(b *bench) { b.app.sources = []crawled{{name: "r", platform: "registry", source: plain{}}} }, []string{"no-sso", "no-target", "no-worker"}},
		{"nothing is to be published", func(b *bench) { b.app.target = nil }, []string{"no-source", "no-sso", "no-worker"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.app.target.target = away{}
			test.change(b)
			var got []string
			for _, f := range b.app.Doctor(t.Context()) {
				got = append(got, f.Code)
				if f.What == "" || f.Do == "" || f.Level == "" {
					t.Errorf("the finding does not say what to do: %+v", f)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(slices.Sorted(slices.Values(test.want)), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNothingIsMissingFromADemo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if got := h.app().Doctor(t.Context()); len(got) > 0 {
		t.Errorf("the doctor says %+v", got)
	}
}

// What is hidden from somebody is to them as if it were not: to search and to
// lineage alike.
func TestLookingShowsNothingHidden(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(people(), leaf(people(), "email", "STRING", 0))
	stranger := graph.Principal{ID: "sam@shop.example"}
	if found, err := b.app.Search(t.Context(), stranger, search.Query{Text: "people"}); err != nil || found.Total != 0 {
		t.Errorf("a stranger finds %d, %v", found.Total, err)
	}
	if found, err := b.app.Search(t.Context(), b.app.LocalPrincipal(), search.Query{Text: "people"}); err != nil || found.Total == 0 {
		t.Errorf("who holds the folder finds %d, %v", found.Total, err)
	}
	hidden := func(root graph.Ref) string {
		_, err := b.app.Lineage(t.Context(), stranger, walk.Query{Root: root, Direction: walk.Up})
		mustBe(t, err, graph.ErrNotFound)
		return strings.ReplaceAll(err.Error(), root.String(), "REF")
	}
	absent := graph.BigQueryRef("shop", "raw", "absent")
	if one, two := hidden(people().Ref), hidden(absent); one != two {
		t.Errorf("a hidden asset is told as %q, one that is not as %q", one, two)
	}
}

// However many jobs tell how far they are at once, each is read as it told,
// and what came to its end is gone.
func TestTheBoardKeepsEachJobApart(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	shown := map[string]int{}
	b := newBoard(func(what string, done, _ int) {
		mu.Lock()
		defer mu.Unlock()
		shown[what] = max(shown[what], done)
	})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			subject := fmt.Sprint("source", i)
			for done := range 101 {
				b.set("crawl", subject, done, 100)
				if got, here := b.get("crawl", subject); !here || got != (tally{done, 100}) {
					t.Errorf("%s is at %+v, told %d", subject, got, done)
				}
			}
			if i%2 == 0 {
				b.clear("crawl", subject)
			}
		})
	}
	all.Wait()
	for i := range 8 {
		want := tally{100, 100}
		if i%2 == 0 {
			want = tally{}
		}
		if got, here := b.get("crawl", fmt.Sprint("source", i)); got != want || here != (i%2 != 0) {
			t.Errorf("source%d is left at %+v, want %+v", i, got, want)
		}
	}
	if len(shown) != 8 || shown["crawl source3"] != 100 {
		t.Errorf("shown is %v", shown)
	}
	b.set("decide", "", 1, 2)
	if shown["decide"] != 1 {
		t.Errorf("a job about nothing is shown as %v", shown)
	}
	newBoard(nil).set("crawl", "a", 1, 2) // Nobody looks.
}

// A secret that is missing is told when what needs it is opened, by its name
// and as the configuration's fault.
func TestASecretThatIsMissingStopsTheOpening(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"of a source", func(c *Config) {
			c.Sources = []SourceConfig{{Name: "w", BigQuery: &BigQuerySource{Projects: []string{"p"}, Token: "file:/nowhere"}}}
		}, "source w"},
		{"of a registry", func(c *Config) {
			c.Sources = []SourceConfig{{Name: "r", Registry: &RegistrySource{URL: "http://127.0.0.1:1", Password: "env:CADASTRE_TEST_NOT_SET"}}}
		}, "CADASTRE_TEST_NOT_SET"},
		{"of the target", func(c *Config) { c.Target = Target{Name: "t", Project: "p", Token: "file:/nowhere"} }, "target t"},
		{"no platform", func(c *Config) { c.Sources = []SourceConfig{{Name: "x"}} }, "no platform"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := Config{DataDir: t.TempDir(), Worker: Worker{Path: "none"}}.withDefaults()
			test.change(&config)
			app, err := Open(t.Context(), config, Options{})
			if app != nil {
				t.Error("it is open all the same")
			}
			mustBe(t, err, graph.ErrInvalid)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error does not tell of %q: %v", test.want, err)
			}
		})
	}
}

func TestClosingTwiceIsNoFault(t *testing.T) {
	t.Parallel()
	app, err := Open(t.Context(), Config{DataDir: t.TempDir(), Worker: Worker{Path: "none"}}.withDefaults(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(app.Settle(t.Context()), app.Close(), app.stopJobs()); err != nil {
		t.Error(err)
	}
}
