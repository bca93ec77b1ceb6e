package serve

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"cadastre.dev/cadastre/graph"
)

type contextKey int

const (
	requestKey contextKey = iota
	principalKey
	glassKey
)

// requestID returns the identifier under which a request stands in the log.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey).(string)
	return id
}

// signedInAs returns the principal that the request was let in for.
func signedInAs(ctx context.Context) (graph.Principal, bool) {
	p, ok := ctx.Value(principalKey).(graph.Principal)
	return p, ok
}

// contentSecurityPolicy lets the browser run and load what this program
// itself serves. Inline styles are allowed because graph layouts place nodes
// by them.
const contentSecurityPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// guard wraps everything that is served: a request id, the headers that close
// what is not used, and refusal of requests that another site made.
func guard(next http.Handler, logger *slog.Logger) http.Handler {
	var origin http.CrossOriginProtection
	protected := boundBody(origin.Handler(next), bodyArrives, bodyRests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()[:12]
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		started := time.Now()
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		protected.ServeHTTP(recorder, r.WithContext(context.WithValue(r.Context(), requestKey, id)))
		level := slog.LevelDebug
		if recorder.status >= http.StatusInternalServerError && r.Context().Err() == nil {
			level = slog.LevelWarn
		}
		logger.Log(r.Context(), level, "request", "request", id, "method", r.Method, "path", r.URL.Path, "status", recorder.status, "dur", time.Since(started))
	})
}

const (
	// bodyArrives is how long the body of a request may take to arrive, and
	// bodyRests how long what nobody reads of it is waited for: who sends
	// slowly, or nothing, holds no connection for ever.
	bodyArrives = 2 * time.Minute
	bodyRests   = 5 * time.Second
)

// boundBody bounds the time in which bodies arrive, and no more than that: work
// on one that arrived may take longer, and ends when whoever asked has left.
func boundBody(next http.Handler, arrives, rests time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		// A server that knows no deadlines reads without.
		body := &boundedBody{ReadCloser: r.Body, deadline: http.NewResponseController(w).SetReadDeadline}
		_ = body.deadline(time.Now().Add(arrives))
		r.Body = body
		next.ServeHTTP(w, r)
		if !body.whole {
			_ = body.deadline(time.Now().Add(rests))
		}
	})
}

// boundedBody lifts the deadline once it was read to its end. With one that
// stands, the connection would be taken for broken in the midst of the work.
type boundedBody struct {
	io.ReadCloser
	deadline func(time.Time) error
	whole    bool
}

// Read reads, and notes the end.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) && !b.whole {
		b.whole = true
		_ = b.deadline(time.Time{})
	}
	return n, err
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status for the log.
func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer below.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// requireSignIn lets signed-in people through and answers others 401 as
// GraphQL errors are written, so that the UI reads one form.
func requireSignIn(s *signIn, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := s.principal(r.Context())
		if !ok {
			answerGraphQL(w, http.StatusUnauthorized, "UNAUTHENTICATED", "you are not signed in, or your session has ended; sign in again")
			return
		}
		ctx := context.WithValue(r.Context(), principalKey, p)
		if s.glass.app != nil {
			if b, broken := s.glass.of(ctx, p); broken {
				ctx = context.WithValue(ctx, glassKey, b.ID)
			}
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// answerGraphQL answers what never came to be asked as GraphQL errors are
// written.
func answerGraphQL(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{
		"message": message, "extensions": map[string]any{"code": code},
	}}})
}

// serveUI serves the built app: its files as they are, and index.html for
// every other path, because the app's own router reads the URL. Built files
// bear a hash in their name and may be kept for ever.
func serveUI(files fs.FS, built bool) http.Handler {
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !built {
			plainPage(w, http.StatusServiceUnavailable, "The app was not built", "this program was built without its web app; build it with `make build`")
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if info, err := fs.Stat(files, name); err == nil && !info.IsDir() {
			if strings.HasPrefix(name, "assets/") {
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			server.ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(name, "assets/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, files, "index.html")
	})
}

// plainPage answers where the app cannot: before it is built, or when signing
// in goes wrong.
func plainPage(w http.ResponseWriter, status int, title, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%[1]s · Cadastre</title>
<body style="font:16px/1.5 system-ui;max-width:34rem;margin:20vh auto;padding:0 1rem"><h1 style="font-size:1.25rem">%[1]s</h1><p>%[2]s</p><p><a href="/">Back to Cadastre</a></p></body></html>`,
		html.EscapeString(title), html.EscapeString(text))
}
