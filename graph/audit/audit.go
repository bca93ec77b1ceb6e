// Package audit is the tamper-evident log as values: an event, its canonical
// form, the hash that chains it to all before it, and Verify.
//
// It owns how an event is hashed, how a log is checked, the checkpoint that an
// auditor keeps elsewhere, and the forms in which a log and a proof leave the
// program; docs/audit.md describes all of them for other programs. It does not
// own where events are kept (ent/store), who may read them (policy) or the key
// that signs. It imports graph, x/mod's tlog and note, and the standard
// library. The store, the API, internal/serve and cmd may import it.
//
// An event never holds a value of a data column.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"cadastre.dev/cadastre/graph"
)

// Hash is a SHA-256 over an event and, through the hash before it, over the
// whole log up to it.
type Hash [sha256.Size]byte

// Event is something that was done, looked at or refused.
type Event struct {
	// Seq counts from 1 without gaps.
	Seq int64
	// At is the time in UTC, to the microsecond.
	At time.Time
	// Actor is the address of a person, "service:name" or "local:user".
	Actor string
	// Action is what was done. docs/audit.md lists the words and what each
	// says in Object and Detail.
	Action string
	// Object is what it was done to: a ref, a plan's hash, a source.
	Object string
	// Revision is the one it made, or 0.
	Revision graph.Revision
	// Detail says more, by key.
	Detail map[string]string
	// Hash is what Next gave for it.
	Hash Hash
}

// domain begins what is hashed, so that no other document has an event's hash.
const domain = "cadastre audit event 1\n"

// Next returns the hash of e behind a log whose last hash is prev; the zero
// Hash begins a log. Text that is not UTF-8, or a time outside the years 1678
// to 2261, is graph.ErrInvalid.
func Next(prev Hash, e Event) (Hash, error) {
	form, err := canonical(e)
	if err != nil {
		return Hash{}, err
	}
	h := sha256.New()
	h.Write([]byte(domain))
	h.Write(prev[:])
	h.Write(form)
	return Hash(h.Sum(nil)), nil
}

// canonical writes the one form of an event in bytes: Seq, At in microseconds
// since 1970 and Revision as 8 bytes, big endian; then Actor, Action, Object,
// the number of details and each key and value by rising key; every text with
// its length in 8 bytes before it. Hash is left out.
func canonical(e Event) ([]byte, error) {
	if year := e.At.UTC().Year(); year < 1678 || year > 2261 {
		return nil, fmt.Errorf("audit event %d: time %s is out of range: %w", e.Seq, e.At.UTC().Format(time.RFC3339), graph.ErrInvalid)
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(e.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Revision))
	b, err := appendTexts(b, e.Actor, e.Action, e.Object)
	if err != nil {
		return nil, fmt.Errorf("audit event %d: %w", e.Seq, err)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(len(e.Detail)))
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		if b, err = appendTexts(b, key, e.Detail[key]); err != nil {
			return nil, fmt.Errorf("audit event %d: %w", e.Seq, err)
		}
	}
	return b, nil
}

func appendTexts(b []byte, texts ...string) ([]byte, error) {
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("text that is not UTF-8: %w", graph.ErrInvalid)
		}
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	return b, nil
}

// Report says whether a log is whole.
type Report struct {
	// OK says that every event is the one that was written, and none is
	// missing before the last.
	OK bool `json:"ok"`
	// Events counts those that were looked at.
	Events int64 `json:"events"`
	// Checkpoints counts the signed checkpoints that the log was held
	// against; Verify leaves it to who opened them.
	Checkpoints int64 `json:"checkpoints"`
	// Broken is the place of the first event that is wrong; 0 when OK, and
	// where no event can be named.
	Broken int64 `json:"broken,omitempty"`
	// Reason says what is wrong; empty when OK.
	Reason string `json:"reason,omitempty"`
	// Head is the hash of the last event that was right.
	Head Hash `json:"-"`
	// Checkpoint is what to keep elsewhere, so that a later Verify tells
	// whether the end of the log was cut off or all of it written anew. Where
	// the log is broken it covers the events before that.
	Checkpoint Checkpoint `json:"-"`
}

// Verify recomputes the hashes of a whole log in order. It finds a changed
// byte, a missing or inserted event and a changed order. An end that was cut
// off, or a log that was written anew from some event on, shows only against
// checkpoints that were kept elsewhere. Reading ends at the first fault. An
// error of the sequence is a fault too.
func Verify(log iter.Seq2[Event, error], kept ...Checkpoint) Report {
	var r Report
	var t Tree
	broken := func(at int64, reason string) Report {
		r.OK, r.Broken, r.Reason, r.Head, r.Checkpoint = false, at, reason, t.head, t.Checkpoint()
		return r
	}
	bySize := map[int64][]Checkpoint{}
	for _, c := range kept {
		bySize[c.Size] = append(bySize[c.Size], c)
	}
	for e, err := range log {
		r.Events++
		if err != nil {
			return broken(r.Events, "the event cannot be read: "+err.Error())
		}
		if err := t.Add(e); err != nil {
			return broken(r.Events, err.Error())
		}
		for _, c := range bySize[t.size] {
			if c != t.Checkpoint() {
				return broken(r.Events, fmt.Sprintf("the first %d events are not those of a checkpoint kept elsewhere: the log was written anew", c.Size))
			}
		}
	}
	for _, c := range kept {
		if c.Size > t.size {
			return broken(t.size+1, fmt.Sprintf("a checkpoint kept elsewhere has %d events, the log %d: its end was cut off", c.Size, t.size))
		}
		if c.Size == 0 && c != (Checkpoint{}) {
			return broken(1, "a checkpoint of no events has a root")
		}
	}
	r.OK, r.Head, r.Checkpoint = true, t.head, t.Checkpoint()
	return r
}
