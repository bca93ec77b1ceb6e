package watch

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Gauges is how things stand at the moment of a scrape.
type Gauges struct {
	// Ready says whether the program could serve.
	Ready bool
	// Revision and Events are the newest revision and the length of the audit
	// log; Sessions counts the browsers that are signed in; Bytes is the size
	// of the database.
	Revision, Events int64
	Sessions         int
	Bytes            int64
	// Jobs counts those that wait or run, by kind and state; Failed those that
	// were given up and not made up for, by kind.
	Jobs   map[KindState]int
	Failed map[string]int
	// CrawledAt is when each source was last crawled to its end.
	CrawledAt map[string]time.Time
	// Workers is how many GoogleSQL workers run, WorkerRestarts how many had
	// to be replaced.
	Workers, WorkerRestarts int
}

// KindState names the jobs of one kind in one state.
type KindState struct{ Kind, State string }

// numbers are what is counted as it happens.
type numbers struct {
	requests                              *prometheus.HistogramVec
	works, jobs                           *prometheus.HistogramVec
	retries, facts                        *prometheus.CounterVec
	revisions, changes, events, lostSpans prometheus.Counter
	problems                              *prometheus.GaugeVec
}

const namespace = "cadastre"

// register makes the numbers and the gauges, and those of Go and the process.
func (w *Watch) register(c Config) error {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	seconds := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	}
	w.numbers = numbers{
		requests:  seconds("http_request_seconds", "HTTP requests and how long they took.", prometheus.DefBuckets, "route", "method", "status"),
		works:     seconds("work_seconds", "Works of an area (store, graphql) and how long they took.", prometheus.ExponentialBuckets(0.0005, 4, 9), "area", "work", "outcome"),
		jobs:      seconds("job_seconds", "Runs of jobs and how long they took.", prometheus.ExponentialBuckets(0.01, 4, 10), "kind", "outcome"),
		retries:   counters("job_retries_total", "Runs of jobs that had failed before.", "kind"),
		facts:     counters("crawl_facts_total", "What crawls saw.", "source", "fact"),
		problems:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "crawl_problems", Help: "Problems of the last crawl."}, []string{"source"}),
		revisions: counter("revisions_total", "Revisions made by this process."),
		changes:   counter("changes_total", "Changes of the catalog written by this process."),
		events:    counter("audit_events_total", "Audit events written by this process."),
		lostSpans: counter("lost_spans_total", "Spans that could not be sent."),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the label is the version.", ConstLabels: prometheus.Labels{"version": c.Version},
	})
	build.Set(1)
	all := []prometheus.Collector{
		w.requests, w.works, w.jobs, w.retries, w.facts, w.problems, w.revisions, w.changes, w.events, w.lostSpans, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	if c.Gauges != nil {
		all = append(all, newStanding(c.Gauges))
	}
	var faults []error
	for _, collector := range all {
		faults = append(faults, w.registry.Register(collector))
	}
	return errors.Join(faults...)
}

// Metrics serves the numbers. It asks nobody who they are: whoever serves it
// lets in whom it may concern.
func (w *Watch) Metrics() http.Handler {
	return promhttp.HandlerFor(w.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// standing asks at each scrape how things stand.
type standing struct {
	ask func(context.Context) (Gauges, error)

	known, ready, revision, events, sessions, bytes, workers *prometheus.Desc
	jobs, failed, crawled, restarts                          *prometheus.Desc
}

// askBound is how long a scrape waits for the store.
const askBound = 5 * time.Second

func newStanding(ask func(context.Context) (Gauges, error)) *standing {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	return &standing{
		ask:      ask,
		known:    desc("store_up", "1 if the store answered this scrape; without it what follows from the store is missing."),
		ready:    desc("ready", "1 if /readyz answers that the program could serve."),
		revision: desc("revision", "The newest revision."),
		events:   desc("audit_events", "The length of the audit log."),
		sessions: desc("sessions", "Browsers that are signed in."),
		bytes:    desc("store_bytes", "The size of the database."),
		jobs:     desc("jobs", "Jobs that wait or run.", "kind", "state"),
		failed:   desc("jobs_failed", "Works whose last job was given up.", "kind"),
		crawled:  desc("crawl_last_success_timestamp_seconds", "When a source was last crawled to its end, in seconds since 1970.", "source"),
		workers:  desc("googlesql_workers", "GoogleSQL workers that run."),
		restarts: desc("googlesql_worker_restarts_total", "GoogleSQL workers that died and were replaced."),
	}
}

// Describe lists what Collect may send.
func (s *standing) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.known, s.ready, s.revision, s.events, s.sessions, s.bytes, s.jobs, s.failed, s.crawled, s.workers, s.restarts} {
		to <- d
	}
}

// Collect asks once and sends what was answered.
func (s *standing) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askBound)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	flag := map[bool]float64{true: 1}
	g, err := s.ask(ctx)
	gauge(s.known, flag[err == nil])
	gauge(s.ready, flag[err == nil && g.Ready])
	if err != nil {
		return
	}
	gauge(s.revision, float64(g.Revision))
	gauge(s.events, float64(g.Events))
	gauge(s.sessions, float64(g.Sessions))
	gauge(s.bytes, float64(g.Bytes))
	gauge(s.workers, float64(g.Workers))
	to <- prometheus.MustNewConstMetric(s.restarts, prometheus.CounterValue, float64(g.WorkerRestarts))
	for of, n := range g.Jobs {
		gauge(s.jobs, float64(n), of.Kind, of.State)
	}
	for kind, n := range g.Failed {
		gauge(s.failed, float64(n), kind)
	}
	for source, at := range g.CrawledAt {
		gauge(s.crawled, float64(at.Unix()), source)
	}
}
