package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// pen signs checkpoints in tests.
type pen struct {
	signer note.Signer
	key    string
}

func newPen(t testing.TB, name string, seed byte) pen {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{seed}), name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return pen{signer, public}
}

func (p pen) sign(t testing.TB, c audit.Checkpoint) []byte {
	t.Helper()
	signed, err := c.Sign(p.signer.Name(), p.signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// checkpoint signs the first events of a log.
func (p pen) checkpoint(t testing.TB, events []audit.Event) []byte {
	t.Helper()
	return p.sign(t, audit.Verify(sequence(events)).Checkpoint)
}

func (p pen) export(t testing.TB, events []audit.Event) []byte {
	t.Helper()
	var out bytes.Buffer
	h := audit.Header{Events: int64(len(events)), Key: p.key, Checkpoint: string(p.checkpoint(t, events))}
	if err := audit.WriteExport(&out, h, sequence(events)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// rewritten is a log of which one event is another and all after it are
// chained anew.
func rewritten(t testing.TB, n, from int) []audit.Event {
	t.Helper()
	events := log(t, n)
	events[from].Object = "elsewhere"
	var prev audit.Hash
	for i := range events {
		hash, err := audit.Next(prev, events[i])
		if err != nil {
			t.Fatal(err)
		}
		events[i].Hash, prev = hash, hash
	}
	return events
}

func TestAnExportIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	p := newPen(t, "catalog", 1)
	for _, n := range []int{0, 1, 9} {
		events := log(t, n)
		if n > 1 {
			events[1].Detail, events[1].Object = nil, "<&>\u2028"
			events = chained(t, events)
		}
		header, read, err := audit.ReadExport(bytes.NewReader(p.export(t, events)))
		if err != nil || header.Events != int64(n) || header.Key != p.key {
			t.Fatalf("%d events: %+v, %v", n, header, err)
		}
		var got []audit.Event
		for e, err := range read {
			if err != nil {
				t.Fatal(err)
			}
			if len(e.Detail) == 0 {
				e.Detail = nil
			}
			got = append(got, e)
		}
		if n > 0 && !cmp.Equal(events, got) {
			t.Errorf("%d events (-want +got):\n%s", n, cmp.Diff(events, got))
		}
		r, err := audit.VerifyExport(bytes.NewReader(p.export(t, events)), []string{p.key})
		if err != nil || !r.OK || r.Events != int64(n) || r.Checkpoints != 1 {
			t.Errorf("%d events: %+v, %v", n, r, err)
		}
	}
}

func chained(t testing.TB, events []audit.Event) []audit.Event {
	t.Helper()
	var prev audit.Hash
	for i := range events {
		hash, err := audit.Next(prev, events[i])
		if err != nil {
			t.Fatal(err)
		}
		events[i].Hash, prev = hash, hash
	}
	return events
}

// Law: no byte of an export is free, with the key or, save for the key itself,
// without.
func TestEveryFlippedByteOfAnExportIsFound(t *testing.T) {
	t.Parallel()
	p := newPen(t, "catalog", 1)
	whole := p.export(t, log(t, 4))
	key := bytes.Index(whole, []byte(p.key))
	for _, keys := range [][]string{{p.key}, nil} {
		for at := range whole {
			if keys == nil && at >= key && at < key+len(p.key) {
				continue
			}
			for _, bit := range []byte{1, 0x20} {
				changed := bytes.Clone(whole)
				changed[at] ^= bit
				r, err := audit.VerifyExport(bytes.NewReader(changed), keys)
				if err == nil && r.OK {
					t.Fatalf("byte %d (%q, bit %x) is free with %d keys", at, whole[max(0, at-20):at+1], bit, len(keys))
				}
				if err == nil && r.Reason == "" || err != nil && !errors.Is(err, graph.ErrInvalid) {
					t.Fatalf("byte %d: %+v, %v", at, r, err)
				}
			}
		}
	}
}

func TestAnExportIsHeldAgainstWhatWasKept(t *testing.T) {
	t.Parallel()
	p, thief := newPen(t, "catalog", 1), newPen(t, "catalog", 2)
	events := log(t, 9)
	kept := p.checkpoint(t, events[:6])
	for _, test := range []struct {
		name   string
		export []byte
		keys   []string
		ok     bool
		reason string
	}{
		{"the log that grew", p.export(t, events), []string{p.key}, true, ""},
		{"the log as it was", p.export(t, events[:6]), []string{p.key}, true, ""},
		{"one of two keys", p.export(t, events), []string{thief.key, p.key}, true, ""},
		{"no key", p.export(t, events), nil, true, ""},
		{"cut off", p.export(t, events[:5]), []string{p.key}, false, "cut off"},
		{"written anew with the key in hand", p.export(t, rewritten(t, 9, 2)), []string{p.key}, false, "written anew"},
		{"written anew behind what was kept", p.export(t, rewritten(t, 9, 7)), []string{p.key}, true, ""},
		{"written anew with another key", thief.export(t, rewritten(t, 9, 2)), []string{p.key}, false, "none of those given"},
		{"written anew with another key, unasked", thief.export(t, rewritten(t, 9, 2)), nil, false, "kept checkpoint 1"},
	} {
		r, err := audit.VerifyExport(bytes.NewReader(test.export), test.keys, kept)
		if err != nil || r.OK != test.ok || !strings.Contains(r.Reason, test.reason) {
			t.Errorf("%s: %+v, %v", test.name, r, err)
		}
	}
	if r, err := audit.VerifyExport(bytes.NewReader(p.export(t, events)), []string{"no key"}); !errors.Is(err, graph.ErrInvalid) || r.OK {
		t.Errorf("what is no key: %+v, %v", r, err)
	}
}

func TestWhatIsNoWholeExport(t *testing.T) {
	t.Parallel()
	p := newPen(t, "catalog", 1)
	events := log(t, 3)
	lines := strings.SplitAfter(string(p.export(t, events)), "\n")
	for _, test := range []struct{ name, text string }{
		{"nothing", ""},
		{"another document", "{}\n"},
		{"another form", strings.Replace(lines[0], "export 1", "export 2", 1)},
	} {
		if _, _, err := audit.ReadExport(strings.NewReader(test.text)); !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	for _, test := range []struct {
		name, text string
		broken     int64
	}{
		{"the last event is missing", strings.Join(lines[:3], ""), 3},
		{"an event more", strings.Join(append(slices.Clone(lines[:4]), lines[3]), ""), 4},
		{"cut within a line", strings.Join(lines[:3], "") + lines[3][:40], 3},
	} {
		r, err := audit.VerifyExport(strings.NewReader(test.text), nil)
		if err != nil || r.OK || r.Broken != test.broken {
			t.Errorf("%s: %+v, %v", test.name, r, err)
		}
	}
	short := audit.Header{Events: 4, Key: p.key, Checkpoint: string(p.checkpoint(t, events))}
	if err := audit.WriteExport(new(bytes.Buffer), short, sequence(events)); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("fewer than were counted: %v", err)
	}
	failing := func(yield func(audit.Event, error) bool) { yield(audit.Event{}, graph.ErrUnavailable) }
	if err := audit.WriteExport(new(bytes.Buffer), short, iter.Seq2[audit.Event, error](failing)); !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("a log that cannot be read: %v", err)
	}
}

// Law: each event of a log is proved by a proof that says nothing of the
// others, and by no other.
func TestEveryEventIsProved(t *testing.T) {
	t.Parallel()
	p, other := newPen(t, "catalog", 1), newPen(t, "catalog", 2)
	events := log(t, 21)
	for size := 1; size <= len(events); size++ {
		at := audit.Verify(sequence(events[:size])).Checkpoint
		for seq := 1; seq <= size; seq++ {
			proof, err := audit.Prove(sequence(events), int64(seq), at)
			if err != nil {
				t.Fatal(err)
			}
			proof.Key, proof.Checkpoint = p.key, string(p.sign(t, at))
			text, err := json.Marshal(proof)
			if err != nil {
				t.Fatal(err)
			}
			var read audit.Proof
			if err := json.Unmarshal(text, &read); err != nil {
				t.Fatal(err)
			}
			if got, err := read.Check(p.key); err != nil || got != at {
				t.Fatalf("event %d of %d: %+v, %v", seq, size, got, err)
			}
			if _, err := read.Check(other.key); !errors.Is(err, graph.ErrInvalid) {
				t.Fatalf("event %d of %d with another key: %v", seq, size, err)
			}
			for name, change := range map[string]func(*audit.Proof){
				"content":  func(p *audit.Proof) { p.Event.Actor = "eve" },
				"number":   func(p *audit.Proof) { p.Event.Seq++ },
				"hash":     func(p *audit.Proof) { p.Event.Hash[0] ^= 1 },
				"previous": func(p *audit.Proof) { p.Previous[31] ^= 1 },
				"path":     func(p *audit.Proof) { p.Path = append(p.Path, audit.Hash{}) },
				"key":      func(p *audit.Proof) { p.Key = other.key },
				"none":     func(p *audit.Proof) { p.Event.Seq = 0 },
			} {
				changed := read
				changed.Path = slices.Clone(read.Path)
				change(&changed)
				if _, err := changed.Check(); !errors.Is(err, graph.ErrInvalid) {
					t.Fatalf("event %d of %d, another %s: %v", seq, size, name, err)
				}
			}
		}
	}
}

func TestWhatCannotBeProved(t *testing.T) {
	t.Parallel()
	events := log(t, 5)
	at := audit.Verify(sequence(events)).Checkpoint
	for _, test := range []struct {
		name string
		log  []audit.Event
		seq  int64
		want error
	}{
		{"no event", events, 0, graph.ErrNotFound},
		{"an event behind the checkpoint", events, 6, graph.ErrNotFound},
		{"a log that was written anew", rewritten(t, 5, 1), 4, graph.ErrConflict},
		{"a log that was cut off", events[:4], 2, graph.ErrConflict},
		{"a broken log", slices.Concat(events[:2], events[3:]), 2, graph.ErrConflict},
	} {
		if _, err := audit.Prove(sequence(test.log), test.seq, at); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	for _, text := range []string{
		`{}`, `[]`, `{"format":"cadastre audit proof 1"}`,
		fmt.Sprintf(`{"format":"cadastre audit proof 1","event":{"hash":"%064d"},"previous":"x"}`, 0),
		fmt.Sprintf(`{"format":"cadastre audit proof 1","event":{"hash":"%064d"},"previous":"%064d","path":["AAAA"]}`, 0, 0),
	} {
		var p audit.Proof
		if err := json.Unmarshal([]byte(text), &p); !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("%s is read: %v", text, err)
		}
	}
}

func TestOpenWithManyKeys(t *testing.T) {
	t.Parallel()
	old, now, thief := newPen(t, "catalog", 1), newPen(t, "renewed", 2), newPen(t, "catalog", 3)
	events := log(t, 3)
	for _, p := range []pen{old, now} {
		if c, err := audit.OpenWith(p.checkpoint(t, events), old.key, now.key); err != nil || c.Size != 3 {
			t.Errorf("%s: %+v, %v", p.key, c, err)
		}
	}
	for name, err := range map[string]error{
		"another key": second(audit.OpenWith(thief.checkpoint(t, events), old.key, now.key)),
		"no key":      second(audit.OpenWith(old.checkpoint(t, events))),
		"a bad key":   second(audit.OpenWith(old.checkpoint(t, events), "x")),
		"no note":     second(audit.OpenWith([]byte("hello\n"), old.key)),
	} {
		if !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// An export holds one line an event that any program reads; docs/audit.md
// shows this one.
func ExampleWriteExport() {
	events := log(&testing.T{}, 1)
	h := audit.Header{Events: 1, Key: "catalog+1234abcd+AQ==", Checkpoint: "catalog\n1\n…"}
	var out bytes.Buffer
	if err := audit.WriteExport(&out, h, sequence(events)); err != nil {
		fmt.Println(err)
	}
	fmt.Print(out.String())
	// Output:
	// {"format":"cadastre audit export 1","events":1,"key":"catalog+1234abcd+AQ==","checkpoint":"catalog\n1\n…"}
	// {"seq":1,"at":"2026-03-01T12:00:00Z","actor":"olu@example.org","action":"tag","object":"bigquery/p.d.t#c0","revision":0,"detail":{"label":"user.name","why":"ü"},"hash":"abb3e73c5a81d787bb7fef9bebc0a961866fa47b6580caf503d5582694b6ccd4"}
}
