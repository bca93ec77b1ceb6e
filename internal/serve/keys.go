package serve

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

const keysFolder = "keys"

// keySuffix ends the name of a key's file.
const keySuffix = ".key"

// keyBytes is the length of a masking key: that of the hash it keys
// (RFC 2104, section 3).
const keyBytes = 32

// keyFolder keeps the masking keys, one file an id, readable by the owner of
// the process alone. A key is made when it is first asked for and never
// changes: hashes made with it must go on to join.
type keyFolder string

// Key returns the key of an id.
func (k keyFolder) Key(ctx context.Context, id string) ([]byte, error) {
	if !isIdentifier(id) {
		return nil, fmt.Errorf("key %q: an id is a word of a-z, 0-9 and _: %w", id, graph.ErrInvalid)
	}
	name := filepath.Join(string(k), id+keySuffix)
	key, err := os.ReadFile(name)
	switch {
	case err == nil && len(key) == keyBytes:
		return key, nil
	case err == nil:
		return nil, fmt.Errorf("key %s: %s holds %d bytes, want %d; restore it from a backup: %w", id, name, len(key), keyBytes, graph.ErrInvalid)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("key %s: %w", id, err)
	}
	if err := os.MkdirAll(string(k), 0o700); err != nil {
		return nil, fmt.Errorf("key %s: %w", id, err)
	}
	key = make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("key %s: %w", id, err)
	}
	err = writeOnce(name, key)
	if errors.Is(err, fs.ErrExist) {
		// Somebody else asked at the same time and was first.
		return k.Key(ctx, id)
	}
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", id, err)
	}
	return key, nil
}

// writeOnce writes a file that must not be there yet, whole or not at all.
func writeOnce(name string, data []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	if _, err := temporary.Write(data); err != nil {
		return errors.Join(err, temporary.Close())
	}
	if err := errors.Join(temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return os.Link(temporary.Name(), name)
}

// pinnedKeys are the keys of a folder, each the one that this catalog has
// always had: programs that share a catalog but not the folder, or a folder
// that was lost, would otherwise hash one value in two ways, unsaid.
type pinnedKeys struct {
	keyFolder
	store *store.Store
}

// Key returns the key of an id; graph.ErrConflict where it is not the one that
// the catalog knows.
func (k pinnedKeys) Key(ctx context.Context, id string) ([]byte, error) {
	key, err := k.keyFolder.Key(ctx, id)
	if err != nil {
		return nil, err
	}
	// A hash of a random key tells nothing of it; the prefix keeps it apart
	// from every hash that is made with it.
	sum := sha256.Sum256(append([]byte("cadastre masking key\n"), key...))
	fingerprint := hex.EncodeToString(sum[:8])
	kept, err := k.store.Pin(ctx, "masking_key:"+id, fingerprint)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", id, err)
	}
	if kept != fingerprint {
		return nil, fmt.Errorf("key %s: %s holds another key than the one that this catalog's views were made with; restore it, or point database.keys to the folder that all programs share: %w", id, string(k.keyFolder), graph.ErrConflict)
	}
	return key, nil
}
