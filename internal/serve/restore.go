package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/serve/archive"
)

// RestoreOptions say what is restored and what may make way for it.
type RestoreOptions struct {
	// Path is a file that Backup wrote, or a bare copy as it is made before
	// the tables are migrated.
	Path string
	// Force lets a catalog, and keys that differ, make way; they are kept
	// beside, with .before-restore behind their names.
	Force bool
	// WithoutKeys restores although masking keys are missing or others:
	// pseudonyms that are made from then on do not join with earlier ones.
	WithoutKeys bool
}

// RestoreReport says what was restored.
type RestoreReport struct {
	Catalog  string         `json:"catalog"`
	Revision graph.Revision `json:"revision"`
	Events   int64          `json:"events"`
	// Keys are the masking keys that came with it; KeysMissing are those that
	// the data directory lacks.
	Keys        []string `json:"keys"`
	KeysMissing []string `json:"keys_missing"`
	// KeysKnown is false for a bare copy, which says nothing of keys.
	KeysKnown bool `json:"keys_known"`
	// Kept are the files that made way.
	Kept []string `json:"kept"`
}

// Restore puts the catalog of a backup into a data directory that nobody uses.
// Everything is looked at before anything is moved: the form and every hash,
// every page of the catalog, the whole audit log, and the masking keys. Tables
// of an older program are migrated, and all sessions end. What is derived needs no rebuilding.
//
// graph.ErrInvalid: it is no backup, or damaged, or the catalog that is
// configured is no file; graph.ErrConflict: a newer
// program wrote it, somebody uses the directory, there is a catalog already,
// or keys are missing; graph.ErrUnavailable: the disk is full. In each case
// the directory is as it was.
func Restore(ctx context.Context, config Config, o RestoreOptions) (RestoreReport, error) {
	if config.Database.URL != "" {
		return RestoreReport{}, fmt.Errorf("restore %s: database.url says that the catalog is in PostgreSQL, which pg_restore puts back; a backup of this program is restored where no database is configured: %w", o.Path, graph.ErrInvalid)
	}
	report, err := restore(ctx, config.DataDir, config.keysFolder(), o)
	if ctx.Err() != nil {
		err = fmt.Errorf("interrupted; %s is as it was: %w", config.DataDir, graph.ErrUnavailable)
	}
	if err != nil {
		return RestoreReport{}, fmt.Errorf("restore %s: %w", o.Path, diskFault(err))
	}
	return report, nil
}

func restore(ctx context.Context, dir, keys string, o RestoreOptions) (RestoreReport, error) {
	if isFolder(o.Path) {
		return RestoreReport{}, fmt.Errorf("that is a folder; name the file that backup wrote: %w", graph.ErrInvalid)
	}
	if !isFile(o.Path) {
		return RestoreReport{}, fmt.Errorf("there is no such file: %w", graph.ErrNotFound)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return RestoreReport{}, err
	}
	held, err := holdData(dir)
	if err != nil {
		return RestoreReport{}, err
	}
	defer held.Close() //nolint:errcheck // nothing was written to it
	if isFile(filepath.Join(dir, databaseFile)) && !o.Force {
		return RestoreReport{}, fmt.Errorf("there is a catalog in %s; name another --data-dir, or let it make way with --force: %w", dir, graph.ErrConflict)
	}
	folder, err := os.MkdirTemp(dir, ".restore-*")
	if err != nil {
		return RestoreReport{}, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // what is left says so by its name
	manifest, err := archive.Extract(ctx, o.Path, folder)
	if err != nil {
		return RestoreReport{}, err
	}
	report, err := proveCatalog(ctx, filepath.Join(folder, archive.Catalog), manifest)
	if err != nil {
		return RestoreReport{}, err
	}
	if err := compareKeys(keys, folder, manifest, o, &report); err != nil {
		return RestoreReport{}, err
	}
	if err := ctx.Err(); err != nil {
		return RestoreReport{}, err
	}
	report.Kept, err = moveIn(dir, keys, folder, manifest)
	return report, err
}

// holdData takes the data directory for itself.
func holdData(dir string) (io.Closer, error) {
	held, err := lockFile(filepath.Join(dir, useFile), syscall.LOCK_EX)
	if err == nil && held == nil {
		err = fmt.Errorf("a server or a command uses %s; stop it first: %w", dir, graph.ErrConflict)
	}
	return held, err
}

// proveCatalog holds an extracted catalog against what the manifest says, lets
// its audit log verify, and records in it that it was restored.
func proveCatalog(ctx context.Context, path string, m archive.Manifest) (RestoreReport, error) {
	said, err := store.Inspect(ctx, path)
	if err != nil {
		return RestoreReport{}, err
	}
	if m.Format > 0 && (said.Catalog != m.CatalogID || said.Revision != m.Revision || said.Events != m.Events || said.Version != m.Tables) {
		return RestoreReport{}, fmt.Errorf("the catalog in it is another than it says, at revision %d and not %d; take another backup: %w", said.Revision, m.Revision, graph.ErrInvalid)
	}
	s, err := store.Open(ctx, store.Config{Path: path})
	if err != nil {
		return RestoreReport{}, err
	}
	verified, err := verifyAudit(ctx, s, KeptAudit{})
	if err == nil && !verified.OK {
		err = fmt.Errorf("its audit log does not verify: event %d: %s; take another backup: %w", verified.Broken, verified.Reason, graph.ErrInvalid)
	}
	if err == nil {
		// Somebody may have signed out, or lost their rights, since the backup.
		err = s.Sessions().EndAll(ctx)
	}
	if err == nil {
		_, err = s.Commit(ctx, localPrincipal(), "restore", func(tx *store.Tx) error {
			tx.Record(audit.Event{Action: "restore", Object: "catalog", Detail: map[string]string{"revision": strconv.FormatInt(int64(said.Revision), 10)}})
			return nil
		})
	}
	return RestoreReport{
		Catalog: said.Catalog, Revision: said.Revision, Events: said.Events,
		Keys: []string{}, KeysMissing: []string{}, KeysKnown: m.Format > 0, Kept: []string{},
	}, errors.Join(err, s.Close())
}

// compareKeys looks which masking keys the catalog had, come with it, and are
// there. A key that is missing would be drawn anew at its first use, and
// nobody would notice that pseudonyms no longer join.
func compareKeys(keys, folder string, m archive.Manifest, o RestoreOptions, report *RestoreReport) error {
	there, err := keysOf(keys)
	if err != nil {
		return err
	}
	come, err := keysOf(filepath.Join(folder, keysFolder))
	if err != nil {
		return err
	}
	for _, k := range come {
		i := slices.IndexFunc(there, func(t archive.Key) bool { return t.ID == k.ID })
		if i >= 0 && there[i].Print != k.Print && !o.Force {
			return fmt.Errorf("the masking key %s in %s is another than that of the backup; let it make way with --force: %w", k.ID, keys, graph.ErrConflict)
		}
		report.Keys = append(report.Keys, k.ID)
	}
	for _, k := range m.Keys {
		if !slices.Contains(come, k) && !slices.Contains(there, k) {
			report.KeysMissing = append(report.KeysMissing, k.ID)
		}
	}
	if len(report.KeysMissing) > 0 && !o.WithoutKeys {
		return fmt.Errorf("the masking keys %s are neither in the backup nor in %s; put their files there first, or go on with --without-keys: pseudonyms made from then on do not join with earlier ones: %w",
			strings.Join(report.KeysMissing, ", "), keys, graph.ErrConflict)
	}
	return nil
}

// moveIn puts the extracted files in place, the catalog last. What it finds
// there makes way and is kept.
func moveIn(dir, keys, folder string, m archive.Manifest) (kept []string, err error) {
	kept = []string{}
	for _, f := range m.Files {
		if f.Name == archive.Catalog {
			continue
		}
		from, to := filepath.Join(folder, filepath.FromSlash(f.Name)), filepath.Join(dir, filepath.FromSlash(f.Name))
		if name, is := strings.CutPrefix(f.Name, keysFolder+"/"); is {
			to = filepath.Join(keys, name)
		}
		if same, err := sameFile(from, to); err != nil || same {
			if err != nil {
				return kept, err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return kept, err
		}
		if kept, err = makeWay(kept, to); err != nil {
			return kept, err
		}
		if err := carry(from, to); err != nil {
			return kept, err
		}
	}
	// What SQLite keeps beside the file belongs to it and goes with it.
	if kept, err = makeWay(kept, filepath.Join(dir, databaseFile), "-wal", "-shm"); err != nil {
		return kept, err
	}
	if err := os.Rename(filepath.Join(folder, archive.Catalog), filepath.Join(dir, databaseFile)); err != nil {
		return kept, err
	}
	return kept, syncFolder(dir)
}

// carry moves a key to where it belongs, which may be on another disk.
func carry(from, to string) error {
	err := os.Rename(from, to)
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	key, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to+".new", key, 0o600); err != nil { //nolint:gosec // the folder that the configuration names
		return err
	}
	return os.Rename(to+".new", to)
}

// makeWay renames a file, and those with the endings beside it, to the first
// name that is free.
func makeWay(kept []string, path string, endings ...string) ([]string, error) {
	to := path + ".before-restore"
	for n := 2; isFile(to) || isFile(to+"-wal"); n++ {
		to = path + ".before-restore-" + strconv.Itoa(n)
	}
	for _, ending := range append([]string{""}, endings...) {
		err := os.Rename(path+ending, to+ending)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return kept, err
		}
		kept = append(kept, to+ending)
	}
	return kept, nil
}

func sameFile(a, b string) (bool, error) {
	x, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	y, err := os.ReadFile(b)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return string(x) == string(y), err
}

// syncFolder waits until the disk has the names in a folder.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
