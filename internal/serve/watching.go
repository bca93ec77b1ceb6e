package serve

import (
	"context"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/riverqueue/river"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/internal/serve/watch"
)

// wireWatch makes what counts and traces.
func (a *App) wireWatch(ctx context.Context, version string) error {
	token, err := resolveSecret(a.config.Traces.Token)
	if err != nil {
		return err
	}
	a.watch, err = watch.New(ctx, watch.Config{
		Version: version, Gauges: a.gauges, Logger: a.logger,
		Traces: watch.Traces{Endpoint: a.config.Traces.Endpoint, Token: token, Percent: a.config.Traces.Percent},
	})
	return err
}

// storeObserver is the watch as the store tells it.
type storeObserver struct{ *watch.Watch }

var _ store.Observer = storeObserver{}

// Begin is told that a work of the store begins.
func (o storeObserver) Begin(ctx context.Context, what string) (context.Context, func(error)) {
	return o.Watch.Begin(ctx, "store", what)
}

// Committed is told what a commit wrote.
func (o storeObserver) Committed(c store.Committed) {
	o.Watch.Committed(c.Revision > 0, c.Changes, c.Events)
}

// observeAPI is told of each operation of the API.
func (a *App) observeAPI(ctx context.Context, work string) (context.Context, func(error)) {
	return a.watch.Begin(ctx, "graphql", work)
}

// crawlSeen tells the watch what a crawl saw.
func (a *App) crawlSeen(source string, r ingest.Report) {
	a.watch.Crawled(source, watch.Facts{
		Assets: r.Seen.Assets, Columns: r.Seen.Columns, Tags: r.Seen.Tags, Edges: r.Seen.Edges, Problems: len(r.Problems),
	})
}

// gauges is how things stand, for a scrape.
func (a *App) gauges(ctx context.Context) (watch.Gauges, error) {
	s, err := a.store.State(ctx)
	if err != nil {
		return watch.Gauges{}, err
	}
	failed, err := a.store.Failed(ctx)
	if err != nil {
		return watch.Gauges{}, err
	}
	g := watch.Gauges{
		Ready: allReady(a.ready(ctx)), Revision: int64(s.Revision), Events: s.Events, Sessions: s.Sessions, Bytes: s.Bytes,
		Jobs: map[watch.KindState]int{}, Failed: map[string]int{}, CrawledAt: map[string]time.Time{},
	}
	for of, n := range s.Jobs {
		g.Jobs[watch.KindState{Kind: of.Kind, State: jobState(store.Job{State: of.State})}] += n
	}
	for _, j := range failed {
		g.Failed[j.Kind]++
	}
	for _, c := range a.sources {
		cursor, err := a.store.Cursor(ctx, c.name)
		if err != nil && !errors.Is(err, graph.ErrNotFound) {
			return watch.Gauges{}, err
		}
		if !cursor.CrawledAt.IsZero() {
			g.CrawledAt[c.name] = cursor.CrawledAt
		}
	}
	if a.worker != nil {
		st := a.worker.Stats()
		g.Workers, g.WorkerRestarts = st.Processes, st.Restarts
	}
	return g, nil
}

// outcomeOf is what became of a run of a job, from what its worker returns.
func outcomeOf(err error, attempt, attempts int) string {
	var snoozed *river.JobSnoozeError
	var given *river.JobCancelError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &snoozed):
		return "put_off"
	case errors.As(err, &given) || attempt >= attempts:
		return stateFailed
	}
	return "retried"
}

// serveMetrics serves the numbers on an address of their own until ctx ends.
// stopped is closed when it has stopped.
func (a *App) serveMetrics(ctx context.Context) (stopped <-chan struct{}, err error) {
	done := make(chan struct{})
	if a.config.Metrics.Listen == "" {
		close(done)
		return done, nil
	}
	token, err := resolveSecret(a.config.Metrics.Token)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.config.Metrics.Listen)
	if err != nil {
		return nil, listenError(a.config.Metrics.Listen, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", requireToken(token, a.watch.Metrics()))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.logger.ErrorContext(ctx, "metrics are not served", "err", err)
		}
	}()
	go func() {
		defer close(done)
		<-ctx.Done()
		if err := server.Close(); err != nil {
			a.logger.Warn("stop serving metrics", "err", err)
		}
	}()
	a.logger.InfoContext(ctx, "metrics are served", "addr", listener.Addr().String())
	return done, nil
}

// requireToken lets in who brings the token; an empty one lets in everybody.
func requireToken(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "a bearer token is wanted: metrics.token of the configuration", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
