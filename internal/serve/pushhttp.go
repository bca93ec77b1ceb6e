package serve

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest/push"
)

const (
	// pushPath is where services push.
	pushPath = "/api/v1/facts"
	// pushAtOnce is how many batches are read at a time; more wait before
	// their bodies are read, so that many senders do not fill the memory.
	pushAtOnce = 4
	// retryAfter is when a sender may try again, in seconds.
	retryAfter = "5"
)

// pushHandler answers services that push. It reads no body of those who hold
// no token.
func (a *App) pushHandler() http.Handler {
	turns := make(chan struct{}, pushAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		_, err := a.authenticate(r.Context(), secret)
		if err != nil {
			a.pushFailed(w, r, err)
			return
		}
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
		case <-r.Context().Done():
			return
		}
		// The time for its body to arrive begins with its turn.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyArrives))
		batch, err := readBatch(w, r, a.config.Push.limits())
		if err != nil {
			a.pushFailed(w, r, err)
			return
		}
		// It may have been revoked while the body arrived, which takes as long
		// as the sender likes.
		token, err := a.authenticate(r.Context(), secret)
		if err != nil {
			a.pushFailed(w, r, err)
			return
		}
		answer, err := a.push(r.Context(), token, batch)
		if err != nil {
			a.pushFailed(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, answer)
	})
}

// pushRoutes serves what programs speak to. What is not there is answered in
// their form, and never with a page: a sender that took that for success would
// lose its batch.
func (a *App) pushRoutes(mux *http.ServeMux) {
	refuse := func(status int, code, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", http.MethodPost)
			}
			writeJSON(w, status, map[string]pushError{"error": {Code: code, Message: message}})
		}
	}
	mux.Handle("POST "+pushPath, a.pushHandler())
	mux.Handle(pushPath, refuse(http.StatusMethodNotAllowed, "INVALID", "a batch is sent with POST"))
	mux.Handle("/api/", refuse(http.StatusNotFound, "NOT_FOUND", "there is no such address; facts are pushed to "+pushPath))
}

// errMedia says that a body is in a form that is not read.
var errMedia = errors.New("unsupported form")

// readBatch reads the body of a request.
func readBatch(w http.ResponseWriter, r *http.Request, limits push.Limits) (push.Batch, error) {
	form := push.Document
	switch kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case err == nil && kind == "application/json":
	case err == nil && kind == "application/x-ndjson":
		form = push.Lines
	default:
		return push.Batch{}, fmt.Errorf("the body must be application/json or application/x-ndjson: %w", errMedia)
	}
	most := limits.Bytes
	if most <= 0 {
		most = 64 << 20
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, most)
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return push.Batch{}, fmt.Errorf("the body is not gzip, which Content-Encoding says it is: %w: %w", err, graph.ErrInvalid)
		}
		body = unpacked
	default:
		return push.Batch{}, fmt.Errorf("content encoding %q is not read; send gzip or none: %w", encoding, errMedia)
	}
	batch, err := push.Read(body, form, r.Header.Get("Idempotency-Key"), limits)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return batch, fmt.Errorf("the body has more than %d bytes; send it in parts: %w", tooLarge.Limit, push.ErrTooLarge)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF):
		return batch, fmt.Errorf("the body did not arrive whole: %w: %w", err, graph.ErrInvalid)
	}
	return batch, err
}

// pushError is what is answered where a batch was not written.
type pushError struct {
	Code    string       `json:"code"`
	Message string       `json:"message"`
	Faults  []push.Fault `json:"faults,omitempty"`
	More    int          `json:"more,omitempty"`
}

// pushFailed answers an error. What is not the sender's to know goes to the
// log, under the request's id.
func (a *App) pushFailed(w http.ResponseWriter, r *http.Request, err error) {
	status, answer := http.StatusInternalServerError, pushError{Code: "INTERNAL", Message: "something went wrong; the log has it under request " + requestID(r.Context())}
	var faults *push.FaultsError
	told := func(s int, code string) { status, answer.Code, answer.Message = s, code, err.Error() }
	switch {
	case errors.Is(err, context.Canceled):
		return
	case errors.Is(err, errToken):
		w.Header().Set("WWW-Authenticate", `Bearer realm="cadastre"`)
		told(http.StatusUnauthorized, "UNAUTHENTICATED")
		answer.Message = errToken.Error()
	case errors.Is(err, errMedia):
		told(http.StatusUnsupportedMediaType, "INVALID")
	case errors.Is(err, push.ErrTooLarge):
		told(http.StatusRequestEntityTooLarge, "TOO_LARGE")
	case errors.As(err, &faults):
		told(http.StatusBadRequest, "INVALID")
		answer.Message = "nothing was written: " + faultCount(len(faults.Faults)+faults.More)
		answer.Faults, answer.More = faults.Faults, faults.More
	case errors.Is(err, graph.ErrDenied):
		told(http.StatusForbidden, "DENIED")
	case errors.Is(err, graph.ErrConflict):
		told(http.StatusConflict, "CONFLICT")
	case errors.Is(err, graph.ErrInvalid):
		told(http.StatusBadRequest, "INVALID")
	case errors.Is(err, graph.ErrUnavailable):
		status, answer.Code, answer.Message = http.StatusServiceUnavailable, "UNAVAILABLE", "the catalog cannot be written now; nothing was, so send the batch again"
		w.Header().Set("Retry-After", retryAfter)
	}
	if status >= http.StatusInternalServerError {
		a.logger.ErrorContext(r.Context(), "push failed", "request", requestID(r.Context()), "err", err)
	}
	writeJSON(w, status, map[string]pushError{"error": answer})
}

// faultCount says how many faults a batch has.
func faultCount(faults int) string {
	if faults == 1 {
		return "one thing is wrong with the batch"
	}
	return fmt.Sprintf("%d things are wrong with the batch", faults)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
