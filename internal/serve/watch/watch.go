// Package watch is what the program tells operators of its own work: numbers
// for Prometheus and spans for OpenTelemetry.
//
// It owns the names of both, and what they may say: numbers, kinds, routes and
// the names of configured sources. No name of an asset or a person, no SQL, no
// text of a search and no value of a column is ever in one; what a span holds
// beyond the list of attributes here does not leave the process. It owns no
// global: each Watch has a registry and a tracer of its own. internal/serve
// alone imports it.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"cadastre.dev/cadastre/graph"
)

// Config says what is told and where. Its zero value counts, and traces
// nothing.
type Config struct {
	// Version is that of the program. Defaults to unversioned.
	Version string
	// Traces says where spans go. Defaults to nowhere.
	Traces Traces
	// Gauges is asked at each scrape how things stand. Defaults to nothing.
	Gauges func(context.Context) (Gauges, error)
	// Logger is told of spans that could not be sent. Defaults to discarding.
	Logger *slog.Logger
}

// Watch counts and traces. Its methods may be called concurrently; after Close
// it goes on counting and traces no more.
type Watch struct {
	registry *prometheus.Registry
	numbers
	provider *sdktrace.TracerProvider // nil where nothing is traced
	tracer   trace.Tracer
}

// New makes a Watch. The collector of spans is not asked whether it is there:
// the program works without it.
func New(ctx context.Context, c Config) (*Watch, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Version == "" {
		c.Version = "unversioned"
	}
	w := &Watch{registry: prometheus.NewPedanticRegistry(), tracer: noop.NewTracerProvider().Tracer(scope)}
	if err := w.register(c); err != nil {
		return nil, err
	}
	if c.Traces.Endpoint == "" {
		return w, nil
	}
	var err error
	if w.provider, err = w.newProvider(ctx, c); err != nil {
		return nil, err
	}
	w.tracer = w.provider.Tracer(scope)
	return w, nil
}

// closeBound is how long the last spans may take to be sent.
const closeBound = 3 * time.Second

// Close sends the spans that wait, as far as the collector takes them.
func (w *Watch) Close() error {
	if w.provider == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeBound)
	defer cancel()
	if err := w.provider.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// Begin is told that a work of an area begins, such as commit of store, and
// returns the context to do it in and what is told how it ended. It is a span
// where a request or a job is traced, and counts in any case. The names are
// constants of the program.
func (w *Watch) Begin(ctx context.Context, area, what string) (context.Context, func(error)) {
	began := time.Now()
	var span trace.Span
	if trace.SpanContextFromContext(ctx).IsValid() {
		ctx, span = w.tracer.Start(ctx, area+" "+what)
	}
	return ctx, func(err error) {
		w.works.WithLabelValues(area, what, outcome(err)).Observe(time.Since(began).Seconds())
		if span != nil {
			end(span, err)
		}
	}
}

// Job is told that a job begins, and returns the context to do it in and what
// is told its outcome: done, retried, failed or put off.
func (w *Watch) Job(ctx context.Context, kind, source string, attempt int) (context.Context, func(outcome string, err error)) {
	began := time.Now()
	ctx, span := w.tracer.Start(ctx, "job "+kind, trace.WithNewRoot(), trace.WithAttributes(keyAttempt.Int(attempt)))
	if source != "" {
		span.SetAttributes(keySource.String(source))
	}
	return ctx, func(outcome string, err error) {
		w.jobs.WithLabelValues(kind, outcome).Observe(time.Since(began).Seconds())
		if attempt > 1 {
			w.retries.WithLabelValues(kind).Inc()
		}
		span.SetAttributes(keyOutcome.String(outcome))
		end(span, err)
	}
}

// Committed is told what a commit wrote.
func (w *Watch) Committed(revision bool, changes, events int) {
	if revision {
		w.revisions.Inc()
	}
	w.changes.Add(float64(changes))
	w.events.Add(float64(events))
}

// Facts counts what the crawls of a source saw, since the start.
type Facts struct{ Assets, Columns, Tags, Edges, Problems int }

// Crawled is told what a crawl of a source saw, and what it could not.
func (w *Watch) Crawled(source string, f Facts) {
	for what, n := range map[string]int{"asset": f.Assets, "column": f.Columns, "tag": f.Tags, "edge": f.Edges} {
		w.facts.WithLabelValues(source, what).Add(float64(n))
	}
	w.problems.WithLabelValues(source).Set(float64(f.Problems))
}

// outcome is an error in a word: its kind, and never its text.
func outcome(err error) string {
	for _, k := range []struct {
		kind error
		word string
	}{
		{graph.ErrNotFound, "not_found"},
		{graph.ErrInvalid, "invalid"},
		{graph.ErrDenied, "denied"},
		{graph.ErrStale, "stale"},
		{graph.ErrConflict, "conflict"},
		{graph.ErrUnavailable, "unavailable"},
		{context.Canceled, "canceled"},
		{context.DeadlineExceeded, "timeout"},
	} {
		if errors.Is(err, k.kind) {
			return k.word
		}
	}
	if err != nil {
		return "error"
	}
	return "ok"
}
