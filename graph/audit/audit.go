// Package audit is the tamper-evident log as values: an event, its canonical
// form, the hash that chains it to all before it, and Verify.
//
// It owns how an event is hashed and how a log is checked; it does not own
// where events are kept (ent/store) or who may read them (policy). It imports
// graph and the standard library. The store, the API and internal/serve may
// import it.
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
	// Action is what was done: commit, tag, plan, approve, apply, step, undo,
	// crawl, sign_in, read, refused.
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
	texts := []string{e.Actor, e.Action, e.Object}
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		texts = append(texts, key, e.Detail[key])
	}
	for i, text := range texts {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("audit event %d: text that is not UTF-8: %w", e.Seq, graph.ErrInvalid)
		}
		if i == 3 {
			b = binary.BigEndian.AppendUint64(b, uint64(len(e.Detail)))
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
	// Broken is the place of the first event that is wrong; 0 when OK.
	Broken int64 `json:"broken,omitempty"`
	// Reason says what is wrong; empty when OK.
	Reason string `json:"reason,omitempty"`
	// Head is the hash of the last event that was right. Who keeps it
	// elsewhere can tell later whether the end of the log was cut off.
	Head Hash `json:"-"`
}

// Verify recomputes the hashes of a whole log in order. It finds a changed
// byte, a missing or inserted event and a changed order; an end that was cut
// off shows only against a Head kept elsewhere. Reading ends at the first
// fault. An error of the sequence is a fault too.
func Verify(log iter.Seq2[Event, error]) Report {
	var r Report
	broken := func(reason string) Report {
		r.OK, r.Broken, r.Reason = false, r.Events, reason
		return r
	}
	for e, err := range log {
		r.Events++
		if err != nil {
			return broken("the event cannot be read: " + err.Error())
		}
		if e.Seq != r.Events {
			return broken(fmt.Sprintf("expected event %d, found %d: one is missing, was put in, or stands elsewhere", r.Events, e.Seq))
		}
		next, err := Next(r.Head, e)
		if err != nil {
			return broken(err.Error())
		}
		if next != e.Hash {
			return broken("its hash is not that of its content behind the events before it: it or one of them was changed")
		}
		r.Head = next
	}
	r.OK = true
	return r
}
