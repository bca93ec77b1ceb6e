package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"cadastre.dev/cadastre/graph"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestFaultsAreJudged tells what is the database's fault from what is not.
func TestFaultsAreJudged(t *testing.T) {
	t.Parallel()
	state := func(code string) error { return &pgconn.PgError{Code: code, Message: "qx"} }
	for _, c := range []struct {
		name string
		err  error
		kind error // nil: not judged
		do   string
	}{
		{"nothing", nil, nil, ""},
		{"no room", state("53100"), ErrOutage, "make room"},
		{"no memory", state("53200"), ErrOutage, "see that it runs"},
		{"too many", state("53300"), ErrOutage, "raise its limit"},
		{"read only", state("25006"), ErrOutage, "writable"},
		{"a deadlock", state("40P01"), ErrOutage, "try again"},
		{"shut down", state("57P01"), ErrOutage, "start it"},
		{"the connection", state("08006"), ErrOutage, "start it"},
		{"the disk", state("58030"), ErrOutage, "disk is sound"},
		{"a password", state("28P01"), ErrOutage, "database.url"},
		{"no such database", state("3D000"), ErrOutage, "database.url"},
		{"a long name", state("54000"), graph.ErrInvalid, ""},
		{"a wrong statement", state("42601"), nil, ""},
		{"a code of none", state(""), nil, ""},
		{"a disk of a file", &os.PathError{Op: "write", Path: "store.db", Err: syscall.ENOSPC}, ErrOutage, "make room"},
		{"a file that may not be written", &os.PathError{Op: "open", Path: "store.db", Err: syscall.EROFS}, ErrOutage, "writable"},
		{"a cut-off answer", io.ErrUnexpectedEOF, ErrOutage, "start it"},
		{"a caller who left", context.Canceled, nil, ""},
		{"a caller whose time is over", context.DeadlineExceeded, nil, ""},
		{"a bug", errors.New("bug"), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := c.err
			if err != nil {
				err = fmt.Errorf("commit: %w", err)
			}
			got := fault(err)
			switch {
			case c.kind == nil && !errors.Is(got, err):
				t.Errorf("became %v", got)
			case c.kind == nil && (errors.Is(got, graph.ErrUnavailable) || errors.Is(got, graph.ErrInvalid)):
				t.Errorf("was judged: %v", got)
			case c.kind != nil && (!errors.Is(got, c.kind) || !errors.Is(got, c.err) || !strings.Contains(got.Error(), c.do)):
				t.Errorf("became %v, want %v that says to %q", got, c.kind, c.do)
			}
			if again := fault(got); errors.Is(got, ErrOutage) && again.Error() != got.Error() {
				t.Errorf("judged twice it is %v", again)
			}
			if whole := unavailable(err); c.err != nil && c.name != "a caller who left" && c.name != "a caller whose time is over" && c.kind == nil && !errors.Is(whole, ErrOutage) {
				t.Errorf("where nothing was asked yet it is %v", whole)
			}
		})
	}
}

// TestAFileThatCanOnlyBeRead lets a store that is open be read and not written,
// and then written again.
func TestAFileThatCanOnlyBeRead(t *testing.T) {
	t.Parallel()
	s := private(t)
	readOnly := func(on int) {
		t.Helper()
		if _, err := sqliteOf(s).writer.ExecContext(t.Context(), fmt.Sprintf("PRAGMA query_only = %d", on)); err != nil {
			t.Fatal(err)
		}
	}
	commit := func() error {
		_, err := s.Commit(t.Context(), graph.Principal{}, "read only", func(tx *Tx) error {
			return tx.Apply(t.Context(), graph.Delta{graph.Began{Now: graph.Asset{Ref: graph.BigQueryRef("p", "d", "t")}}})
		})
		return err
	}
	readOnly(1)
	if err := commit(); !errors.Is(err, ErrOutage) || !strings.Contains(err.Error(), "writable") {
		t.Errorf("commit: %v, want an outage that says what to do", err)
	}
	if head, err := s.Head(t.Context()); err != nil || head != 0 {
		t.Errorf("revision %d, %v", head, err)
	}
	readOnly(0)
	if err := commit(); err != nil {
		t.Errorf("once it can be written: %v", err)
	}
}
