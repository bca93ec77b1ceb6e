package audit

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"cadastre.dev/cadastre/graph"
)

// proofFormat is how a proof begins, and changes when its form does.
const proofFormat = "cadastre audit proof 1"

// Proof shows to somebody who has a checkpoint that one event was among its
// events, and tells nothing of the others.
type Proof struct {
	Event Event
	// Previous is the hash of the event before; zero for the first.
	Previous Hash
	// Path are the hashes beside the event's way to the root, lowest first.
	Path []Hash
	// Key is the verifier key of who signed, as the log's program names it.
	Key string
	// Checkpoint is the signed note.
	Checkpoint string
}

type proofDocument struct {
	Format     string    `json:"format"`
	Event      eventLine `json:"event"`
	Previous   string    `json:"previous"`
	Path       []string  `json:"path"`
	Key        string    `json:"key"`
	Checkpoint string    `json:"checkpoint"`
}

// MarshalJSON writes the proof in the form that docs/audit.md describes.
func (p Proof) MarshalJSON() ([]byte, error) {
	d := proofDocument{proofFormat, lineOf(p.Event), hex.EncodeToString(p.Previous[:]), []string{}, p.Key, p.Checkpoint}
	for _, hash := range p.Path {
		d.Path = append(d.Path, base64.StdEncoding.EncodeToString(hash[:]))
	}
	return json.Marshal(d)
}

// UnmarshalJSON reads what MarshalJSON wrote; anything else is
// graph.ErrInvalid.
func (p *Proof) UnmarshalJSON(data []byte) error {
	var d proofDocument
	if err := json.Unmarshal(data, &d); err != nil || d.Format != proofFormat {
		return fmt.Errorf("this is no %s: %w", proofFormat, graph.ErrInvalid)
	}
	e, err := d.Event.event()
	if err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	previous, err := hashOf(d.Previous)
	if err != nil {
		return fmt.Errorf("proof: previous: %w", err)
	}
	read := Proof{Event: e, Previous: previous, Key: d.Key, Checkpoint: d.Checkpoint}
	for _, text := range d.Path {
		hash, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(hash) != len(Hash{}) {
			return fmt.Errorf("proof: hash %q of the path: %w", text, graph.ErrInvalid)
		}
		read.Path = append(read.Path, Hash(hash))
	}
	*p = read
	return nil
}

// storedHashes are the hashes of a whole Merkle tree as tlog numbers them.
type storedHashes []tlog.Hash

// ReadHashes returns hashes by their numbers.
func (s storedHashes) ReadHashes(numbers []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(numbers))
	for i, n := range numbers {
		if n < 0 || n >= int64(len(s)) {
			return nil, fmt.Errorf("the tree has no hash %d: %w", n, graph.ErrNotFound)
		}
		out[i] = s[n]
	}
	return out, nil
}

// Prove finds an event in a log and proves it against a checkpoint of that
// log; Key and Checkpoint are left for the caller. It reads the log as far as
// the checkpoint and holds 64 bytes an event meanwhile. An event that the
// checkpoint does not cover is graph.ErrNotFound; a log that is not the
// checkpoint's is graph.ErrConflict.
func Prove(log iter.Seq2[Event, error], seq int64, at Checkpoint) (Proof, error) {
	if seq < 1 || seq > at.Size {
		return Proof{}, fmt.Errorf("prove event %d: the checkpoint has events 1 to %d: %w", seq, at.Size, graph.ErrNotFound)
	}
	var t Tree
	var p Proof
	var hashes storedHashes
	for e, err := range log {
		if err != nil {
			return Proof{}, fmt.Errorf("prove event %d: %w", seq, err)
		}
		if e.Seq == seq {
			p.Event, p.Previous = e, t.head
		}
		if err := t.Add(e); err != nil {
			return Proof{}, fmt.Errorf("prove event %d: %w: %w", seq, err, graph.ErrConflict)
		}
		stored, err := tlog.StoredHashes(t.size-1, e.Hash[:], hashes)
		if err != nil {
			return Proof{}, fmt.Errorf("prove event %d: %w", seq, err)
		}
		if hashes = append(hashes, stored...); t.size == at.Size {
			break
		}
	}
	if t.Checkpoint() != at {
		return Proof{}, fmt.Errorf("prove event %d: the log is not that of the checkpoint; verify it: %w", seq, graph.ErrConflict)
	}
	path, err := tlog.ProveRecord(at.Size, seq-1, hashes)
	if err != nil {
		return Proof{}, fmt.Errorf("prove event %d: %w", seq, err)
	}
	for _, hash := range path {
		p.Path = append(p.Path, Hash(hash))
	}
	return p, nil
}

// Check says whether the proof holds with one of the verifier keys; without
// keys it takes the one that the proof names, which then shows no more than
// that its parts belong together. A proof that does not hold is
// graph.ErrInvalid and says why. It returns the checkpoint.
func (p Proof) Check(keys ...string) (Checkpoint, error) {
	if _, err := trusted(keys, p.Key); err != nil {
		return Checkpoint{}, fmt.Errorf("the proof: %w", err)
	}
	c, err := OpenWith([]byte(p.Checkpoint), p.Key)
	if err != nil {
		return Checkpoint{}, err
	}
	hash, err := Next(p.Previous, p.Event)
	if err != nil {
		return Checkpoint{}, err
	}
	if hash != p.Event.Hash {
		return Checkpoint{}, fmt.Errorf("the hash of event %d is not that of its content: %w", p.Event.Seq, graph.ErrInvalid)
	}
	path := make(tlog.RecordProof, 0, len(p.Path))
	for _, h := range p.Path {
		path = append(path, tlog.Hash(h))
	}
	if p.Event.Seq < 1 || p.Event.Seq > c.Size {
		return Checkpoint{}, fmt.Errorf("event %d is not among the %d of the checkpoint: %w", p.Event.Seq, c.Size, graph.ErrInvalid)
	}
	if err := tlog.CheckRecord(path, c.Size, tlog.Hash(c.Root), p.Event.Seq-1, tlog.RecordHash(hash[:])); err != nil {
		return Checkpoint{}, fmt.Errorf("event %d was not in the log of the checkpoint: %w: %w", p.Event.Seq, err, graph.ErrInvalid)
	}
	return c, nil
}
