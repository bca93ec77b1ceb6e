package bigquery

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// faults are the faults that are still to strike, in the order they were added.
type faults struct {
	mu   sync.Mutex
	list []*Fault
}

func (f *faults) add(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, &fault)
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// strike answers the first fault that is meant for the call, or nil.
func (f *faults) strike(ctx context.Context, method string, c *call) error {
	fault, ok := f.take(method, c)
	if !ok {
		return nil
	}
	if err := wait(ctx, time.Duration(fault.DelayMilliseconds)*time.Millisecond); err != nil {
		return err
	}
	if fault.Status == 0 {
		return nil
	}
	e := &apiError{status: fault.Status, reason: fault.Reason, message: fault.Message, retryAfter: fault.RetryAfter}
	if e.reason == "" {
		e.reason = usualReason(fault.Status)
	}
	if e.message == "" {
		e.message = "Injected fault of the sandbox: " + http.StatusText(fault.Status)
	}
	return e
}

// take finds the fault and counts it; one that has struck as often as it
// should is removed.
func (f *faults) take(method string, c *call) (Fault, bool) {
	meant := func(want, got string) bool { return want == "" || want == got }
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.list {
		if !meant(fault.Method, method) || !meant(fault.Project, c.project) ||
			!meant(fault.Dataset, c.dataset) || !meant(fault.Table, c.table) {
			continue
		}
		struck := *fault
		if fault.Times > 0 {
			if fault.Times--; fault.Times == 0 {
				f.list = slices.Delete(f.list, i, i+1)
			}
		}
		return struck, true
	}
	return Fault{}, false
}

func usualReason(status int) string {
	switch status {
	case http.StatusForbidden:
		return "accessDenied"
	case http.StatusNotFound:
		return "notFound"
	case http.StatusPreconditionFailed:
		return "conditionNotMet"
	case http.StatusTooManyRequests:
		return "rateLimitExceeded"
	case http.StatusServiceUnavailable, http.StatusInternalServerError, http.StatusBadGateway:
		return "backendError"
	}
	return "invalid"
}
