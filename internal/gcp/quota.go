package gcp

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// quota spaces the requests of each method, as BigQuery counts them.
type quota struct {
	gap time.Duration

	mu   sync.Mutex
	free map[string]time.Time // when the next request of a method may go
}

// burst is how much of unused time a method may catch up with.
const burst = time.Second

func newQuota(perSecond float64) *quota {
	q := &quota{free: map[string]time.Time{}}
	if perSecond > 0 {
		q.gap = time.Duration(float64(time.Second) / perSecond)
	}
	return q
}

// wait returns when a request of the method may go, or with the cause of ctx's
// end.
func (q *quota) wait(ctx context.Context, method string) error {
	if q.gap == 0 {
		return context.Cause(ctx)
	}
	now := time.Now()
	q.mu.Lock()
	at := q.free[method]
	if earliest := now.Add(-burst); at.Before(earliest) {
		at = earliest
	}
	q.free[method] = at.Add(q.gap)
	q.mu.Unlock()
	if at.After(now) {
		return sleep(ctx, at.Sub(now))
	}
	return context.Cause(ctx)
}

// method is what BigQuery counts a request as: its verb and the words of the
// path that are no names.
func method(req *http.Request) string {
	parts := strings.Split(req.URL.Path, "/")
	name := []string{req.Method}
	for i, part := range parts {
		switch part {
		case "projects", "datasets", "tables", "jobs", "queries", "data":
			name = append(name, part)
			if i == len(parts)-1 {
				name = append(name, "list")
			}
		}
	}
	return strings.Join(name, " ")
}
