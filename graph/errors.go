package graph

import "errors"

// The kinds of error. Callers switch on these with errors.Is and on nothing
// else; everything that crosses a package boundary wraps exactly one of them
// or is an internal fault.
var (
	// ErrNotFound says that the thing does not exist, or that the principal
	// may not know that it does. The two are never told apart.
	ErrNotFound = errors.New("not found")
	// ErrInvalid says that the input is wrong and asking again will not help.
	ErrInvalid = errors.New("invalid")
	// ErrDenied says that the principal may know of the thing, but not do this.
	ErrDenied = errors.New("denied")
	// ErrStale says that the world moved since the caller looked at it:
	// nothing was written, look again.
	ErrStale = errors.New("stale")
	// ErrConflict says that another write or a rule of the store stands in
	// the way: nothing was written.
	ErrConflict = errors.New("conflict")
	// ErrUnavailable says that something needed is not there at present: a
	// source, a worker, a network. Asking again later may help.
	ErrUnavailable = errors.New("unavailable")
)
