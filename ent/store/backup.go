package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"cadastre.dev/cadastre/ent/migrations"
	"cadastre.dev/cadastre/graph"
)

// BackupElsewhereError says that the database has a program of its own for
// copies, which this one does not imitate. It is graph.ErrInvalid.
type BackupElsewhereError struct {
	// Dialect is the database's.
	Dialect string
}

// Error says how a copy is made and brought back.
func (e *BackupElsewhereError) Error() string {
	return fmt.Sprintf("the catalog is in %s, which is backed up with its own program: pg_dump --format=custom --file=FILE DATABASE while Cadastre goes on working, and back with pg_restore --clean --if-exists --dbname=DATABASE FILE while it does not; keep audit.key and the masking keys apart from it: they are not in it", e.Dialect)
}

// Unwrap tells the kind.
func (e *BackupElsewhereError) Unwrap() error { return graph.ErrInvalid }

// Backup writes a whole copy of the catalog to a file that its owner alone may
// read, while it goes on being used. An older copy is replaced only when the
// new one is whole; of one that did not become whole nothing is left. Where
// the database copies itself it is a BackupElsewhereError.
func (s *Store) Backup(ctx context.Context, path string) error {
	return s.db.backup(ctx, path)
}

// Copy says what a copy of a SQLite catalog holds.
type Copy struct {
	// Catalog is the id that was drawn when the catalog was made.
	Catalog string
	// Version is that of the tables.
	Version int
	// Revision is the newest.
	Revision graph.Revision
	// Events counts the audit log.
	Events int64
	// Bytes is the size of the file.
	Bytes int64
}

// Inspect looks at a copy of a SQLite catalog without changing it, every page
// of it. A file that is no catalog or is damaged is graph.ErrInvalid, one that
// a newer program wrote graph.ErrConflict. Whether the audit log verifies is
// for the caller to ask.
func Inspect(ctx context.Context, path string) (Copy, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Copy{}, fmt.Errorf("inspect %s: %w: %w", path, err, graph.ErrNotFound)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()+"?mode=ro&immutable=1")
	if err != nil {
		return Copy{}, fmt.Errorf("inspect %s: %w", path, err)
	}
	c := Copy{Bytes: info.Size()}
	if err := errors.Join(c.read(ctx, db), db.Close()); err != nil {
		return Copy{}, fmt.Errorf("inspect %s: %w", path, err)
	}
	return c, nil
}

func (c *Copy) read(ctx context.Context, db *sql.DB) error {
	all, err := migrations.SQLite()
	if err != nil {
		return err
	}
	damaged := func(err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("it is damaged, or no catalog of Cadastre; take another copy: %w: %w", err, graph.ErrInvalid)
	}
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&c.Version); err != nil {
		return damaged(err)
	}
	if c.Version > len(all) {
		return fmt.Errorf("it has version %d of the tables and this program knows up to %d; use the newer program: %w", c.Version, len(all), graph.ErrConflict)
	}
	if c.Version < 1 {
		return damaged(errors.New("its tables have no version"))
	}
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return damaged(err)
	}
	if found != "ok" {
		return damaged(errors.New(found))
	}
	var revision, events sql.NullInt64
	err = errors.Join(
		db.QueryRowContext(ctx, "SELECT value FROM meta WHERE id = ?", metaCatalog).Scan(&c.Catalog),
		db.QueryRowContext(ctx, "SELECT MAX(id) FROM revisions").Scan(&revision),
		db.QueryRowContext(ctx, "SELECT MAX(id) FROM events").Scan(&events),
	)
	if err != nil {
		return damaged(err)
	}
	c.Revision, c.Events = graph.Revision(revision.Int64), events.Int64
	return nil
}
