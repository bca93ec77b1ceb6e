package watch

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

type contextKey struct{}

// noRoute stands for requests that no route took: refused before, or unknown.
const noRoute = "none"

// Requests counts and traces what is served. It goes around everything, and
// Routes around what chooses the route. A request that says it belongs to a
// trace begins one of its own, linked to that: everybody may say so.
func (w *Watch) Requests(next http.Handler) http.Handler {
	counted := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		began, route := time.Now(), noRoute
		recorder := &statusRecorder{ResponseWriter: rw, status: http.StatusOK}
		next.ServeHTTP(recorder, r.WithContext(context.WithValue(r.Context(), contextKey{}, &route)))
		method := methodOf(r)
		w.requests.WithLabelValues(route, method, strconv.Itoa(recorder.status)).Observe(time.Since(began).Seconds())
		span := trace.SpanFromContext(r.Context())
		span.SetName(method + " " + route)
		span.SetAttributes(keyRoute.String(route), keyRequest.String(recorder.Header().Get("X-Request-Id")))
	})
	if w.provider == nil {
		return counted
	}
	return otelhttp.NewHandler(counted, "http",
		otelhttp.WithTracerProvider(w.provider), otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithPublicEndpointFn(func(*http.Request) bool { return true }),
		otelhttp.WithFilter(func(r *http.Request) bool { return !slices.Contains([]string{"/healthz", "/readyz"}, r.URL.Path) }),
	)
}

// Routes notes which route of a mux took a request. Routes are patterns of the
// program, so that there are few; what a person typed is in none.
func (w *Watch) Routes(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(rw, r)
		if route, ok := r.Context().Value(contextKey{}).(*string); ok && r.Pattern != "" {
			// A pattern may begin with a method, which is told beside it.
			*route = r.Pattern[strings.LastIndexByte(r.Pattern, ' ')+1:]
		}
	})
}

func methodOf(r *http.Request) string {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions}, r.Method) {
		return r.Method
	}
	return "other"
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer below.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }
