package serve

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

// Keys that are kept elsewhere than in the data directory are backed up from
// there and put back there.
func TestKeysKeptElsewhereAreBackedUp(t *testing.T) {
	t.Parallel()
	v := newVaultOf(t, Database{Keys: filepath.Join(t.TempDir(), "safe")})
	path := filepath.Join(t.TempDir(), "backup.tar")
	if said, err := Backup(t.Context(), v.config, BackupOptions{Path: path}); err != nil || len(said.KeysLeftOut) != 2 {
		t.Fatalf("%+v, %v; want two keys left out", said, err)
	}
	if said, err := Backup(t.Context(), v.config, BackupOptions{Path: path, WithKeys: true, Force: true}); err != nil || len(said.Keys) != 2 {
		t.Fatalf("%+v, %v; want two keys in it", said, err)
	}
	to := Config{DataDir: t.TempDir(), Database: Database{Keys: filepath.Join(t.TempDir(), "another")}}.withDefaults()
	if said, err := Restore(t.Context(), to, RestoreOptions{Path: path}); err != nil || len(said.Keys) != 2 || len(said.KeysMissing) > 0 {
		t.Fatalf("restored: %+v, %v", said, err)
	}
	for _, id := range []string{"person", "payment"} {
		a, err := keyFolder(v.config.keysFolder()).Key(t.Context(), id)
		b, also := keyFolder(to.keysFolder()).Key(t.Context(), id)
		if err != nil || also != nil || !slices.Equal(a, b) {
			t.Errorf("the key %s is another: %v, %v", id, err, also)
		}
	}
	if isFolder(filepath.Join(to.DataDir, keysFolder)) {
		t.Error("the data directory has keys, too")
	}
}

// Nothing is recorded of a backup that PostgreSQL's own program has to make.
func TestABackupLeavesAnotherDatabaseAlone(t *testing.T) {
	t.Parallel()
	config := Config{DataDir: t.TempDir(), Database: Database{URL: "env:NO_SUCH_VARIABLE"}}
	_, err := Backup(t.Context(), config, BackupOptions{Path: filepath.Join(t.TempDir(), "b.tar")})
	var elsewhere *store.BackupElsewhereError
	if !errors.As(err, &elsewhere) {
		t.Errorf("got %v", err)
	}
}

// Where PostgreSQL is configured a restore would write a file that nobody
// reads, and say that all is well.
func TestARestoreLeavesAnotherDatabaseAlone(t *testing.T) {
	t.Parallel()
	config := Config{DataDir: t.TempDir(), Database: Database{URL: "env:NO_SUCH_VARIABLE"}}
	_, err := Restore(t.Context(), config, RestoreOptions{Path: filepath.Join(t.TempDir(), "b.tar")})
	if !errors.Is(err, graph.ErrInvalid) || !strings.Contains(err.Error(), "pg_restore") {
		t.Errorf("restored: %v", err)
	}
	if made, err := os.ReadDir(config.DataDir); err != nil || len(made) > 0 {
		t.Errorf("the data directory has %v, %v", made, err)
	}
}
