package audit

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/bits"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"cadastre.dev/cadastre/graph"
)

// Tree is how far a log was read: its last hash, and of the Merkle tree over
// its hashes the roots of the complete parts, the largest first, as many as
// the size has bits that are set. That is enough to go on from, so that a
// checkpoint of a log that grew need not read all of it again. The zero Tree
// is that of the empty log.
type Tree struct {
	size  int64
	head  Hash
	parts []tlog.Hash
}

// Size is how many events were added.
func (t *Tree) Size() int64 { return t.size }

// Head is the hash of the last event; zero for none.
func (t *Tree) Head() Hash { return t.head }

// Add adds the next event of the log. One that does not follow by its number
// or whose hash is not that of its content is graph.ErrInvalid, and leaves the
// tree as it is.
func (t *Tree) Add(e Event) error {
	if want := t.size + 1; e.Seq != want {
		return fmt.Errorf("expected event %d, found %d: one is missing, was put in, or stands elsewhere: %w", want, e.Seq, graph.ErrInvalid)
	}
	next, err := Next(t.head, e)
	if err != nil {
		return err
	}
	if next != e.Hash {
		return fmt.Errorf("the hash of event %d is not that of its content behind the events before it: it or one of them was changed: %w", e.Seq, graph.ErrInvalid)
	}
	t.parts = append(t.parts, tlog.RecordHash(next[:]))
	t.head = next
	t.size++
	for n := t.size; n%2 == 0; n /= 2 {
		last := len(t.parts) - 1
		t.parts[last-1] = tlog.NodeHash(t.parts[last-1], t.parts[last])
		t.parts = t.parts[:last]
	}
	return nil
}

// Checkpoint stands for the events that were added so far.
func (t *Tree) Checkpoint() Checkpoint {
	if t.size == 0 {
		return Checkpoint{}
	}
	root := t.parts[len(t.parts)-1]
	for i := len(t.parts) - 2; i >= 0; i-- {
		root = tlog.NodeHash(t.parts[i], root)
	}
	return Checkpoint{Size: t.size, Root: Hash(root)}
}

// MarshalText writes the tree on one line: the size, then the last hash and
// the parts in base64.
func (t Tree) MarshalText() ([]byte, error) {
	b := strconv.AppendInt(nil, t.size, 10)
	b = base64.StdEncoding.AppendEncode(append(b, ' '), t.head[:])
	for _, part := range t.parts {
		b = base64.StdEncoding.AppendEncode(append(b, ' '), part[:])
	}
	return b, nil
}

// UnmarshalText reads what MarshalText wrote; anything else is
// graph.ErrInvalid. That it belongs to a log is for the caller to check, by
// its Checkpoint.
func (t *Tree) UnmarshalText(text []byte) error {
	fields := bytes.Split(text, []byte(" "))
	size, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil || size < 0 || len(fields) != bits.OnesCount64(uint64(size))+2 {
		return fmt.Errorf("audit tree: size %q with %d hashes: %w", fields[0], len(fields)-1, graph.ErrInvalid)
	}
	hashes := make([]tlog.Hash, 0, len(fields)-1)
	for _, field := range fields[1:] {
		hash, err := base64.StdEncoding.Strict().DecodeString(string(field))
		if err != nil || len(hash) != len(tlog.Hash{}) {
			return fmt.Errorf("audit tree: hash %q: %w", field, graph.ErrInvalid)
		}
		hashes = append(hashes, tlog.Hash(hash))
	}
	read := Tree{size: size, head: Hash(hashes[0]), parts: hashes[1:]}
	if again, err := read.MarshalText(); err != nil || !bytes.Equal(again, text) || (size == 0 && read.head != Hash{}) {
		return fmt.Errorf("audit tree: not as it was written: %w", graph.ErrInvalid)
	}
	*t = read
	return nil
}
