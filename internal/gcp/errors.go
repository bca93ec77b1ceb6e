package gcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"

	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"cadastre.dev/cadastre/graph"
)

// Error gives an error of a Google client its kind, and words for people where
// the service has none. Nil stays nil; the end of a context stays itself; what
// has a kind already keeps it; what is none of Google's stays without one.
func Error(err error) error {
	if err == nil || hasKind(err) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var answer *googleapi.Error
	if errors.As(err, &answer) {
		return answered(answer)
	}
	var token *oauth2.RetrieveError
	if errors.As(err, &token) {
		return fmt.Errorf("token cannot be renewed: %s: %w", token.ErrorCode, graph.ErrDenied)
	}
	var network net.Error
	if errors.As(err, &network) {
		return fmt.Errorf("%w: %w", err, graph.ErrUnavailable)
	}
	return err
}

// IsUnchanged says that a conditional get found the resource as it was.
func IsUnchanged(err error) bool { return googleapi.IsNotModified(err) }

func answered(e *googleapi.Error) error {
	message := e.Message
	if message == "" {
		message = http.StatusText(e.Code)
	}
	switch {
	case e.Code == http.StatusUnauthorized:
		return fmt.Errorf("token expired or unknown: %s: %w", message, graph.ErrDenied)
	case e.Code == http.StatusForbidden && isQuota(e):
		return fmt.Errorf("quota: %s: %w", message, graph.ErrUnavailable)
	case e.Code == http.StatusForbidden:
		return fmt.Errorf("%s: %w", message, graph.ErrDenied)
	case e.Code == http.StatusNotFound:
		return fmt.Errorf("%s: %w", message, graph.ErrNotFound)
	case e.Code == http.StatusConflict:
		return fmt.Errorf("%s: %w", message, graph.ErrConflict)
	case e.Code == http.StatusPreconditionFailed:
		return fmt.Errorf("%s: %w", message, graph.ErrStale)
	case e.Code == http.StatusTooManyRequests || e.Code >= http.StatusInternalServerError:
		return fmt.Errorf("%s: %w", message, graph.ErrUnavailable)
	case e.Code == http.StatusBadRequest:
		return fmt.Errorf("%s: %w", message, graph.ErrInvalid)
	}
	return e
}

// isQuota says whether a 403 is not about a right but about how much was asked.
func isQuota(e *googleapi.Error) bool {
	return isRate(e) || slices.ContainsFunc(e.Errors, func(item googleapi.ErrorItem) bool { return item.Reason == "quotaExceeded" })
}

// isRate says whether it is about how fast was asked, which passes in seconds.
func isRate(e *googleapi.Error) bool {
	return slices.ContainsFunc(e.Errors, func(item googleapi.ErrorItem) bool {
		return item.Reason == "rateLimitExceeded" || item.Reason == "userRateLimitExceeded"
	})
}

func hasKind(err error) bool {
	for _, kind := range []error{graph.ErrNotFound, graph.ErrInvalid, graph.ErrDenied, graph.ErrStale, graph.ErrConflict, graph.ErrUnavailable} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
