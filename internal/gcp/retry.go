package gcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"
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
// 429, 5xx or a 403 that says "slower", it cannot be sent again, or the attempts
// are used up; then the last answer or error is returned.
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
// is repeated only when the service says that it did not look at it (429, 503,
// or a 403 about its rate). A token that is refused stays refused.
func again(req *http.Request, resp *http.Response, err error) bool {
	if req.Context().Err() != nil || (req.Body != nil && req.GetBody == nil) {
		return false
	}
	reads := req.Method == http.MethodGet || req.Method == http.MethodHead
	if err != nil {
		return reads && !isRefusedToken(err)
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		return true
	case resp.StatusCode == http.StatusForbidden:
		return isTooFast(resp)
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
		wait = max(wait, r.asked(resp.Header.Get("Retry-After")))
	}
	return min(wait, r.cfg.MaxBackoff)
}

// asked is the pause that a Retry-After asks for, in seconds or as a date; none
// where it is neither.
func (r *retrier) asked(after string) time.Duration {
	if seconds, err := strconv.Atoi(after); err == nil {
		most := int(r.cfg.MaxBackoff/time.Second) + 1 // more would only overflow
		return time.Duration(min(seconds, most)) * time.Second
	}
	if date, err := http.ParseTime(after); err == nil {
		return time.Until(date)
	}
	return 0
}

// maxRefusal is how much of a 403 is read to find its reason.
const maxRefusal = 1 << 16

// isTooFast says whether a 403 is BigQuery's way to say "slower". What it read
// of the answer can be read again.
func isTooFast(resp *http.Response) bool {
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	resp.Body = &refusal{Reader: io.MultiReader(bytes.NewReader(head), resp.Body), Closer: resp.Body}
	var said struct {
		Error googleapi.Error `json:"error"`
	}
	return err == nil && json.Unmarshal(head, &said) == nil && isRate(&said.Error)
}

// refusal is the body of an answer of which a part was read already.
type refusal struct {
	io.Reader
	io.Closer
}

// isRefusedToken says whether the issuer of tokens looked at the request for
// one and said no.
func isRefusedToken(err error) bool {
	var token *oauth2.RetrieveError
	return errors.As(err, &token) && token.Response != nil && token.Response.StatusCode < http.StatusInternalServerError
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
