package gcp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/gcp"
)

// service answers with the statuses in turn, the last one for ever.
func service(t *testing.T, statuses ...int) (url string, calls *atomic.Int64) {
	t.Helper()
	calls = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Token", r.Header.Get("Authorization"))
		w.Header().Set("X-Body", string(body))
		w.WriteHeader(statuses[min(n, len(statuses))-1])
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

func client(t *testing.T, cfg gcp.Config) *http.Client {
	t.Helper()
	if cfg.Token == "" && cfg.Source == nil {
		cfg.Token = "secret"
	}
	if cfg.Backoff == 0 {
		cfg.Backoff = time.Microsecond
	}
	c, err := gcp.Client(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// send returns the status and the header of the answer.
func send(t *testing.T, c *http.Client, method, url, body string) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header
}

func TestRetry(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		method   string
		statuses []int
		status   int
		calls    int64
	}{
		{"good at once", http.MethodGet, []int{200}, 200, 1},
		{"busy, then good", http.MethodGet, []int{429, 503, 200}, 200, 3},
		{"a read is repeated after a fault", http.MethodGet, []int{500, 502, 200}, 200, 3},
		{"a write is not: it may have been done", http.MethodPost, []int{500, 200}, 500, 1},
		{"a write that was not looked at is", http.MethodPost, []int{503, 429, 200}, 200, 3},
		{"a refusal is final", http.MethodGet, []int{403, 200}, 403, 1},
		{"nothing is there", http.MethodGet, []int{404, 200}, 404, 1},
		{"not implemented stays so", http.MethodGet, []int{501, 200}, 501, 1},
		{"busy for ever", http.MethodGet, []int{503}, 503, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, calls := service(t, tt.statuses...)
			status, header := send(t, client(t, gcp.Config{Attempts: 4}), tt.method, url, "body")
			if status != tt.status || calls.Load() != tt.calls {
				t.Errorf("status %d after %d calls, want %d after %d", status, calls.Load(), tt.status, tt.calls)
			}
			if got := header.Get("X-Body"); got != "body" {
				t.Errorf("the last attempt sent %q, want the whole body", got)
			}
			if got := header.Get("X-Token"); got != "Bearer secret" {
				t.Errorf("signed with %q", got)
			}
		})
	}
}

func TestRetryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel(cause)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client(t, gcp.Config{Backoff: time.Hour, MaxBackoff: time.Hour}).Do(req)
	if err == nil {
		resp.Body.Close()
		t.Fatal("an answer, though the context had ended")
	}
	if !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the end of the context", err)
	}
}

func TestRetryKeepsToRetryAfterWithinItsBound(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer server.Close()
	began := time.Now()
	send(t, client(t, gcp.Config{MaxBackoff: 20 * time.Millisecond}), http.MethodGet, server.URL, "")
	if took := time.Since(began); took < 20*time.Millisecond || took > 10*time.Second {
		t.Errorf("waited %v, want the bound of 20 ms and not the hour asked for", took)
	}
}

func TestQuotaSpacesOneMethodOnly(t *testing.T) {
	t.Parallel()
	url, calls := service(t, 200)
	c := client(t, gcp.Config{PerSecond: 20})
	began := time.Now()
	// The first second's worth is free; the ten after it are spaced.
	for range 30 {
		send(t, c, http.MethodGet, url+"/projects/p/datasets", "")
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("30 calls took %v, faster than 20 a second with 20 in advance", took)
	}
	other := time.Now()
	send(t, c, http.MethodGet, url+"/projects/p/jobs", "")
	if took := time.Since(other); took > 5*time.Second {
		t.Errorf("another method waited %v", took)
	}
	if calls.Load() != 31 {
		t.Errorf("%d calls, want 31", calls.Load())
	}
}

func TestClientTakesTokensFromItsSource(t *testing.T) {
	t.Parallel()
	url, _ := service(t, 200)
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "renewed"})
	_, header := send(t, client(t, gcp.Config{Token: "old", Source: source}), http.MethodGet, url, "")
	if got := header.Get("X-Token"); got != "Bearer renewed" {
		t.Errorf("signed with %q, want the source's token", got)
	}
}

func TestClientWithoutCredentialsSaysWhatToDo(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	t.Setenv("HOME", t.TempDir())
	_, err := gcp.Client(t.Context(), gcp.Config{})
	if !errors.Is(err, graph.ErrDenied) || !strings.Contains(err.Error(), "gcloud auth application-default login") {
		t.Errorf("error %v, want a denial that says what to do", err)
	}
	if _, statErr := os.Stat(os.Getenv("GOOGLE_APPLICATION_CREDENTIALS")); !errors.Is(statErr, os.ErrNotExist) {
		t.Errorf("the test needs that there is no key file: %v", statErr)
	}
}
