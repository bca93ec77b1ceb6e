package bigquery

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"cadastre.dev/cadastre/internal/googlesql"
)

// apiError is an error as the service answers it: an HTTP status with
// BigQuery's reason.
type apiError struct {
	status     int
	reason     string
	message    string
	location   string
	retryAfter int // seconds, sent if positive
}

// Error implements error.
func (e *apiError) Error() string { return e.message }

func invalid(format string, args ...any) error {
	return &apiError{status: http.StatusBadRequest, reason: "invalid", message: fmt.Sprintf(format, args...)}
}

func invalidQuery(format string, args ...any) error {
	return &apiError{status: http.StatusBadRequest, reason: "invalidQuery", message: fmt.Sprintf(format, args...), location: "query"}
}

func notFound(format string, args ...any) error {
	return &apiError{status: http.StatusNotFound, reason: "notFound", message: "Not found: " + fmt.Sprintf(format, args...)}
}

func duplicate(format string, args ...any) error {
	return &apiError{status: http.StatusConflict, reason: "duplicate", message: "Already Exists: " + fmt.Sprintf(format, args...)}
}

func denied(format string, args ...any) error {
	return &apiError{status: http.StatusForbidden, reason: "accessDenied", message: "Access Denied: " + fmt.Sprintf(format, args...)}
}

// deniedDataset, deniedTable and deniedQuery do not tell whether the thing
// exists.
func deniedDataset(project, dataset string, want permission) error {
	return denied("Dataset %[1]s:%[2]s: Permission %[3]s denied on dataset %[1]s:%[2]s (or it may not exist).", project, dataset, want)
}

func deniedTable(project, dataset, table string, want permission) error {
	return denied("Table %[1]s:%[2]s.%[3]s: Permission %[4]s denied on table %[1]s:%[2]s.%[3]s (or it may not exist).",
		project, dataset, table, want)
}

func deniedProject(project string, want permission) error {
	return denied("Project %s: User does not have %s permission in project %s.", project, want, project)
}

func deniedQuery(project, dataset, table string) error {
	return denied("Table %[1]s:%[2]s.%[3]s: User does not have permission to query table %[1]s:%[2]s.%[3]s, or perhaps it does not exist.",
		project, dataset, table)
}

func conditionNotMet() error {
	return &apiError{status: http.StatusPreconditionFailed, reason: "conditionNotMet", message: "Precondition Failed", location: "If-Match"}
}

// asAPIError turns any error into what the service answers. What a worker
// refuses is the caller's fault; a worker that is not there is nobody's, and
// may be back.
func asAPIError(err error) *apiError {
	var api *apiError
	switch {
	case errors.As(err, &api):
		return api
	case errors.Is(err, googlesql.ErrInvalid):
		return &apiError{status: http.StatusBadRequest, reason: "invalidQuery", message: err.Error(), location: "query"}
	case errors.Is(err, googlesql.ErrDeadline), errors.Is(err, googlesql.ErrMemory):
		return &apiError{
			status: http.StatusBadRequest, reason: "resourcesExceeded",
			message: "Resources exceeded during query execution: " + err.Error(),
		}
	case errors.Is(err, googlesql.ErrUnavailable):
		return &apiError{status: http.StatusServiceUnavailable, reason: "backendError", message: err.Error()}
	}
	return &apiError{status: http.StatusInternalServerError, reason: "internalError", message: err.Error()}
}

// statusWord is the word of google.rpc.Code that goes with an HTTP status.
func statusWord(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "INVALID_ARGUMENT"
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusConflict:
		return "ALREADY_EXISTS"
	case http.StatusPreconditionFailed:
		return "FAILED_PRECONDITION"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	}
	return "INTERNAL"
}

type errorItem struct {
	Message  string `json:"message"`
	Domain   string `json:"domain"`
	Reason   string `json:"reason"`
	Location string `json:"location,omitempty"`
}

type errorBody struct {
	Error struct {
		Code    int         `json:"code"`
		Message string      `json:"message"`
		Errors  []errorItem `json:"errors"`
		Status  string      `json:"status"`
	} `json:"error"`
}

// writeError answers in the form that Google's clients read.
func writeError(w http.ResponseWriter, e *apiError) {
	var body errorBody
	body.Error.Code = e.status
	body.Error.Message = e.message
	body.Error.Errors = []errorItem{{Message: e.message, Domain: "global", Reason: e.reason, Location: e.location}}
	body.Error.Status = statusWord(e.status)
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/"`)
	}
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	writeJSON(w, e.status, body)
}
