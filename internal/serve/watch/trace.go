package watch

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"cadastre.dev/cadastre/graph"
)

// Traces says where spans go.
type Traces struct {
	// Endpoint is the base URL of a collector that takes OTLP over HTTP, such
	// as http://127.0.0.1:4318. Empty: spans are made nowhere.
	Endpoint string
	// Token is sent as a bearer token. Empty: none.
	Token string
	// Percent is how many of a hundred requests and jobs are traced.
	Percent int
}

const scope = "cadastre.dev/cadastre"

// What spans say beside their names, and all that leaves the process of what
// is said: a library may say more, such as the path of a request, which can
// name an asset.
const (
	keyMethod  = attribute.Key("http.request.method")
	keyRoute   = attribute.Key("http.route")
	keyStatus  = attribute.Key("http.response.status_code")
	keyRequest = attribute.Key("cadastre.request")
	keySource  = attribute.Key("cadastre.source")
	keyAttempt = attribute.Key("cadastre.attempt")
	keyOutcome = attribute.Key("cadastre.outcome")
)

func told() []attribute.Key {
	return []attribute.Key{keyMethod, keyRoute, keyStatus, keyRequest, keySource, keyAttempt, keyOutcome}
}

// newProvider makes what turns spans into messages to the collector.
func (w *Watch) newProvider(ctx context.Context, c Config) (*sdktrace.TracerProvider, error) {
	to, err := url.Parse(c.Traces.Endpoint)
	if err != nil || to.Host == "" {
		return nil, fmt.Errorf("traces: endpoint %q is no URL: %w", c.Traces.Endpoint, graph.ErrInvalid)
	}
	if to.Path == "" || to.Path == "/" {
		to.Path = "/v1/traces"
	}
	options := []otlptracehttp.Option{otlptracehttp.WithEndpointURL(to.String())}
	if c.Traces.Token != "" {
		options = append(options, otlptracehttp.WithHeaders(map[string]string{"Authorization": "Bearer " + c.Traces.Token}))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(lossy{discreet{exporter}, w.lostSpans, c.Logger}),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(float64(c.Traces.Percent)/100))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", namespace), attribute.String("service.version", c.Version))),
	), nil
}

// end ends a span. Of an error it tells the kind: the text may name assets.
func end(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, outcome(err))
	}
	span.End()
}

// lossy lets the program go on where spans cannot be sent, and says so in its
// log.
type lossy struct {
	sdktrace.SpanExporter
	lost   prometheus.Counter
	logger *slog.Logger
}

// ExportSpans sends spans or drops them.
func (l lossy) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := l.SpanExporter.ExportSpans(ctx, spans); err != nil {
		l.lost.Add(float64(len(spans)))
		l.logger.WarnContext(ctx, "spans lost", "count", len(spans), "err", err)
	}
	return nil
}

// discreet lets nothing out of a span but its name, its times, its place in
// the trace and what told lists.
type discreet struct{ sdktrace.SpanExporter }

// ExportSpans sends spans reduced.
func (d discreet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	reduced := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		reduced[i] = reducedSpan{s}
	}
	return d.SpanExporter.ExportSpans(ctx, reduced)
}

type reducedSpan struct{ sdktrace.ReadOnlySpan }

// Attributes are those that may be told.
func (s reducedSpan) Attributes() []attribute.KeyValue {
	return slices.DeleteFunc(slices.Clone(s.ReadOnlySpan.Attributes()), func(a attribute.KeyValue) bool { return !slices.Contains(told(), a.Key) })
}

// Events are none: a library writes the texts of errors there.
func (s reducedSpan) Events() []sdktrace.Event { return nil }

// Links tell which trace asked, and nothing else of it.
func (s reducedSpan) Links() []sdktrace.Link {
	links := slices.Clone(s.ReadOnlySpan.Links())
	for i := range links {
		links[i].Attributes = nil
	}
	return links
}
