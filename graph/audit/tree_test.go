package audit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// Law: a tree that was written down and read again goes on as if it had never
// been put away, wherever that was.
func TestATreeGoesOnWhereItWasPutAway(t *testing.T) {
	t.Parallel()
	events := log(t, 40)
	want := audit.Verify(sequence(events))
	for at := range events {
		var before, after audit.Tree
		for _, e := range events[:at] {
			if err := before.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		text, err := before.MarshalText()
		if err == nil {
			err = after.UnmarshalText(text)
		}
		if err != nil {
			t.Fatalf("at %d: %v", at, err)
		}
		if after.Checkpoint() != before.Checkpoint() || after.Size() != int64(at) {
			t.Fatalf("at %d it is read as %+v", at, after.Checkpoint())
		}
		for _, e := range events[at:] {
			if err := after.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		if after.Checkpoint() != want.Checkpoint || after.Head() != want.Head {
			t.Fatalf("put away at %d it ends at %+v, want %+v", at, after.Checkpoint(), want.Checkpoint)
		}
	}
}

// Law: no byte of a tree that was written down is free: a change of it is not
// read, or its root is another, or no event follows.
func TestAChangedTreeIsFound(t *testing.T) {
	t.Parallel()
	events := log(t, 12)
	for _, size := range []int{0, 1, 5, 11} {
		var tree audit.Tree
		for _, e := range events[:size] {
			if err := tree.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		text, err := tree.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		for at := range text {
			changed := []byte(string(text))
			changed[at] ^= 1
			var read audit.Tree
			if err := read.UnmarshalText(changed); err != nil {
				if !errors.Is(err, graph.ErrInvalid) {
					t.Fatalf("%q: %v", changed, err)
				}
				continue
			}
			if read.Checkpoint() == tree.Checkpoint() && read.Add(events[size]) == nil {
				t.Errorf("byte %d of %q is free", at, text)
			}
		}
	}
}

func TestWhatIsNoTree(t *testing.T) {
	t.Parallel()
	zero := strings.Repeat("A", 43) + "="
	for _, text := range []string{
		"", "1", "x " + zero, "-1 " + zero, "1 " + zero, "0 " + zero + " " + zero, "+0 " + zero, "0 AAAA", "0  " + zero, "0 " + zero + "\n",
		"9223372036854775808 " + zero,
	} {
		var tree audit.Tree
		if err := tree.UnmarshalText([]byte(text)); !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("%q is read: %v", text, err)
		}
	}
	var empty audit.Tree
	if err := empty.UnmarshalText([]byte("0 " + zero)); err != nil || empty.Checkpoint() != (audit.Checkpoint{}) {
		t.Errorf("the empty tree: %+v, %v", empty.Checkpoint(), err)
	}
}

func TestATreeRefusesWhatDoesNotFollow(t *testing.T) {
	t.Parallel()
	events := log(t, 3)
	var tree audit.Tree
	if err := tree.Add(events[0]); err != nil {
		t.Fatal(err)
	}
	was, err := tree.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	changed := events[1]
	changed.Object = "elsewhere"
	for name, e := range map[string]audit.Event{"again": events[0], "too far": events[2], "changed": changed, "zero": {}} {
		if err := tree.Add(e); !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	now, err := tree.MarshalText()
	if diff := cmp.Diff(string(was), string(now)); diff != "" || err != nil {
		t.Errorf("a refusal changed the tree (-want +got): %s %v", diff, err)
	}
}

// What goes on costs as much as what is new, however long the log is.
func BenchmarkTreeAdd(b *testing.B) {
	events := log(b, 4096)
	b.ReportAllocs()
	for b.Loop() {
		var tree audit.Tree
		for _, e := range events {
			if err := tree.Add(e); err != nil {
				b.Fatal(err)
			}
		}
	}
}
