package audit

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"cadastre.dev/cadastre/graph"
)

// Checkpoint stands for the first Size events of a log: the root of the Merkle
// tree over their hashes, as RFC 6962 makes it, so that anybody can show later
// that one event was among them, or that a longer log begins with them.
type Checkpoint struct {
	Size int64
	Root Hash
}

// Sign writes a checkpoint as a signed note, the form that transparency logs
// use: the log's name, the size, the root in base64, and the signature. The
// name must not be empty nor contain a line break.
func (c Checkpoint) Sign(name string, key note.Signer) ([]byte, error) {
	if name == "" || strings.ContainsAny(name, "\r\n") {
		return nil, fmt.Errorf("sign checkpoint: name %q: %w", name, graph.ErrInvalid)
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", name, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	signed, err := note.Sign(&note.Note{Text: text}, key)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return signed, nil
}

// OpenCheckpoint reads what Sign wrote and checks its signature. A note of
// another log, of no known key, or of another form is graph.ErrInvalid.
func OpenCheckpoint(signed []byte, name string, keys note.Verifiers) (Checkpoint, error) {
	n, err := note.Open(signed, keys)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("open checkpoint: %w: %w", err, graph.ErrInvalid)
	}
	for _, sig := range n.Sigs {
		// One signature has one spelling, so that no byte is free to change.
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return Checkpoint{}, fmt.Errorf("open checkpoint: signature: %w: %w", err, graph.ErrInvalid)
		}
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != name || lines[3] != "" {
		return Checkpoint{}, fmt.Errorf("open checkpoint: not one of %q: %w", name, graph.ErrInvalid)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("open checkpoint: size %q: %w", lines[1], graph.ErrInvalid)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(Hash{}) {
		return Checkpoint{}, fmt.Errorf("open checkpoint: root %q: %w", lines[2], graph.ErrInvalid)
	}
	return Checkpoint{Size: size, Root: Hash(root)}, nil
}

// OpenWith is OpenCheckpoint with verifier keys as they are printed,
// name+hash+key: the log's name is that of the key which signed. A key that
// cannot be read is graph.ErrInvalid, and so is a note that none of the keys
// signed.
func OpenWith(signed []byte, keys ...string) (Checkpoint, error) {
	var faults []error
	for _, key := range keys {
		v, err := note.NewVerifier(key)
		if err != nil {
			return Checkpoint{}, fmt.Errorf("verifier key %q: %w: %w", key, err, graph.ErrInvalid)
		}
		c, err := OpenCheckpoint(signed, v.Name(), note.VerifierList(v))
		if err == nil {
			return c, nil
		}
		faults = append(faults, err)
	}
	if len(faults) == 1 {
		return Checkpoint{}, faults[0]
	}
	return Checkpoint{}, fmt.Errorf("open checkpoint: none of %d known keys signed it: %w", len(keys), graph.ErrInvalid)
}
