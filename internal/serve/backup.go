package serve

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/serve/archive"
)

// BackupOptions say what is backed up and where to.
type BackupOptions struct {
	// Path is the file to write.
	Path string
	// WithKeys puts the masking keys into it. Who holds such a file can undo
	// the pseudonyms of values that they guess; keep it as the keys are kept.
	// Defaults to leaving them out.
	WithKeys bool
	// Force replaces a file that is there.
	Force bool
	// Program is the version that the file says wrote it.
	Program string
}

// BackupReport says what was backed up.
type BackupReport struct {
	File     string         `json:"file"`
	Bytes    int64          `json:"bytes"`
	Catalog  string         `json:"catalog"`
	Revision graph.Revision `json:"revision"`
	Events   int64          `json:"events"`
	// Keys are the masking keys in the file, KeysLeftOut those that are not.
	Keys        []string `json:"keys"`
	KeysLeftOut []string `json:"keys_left_out"`
}

// Backup writes the catalog of a data directory to one file while it goes on
// being used. The file is there whole or not at all, and what it holds was
// looked at page by page. That it was made is in the audit log.
//
// graph.ErrNotFound: there is no catalog; graph.ErrInvalid: the file is a
// folder; graph.ErrConflict: it is there already; graph.ErrUnavailable: the disk is full, or it was interrupted;
// store.BackupElsewhereError where the database copies itself.
func Backup(ctx context.Context, config Config, o BackupOptions) (BackupReport, error) {
	report, err := backup(ctx, config, o)
	if ctx.Err() != nil {
		return report, fmt.Errorf("back up to %s: interrupted; nothing is left of it: %w", o.Path, graph.ErrUnavailable)
	}
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("there is a file already; choose another name, or replace it with --force: %w", graph.ErrConflict)
	}
	if err != nil {
		return report, fmt.Errorf("back up to %s: %w", o.Path, diskFault(err))
	}
	return report, nil
}

func backup(ctx context.Context, config Config, o BackupOptions) (BackupReport, error) {
	report := BackupReport{File: o.Path, Keys: []string{}, KeysLeftOut: []string{}}
	if config.Database.URL != "" {
		// Before the log says that there is a backup.
		return report, &store.BackupElsewhereError{Dialect: "postgres"}
	}
	switch there, err := os.Lstat(o.Path); {
	case err == nil && there.IsDir():
		return report, fmt.Errorf("that is a folder; name the file to write: %w", graph.ErrInvalid)
	case err == nil && !o.Force:
		return report, fs.ErrExist
	}
	use, err := shareData(config.DataDir)
	if err != nil {
		return report, err
	}
	defer use.Close() //nolint:errcheck // nothing was written to it
	// Beside the file, so that it fits where the file is to fit.
	folder, err := os.MkdirTemp(filepath.Dir(o.Path), ".cadastre-backup-*")
	if err != nil {
		return report, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // what is left says so by its name
	sources := []archive.Source{{Name: archive.Catalog, Path: filepath.Join(folder, archive.Catalog)}}
	if err := copyCatalog(ctx, config, sources[0].Path, o.WithKeys); err != nil {
		return report, err
	}
	said, err := store.Inspect(ctx, sources[0].Path)
	if err != nil {
		return report, err
	}
	// After the catalog: a key that it speaks of is there by now.
	keys, err := keysOf(config.keysFolder())
	if err != nil {
		return report, err
	}
	for _, k := range keys {
		if !o.WithKeys {
			report.KeysLeftOut = append(report.KeysLeftOut, k.ID)
			continue
		}
		report.Keys = append(report.Keys, k.ID)
		name := k.ID + keySuffix
		sources = append(sources, archive.Source{Name: keysFolder + "/" + name, Path: filepath.Join(config.keysFolder(), name)})
	}
	if signs := filepath.Join(config.DataDir, archive.AuditKey); o.WithKeys && isFile(signs) {
		sources = append(sources, archive.Source{Name: archive.AuditKey, Path: signs})
	}
	report.Catalog, report.Revision, report.Events = said.Catalog, said.Revision, said.Events
	report.Bytes, err = archive.Write(ctx, o.Path, o.Force, archive.Manifest{
		Program: o.Program, Made: time.Now().UTC().Truncate(time.Second), CatalogID: said.Catalog, Tables: said.Version,
		Revision: said.Revision, Events: said.Events, Keys: keys,
	}, sources)
	return report, err
}

// copyCatalog copies the catalog to a new file, and records that it did before
// it does: the copy knows of itself.
func copyCatalog(ctx context.Context, config Config, path string, withKeys bool) error {
	s, err := config.openStore(ctx, store.Config{})
	if err != nil {
		return err
	}
	event := audit.Event{Action: "backup", Object: "catalog"}
	if withKeys {
		event.Detail = map[string]string{"keys": "with"}
	}
	_, err = s.Commit(ctx, localPrincipal(), "backup", func(tx *store.Tx) error {
		tx.Record(event)
		return nil
	})
	if err == nil {
		err = s.Backup(ctx, path)
	}
	return errors.Join(err, s.Close())
}

// keysOf names the masking keys in a folder, by id.
func keysOf(folder string) ([]archive.Key, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var keys []archive.Key
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), keySuffix)
		if !ok || !isIdentifier(id) {
			continue
		}
		key, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		keys = append(keys, archive.Key{ID: id, Print: keyPrint(key)})
	}
	slices.SortFunc(keys, func(a, b archive.Key) int { return strings.Compare(a.ID, b.ID) })
	return keys, nil
}

// keyPrint tells keys apart and tells nothing of them: they are drawn, and a
// hash of what was drawn cannot be undone.
func keyPrint(key []byte) string {
	sum := sha256.Sum256(append([]byte("cadastre masking key\x00"), key...))
	return hex.EncodeToString(sum[:8])
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// diskFault gives errors of files, which have no kind of their own, the kind of
// what asking again later may mend.
func diskFault(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	if errors.As(err, &path) || errors.As(err, &link) {
		return fmt.Errorf("%w: %w", err, graph.ErrUnavailable)
	}
	return err
}
