package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"cadastre.dev/cadastre/graph"
)

// kinds maps the kinds of error to the codes of the API, the first that fits.
var kinds = []struct {
	kind error
	code string
}{
	{graph.ErrNotFound, "NOT_FOUND"},
	{graph.ErrInvalid, "INVALID"},
	{graph.ErrDenied, "DENIED"},
	{graph.ErrStale, "STALE"},
	{graph.ErrConflict, "CONFLICT"},
	{graph.ErrUnavailable, "UNAVAILABLE"},
}

// advised is an error of which the advice alone is fit for everybody; the rest
// may name hosts and users, and goes to the log.
type advised interface {
	error
	Advice() string
}

// present turns an error into what crosses the API: a code and a text that is
// safe to show. It is the one place where errors cross. Of what does not
// exist, or may not be known of, nothing is told but that; an internal error's
// detail goes to the log under the request's id.
func (r *resolver) present(ctx context.Context, err error) *gqlerror.Error {
	var shown *gqlerror.Error
	if errors.As(err, &shown) && shown.Err == nil {
		if shown.Extensions["code"] == nil {
			shown.Extensions = map[string]any{"code": "INVALID"}
		}
		return shown
	}
	out := &gqlerror.Error{Path: graphql.GetPath(ctx)}
	for _, k := range kinds {
		if !errors.Is(err, k.kind) {
			continue
		}
		out.Message = err.Error()
		if shown != nil {
			out.Message = shown.Message
		}
		var moment *noMomentError
		if k.code == "NOT_FOUND" && !errors.As(err, &moment) {
			out.Message = "not found, or not yours to know of"
		}
		if told, ok := errors.AsType[advised](err); ok {
			r.Logger.ErrorContext(ctx, "outage", "request", r.RequestID(ctx), "err", err)
			out.Message = told.Advice()
		}
		out.Extensions = map[string]any{"code": k.code}
		return out
	}
	id := r.RequestID(ctx)
	level := slog.LevelError
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		// Who asked has gone: nobody reads the answer, and nothing is wrong.
		level = slog.LevelDebug
	}
	r.Logger.Log(ctx, level, "internal error", "request", id, "err", err)
	out.Message = "something went wrong here; the log has it under request " + id
	out.Extensions = map[string]any{"code": "INTERNAL", "request": id}
	return out
}

// recovered turns a panic into an internal error. What was panicked with goes
// to the log alone.
func (r *resolver) recovered(_ context.Context, v any) error { return fmt.Errorf("panic: %v", v) }
