package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"cadastre.dev/cadastre/graph"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// isDuplicate says whether a write met a unique index.
func isDuplicate(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// ErrOutage is of every error whose cause is the database itself or the way to
// it, and not what was asked of it: asking again later may help, and nothing
// that was acknowledged is lost meanwhile. It is a graph.ErrUnavailable.
var ErrOutage = fmt.Errorf("outage of the catalog's database: %w", graph.ErrUnavailable)

// outage is an error of the database with what a person can do about it.
type outage struct {
	advice string
	cause  error
}

// Error says what to do before it says what the database said.
func (o *outage) Error() string { return o.advice + ": " + o.cause.Error() }

// Advice is what of it may be told to everybody: what the database said may
// name its host and users.
func (o *outage) Advice() string { return o.advice }

// Unwrap lets callers see the kind, and this package the cause.
func (o *outage) Unwrap() []error { return []error{ErrOutage, o.cause} }

// fault gives errors of the database a kind: those of the disk, the file and
// the connection are ErrOutage.
func fault(err error) error {
	if err == nil || errors.Is(err, graph.ErrUnavailable) {
		return err
	}
	advice, kind := judge(err)
	if kind == nil {
		return err
	}
	if errors.Is(kind, ErrOutage) {
		return &outage{advice, err}
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// unavailable is fault where nothing was asked yet: whatever went wrong is of
// the database.
func unavailable(err error) error {
	if known := fault(err); known == nil || errors.Is(known, graph.ErrUnavailable) {
		return known
	}
	if isOver(err) {
		return err
	}
	return &outage{adviceLook, err}
}

// isOver says whether a context ended: that is its owner's doing, though the
// error may be one of the network too.
func isOver(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// What a person can do, by what is wrong.
const (
	adviceLook     = "the catalog's database cannot be used; see that it runs and that its disk is sound, work then goes on by itself"
	adviceRoom     = "the disk of the catalog's database is full; make room, work then goes on by itself"
	adviceReadOnly = "the catalog's database can only be read; make it and its disk writable, work then goes on by itself"
	adviceMany     = "the catalog's database takes no more connections; raise its limit, or end programs that hold some, work then goes on by itself"
	adviceBusy     = "the catalog's database is held by somebody else; try again, and end the program that holds it if that lasts"
	adviceDamaged  = "the catalog's database is damaged or none at all; stop the program and restore a backup"
	adviceAnswer   = "the catalog's database does not answer; start it, or see that the way to it is open, work then goes on by itself"
	adviceRefused  = "the catalog's database refuses this program; see that user, password and name in database.url are right"
)

// judge returns the kind of an error of the database and, for an outage, what
// can be done; nil where the database is not the cause.
func judge(err error) (advice string, kind error) {
	var (
		lite    *sqlite.Error
		pg      *pgconn.PgError
		connect *pgconn.ConnectError
		network net.Error
	)
	switch {
	case errors.As(err, &lite):
		return judgeCode(lite.Code())
	case errors.As(err, &pg):
		advice, kind = judgeState(pg.Code)
		if kind == nil && errors.As(err, &connect) {
			return adviceRefused, ErrOutage
		}
		return advice, kind
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return adviceRoom, ErrOutage
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return adviceReadOnly, ErrOutage
	case errors.As(err, &connect) && !errors.Is(err, context.Canceled):
		return adviceAnswer, ErrOutage
	case isOver(err):
		return "", nil
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), pgconn.SafeToRetry(err):
		return adviceAnswer, ErrOutage
	}
	return "", nil
}

// judgeCode judges a result code of SQLite.
func judgeCode(code int) (advice string, kind error) {
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return adviceRoom, ErrOutage
	case sqlite3.SQLITE_READONLY:
		return adviceReadOnly, ErrOutage
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return adviceBusy, ErrOutage
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return adviceDamaged, ErrOutage
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return adviceLook, ErrOutage
	}
	return "", nil
}

// judgeState judges PostgreSQL's SQLSTATE; see its documentation, appendix A.
func judgeState(code string) (advice string, kind error) {
	switch code {
	case "25006": // read-only transaction
		return adviceReadOnly, ErrOutage
	case "53100": // disk full
		return adviceRoom, ErrOutage
	case "53300": // too many connections
		return adviceMany, ErrOutage
	case "58030": // input/output
		return adviceLook, ErrOutage
	case "40001", "40P01", "55P03": // serialization, deadlock, lock
		return adviceBusy, ErrOutage
	case "3D000": // no such database
		return adviceRefused, ErrOutage
	case "54000": // a name too long for an index
		return "", graph.ErrInvalid
	}
	switch code[:min(2, len(code))] {
	case "08", "57": // connection, operator
		return adviceAnswer, ErrOutage
	case "53": // resources
		return adviceLook, ErrOutage
	case "28": // who connects
		return adviceRefused, ErrOutage
	}
	return "", nil
}
