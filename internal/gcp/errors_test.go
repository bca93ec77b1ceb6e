package gcp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/gcp"
)

func TestErrorKinds(t *testing.T) {
	t.Parallel()
	answer := func(code int, reasons ...string) error {
		e := &googleapi.Error{Code: code, Message: "said so"}
		for _, r := range reasons {
			e.Errors = append(e.Errors, googleapi.ErrorItem{Reason: r})
		}
		return fmt.Errorf("get table: %w", e)
	}
	tests := []struct {
		name string
		err  error
		kind error
		says string
	}{
		{"expired token", answer(401), graph.ErrDenied, "token expired or unknown: said so"},
		{"no permission", answer(403, "accessDenied"), graph.ErrDenied, "said so"},
		{"quota in a 403", answer(403, "rateLimitExceeded"), graph.ErrUnavailable, "quota: said so"},
		{"gone", answer(404), graph.ErrNotFound, "said so"},
		{"there already", answer(409), graph.ErrConflict, "said so"},
		{"moved since", answer(412), graph.ErrStale, "said so"},
		{"too fast", answer(429), graph.ErrUnavailable, "said so"},
		{"their fault", answer(503), graph.ErrUnavailable, "said so"},
		{"our fault", answer(400), graph.ErrInvalid, "said so"},
		{"no words", &googleapi.Error{Code: http.StatusForbidden}, graph.ErrDenied, "Forbidden"},
		{"token not renewed", &oauth2.RetrieveError{ErrorCode: "invalid_grant"}, graph.ErrDenied, "invalid_grant"},
		{"no network", &net.OpError{Op: "dial", Err: errors.New("refused")}, graph.ErrUnavailable, "refused"},
		{"has its kind", fmt.Errorf("x: %w", graph.ErrStale), graph.ErrStale, "x"},
		{"end of the context", context.Canceled, context.Canceled, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := gcp.Error(tt.err)
			if !errors.Is(got, tt.kind) || !strings.Contains(got.Error(), tt.says) {
				t.Errorf("Error = %v, want %v that says %q", got, tt.kind, tt.says)
			}
		})
	}
}

func TestErrorLeavesTheRestAlone(t *testing.T) {
	t.Parallel()
	if err := gcp.Error(nil); err != nil {
		t.Errorf("Error(nil) = %v", err)
	}
	mine := errors.New("mine")
	if err := gcp.Error(mine); err != mine { //nolint:errorlint // The very same is meant.
		t.Errorf("Error(mine) = %v", err)
	}
}

func TestIsUnchanged(t *testing.T) {
	t.Parallel()
	if !gcp.IsUnchanged(&googleapi.Error{Code: http.StatusNotModified}) || gcp.IsUnchanged(&googleapi.Error{Code: http.StatusOK}) || gcp.IsUnchanged(nil) {
		t.Error("IsUnchanged must hold for 304 alone")
	}
}
