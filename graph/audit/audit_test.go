package audit_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// log makes a log of n events, rightly chained.
func log(t testing.TB, n int) []audit.Event {
	t.Helper()
	var prev audit.Hash
	events := make([]audit.Event, n)
	for i := range events {
		events[i] = audit.Event{
			Seq: int64(i + 1), At: time.Date(2026, 3, 1, 12, 0, i, 1000*i, time.UTC), Actor: "olu@example.org", Action: "tag",
			Object: fmt.Sprintf("bigquery/p.d.t#c%d", i), Revision: graph.Revision(i), Detail: map[string]string{"label": "user.name", "why": "ü"},
		}
		hash, err := audit.Next(prev, events[i])
		if err != nil {
			t.Fatal(err)
		}
		events[i].Hash, prev = hash, hash
	}
	return events
}

func sequence(events []audit.Event) iter.Seq2[audit.Event, error] {
	return func(yield func(audit.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestVerifyAcceptsWhatNextChained(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 7, 64} {
		events := log(t, n)
		r := audit.Verify(sequence(events))
		if !r.OK || r.Events != int64(n) || r.Broken != 0 || r.Reason != "" || r.Checkpoint.Size != int64(n) {
			t.Errorf("%d events: %+v", n, r)
		}
		if n > 0 && r.Head != events[n-1].Hash {
			t.Errorf("%d events: head %x", n, r.Head)
		}
	}
}

// Law: whatever is changed in whatever event is found, and the place of the
// first fault is named.
func TestVerifyFindsEveryChange(t *testing.T) {
	t.Parallel()
	changes := map[string]func(*audit.Event){
		"seq":         func(e *audit.Event) { e.Seq += 100 },
		"time":        func(e *audit.Event) { e.At = e.At.Add(time.Microsecond) },
		"actor":       func(e *audit.Event) { e.Actor = "eve@example.org" },
		"action":      func(e *audit.Event) { e.Action = "read" },
		"object":      func(e *audit.Event) { e.Object += "x" },
		"revision":    func(e *audit.Event) { e.Revision++ },
		"detail":      func(e *audit.Event) { e.Detail = map[string]string{"label": "user", "why": "ü"} },
		"a key more":  func(e *audit.Event) { e.Detail = map[string]string{"label": "user.name", "why": "ü", "x": ""} },
		"no detail":   func(e *audit.Event) { e.Detail = nil },
		"hash":        func(e *audit.Event) { e.Hash[31] ^= 1 },
		"empty actor": func(e *audit.Event) { e.Actor = "" },
		"not UTF-8":   func(e *audit.Event) { e.Object = "\xff" },
		"no time":     func(e *audit.Event) { e.At = time.Time{} },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := range 5 {
				events := log(t, 5)
				change(&events[at])
				r := audit.Verify(sequence(events))
				if r.OK || r.Broken != int64(at+1) || r.Reason == "" {
					t.Errorf("event %d changed: %+v", at+1, r)
				}
				if r.Checkpoint.Size != int64(at) {
					t.Errorf("event %d changed: the checkpoint has %d events", at+1, r.Checkpoint.Size)
				}
			}
		})
	}
}

func TestVerifyFindsMissingInsertedAndMovedEvents(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func([]audit.Event) []audit.Event
		broken int64
	}{
		{"the first is missing", func(e []audit.Event) []audit.Event { return e[1:] }, 1},
		{"one is missing", func(e []audit.Event) []audit.Event { return slices.Delete(e, 2, 3) }, 3},
		{
			"one is missing and the rest counted anew",
			func(e []audit.Event) []audit.Event {
				e = slices.Delete(e, 2, 3)
				for i := range e {
					e[i].Seq = int64(i + 1)
				}
				return e
			}, 3,
		},
		{"one is there twice", func(e []audit.Event) []audit.Event { return slices.Insert(e, 2, e[2]) }, 4},
		{"two are swapped", func(e []audit.Event) []audit.Event { e[1], e[2] = e[2], e[1]; return e }, 2},
		{
			"two are swapped with their numbers",
			func(e []audit.Event) []audit.Event {
				e[1], e[2] = e[2], e[1]
				e[1].Seq, e[2].Seq = 2, 3
				return e
			}, 2,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if r := audit.Verify(sequence(tt.change(log(t, 6)))); r.OK || r.Broken != tt.broken {
				t.Errorf("want fault at %d, got %+v", tt.broken, r)
			}
		})
	}
}

func TestVerifyTakesAnErrorForAFault(t *testing.T) {
	t.Parallel()
	events := log(t, 3)
	r := audit.Verify(func(yield func(audit.Event, error) bool) {
		if yield(events[0], nil) {
			yield(audit.Event{}, errors.New("the disk is gone"))
		}
	})
	if r.OK || r.Broken != 2 || !strings.Contains(r.Reason, "the disk is gone") {
		t.Errorf("%+v", r)
	}
}

// Law: no two events have one canonical form, in whatever field a text stands:
// that would let one be put in the other's place.
func TestEventsOfDifferentContentHaveDifferentHashes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	events := []audit.Event{
		{Actor: "a", Action: "b", Object: "c"},
		{Actor: "ab", Object: "c"},
		{Actor: "ab", Action: "c"},
		{Actor: "a", Action: "b", Object: "c", Detail: map[string]string{"": ""}},
		{Actor: "a", Action: "b", Object: "c", Detail: map[string]string{"d": "e"}},
		{Actor: "a", Action: "b", Object: "c", Detail: map[string]string{"de": ""}},
		{Actor: "a", Action: "b", Object: "c", Detail: map[string]string{"": "", "d": "e"}},
		{Actor: "a", Action: "b", Object: "cde"},
		{Actor: "a", Action: "b", Object: "c", Revision: 1},
		{Actor: "a", Action: "b", Object: "c", Seq: 1},
	}
	seen := map[audit.Hash]int{}
	for i, e := range events {
		e.At = at
		h, err := audit.Next(audit.Hash{}, e)
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := seen[h]; ok {
			t.Errorf("events %d and %d have one hash", before, i)
		}
		seen[h] = i
	}
}

// Law: the hash does not depend on the order of details, the time zone, what
// is below a microsecond, or the hash that the event bears.
func TestHashDependsOnContentAlone(t *testing.T) {
	t.Parallel()
	e := log(t, 1)[0]
	want, err := audit.Next(audit.Hash{1}, e)
	if err != nil {
		t.Fatal(err)
	}
	same := e
	same.Detail = maps.Clone(e.Detail)
	same.At = e.At.In(time.FixedZone("there", 3600)).Add(999)
	same.Hash = audit.Hash{9}
	if got, err := audit.Next(audit.Hash{1}, same); err != nil || got != want {
		t.Errorf("Next = %x, %v, want %x", got, err, want)
	}
	if got, err := audit.Next(audit.Hash{2}, e); err != nil || got == want {
		t.Errorf("behind another hash: %x, %v", got, err)
	}
}

// The form is for ever: a log that was written stays verifiable.
func TestCanonicalFormIsKept(t *testing.T) {
	t.Parallel()
	events := log(t, 3)
	const want = "595b98e3e6961ce2df72100b9ee937ccb3e1efc2df2c5abf613243ad08a0c154"
	if got := hex.EncodeToString(events[2].Hash[:]); got != want {
		t.Errorf("the third hash is %s, want %s", got, want)
	}
}

func TestNextRefusesWhatHasNoForm(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		event audit.Event
	}{
		{"no time", audit.Event{}},
		{"a time too far", audit.Event{At: at.AddDate(300, 0, 0)}},
		{"an actor that is not UTF-8", audit.Event{At: at, Actor: "\xff"}},
		{"a key that is not UTF-8", audit.Event{At: at, Detail: map[string]string{"\xff": ""}}},
		{"a value that is not UTF-8", audit.Event{At: at, Detail: map[string]string{"": "\xff"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if h, err := audit.Next(audit.Hash{}, tt.event); !errors.Is(err, graph.ErrInvalid) || h != (audit.Hash{}) {
				t.Errorf("Next = %x, %v", h, err)
			}
		})
	}
}

// hashes are the hashes of a tlog kept whole, as a reference.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = h[at]
	}
	return out, nil
}

// Law: the root of a checkpoint is RFC 6962's, as the whole tree has it.
func TestCheckpointIsTheRootOfTheTree(t *testing.T) {
	t.Parallel()
	events := log(t, 70)
	var kept hashes
	for n := range events {
		stored, err := tlog.StoredHashes(int64(n), events[n].Hash[:], kept)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, stored...)
		want, err := tlog.TreeHash(int64(n+1), kept)
		if err != nil {
			t.Fatal(err)
		}
		got := audit.Verify(sequence(events[:n+1])).Checkpoint
		if got != (audit.Checkpoint{Size: int64(n + 1), Root: audit.Hash(want)}) {
			t.Fatalf("of %d events: %+v, want root %v", n+1, got, want)
		}
	}
}

func TestVerifyAgainstKeptCheckpoints(t *testing.T) {
	t.Parallel()
	events := log(t, 9)
	at := func(n int) audit.Checkpoint { return audit.Verify(sequence(events[:n])).Checkpoint }
	anew := log(t, 9)
	anew[4].Object = "elsewhere"
	for i := 4; i < len(anew); i++ {
		hash, err := audit.Next(anew[i-1].Hash, anew[i])
		if err != nil {
			t.Fatal(err)
		}
		anew[i].Hash = hash
	}
	for _, tt := range []struct {
		name   string
		log    []audit.Event
		kept   []audit.Checkpoint
		broken int64
	}{
		{"a log that grew", events, []audit.Checkpoint{{}, at(1), at(6), at(9)}, 0},
		{"an end that was cut off", events[:5], []audit.Checkpoint{at(6)}, 6},
		{"an end that was cut off, unseen", events[:5], []audit.Checkpoint{at(5)}, 0},
		{"written anew from an event on", anew, []audit.Checkpoint{at(3), at(7)}, 7},
		{"written anew, unseen", anew, []audit.Checkpoint{at(4)}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if r := audit.Verify(sequence(tt.log), tt.kept...); r.OK != (tt.broken == 0) || r.Broken != tt.broken {
				t.Errorf("want fault at %d, got %+v", tt.broken, r)
			}
		})
	}
}

func TestSignedCheckpoint(t *testing.T) {
	t.Parallel()
	secret, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{1}), "catalog.example.org")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	keys := note.VerifierList(verifier)
	want := audit.Verify(sequence(log(t, 5))).Checkpoint
	signed, err := want.Sign("catalog", signer)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := audit.OpenCheckpoint(signed, "catalog", keys); err != nil || got != want {
		t.Errorf("opened %+v, %v, want %+v", got, err, want)
	}
	for i := range signed {
		flipped := bytes.Clone(signed)
		flipped[i] ^= 1
		got, err := audit.OpenCheckpoint(flipped, "catalog", keys)
		// The last letter of base64 has bits that mean nothing.
		if !errors.Is(err, graph.ErrInvalid) && (got != want || i < len(signed)-4) {
			t.Errorf("byte %d flipped: %+v, %v", i, got, err)
		}
	}
	if _, err := audit.OpenCheckpoint(signed, "another", keys); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("another log's name: %v", err)
	}
	for _, name := range []string{"", "two\nlines"} {
		if _, err := want.Sign(name, signer); !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

func TestCheckpointOfAnotherForm(t *testing.T) {
	t.Parallel()
	secret, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{2}), "k")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	root := strings.Repeat("A", 43) + "="
	for _, tt := range []struct{ name, text string }{
		{"too few lines", "catalog\n5\n"},
		{"too many lines", "catalog\n5\n" + root + "\nmore\n"},
		{"a size that is no number", "catalog\nfive\n" + root + "\n"},
		{"a negative size", "catalog\n-5\n" + root + "\n"},
		{"a size in another spelling", "catalog\n05\n" + root + "\n"},
		{"a root that is no base64", "catalog\n5\n!\n"},
		{"a root that is too short", "catalog\n5\nAAAA\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			signed, err := note.Sign(&note.Note{Text: tt.text}, signer)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := audit.OpenCheckpoint(signed, "catalog", note.VerifierList(verifier)); !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("opened %+v, %v", got, err)
			}
		})
	}
}

// Law: a text that is read as a checkpoint is the one that Sign writes of it.
func FuzzOpenCheckpoint(f *testing.F) {
	secret, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{3}), "k")
	if err != nil {
		f.Fatal(err)
	}
	signer, errSigner := note.NewSigner(secret)
	verifier, errVerifier := note.NewVerifier(public)
	if err := errors.Join(errSigner, errVerifier); err != nil {
		f.Fatal(err)
	}
	f.Add("catalog\n5\n" + strings.Repeat("A", 43) + "=\n")
	f.Add("catalog\n5\n" + strings.Repeat("A", 42) + "B=\n")
	f.Add("catalog\n+5\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			return
		}
		c, err := audit.OpenCheckpoint(signed, "catalog", note.VerifierList(verifier))
		if err != nil {
			if !errors.Is(err, graph.ErrInvalid) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if again, err := c.Sign("catalog", signer); err != nil || !bytes.Equal(again, signed) {
			t.Fatalf("%q is read as %+v, which is written as %q, %v", text, c, again, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	events := log(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if r := audit.Verify(sequence(events)); !r.OK {
			b.Fatal(r.Reason)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(events)), "ns/event")
}

func ExampleVerify() {
	e := audit.Event{Seq: 1, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Actor: "olu@example.org", Action: "tag", Object: "bigquery/p.d.t#a"}
	e.Hash, _ = audit.Next(audit.Hash{}, e)
	whole := func(yield func(audit.Event, error) bool) { yield(e, nil) }
	fmt.Println(audit.Verify(whole).OK)
	e.Actor = "eve@example.org"
	r := audit.Verify(whole)
	fmt.Println(r.OK, r.Broken)
	// Output:
	// true
	// false 1
}
