package audit_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What docs/audit.md says is enough to verify an export: this does so by that
// page and the standard library alone.
func TestAnotherProgramCanVerifyAnExport(t *testing.T) {
	t.Parallel()
	p := newPen(t, "catalog", 1)
	for _, n := range []int{1, 2, 3, 7, 8, 21} {
		events := log(t, n)
		events[0].Detail = nil
		export := p.export(t, chained(t, events))
		if err := verifyByThePage(export, p.key); err != nil {
			t.Errorf("%d events: %v", n, err)
		}
		if err := verifyByThePage(bytes.Replace(export, []byte("olu@"), []byte("eve@"), 1), p.key); err == nil {
			t.Errorf("%d events: a change is not found", n)
		}
		if err := verifyByThePage(export, newPen(t, "catalog", 2).key); err == nil {
			t.Errorf("%d events: another key verifies", n)
		}
	}
}

func verifyByThePage(export []byte, key string) error {
	lines := strings.Split(strings.TrimSuffix(string(export), "\n"), "\n")
	var header struct {
		Events     int
		Checkpoint string
	}
	if err := json.Unmarshal([]byte(lines[0]), &header); err != nil {
		return err
	}
	previous := make([]byte, 32)
	var leaves [][]byte
	for _, line := range lines[1:] {
		hash, err := hashByThePage(previous, line)
		if err != nil {
			return err
		}
		previous = hash
		leaf := sha256.Sum256(append([]byte{0}, hash...))
		leaves = append(leaves, leaf[:])
	}
	parts := strings.SplitAfterN(header.Checkpoint, "\n", 5)
	if want := fmt.Sprintf("%d\n", len(leaves)); len(leaves) != header.Events || parts[1] != want {
		return fmt.Errorf("%d events, the checkpoint has %s", len(leaves), parts[1])
	}
	if root := base64.StdEncoding.EncodeToString(rootByThePage(leaves)) + "\n"; parts[2] != root {
		return fmt.Errorf("the root is %s", root)
	}
	return signedByThePage(parts, key)
}

func hashByThePage(previous []byte, line string) ([]byte, error) {
	var e struct {
		Seq, Revision               int64
		At                          time.Time
		Actor, Action, Object, Hash string
		Detail                      map[string]string
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		return nil, err
	}
	var form bytes.Buffer
	number := func(n int64) { _ = binary.Write(&form, binary.BigEndian, n) }
	texts := func(all ...string) {
		for _, text := range all {
			number(int64(len(text)))
			form.WriteString(text)
		}
	}
	form.WriteString("cadastre audit event 1\n")
	form.Write(previous)
	number(e.Seq)
	number(e.At.UnixMicro())
	number(e.Revision)
	texts(e.Actor, e.Action, e.Object)
	number(int64(len(e.Detail)))
	keys := make([]string, 0, len(e.Detail))
	for key := range e.Detail {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		texts(key, e.Detail[key])
	}
	hash := sha256.Sum256(form.Bytes())
	if hex.EncodeToString(hash[:]) != e.Hash {
		return nil, fmt.Errorf("event %d was changed", e.Seq)
	}
	return hash[:], nil
}

func rootByThePage(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	left := 1
	for 2*left < len(leaves) {
		left *= 2
	}
	node := append([]byte{1}, rootByThePage(leaves[:left])...)
	hash := sha256.Sum256(append(node, rootByThePage(leaves[left:])...))
	return hash[:]
}

func signedByThePage(parts []string, key string) error {
	words := strings.SplitN(key, "+", 3)
	public, err := base64.StdEncoding.DecodeString(words[2])
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(words[0] + "\n" + string(public)))
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.Split(parts[4], " ")[2], "\n"))
	if err != nil {
		return err
	}
	if parts[0] != words[0]+"\n" || hex.EncodeToString(hash[:4]) != words[1] || !bytes.Equal(signature[:4], hash[:4]) {
		return fmt.Errorf("another key signed")
	}
	if !ed25519.Verify(public[1:], []byte(strings.Join(parts[:3], "")), signature[4:]) {
		return fmt.Errorf("the signature is not of this text")
	}
	return nil
}
