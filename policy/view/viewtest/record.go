package viewtest

import (
	"context"
	"errors"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
)

// Log is a view.Recorder that remembers.
type Log struct{ Entries []view.Progress }

var _ view.Recorder = (*Log)(nil)

// Record remembers.
func (l *Log) Record(_ context.Context, p view.Progress) error {
	l.Entries = append(l.Entries, p)
	return nil
}

// Last returns the entry recorded last.
func (l *Log) Last() view.Progress {
	if len(l.Entries) == 0 {
		return view.Progress{}
	}
	return l.Entries[len(l.Entries)-1]
}

// errBroken is the fault that breaking makes.
var errBroken = errors.New("the line is broken")

// breaking fails at one of the steps that it is asked to do: before it is
// made, or, late, after it was.
type breaking struct {
	view.Target
	at   int
	late bool
}

// Do fails once at is reached.
func (b *breaking) Do(ctx context.Context, s graph.Step) error {
	b.at--
	if b.at >= 0 {
		return b.Target.Do(ctx, s)
	}
	if b.late {
		if err := b.Target.Do(ctx, s); err != nil {
			return err
		}
	}
	return errBroken
}

// forbidden is a target that must not be written.
type forbidden struct {
	view.Target
	t *testing.T
}

// Do fails the test.
func (f *forbidden) Do(_ context.Context, s graph.Step) error {
	f.t.Errorf("%s %s was written", s.Kind, s.Object)
	return nil
}
