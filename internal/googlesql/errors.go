package googlesql

import (
	"errors"
	"fmt"

	"cadastre.dev/cadastre/graph"
)

var (
	// ErrUnavailable means that no worker can answer: there is none, it does
	// not start, or the one that held the state has died. It is of the kind
	// graph.ErrUnavailable.
	ErrUnavailable = fmt.Errorf("googlesql worker: %w", graph.ErrUnavailable)
	// ErrInvalid means that the worker refused the statement; the error's text
	// is the analyzer's or the executor's own and may quote the statement. It
	// is of the kind graph.ErrInvalid.
	ErrInvalid = fmt.Errorf("googlesql statement: %w", graph.ErrInvalid)
	// ErrDeadline means that the worker was killed as it took too long.
	ErrDeadline = errors.New("googlesql: deadline exceeded")
	// ErrMemory means that the worker was killed as it took too much memory.
	ErrMemory = errors.New("googlesql: memory limit exceeded")
)

// errDied means that the worker's process ended by itself.
var errDied = errors.New("googlesql: analyzer died")

// errGone means that it had ended before it was asked, so that what it was
// asked is not the reason. It is of the kind errDied.
var errGone = fmt.Errorf("%w before it was asked", errDied)
