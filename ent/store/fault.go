package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

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

// fault gives errors of the database a kind: those of the disk, the file and
// the connection, which asking again later may mend, are graph.ErrUnavailable.
func fault(err error) error {
	if err == nil || errors.Is(err, graph.ErrUnavailable) {
		return err
	}
	if kind := kindOf(err); kind != nil {
		return fmt.Errorf("%w: %w", kind, err)
	}
	return err
}

func kindOf(err error) error {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
			sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return graph.ErrUnavailable
		}
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return kindOfState(pg.Code)
	}
	var (
		connect *pgconn.ConnectError
		network net.Error
	)
	// A context that ended is the caller's, though it is a net.Error too.
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err) {
		return graph.ErrUnavailable
	}
	return nil
}

// kindOfState is the kind of PostgreSQL's SQLSTATE; see its documentation,
// appendix A.
func kindOfState(code string) error {
	switch code {
	case "25006", "58030", "40001", "40P01", "55P03": // read only, input/output, serialization, deadlock, lock
		return graph.ErrUnavailable
	case "54000": // a name too long for an index
		return graph.ErrInvalid
	}
	for _, class := range []string{"08", "53", "57"} { // connection, resources, operator
		if strings.HasPrefix(code, class) {
			return graph.ErrUnavailable
		}
	}
	return nil
}

// unavailable marks that the database itself could not be reached.
func unavailable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, graph.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", graph.ErrUnavailable, err)
}
