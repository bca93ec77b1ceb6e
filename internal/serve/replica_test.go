package serve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/crashtest"
	"cadastre.dev/cadastre/internal/pgtest"
)

// manyRegistries is many registries behind one address, each a source.
const estateSources = 50

func manyRegistries(t *testing.T) Config {
	t.Helper()
	mux := http.NewServeMux()
	for n := range estateSources {
		prefix := fmt.Sprintf("/registry%d", n)
		mux.Handle(prefix+"/", http.StripPrefix(prefix, topics(t, 100*n, 3+n%5)))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	config := crawling(t, server.URL)
	config.Sources = nil
	for n := range estateSources {
		name := fmt.Sprintf("registry%d", n)
		config.Sources = append(config.Sources, SourceConfig{Name: name, Registry: &RegistrySource{
			URL: server.URL + "/" + name, Cluster: fmt.Sprintf("kafka%d.example.org:9092", n),
			Tables: map[string]string{fmt.Sprint("topic", 100*n): fmt.Sprintf("warehouse.landing.table%d", n)},
		}})
	}
	return config
}

// TestReplicasOutliveAKillAndARestart lets three programs crawl fifty sources
// over one database. One of them is killed and the database restarts, each at a
// random moment of the crawl. The two that are left, which nobody starts again,
// bring the catalog to what one undisturbed program makes of the same sources.
func TestReplicasOutliveAKillAndARestart(t *testing.T) {
	t.Parallel()
	config := manyRegistries(t)
	undisturbed := openQuick(t, config)
	if _, err := undisturbed.Crawl(t.Context(), system(), nil, ""); err != nil {
		t.Fatal(err)
	}
	want := lastOf(t, undisturbed.store)
	if err := undisturbed.Close(); err != nil {
		t.Fatal(err)
	}

	server := pgtest.Start(t)
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(server.Database(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	config.DataDir, config.Database.URL = t.TempDir(), "file:"+file
	app := openQuick(t, config)
	defer app.Close()
	var replicas []*crashtest.Victim
	for range 3 {
		config.DataDir = t.TempDir()
		replica := crashtest.Start(t, "replica", asVictim(t, config))
		replica.Await(crashtest.Begin)
		replicas = append(replicas, replica)
	}
	for _, s := range config.Sources {
		if err := app.StartCrawl(t.Context(), system(), s.Name, ""); err != nil {
			t.Fatal(err)
		}
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for _, event := range moments(random, []event{
		{"one of three programs is killed", func() { replicas[0].Kill() }},
		{"the database restarts", func() { server.Stop(t); server.Resume(t) }},
	}) {
		waitFor(t, app, event.name, func(ctx context.Context) (bool, error) {
			seen, err := crawledSources(ctx, app)
			return seen >= event.at, err
		})
		event.do()
		t.Logf("when %d of %d sources were crawled, %s (seed %d)", event.at, estateSources, event.name, seed)
	}
	waitFor(t, app, "no job is due", func(ctx context.Context) (bool, error) {
		jobs, err := app.store.Pending(ctx)
		return len(jobs) == 0, err
	})

	got := lastOf(t, app.store)
	if differ := graph.Diff(want.items[0], got.items[0]); len(differ) > 0 {
		t.Errorf("%d items differ from an undisturbed crawl, first %+v", len(differ), differ[0])
	}
	if diff := cmp.Diff(want.cursors, got.cursors); diff != "" {
		t.Errorf("the cursors differ (-undisturbed +got):\n%s", diff)
	}
	if diff := cmp.Diff(inForce(want.decisions), inForce(got.decisions)); diff != "" {
		t.Errorf("the decisions differ (-undisturbed +got):\n%s", diff)
	}
	wantVerified(t, app)
	wantEachOnce(t, app)
	for _, r := range replicas[1:] {
		if said := r.Kill(); t.Failed() {
			t.Logf("a replica said:\n%s", strings.Join(said, "\n"))
		}
	}
}

// event is something that happens at a moment of the crawl.
type event struct {
	name string
	do   func()
}

// atRandom is an event with how many sources are crawled when it happens.
type atRandom struct {
	event
	at int
}

// moments draws when each event happens, and puts them in that order.
func moments(random *rand.Rand, events []event) []atRandom {
	var out []atRandom
	for _, e := range events {
		out = append(out, atRandom{e, random.IntN(estateSources * 3 / 4)})
	}
	slices.SortFunc(out, func(a, b atRandom) int { return a.at - b.at })
	return out
}

// lastOf is a course of one revision, the newest.
func lastOf(t *testing.T, s *store.Store) course {
	t.Helper()
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return courseFrom(t, s, head)
}

// inForce are the decisions that hold, whatever the revision they began at.
func inForce(lines []graph.Held) []string {
	var out []string
	for _, l := range lines {
		if l.Ended == 0 {
			out = append(out, fmt.Sprintf("%+v", l.Decision))
		}
	}
	slices.Sort(out)
	return out
}

// crawledSources counts the sources that are crawled.
func crawledSources(ctx context.Context, app *App) (n int, err error) {
	cursors, err := app.store.Cursors(ctx)
	for _, c := range cursors {
		if !strings.Contains(c.Source, "#") {
			n++
		}
	}
	return n, err
}

// wantEachOnce holds that each source was committed by one crawl: of two that
// read the same state, one was refused or found that nothing had changed.
func wantEachOnce(t *testing.T, app *App) {
	t.Helper()
	r, err := app.reader(t.Context(), system(), 0)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]int{}
	for after := ""; ; {
		list, err := r.Revisions(t.Context(), store.Page{First: 100, After: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, revision := range list.Items {
			made[revision.Why]++
		}
		if after = list.Next; after == "" {
			break
		}
	}
	for n := range estateSources {
		if why := fmt.Sprintf("crawl registry%d", n); made[why] != 1 {
			t.Errorf("%q made %d revisions, want one", why, made[why])
		}
	}
}

// waitFor polls until something holds, for two minutes at most. That the
// database is away meanwhile is no fault.
func waitFor(t *testing.T, app *App, what string, holds func(context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := holds(ctx)
		switch {
		case ctx.Err() != nil:
			jobs, _ := app.store.Pending(t.Context())
			t.Fatalf("waited in vain until %s; %d jobs are due: %+v", what, len(jobs), jobs)
		case err != nil && !errors.Is(err, graph.ErrUnavailable):
			t.Fatal(err)
		case ok && err == nil:
			return
		}
		<-tick.C
	}
}
