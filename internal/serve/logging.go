package serve

import (
	"context"
	"log/slog"
)

// requestKeyInLog is under which a request's id stands in the log.
const requestKeyInLog = "request"

// withRequest puts the id of the request that something was done for into its
// line of the log, where the line does not say it itself.
type withRequest struct{ slog.Handler }

// Handle adds the id and hands the line on.
func (h withRequest) Handle(ctx context.Context, r slog.Record) error {
	id := requestID(ctx)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == requestKeyInLog {
			id = ""
		}
		return id != ""
	})
	if id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String(requestKeyInLog, id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs returns a handler that says more in each line.
func (h withRequest) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequest{h.Handler.WithAttrs(attrs)}
}

// WithGroup returns a handler that says the rest in a group.
func (h withRequest) WithGroup(name string) slog.Handler {
	return withRequest{h.Handler.WithGroup(name)}
}
