package gcp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/gcp"
)

// reply is one answer of a script.
type reply struct {
	status int
	after  string // Retry-After
	body   string
	err    error
}

// script is a transport that answers in turn, the last one for ever, and notes
// when it was asked. It needs no network, so that its time may be made up.
type script struct {
	replies []reply

	mu    sync.Mutex
	began time.Time
	at    []time.Duration
	sent  []string
}

func newScript(replies ...reply) *script { return &script{replies: replies, began: time.Now()} }

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	body := ""
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		body = string(b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.sent = append(s.at, time.Since(s.began)), append(s.sent, body)
	r := s.replies[min(len(s.at), len(s.replies))-1]
	if r.err != nil {
		return nil, r.err
	}
	header := http.Header{}
	if r.after != "" {
		header.Set("Retry-After", r.after)
	}
	return &http.Response{
		Status: fmt.Sprint(r.status), StatusCode: r.status, Header: header, Request: req,
		Body: io.NopCloser(strings.NewReader(r.body)),
	}, nil
}

// ask sends a request through a client over the script.
func ask(ctx context.Context, t *testing.T, s *script, cfg gcp.Config, method, path, body string) (*http.Response, error) {
	t.Helper()
	cfg.Transport = s
	if cfg.Source == nil {
		cfg.Token = "secret"
	}
	c, err := gcp.Client(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return do(ctx, t, c, method, path, body)
}

func do(ctx context.Context, t *testing.T, c *http.Client, method, path, body string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://bigquery.invalid"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(req)
}

// slower is how BigQuery says in a 403 that it was asked too fast.
func slower(reason string) string {
	return `{"error":{"code":403,"message":"Exceeded rate limits","errors":[{"reason":"` + reason + `"}]}}`
}

func TestPauses(t *testing.T) {
	t.Parallel()
	const unit = time.Second
	between := func(low, high time.Duration) [2]time.Duration { return [2]time.Duration{low, high} }
	tests := []struct {
		name    string
		replies []reply
		pauses  [][2]time.Duration
		status  int
	}{
		{
			"each is twice the last, half of it by chance, up to the bound",
			[]reply{{status: 503}, {status: 503}, {status: 503}, {status: 503}, {status: 503}, {status: 200}},
			[][2]time.Duration{between(unit/2, unit), between(unit, 2*unit), between(2*unit, 4*unit), between(4*unit, 8*unit), between(5*unit, 10*unit)},
			200,
		},
		{"seconds are kept to", []reply{{status: 429, after: "7"}, {status: 200}}, [][2]time.Duration{between(7*unit, 7*unit)}, 200},
		{"fewer seconds than our own pause do not hasten", []reply{{status: 429, after: "0"}, {status: 200}}, [][2]time.Duration{between(unit/2, unit)}, 200},
		{"seconds of the past do not hasten", []reply{{status: 429, after: "-5"}, {status: 200}}, [][2]time.Duration{between(unit/2, unit)}, 200},
		{"the bound is kept to", []reply{{status: 503, after: "3600"}, {status: 200}}, [][2]time.Duration{between(10*unit, 10*unit)}, 200},
		{"more seconds than a duration holds", []reply{{status: 503, after: "9223372036854775807"}, {status: 200}}, [][2]time.Duration{between(10*unit, 10*unit)}, 200},
		{"what is no time is passed over", []reply{{status: 503, after: "soon"}, {status: 200}}, [][2]time.Duration{between(unit/2, unit)}, 200},
		{"a 403 about the rate is tried again", []reply{{status: 403, body: slower("rateLimitExceeded")}, {status: 200}}, [][2]time.Duration{between(unit/2, unit)}, 200},
		{"so is one about the user's rate", []reply{{status: 403, body: slower("userRateLimitExceeded")}, {status: 200}}, [][2]time.Duration{between(unit/2, unit)}, 200},
		{"a 403 about the day's quota is not", []reply{{status: 403, body: slower("quotaExceeded")}, {status: 200}}, nil, 403},
		{"a 403 about a right is not", []reply{{status: 403, body: slower("accessDenied")}, {status: 200}}, nil, 403},
		{"a 403 of a proxy is not", []reply{{status: 403, body: "<html>"}, {status: 200}}, nil, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScript(tt.replies...)
				resp, err := ask(t.Context(), t, s, gcp.Config{Backoff: unit, MaxBackoff: 10 * unit}, http.MethodGet, "/projects/p/datasets", "")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if resp.StatusCode != tt.status || len(s.at) != len(tt.pauses)+1 {
					t.Fatalf("status %d after calls at %v, want %d after %d", resp.StatusCode, s.at, tt.status, len(tt.pauses)+1)
				}
				for i, want := range tt.pauses {
					if got := s.at[i+1] - s.at[i]; got < want[0] || got > want[1] {
						t.Errorf("pause %d took %v, want %v to %v", i, got, want[0], want[1])
					}
				}
			})
		})
	}
}

func TestRetryAfterMayBeADate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   time.Duration
		low  time.Duration
		high time.Duration
	}{
		{"a date to come", 6 * time.Second, 5 * time.Second, 6 * time.Second}, // a date has no fractions
		{"a date that is past", -time.Hour, time.Second / 2, time.Second},
		{"a date beyond the bound", time.Hour, 10 * time.Second, 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				date := time.Now().Add(tt.in).UTC().Format(http.TimeFormat)
				s := newScript(reply{status: 429, after: date}, reply{status: 200})
				resp, err := ask(t.Context(), t, s, gcp.Config{Backoff: time.Second, MaxBackoff: 10 * time.Second}, http.MethodGet, "/", "")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if got := s.at[1]; got < tt.low || got > tt.high {
					t.Errorf("waited %v, want %v to %v", got, tt.low, tt.high)
				}
			})
		})
	}
}

func TestARefusalCanBeReadWhole(t *testing.T) {
	t.Parallel()
	long := slower("accessDenied") + strings.Repeat(" ", 1<<17) + "end"
	s := newScript(reply{status: 403, body: long})
	resp, err := ask(t.Context(), t, s, gcp.Config{}, http.MethodGet, "/", "")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != long {
		t.Errorf("%d bytes, %v; want all %d", len(body), err, len(long))
	}
}

func TestAWriteIsSentWholeEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(reply{status: 503}, reply{status: 403, body: slower("rateLimitExceeded")}, reply{status: 429}, reply{status: 200})
		resp, err := ask(t.Context(), t, s, gcp.Config{}, http.MethodPost, "/", "the whole body")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		want := []string{"the whole body", "the whole body", "the whole body", "the whole body"}
		if diff := cmp.Diff(want, s.sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

func TestErrorsOfTheNetwork(t *testing.T) {
	t.Parallel()
	reset := errors.New("connection reset by peer")
	tests := []struct {
		name, method string
		replies      []reply
		calls        int
		err          error
	}{
		{"a read is repeated", http.MethodGet, []reply{{err: reset}, {status: 200}}, 2, nil},
		{"a read that never gets through", http.MethodHead, []reply{{err: reset}}, 3, reset},
		{"a write may have been done", http.MethodPost, []reply{{err: reset}, {status: 200}}, 1, reset},
		{"a change may have been done", http.MethodPatch, []reply{{err: reset}, {status: 200}}, 1, reset},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScript(tt.replies...)
				resp, err := ask(t.Context(), t, s, gcp.Config{Attempts: 3}, tt.method, "/", "x")
				if resp != nil {
					resp.Body.Close()
				}
				if !errors.Is(err, tt.err) || len(s.at) != tt.calls {
					t.Fatalf("error %v after %d calls, want %v after %d", err, len(s.at), tt.err, tt.calls)
				}
				if tt.err != nil && !errors.Is(gcp.Error(err), graph.ErrUnavailable) {
					t.Errorf("Error = %v, want ErrUnavailable", gcp.Error(err))
				}
			})
		})
	}
}

// issuer is a source of tokens that fails.
type issuer struct {
	status int
	asked  int
}

func (i *issuer) Token() (*oauth2.Token, error) {
	i.asked++
	return nil, &oauth2.RetrieveError{Response: &http.Response{StatusCode: i.status}, ErrorCode: "invalid_grant"}
}

func TestATokenThatIsRefusedIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		status, asked int
	}{{"refused", 400, 1}, {"unknown", 401, 1}, {"the issuer is down", 503, 3}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tokens := &issuer{status: tt.status}
				s := newScript(reply{status: 200})
				resp, err := ask(t.Context(), t, s, gcp.Config{Source: tokens, Attempts: 3}, http.MethodGet, "/", "")
				if err == nil {
					resp.Body.Close()
					t.Fatal("an answer without a token")
				}
				if !errors.Is(gcp.Error(err), graph.ErrDenied) || tokens.asked != tt.asked || len(s.at) != 0 {
					t.Errorf("%v after asking %d times, %d requests sent; want a denial after %d and none", gcp.Error(err), tokens.asked, len(s.at), tt.asked)
				}
			})
		})
	}
}

func TestTheEndOfTheContextEndsAPause(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		cfg     gcp.Config
		replies []reply
	}{
		{"between two attempts", gcp.Config{Backoff: time.Hour, MaxBackoff: time.Hour}, []reply{{status: 503}}},
		{"while the quota is used up", gcp.Config{PerSecond: 0.0001}, []reply{{status: 200}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				s, cfg := newScript(tt.replies...), tt.cfg
				cfg.Transport, cfg.Token = s, "secret"
				c, err := gcp.Client(ctx, cfg)
				if err != nil {
					t.Fatal(err)
				}
				for err == nil && len(s.at) < 10 {
					var resp *http.Response
					if resp, err = do(ctx, t, c, http.MethodGet, "/", ""); err == nil {
						resp.Body.Close()
					}
				}
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(s.began) != time.Minute {
					t.Errorf("%v after %v, want the deadline after a minute", err, time.Since(s.began))
				}
			})
		})
	}
}

// Law: in no second are there more requests of one method than its rate beyond
// the second's worth that it may catch up with, however they are asked for.
func TestQuotaPacesEachMethod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const rate, asked = 10, 45
		s := newScript(reply{status: 200})
		c, err := gcp.Client(t.Context(), gcp.Config{Token: "secret", PerSecond: rate, Transport: s})
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for i := range asked {
			group.Go(func() {
				resp, err := do(t.Context(), t, c, http.MethodGet, fmt.Sprintf("/projects/p%d/datasets/d%d/tables/t", i, i), "")
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
			})
		}
		group.Wait()
		if took, want := time.Since(s.began), (asked-rate-1)*time.Second/rate; took != want {
			t.Errorf("%d requests took %v, want %v at %d a second after the first %d", asked, took, want, rate, rate)
		}
		for i, at := range s.at {
			within := 0
			for _, other := range s.at[i:] {
				if other-at < time.Second {
					within++
				}
			}
			if within > 2*rate {
				t.Errorf("%d requests in the second from %v", within, at)
			}
		}
		before := time.Now()
		for _, path := range []string{"/projects/p/datasets", "/projects/p/datasets/d", "/projects/p/datasets/d/tables", "/projects/p/jobs"} {
			resp, err := do(t.Context(), t, c, http.MethodGet, path, "")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		if waited := time.Since(before); waited != 0 {
			t.Errorf("other methods waited %v for a quota that is not theirs", waited)
		}
	})
}

func TestNoLimitMeansNoPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(reply{status: 200})
		c, err := gcp.Client(t.Context(), gcp.Config{Token: "secret", PerSecond: -1, Transport: s})
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			resp, err := do(t.Context(), t, c, http.MethodGet, "/", "")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		if took := time.Since(s.began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}
