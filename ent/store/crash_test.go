package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// crashPath is the variable by which the test program, started again by
// itself, knows that it is the one to be killed.
const crashPath = "CADASTRE_CRASH_PATH"

// TestMain is also the victim of TestAKilledProgramLosesNothing and of
// TestAFullDiskLeavesNoHalfCopy.
func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		if err := commitForever(context.Background(), path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if path := os.Getenv(fullPath); path != "" {
		if err := backUpOntoAFullDisk(context.Background(), path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashRows is how many columns each commit of the victim begins.
const crashRows = 400

// commitForever commits tables one by one, and writes each revision to
// standard output as soon as it is acknowledged.
func commitForever(ctx context.Context, path string) error {
	s, err := store.Open(ctx, store.Config{Path: path})
	if err != nil {
		return err
	}
	from, err := s.Head(ctx)
	if err != nil {
		return err
	}
	for n := from; ; n++ {
		at, err := s.Commit(ctx, boss, fmt.Sprintf("table %d", n), func(tx *store.Tx) error {
			ref := graph.BigQueryRef("p", "d", fmt.Sprintf("t%d", n))
			delta := graph.Delta{graph.Began{Now: graph.Asset{Ref: ref, Kind: graph.KindTable}}}
			for c := range crashRows {
				delta = append(delta, graph.Began{Now: graph.Column{Ref: ref.Column(fmt.Sprintf("c%d", c)), Position: c}})
			}
			return errors.Join(tx.Apply(ctx, delta), tx.Enqueue(ctx, store.AnalyzeArgs{Source: fmt.Sprint(n)}))
		})
		if err != nil {
			return err
		}
		fmt.Println(at)
	}
}

// TestAKilledProgramLosesNothing kills a program that commits, again and
// again, at moments that have nothing to do with what it does. Afterwards the
// store opens, the audit log verifies, no acknowledged commit is missing and
// no half of one is seen.
func TestAKilledProgramLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	acknowledged := int64(0)
	for round := range 12 {
		acknowledged = max(acknowledged, killAfter(t, path, 3+round%4, time.Duration(round)*1700*time.Microsecond))
		wantWhole(t, path, acknowledged)
	}
	t.Logf("12 kills, %d acknowledged commits", acknowledged)
}

// killAfter starts the victim, waits for some commits and then a moment, and
// kills it. It returns the last revision that was acknowledged.
func killAfter(t *testing.T, path string, commits int, moment time.Duration) (last int64) {
	t.Helper()
	victim := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this very program
	victim.Env = append(os.Environ(), crashPath+"="+path)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	read := func() bool {
		if !lines.Scan() {
			return false
		}
		n, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil { // a line that the kill cut off
			return false
		}
		last = n
		return true
	}
	for range commits {
		if !read() {
			t.Fatal("the victim ended by itself")
		}
	}
	timer := time.NewTimer(moment)
	<-timer.C
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for read() { //nolint:revive // what it said before it died counts too
	}
	if err := victim.Wait(); err == nil {
		t.Fatal("the victim was not killed")
	}
	return last
}

func wantWhole(t *testing.T, path string, acknowledged int64) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Reader(t.Context(), boss, graph.Everything(), 0)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := r.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := int(r.Revision())
	if int64(at) < acknowledged {
		t.Errorf("revision %d, but %d was acknowledged", at, acknowledged)
	}
	if counts.Assets != at || counts.Columns != at*crashRows {
		t.Errorf("at revision %d there are %d assets and %d columns, want %d and %d", at, counts.Assets, counts.Columns, at, at*crashRows)
	}
	jobs, err := s.Pending(t.Context())
	if err != nil || len(jobs) != at {
		t.Errorf("%d jobs are due, %v, want %d", len(jobs), err, at)
	}
	if report := audit.Verify(s.Events(t.Context())); !report.OK || report.Events != int64(at) {
		t.Errorf("audit at revision %d: %+v", at, report)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestACancelledCommitLeavesNothing ends the context while a commit is under
// way, before and after it wrote.
func TestACancelledCommitLeavesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{})
	asset := graph.Asset{Ref: graph.BigQueryRef("p", "d", "t")}
	apply := func(ctx context.Context, tx *store.Tx) error {
		return tx.Apply(ctx, graph.Delta{graph.Began{Now: asset}})
	}
	for _, c := range []struct {
		name string
		fn   func(ctx context.Context, cancel func(), tx *store.Tx) error
	}{
		{"before it wrote", func(ctx context.Context, cancel func(), tx *store.Tx) error {
			cancel()
			return apply(ctx, tx)
		}},
		{"after it wrote", func(ctx context.Context, cancel func(), tx *store.Tx) error {
			defer cancel()
			return apply(ctx, tx)
		}},
		{"while its own error is returned", func(ctx context.Context, cancel func(), tx *store.Tx) error {
			cancel()
			return errors.Join(apply(ctx, tx), context.Cause(ctx))
		}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := s.Commit(ctx, boss, c.name, func(tx *store.Tx) error { return c.fn(ctx, cancel, tx) })
		if err == nil {
			t.Errorf("%s: committed", c.name)
		}
		if at, err := s.Head(t.Context()); err != nil || at != 0 {
			t.Errorf("%s: revision %d, %v", c.name, at, err)
		}
	}
	if _, err := s.Commit(t.Context(), boss, "whole", func(tx *store.Tx) error { return apply(t.Context(), tx) }); err != nil {
		t.Errorf("the next commit: %v", err)
	}
}

// TestAPanicLeavesNothing lets the function of a commit fail in the worst way:
// the writer is free again for others.
func TestAPanicLeavesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = s.Commit(t.Context(), boss, "panics", func(tx *store.Tx) error {
			if err := tx.Apply(t.Context(), graph.Delta{graph.Began{Now: graph.Asset{Ref: graph.BigQueryRef("p", "d", "t")}}}); err != nil {
				t.Error(err)
			}
			panic("on purpose")
		})
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	at, err := s.Commit(ctx, boss, "after it", func(*store.Tx) error { return nil })
	if err != nil || at != 0 {
		t.Errorf("the next commit: revision %d, %v", at, err)
	}
}

// TestLogsTellNoContent listens to all that the store says while it is used
// and while jobs fail: nothing of what is in the catalog is among it.
func TestLogsTellNoContent(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	s := open(t, store.Config{Path: filepath.Join(t.TempDir(), "store.db"), Logger: loggerInto(&said)})
	const secret = "qxsecret"
	column := graph.Column{Ref: graph.BigQueryRef("p", "d", "t").Column("c"), Description: secret}
	for range 2 { // the second is a conflict
		_, err := s.Commit(t.Context(), boss, secret, func(tx *store.Tx) error {
			tx.Record(audit.Event{Action: "read", Object: secret})
			return tx.Apply(t.Context(), graph.Delta{graph.Began{Now: column}})
		})
		column.Type = secret
		if err != nil && (!errors.Is(err, graph.ErrConflict) || strings.Contains(err.Error(), secret)) {
			t.Errorf("the error tells of the content: %v", err)
		}
	}
	if !strings.Contains(said.String(), "store migrated") || strings.Contains(said.String(), secret) {
		t.Errorf("the log says:\n%s", said.String())
	}
}
