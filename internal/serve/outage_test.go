package serve

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/pgtest"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// onServer puts the catalog of a configuration on a server, and returns it.
func onServer(t *testing.T, config Config) (Config, *pgtest.Cluster) {
	t.Helper()
	server := pgtest.Start(t)
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(server.Database(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	config.Database.URL = "file:" + file
	return config, server
}

// TestWhileTheDatabaseIsAway asks the API before, while and after the database
// is away: meanwhile it says so, and afterwards it answers as before, to who
// was signed in.
func TestWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	config, server := onServer(t, h.app().config)
	h.reopen(func(c *Config) { *c = config })
	url := h.serve()
	h.app().jobConfig = quickJobs()
	h.settled()
	s := h.signIn(url, company.Otto())
	b := newBrowser(t)
	b.client.Jar = s.client.Jar
	const query = `{ me { name } }`
	if status, code := b.ask(url, query); status != http.StatusOK || code != "" {
		t.Fatalf("before: %d %s", status, code)
	}
	server.Stop(t)
	if status, code := b.ask(url, query); status != http.StatusServiceUnavailable || code != "UNAVAILABLE" {
		t.Errorf("meanwhile: %d %s, want 503 UNAVAILABLE", status, code)
	}
	if p := b.get(url + "/auth/login"); p.StatusCode != http.StatusServiceUnavailable || !strings.Contains(p.body, "try again") {
		t.Errorf("signing in meanwhile: %d %s", p.StatusCode, p.body)
	}
	_, _, err := h.app().Tag(t.Context(), otto(), []graph.TagRequest{said("raw.customers", "segment", "none", "confirmed")})
	mustBe(t, err, graph.ErrUnavailable)
	server.Resume(t)
	until(t, "it answers again", func(context.Context) bool {
		status, code := b.ask(url, query)
		return status == http.StatusOK && code == ""
	})
	if err := h.app().StartCrawl(t.Context(), otto(), "registry", ""); err != nil {
		t.Error(err)
	}
	h.settled()
}

// TestACrawlOutlivesAnOutage stops the database in the middle of a crawl and
// starts it when the crawl could not be committed: the crawl is not given up,
// and leaves no problem.
func TestACrawlOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	var handler http.Handler
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(source.Close)
	config, server := onServer(t, crawling(t, source.URL))
	var once sync.Once
	stopped := make(chan struct{})
	inner := topics(t, 0, 5)
	handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { server.Stop(t); close(stopped) })
		inner.ServeHTTP(w, r)
	})
	app := openQuick(t, config)
	defer app.Close()
	if err := app.StartCrawl(t.Context(), system(), "registry", ""); err != nil {
		t.Fatal(err)
	}
	if err := app.startJobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-stopped
	// A crawl of its own, which meets the outage for certain.
	if err := app.crawl(t.Context(), "registry"); !errors.Is(err, store.ErrOutage) || isFinal("crawl", err) || !isPutOff(err) {
		t.Errorf("a crawl while the database is away: %v, want an outage, to be tried again", err)
	}
	server.Resume(t)
	waitFor(t, app, "the crawl is done", func(ctx context.Context) (bool, error) {
		jobs, err := app.store.Pending(ctx)
		return len(jobs) == 0, err
	})
	cursor, err := app.store.Cursor(t.Context(), "registry")
	if err != nil || cursor.CrawledAt.IsZero() || len(cursor.Problems) > 0 {
		t.Errorf("the crawl left %+v, %v", cursor, err)
	}
	wantVerified(t, app)
}

// TestTheOlderOfTwoCrawlsIsRefused lets a crawl be begun again by another
// program while the source is still asked: the older commits nothing, and its
// job is done again later.
func TestTheOlderOfTwoCrawlsIsRefused(t *testing.T) {
	t.Parallel()
	var app *App
	inner := topics(t, 0, 5)
	var once sync.Once
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() {
			if _, err := app.takeFence(t.Context(), "crawl registry"); err != nil {
				t.Error(err)
			}
		})
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(source.Close)
	app = openQuick(t, crawling(t, source.URL))
	defer app.Close()
	if err := app.crawl(t.Context(), "registry"); !errors.Is(err, store.ErrTaken) || !errors.Is(err, graph.ErrConflict) || !isPutOff(err) {
		t.Errorf("the older crawl: %v, want a conflict, to be tried again", err)
	}
	if head, err := app.store.Head(t.Context()); err != nil || head != 0 {
		t.Errorf("it left revision %d, %v", head, err)
	}
	if err := app.crawl(t.Context(), "registry"); err != nil {
		t.Errorf("the newer crawl: %v", err)
	}
}

// TestWhatWasBegunAgainIsNotCommitted takes the fence of each work between its
// start and its commit.
func TestWhatWasBegunAgainIsNotCommitted(t *testing.T) {
	t.Parallel()
	source := httptest.NewServer(topics(t, 0, 5))
	t.Cleanup(source.Close)
	app := openQuick(t, crawling(t, source.URL))
	defer app.Close()
	for _, work := range []string{"crawl registry", "analyze registry", "propagate", "decide", "plan feed"} {
		held, err := app.takeFence(t.Context(), work)
		if err != nil {
			t.Fatal(err)
		}
		hold := func() error {
			_, err := app.store.Commit(t.Context(), system(), work, func(tx *store.Tx) error { return held.hold(t.Context(), tx) })
			return err
		}
		if err := hold(); err != nil {
			t.Errorf("%s: %v", work, err)
		}
		if _, err := app.takeFence(t.Context(), work); err != nil {
			t.Fatal(err)
		}
		mustBe(t, hold(), store.ErrTaken)
	}
}
