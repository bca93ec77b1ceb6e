package gcp

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// retrier sends a request again while the service says that it is busy, and
// keeps each method to its quota.
type retrier struct {
	cfg   Config
	next  http.RoundTripper
	quota *quota
}

func newRetrier(cfg Config, next http.RoundTripper) *retrier {
	return &retrier{cfg: cfg, next: next, quota: newQuota(cfg.PerSecond)}
}

// RoundTrip sends the request until it is answered with something other than
// 429 or 5xx, it cannot be sent again, or the attempts are used up; then the
// last answer or error is returned.
func (r *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	for attempt := 1; ; attempt++ {
		if err := r.quota.wait(ctx, method(req)); err != nil {
			return nil, err
		}
		resp, err := r.next.RoundTrip(req)
		if attempt == r.cfg.Attempts || !again(req, resp, err) {
			return resp, err
		}
		pause := r.pause(attempt, resp)
		r.cfg.Logger.DebugContext(ctx, "request is tried again", "request", req.Method+" "+req.URL.Path, "dur", pause, "err", reason(resp, err))
		drop(resp)
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
		if req, err = rewind(req); err != nil {
			return nil, err
		}
	}
}

// again says whether the request may be sent once more. A request that writes
// is repeated only when the service says that it did not look at it (429, 503).
func again(req *http.Request, resp *http.Response, err error) bool {
	if req.Context().Err() != nil || (req.Body != nil && req.GetBody == nil) {
		return false
	}
	reads := req.Method == http.MethodGet || req.Method == http.MethodHead
	if err != nil {
		return reads
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		return true
	case resp.StatusCode >= http.StatusInternalServerError:
		return reads && resp.StatusCode != http.StatusNotImplemented
	}
	return false
}

// pause is twice as long each time, half of it by chance, so that many callers
// do not come back at once; a Retry-After of the service is kept to.
func (r *retrier) pause(attempt int, resp *http.Response) time.Duration {
	wait := r.cfg.Backoff << (attempt - 1)
	if wait > r.cfg.MaxBackoff || wait <= 0 {
		wait = r.cfg.MaxBackoff
	}
	//nolint:gosec // Spreading callers needs no secret randomness.
	wait = wait/2 + rand.N(wait/2+1)
	if resp != nil {
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds >= 0 {
			wait = max(wait, time.Duration(seconds)*time.Second)
		}
	}
	return min(wait, r.cfg.MaxBackoff)
}

func reason(resp *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	return resp.Status
}

// drop reads the rest of an answer, so that its connection can be used again.
func drop(resp *http.Response) {
	if resp != nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
		_ = resp.Body.Close()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func rewind(req *http.Request) (*http.Request, error) {
	fresh := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("send again: read body: %w", err)
		}
		fresh.Body = body
	}
	return fresh, nil
}
