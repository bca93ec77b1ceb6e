package serve

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
	"cadastre.dev/cadastre/graph/search"
)

// vault is a catalog in a data directory with two masking keys, and what stood
// at each revision.
type vault struct {
	t      *testing.T
	config Config
	app    *App
}

func newVault(t *testing.T) *vault {
	t.Helper()
	return newVaultOf(t, Database{})
}

func newVaultOf(t *testing.T, database Database) *vault {
	t.Helper()
	v := &vault{t: t, config: Config{DataDir: t.TempDir(), Database: database, Worker: Worker{Path: "none"}}.withDefaults()}
	v.open()
	for _, id := range []string{"person", "payment"} {
		if _, err := keyFolder(v.config.keysFolder()).Key(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func (v *vault) open() {
	v.t.Helper()
	var err error
	if v.app, err = Open(v.t.Context(), v.config, Options{}); err != nil {
		v.t.Fatal(err)
	}
	app := v.app
	v.t.Cleanup(func() {
		if err := app.Close(); err != nil && v.app == app {
			v.t.Error(err)
		}
	})
}

// close ends the use of the directory.
func (v *vault) close() {
	v.t.Helper()
	if err := v.app.Close(); err != nil {
		v.t.Fatal(err)
	}
	v.app = nil
}

// random commits random catalogs, one after the other, until ctx ends or n
// were.
func (v *vault) random(ctx context.Context, seed uint64, n int) {
	was := v.snapshot(0)
	rng := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test's chance
	for range n {
		now := graphtest.RandomSnapshot(rng, 40)
		_, err := v.app.store.Commit(ctx, system(), "random", func(tx *store.Tx) error {
			return tx.Apply(ctx, graph.Diff(was, now))
		})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			v.t.Error(err)
			return
		}
		was = now
	}
}

func (v *vault) snapshot(at graph.Revision) graph.Snapshot {
	v.t.Helper()
	r, err := v.app.reader(v.t.Context(), system(), at)
	if err != nil {
		v.t.Fatal(err)
	}
	all, err := r.Snapshot(v.t.Context(), graph.Scope{})
	if err != nil {
		v.t.Fatal(err)
	}
	return all
}

// elsewhere is a configuration with an empty data directory.
func elsewhere(t *testing.T) Config {
	t.Helper()
	return Config{DataDir: filepath.Join(t.TempDir(), "data"), Worker: Worker{Path: "none"}}.withDefaults()
}

// files are the names in a folder that do not begin with a dot, and no locks.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			names = append(names, e.Name())
		}
	}
	return names
}

// A random catalog is backed up while others commit, and restored elsewhere:
// it stands as it stood at the revision that the backup names, its audit log
// verifies, it is searched at once, and hashes go on to join.
func TestWhatIsRestoredIsWhatWasBackedUp(t *testing.T) {
	t.Parallel()
	hits := 0
	for seed := range uint64(4) {
		v := newVault(t)
		v.random(t.Context(), seed, 3)
		ctx, stop := context.WithCancel(t.Context())
		var writing sync.WaitGroup
		writing.Go(func() { v.random(ctx, seed, 1<<20) })
		path := filepath.Join(t.TempDir(), "backup.tar")
		said, err := Backup(t.Context(), v.config, BackupOptions{Path: path, WithKeys: true})
		stop()
		writing.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != said.Bytes {
			t.Errorf("the file is %v, %v", info, err)
		}
		to := &vault{t: t, config: elsewhere(t)}
		restored, err := Restore(t.Context(), to.config, RestoreOptions{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		want := RestoreReport{
			Catalog: v.app.store.Catalog(), Revision: said.Revision, Events: said.Events, KeysKnown: true,
			Keys: []string{"payment", "person"}, KeysMissing: []string{}, Kept: []string{},
		}
		if diff := cmp.Diff(want, restored); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		to.open()
		if diff := graph.Diff(v.snapshot(said.Revision), to.snapshot(0)); len(diff) > 0 || said.Revision < 3 {
			t.Errorf("seed %d: at revision %d they differ in %d", seed, said.Revision, len(diff))
		}
		if report, err := to.app.VerifyAudit(t.Context(), KeptAudit{}); err != nil || !report.OK || report.Events != said.Events+1 {
			t.Errorf("audit: %+v, %v, want %d events and the restore", report, err, said.Events)
		}
		was, err := v.app.reader(t.Context(), system(), said.Revision)
		if err != nil {
			t.Fatal(err)
		}
		sought, err := was.Search(t.Context(), search.Query{First: 50})
		found, also := to.app.Search(t.Context(), system(), search.Query{First: 50})
		if err != nil || also != nil {
			t.Fatal(err, also)
		}
		if diff := cmp.Diff(sought, found); diff != "" {
			t.Errorf("found (-before +after):\n%s", diff)
		}
		hits += found.Total
		for _, id := range []string{"person", "payment"} {
			a, err := keyFolder(v.app.path(keysFolder)).Key(t.Context(), id)
			b, also := keyFolder(to.app.path(keysFolder)).Key(t.Context(), id)
			if err != nil || also != nil || !slices.Equal(a, b) {
				t.Errorf("the key %s is another: %v, %v", id, err, also)
			}
		}
		if got := files(t, to.config.DataDir); slices.ContainsFunc(got, func(n string) bool { return strings.HasPrefix(n, ".restore") }) {
			t.Errorf("left behind: %v", got)
		}
	}
	if hits == 0 {
		t.Error("nothing was found in any of them")
	}
}

// Without the keys a restored catalog would draw new ones and nobody would
// notice: the restore is refused, unless they are there or somebody says so.
func TestMissingKeysAreNotPassedOver(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.random(t.Context(), 1, 1)
	path := filepath.Join(t.TempDir(), "backup.tar")
	said, err := Backup(t.Context(), v.config, BackupOptions{Path: path})
	if err != nil || !slices.Equal(said.KeysLeftOut, []string{"payment", "person"}) || len(said.Keys) > 0 {
		t.Fatalf("%+v, %v", said, err)
	}
	to := elsewhere(t)
	_, err = Restore(t.Context(), to, RestoreOptions{Path: path})
	mustBe(t, err, graph.ErrConflict)
	if !strings.Contains(err.Error(), "payment, person") || !strings.Contains(err.Error(), "--without-keys") {
		t.Errorf("it says %v", err)
	}
	if got := files(t, to.DataDir); len(got) > 0 {
		t.Errorf("a refused restore wrote %v", got)
	}
	// Another key of the same name is not the key.
	if _, err := keyFolder(filepath.Join(to.DataDir, keysFolder)).Key(t.Context(), "person"); err != nil {
		t.Fatal(err)
	}
	_, err = Restore(t.Context(), to, RestoreOptions{Path: path})
	mustBe(t, err, graph.ErrConflict)
	for _, id := range []string{"person", "payment"} {
		key, err := os.ReadFile(filepath.Join(v.config.DataDir, keysFolder, id+keySuffix))
		if err == nil {
			err = os.WriteFile(filepath.Join(to.DataDir, keysFolder, id+keySuffix), key, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Restore(t.Context(), to, RestoreOptions{Path: path}); err != nil || len(got.KeysMissing) > 0 {
		t.Errorf("with the keys in place: %+v, %v", got, err)
	}
	got, err := Restore(t.Context(), elsewhere(t), RestoreOptions{Path: path, WithoutKeys: true})
	if err != nil || !slices.Equal(got.KeysMissing, []string{"payment", "person"}) {
		t.Errorf("without keys: %+v, %v", got, err)
	}
}

// What is there makes way only by force, and is kept.
func TestARestoreOverwritesNothing(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.random(t.Context(), 2, 2)
	path := filepath.Join(t.TempDir(), "backup.tar")
	if _, err := Backup(t.Context(), v.config, BackupOptions{Path: path, WithKeys: true}); err != nil {
		t.Fatal(err)
	}
	_, err := Backup(t.Context(), v.config, BackupOptions{Path: path})
	mustBe(t, err, graph.ErrConflict)
	if !strings.Contains(err.Error(), "--force") {
		t.Errorf("it says %v", err)
	}
	to := newVault(t)
	to.random(t.Context(), 3, 4)
	mine := to.snapshot(0)

	_, err = Restore(t.Context(), to.config, RestoreOptions{Path: path, Force: true})
	mustBe(t, err, graph.ErrConflict)
	if !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("while somebody uses it: %v", err)
	}
	to.close()
	_, err = Restore(t.Context(), to.config, RestoreOptions{Path: path})
	mustBe(t, err, graph.ErrConflict)
	before := files(t, to.config.DataDir)
	for range 2 {
		if _, err = Restore(t.Context(), to.config, RestoreOptions{Path: path, Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	got := files(t, to.config.DataDir)
	for _, name := range []string{databaseFile, databaseFile + ".before-restore", databaseFile + ".before-restore-2"} {
		if !slices.Contains(got, name) {
			t.Errorf("there is no %s in %v, before %v", name, got, before)
		}
	}
	if keys := files(t, filepath.Join(to.config.DataDir, keysFolder)); !slices.Equal(keys, []string{"payment.key", "payment.key.before-restore", "person.key", "person.key.before-restore"}) {
		t.Errorf("keys are %v", keys)
	}
	// What made way is whole.
	kept := &vault{t: t, config: elsewhere(t)}
	if err := os.MkdirAll(kept.config.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, ending := range []string{"", "-wal"} {
		data, err := os.ReadFile(filepath.Join(to.config.DataDir, databaseFile+".before-restore"+ending))
		if err == nil {
			err = os.WriteFile(filepath.Join(kept.config.DataDir, databaseFile+ending), data, 0o600)
		}
		if err != nil && ending == "" {
			t.Fatal(err)
		}
	}
	kept.open()
	if diff := graph.Diff(mine, kept.snapshot(0)); len(diff) > 0 {
		t.Errorf("what made way differs in %d", len(diff))
	}
}

// The program does not start in the middle of a restore.
func TestNothingOpensDuringARestore(t *testing.T) {
	t.Parallel()
	config := elsewhere(t)
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	held, err := holdData(config.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), config, Options{})
	mustBe(t, err, graph.ErrUnavailable)
	_, err = Backup(t.Context(), config, BackupOptions{Path: filepath.Join(t.TempDir(), "b.tar")})
	mustBe(t, err, graph.ErrUnavailable)
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	app, err := Open(t.Context(), config, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Close(); err != nil {
		t.Error(err)
	}
}

// Sessions that stood at the time of the backup do not come to life again.
func TestSessionsAreNotRestored(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	if err := v.app.store.Sessions().CommitCtx(t.Context(), "token", []byte("ana"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "backup.tar")
	if _, err := Backup(t.Context(), v.config, BackupOptions{Path: path, WithKeys: true}); err != nil {
		t.Fatal(err)
	}
	to := &vault{t: t, config: elsewhere(t)}
	if _, err := Restore(t.Context(), to.config, RestoreOptions{Path: path}); err != nil {
		t.Fatal(err)
	}
	to.open()
	if _, found, err := to.app.store.Sessions().FindCtx(t.Context(), "token"); err != nil || found {
		t.Errorf("the session lives: %v", err)
	}
}

func TestDamagedBackupsAreRefused(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.random(t.Context(), 4, 3)
	folder := t.TempDir()
	bare := filepath.Join(folder, "bare.db")
	if err := v.app.store.Backup(t.Context(), bare); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(bare)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// A changed actor in the audit log is no damage that SQLite can see.
	forged := put("forged", whole)
	db, err := sql.Open("sqlite", forged)
	if err == nil {
		_, err = db.ExecContext(t.Context(), "UPDATE events SET actor = 'mallory@example.org' WHERE id = 2")
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	newer := slices.Clone(whole)
	newer[63] = 99 // user_version, big-endian at byte 60
	for _, test := range []struct {
		name, path, text string
		kind             error
	}{
		{"forged", forged, "audit log does not verify", graph.ErrInvalid},
		{"cut off", put("cut", whole[:len(whole)/3]), "damaged", graph.ErrInvalid},
		{"newer", put("newer", newer), "newer program", graph.ErrConflict},
		{"a text", put("text", []byte("no backup")), "no backup", graph.ErrInvalid},
		{"a folder", folder, "that is a folder", graph.ErrInvalid},
		{"nothing", filepath.Join(folder, "gone"), "no such file", graph.ErrNotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			to := elsewhere(t)
			_, err := Restore(t.Context(), to, RestoreOptions{Path: test.path})
			mustBe(t, err, test.kind)
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("it says %v, want %q", err, test.text)
			}
			if _, err := os.Stat(filepath.Join(to.DataDir, databaseFile)); err == nil {
				t.Error("it is there all the same")
			}
		})
	}
	// Whole, the bare copy is restored, and says that it knows nothing of keys.
	to := elsewhere(t)
	if got, err := Restore(t.Context(), to, RestoreOptions{Path: bare}); err != nil || got.KeysKnown || got.Revision != 3 {
		t.Errorf("the bare copy: %+v, %v", got, err)
	}
}

func TestAnInterruptedBackupOrRestoreIsNoSuccess(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	folder := t.TempDir()
	path := filepath.Join(folder, "backup.tar")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Backup(ctx, v.config, BackupOptions{Path: path})
	mustBe(t, err, graph.ErrUnavailable)
	if errors.Is(err, context.Canceled) || len(files(t, folder)) > 0 {
		t.Errorf("%v, left %v", err, files(t, folder))
	}
	if _, err := Backup(t.Context(), v.config, BackupOptions{Path: path, WithKeys: true}); err != nil {
		t.Fatal(err)
	}
	to := elsewhere(t)
	_, err = Restore(ctx, to, RestoreOptions{Path: path})
	mustBe(t, err, graph.ErrUnavailable)
	if got := files(t, to.DataDir); errors.Is(err, context.Canceled) || len(got) > 0 {
		t.Errorf("%v, left %v", err, got)
	}
	_, err = Backup(t.Context(), v.config, BackupOptions{Path: filepath.Join(folder, "no", "such", "folder")})
	mustBe(t, err, graph.ErrUnavailable)
}

// A lock in common is no hindrance to another in common.
func TestTheDirectoryIsSharedAmongThoseWhoUseIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var shares []io.Closer
	for range 3 {
		share, err := shareData(dir)
		if err != nil {
			t.Fatal(err)
		}
		shares = append(shares, share)
	}
	for _, share := range shares {
		_, err := holdData(dir)
		mustBe(t, err, graph.ErrConflict)
		if err := share.Close(); err != nil {
			t.Fatal(err)
		}
	}
	held, err := holdData(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
}
