package audit

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

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

// tree is a Merkle tree of which only the roots of its complete parts are
// kept, the largest first: as many as size has bits that are set.
type tree struct {
	size  int64
	parts []tlog.Hash
}

func (t *tree) add(h Hash) {
	t.parts = append(t.parts, tlog.RecordHash(h[:]))
	t.size++
	for n := t.size; n%2 == 0; n /= 2 {
		last := len(t.parts) - 1
		t.parts[last-1] = tlog.NodeHash(t.parts[last-1], t.parts[last])
		t.parts = t.parts[:last]
	}
}

func (t *tree) checkpoint() Checkpoint {
	if t.size == 0 {
		return Checkpoint{}
	}
	root := t.parts[len(t.parts)-1]
	for i := len(t.parts) - 2; i >= 0; i-- {
		root = tlog.NodeHash(t.parts[i], root)
	}
	return Checkpoint{Size: t.size, Root: Hash(root)}
}
