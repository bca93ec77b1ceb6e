package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"cadastre.dev/cadastre/ent/migrations"
	"cadastre.dev/cadastre/graph"
	"entgo.io/ent/dialect"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// maxReaders is how many reads SQLite does at a time; more wait.
const maxReaders = 8

// openSQLite opens both handles on the file and brings its tables up to date.
func (s *Store) openSQLite(ctx context.Context, path string) error {
	s.dialect = dialect.SQLite
	durable := path != ""
	if !durable {
		folder, err := os.MkdirTemp("", "cadastre-")
		if err != nil {
			return fmt.Errorf("make a private folder: %w", err)
		}
		s.remove = func() error { return os.RemoveAll(folder) }
		path = filepath.Join(folder, "store.db")
	}
	existed, err := touchPrivate(path)
	if err != nil {
		return err
	}
	if s.writer, err = sql.Open("sqlite", sqliteDSN(path, durable, false)); err != nil {
		return fmt.Errorf("open the writer: %w", err)
	}
	s.writer.SetMaxOpenConns(1)
	all, err := migrations.SQLite()
	if err != nil {
		return err
	}
	if err := s.migrateSQLite(ctx, path, existed, all); err != nil {
		return err
	}
	if s.readers, err = sql.Open("sqlite", sqliteDSN(path, durable, true)); err != nil {
		return fmt.Errorf("open the readers: %w", err)
	}
	s.readers.SetMaxOpenConns(maxReaders)
	s.readers.SetMaxIdleConns(maxReaders)
	return nil
}

// touchPrivate makes the file where it is not there, and lets the owner alone
// read it in either case, before SQLite derives the modes of its side files.
func touchPrivate(path string) (existed bool, err error) {
	info, err := os.Stat(path)
	existed = err == nil && info.Size() > 0
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, fmt.Errorf("open the file: %w", err)
	}
	if err := errors.Join(file.Chmod(0o600), file.Close()); err != nil {
		return false, fmt.Errorf("close the file to others: %w", err)
	}
	return existed, nil
}

// sqliteDSN names the file with the settings of one handle. The writer takes
// the lock when a transaction begins, not at its first write, where SQLite
// could only refuse; and it waits for the disk, so that what was acknowledged
// outlives a loss of power.
func sqliteDSN(path string, durable, readOnly bool) string {
	query := url.Values{"_pragma": {"busy_timeout(10000)", "foreign_keys(1)", "journal_mode(WAL)"}}
	add := func(pragma string) { query.Add("_pragma", pragma) }
	switch {
	case readOnly:
		add("query_only(1)")
		add("cache_size(-16000)")
	case durable:
		add("synchronous(FULL)")
		add("cache_size(-64000)")
		query.Set("_txlock", "immediate")
	default:
		add("synchronous(OFF)")
		query.Set("_txlock", "immediate")
	}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + query.Encode()
}

// migrateSQLite brings the tables, and those of the jobs, from the version of
// the file to the newest; one process does it while others that open the file
// wait. The version stands in the file's header, where no table need exist to
// read it.
func (s *Store) migrateSQLite(ctx context.Context, path string, existed bool, all []migrations.Migration) error {
	jobs, err := rivermigrate.New(riversqlite.New(s.writer), &rivermigrate.Config{Logger: quiet(s.log)})
	if err != nil {
		return fmt.Errorf("prepare the tables of the jobs: %w", err)
	}
	if _, current, err := s.versionSQLite(ctx, jobs, len(all)); err != nil || current {
		return err
	}
	return exclusively(ctx, path+".lock", func() error {
		version, current, err := s.versionSQLite(ctx, jobs, len(all))
		if err != nil || current {
			return err
		}
		if existed {
			if err := s.backupSQLite(ctx, fmt.Sprintf("%s.v%d.bak", path, version)); err != nil {
				return err
			}
		}
		for _, m := range all[version:] {
			if err := s.migrateTo(ctx, m); err != nil {
				return fmt.Errorf("migration %s: %w", m.Name, fault(err))
			}
			s.log.InfoContext(ctx, "store migrated", "ref", m.Name)
		}
		if _, err := jobs.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("migrate the tables of the jobs: %w", err)
		}
		return nil
	})
}

// versionSQLite reads the version of the tables, and says whether they and
// those of the jobs are the newest. What a newer program wrote is
// graph.ErrConflict: tables go forward only.
func (s *Store) versionSQLite(ctx context.Context, jobs *rivermigrate.Migrator[*sql.Tx], newest int) (version int, current bool, err error) {
	if err := s.writer.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, false, fmt.Errorf("read the version of the tables: %w", fault(err))
	}
	if version > newest {
		return 0, false, fmt.Errorf("the file has version %d of the tables and this program knows up to %d; start the newer program, or restore the copy made before it migrated: %w", version, newest, graph.ErrConflict)
	}
	valid, err := jobs.Validate(ctx, nil)
	if err != nil {
		return 0, false, fmt.Errorf("look at the tables of the jobs: %w", err)
	}
	return version, version == newest && valid.OK, nil
}

func (s *Store) migrateTo(ctx context.Context, m migrations.Migration) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	for _, statement := range m.Statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	// A pragma takes no parameters; the number is our own.
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", m.Version)); err != nil {
		return err
	}
	return tx.Commit()
}

// backupSQLite writes a whole copy of the store to a file that its owner alone
// may read. It takes the place of an older copy only when it is whole.
func (s *Store) backupSQLite(ctx context.Context, path string) error {
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	if err := s.copySQLite(ctx, part); err != nil {
		return fmt.Errorf("back up to %s: %w", path, errors.Join(fault(err), os.RemoveAll(part)))
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("back up to %s: %w", path, errors.Join(err, os.RemoveAll(part)))
	}
	s.log.InfoContext(ctx, "store backed up", "ref", path)
	return nil
}

// copySQLite writes the store to a new file and waits for the disk.
func (s *Store) copySQLite(ctx context.Context, path string) error {
	// Made first, so that nobody else can open it while it is written.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = s.writer.ExecContext(ctx, "VACUUM INTO ?", path)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// isDuplicate says whether a write met a unique index.
func isDuplicate(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// fault marks errors of the disk and the file, which asking again later may
// mend, as graph.ErrUnavailable.
func fault(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) || errors.Is(err, graph.ErrUnavailable) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", graph.ErrUnavailable, err)
	}
	return err
}

// maxVariables is how many parameters one statement of SQLite takes.
const maxVariables = 32_000

// insertSQL is the statement that inserts n rows: the raw writer of bulk rows.
// The names are constants of ent/gen.
func insertSQL(table string, columns []string, n int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + quote(table) + " (")
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(c))
	}
	b.WriteString(") VALUES ")
	one := "(" + strings.Repeat("?,", len(columns)-1) + "?)"
	b.WriteString(strings.Repeat(one+",", n-1) + one)
	return b.String()
}

// endSQL is the statement that ends the row of a key, if its content is the
// one expected.
func endSQL(table string) string {
	return "UPDATE " + quote(table) + " SET ended = ? WHERE " + quote(colKey) + " = ? AND ended IS NULL AND digest = ?"
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// requeueSQL makes the jobs due again that a killed program left running.
const requeueSQL = "UPDATE river_job SET state = 'available', attempted_at = NULL WHERE state = 'running'"
