package serve

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

func TestAKeyIsMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	first, err := keyFolder(dir).Key(t.Context(), "customer")
	if err != nil || len(first) != keyBytes {
		t.Fatalf("got %d bytes, %v", len(first), err)
	}
	again, err := keyFolder(dir).Key(t.Context(), "customer")
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second time another key: %v", err)
	}
	other, err := keyFolder(dir).Key(t.Context(), "payment")
	if err != nil || bytes.Equal(first, other) {
		t.Errorf("two ids have one key: %v", err)
	}
}

func TestKeysAreReadableByTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := keyFolder(dir).Key(t.Context(), "customer"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "customer.key"): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has the mode %v, want %v: %v", path, info.Mode().Perm(), want, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}

func TestADamagedKeyIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "customer.key")
	for _, damage := range [][]byte{{}, []byte("short"), bytes.Repeat([]byte("x"), keyBytes+1)} {
		if err := os.WriteFile(path, damage, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := keyFolder(dir).Key(t.Context(), "customer")
		mustBe(t, err, graph.ErrInvalid)
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, damage) {
			t.Errorf("the file was changed: %v", err)
		}
	}
}

func TestAKeyIsNamedByAWord(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "..", "../customer", "a/b", "Customer", "a b", "a.key"} {
		dir := t.TempDir()
		_, err := keyFolder(dir).Key(t.Context(), id)
		mustBe(t, err, graph.ErrInvalid)
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%q left %v, %v", id, left, err)
		}
	}
}

func TestAllWhoAskAtOnceGetOneKey(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	const askers = 16
	keys := make([][]byte, askers)
	var all sync.WaitGroup
	for i := range askers {
		all.Go(func() {
			key, err := keyFolder(dir).Key(t.Context(), "customer")
			if err != nil {
				t.Errorf("ask %d: %v", i, err)
			}
			keys[i] = key
		})
	}
	all.Wait()
	for i, key := range keys {
		if len(key) != keyBytes || !bytes.Equal(key, keys[0]) {
			t.Errorf("ask %d got another key", i)
		}
	}
}

// TestAnotherKeyThanTheCatalogsIsRefused opens one catalog with two folders,
// as two programs do that share a database and forgot to share the keys.
func TestAnotherKeyThanTheCatalogsIsRefused(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	first := pinnedKeys{keyFolder(t.TempDir()), s}
	key, err := first.Key(t.Context(), "customer")
	if err != nil {
		t.Fatal(err)
	}
	_, err = pinnedKeys{keyFolder(t.TempDir()), s}.Key(t.Context(), "customer")
	mustBe(t, err, graph.ErrConflict)
	if again, err := first.Key(t.Context(), "customer"); err != nil || !bytes.Equal(again, key) {
		t.Errorf("the catalog's own folder: %v", err)
	}
}
