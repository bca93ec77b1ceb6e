package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Every line that is written for a request has its id, once, whether the one
// who writes thought of it or not.
func TestEachLineOfARequestHasItsID(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(withRequest{slog.NewJSONHandler(&out, nil)})
	ctx := context.WithValue(t.Context(), requestKey, "REQ1")
	log.InfoContext(ctx, "one")
	log.With("job", "crawl").InfoContext(ctx, "two")
	log.InfoContext(ctx, "three", "request", "REQ1")
	log.Info("four")
	log.WithGroup("g").InfoContext(ctx, "five")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []int{1, 1, 1, 0, 1} {
		if got := strings.Count(lines[i], `"request":"REQ1"`); got != want {
			t.Errorf("%s has it %d times, want %d", lines[i], got, want)
		}
		if !json.Valid([]byte(lines[i])) {
			t.Errorf("%s is no JSON", lines[i])
		}
	}
}

// A request that went wrong here is a warning, with the id that the client was
// told; others are for those who look closely.
func TestARequestThatWentWrongIsAWarning(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(withRequest{slog.NewTextHandler(&out, nil)})
	mux := http.NewServeMux()
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	mux.HandleFunc("/good", func(http.ResponseWriter, *http.Request) {})
	h := guard(mux, log)
	for _, path := range []string{"/good", "/bad", "/nowhere"} {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		id := answer.Header().Get("X-Request-Id")
		line := strings.Contains(out.String(), "request="+id+" ") && strings.Contains(out.String(), "path="+path)
		if id == "" || line != (path == "/bad") {
			t.Errorf("%s: id %q, log %s", path, id, out.String())
		}
	}
	// Who left meanwhile is no fault.
	out.Reset()
	gone, leave := context.WithCancel(t.Context())
	leave()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, http.MethodGet, "/bad", nil))
	if out.Len() > 0 {
		t.Errorf("somebody left, and the log says %s", out.String())
	}
}
