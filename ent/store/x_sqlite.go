package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cadastre.dev/cadastre/ent/migrations"
	"cadastre.dev/cadastre/graph"
	"entgo.io/ent/dialect"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	_ "modernc.org/sqlite" // the driver
)

// maxReaders is how many reads SQLite does at a time; more wait.
const maxReaders = 8

// readerIdle is after how long a connection that nobody reads with is closed,
// and its cache with it.
const readerIdle = 30 * time.Second

// sqliteDB is one SQLite file. One connection writes and a pool reads, so that
// writes queue in the program and SQLite never answers that it is busy.
type sqliteDB struct {
	writer, readers *sql.DB
	jobs            *river.Client[*sql.Tx]
	log             *slog.Logger
	remove          func() error
}

// openSQLite opens both handles on the file and brings its tables up to date.
func openSQLite(ctx context.Context, c Config) (database, error) {
	d := &sqliteDB{log: c.Logger, remove: func() error { return nil }}
	if err := d.open(ctx, c.Path); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *sqliteDB) open(ctx context.Context, path string) error {
	durable := path != ""
	if !durable {
		folder, err := os.MkdirTemp("", "cadastre-")
		if err != nil {
			return fmt.Errorf("make a private folder: %w", err)
		}
		d.remove = func() error { return os.RemoveAll(folder) }
		path = filepath.Join(folder, "store.db")
	}
	existed, err := touchPrivate(path)
	if err != nil {
		return err
	}
	if d.writer, err = sql.Open("sqlite", sqliteDSN(path, durable, false)); err != nil {
		return fmt.Errorf("open the writer: %w", err)
	}
	d.writer.SetMaxOpenConns(1)
	all, err := migrations.SQLite()
	if err != nil {
		return err
	}
	if err := d.migrate(ctx, path, existed, all); err != nil {
		return err
	}
	if d.readers, err = sql.Open("sqlite", sqliteDSN(path, durable, true)); err != nil {
		return fmt.Errorf("open the readers: %w", err)
	}
	d.readers.SetMaxOpenConns(maxReaders)
	d.readers.SetMaxIdleConns(maxReaders)
	d.readers.SetConnMaxIdleTime(readerIdle)
	d.jobs, err = river.NewClient(riversqlite.New(d.readers), &river.Config{Logger: quiet(d.log), MaxAttempts: jobAttempts})
	if err != nil {
		return fmt.Errorf("open the queue: %w", err)
	}
	return nil
}

func (d *sqliteDB) name() string { return dialect.SQLite }

func (d *sqliteDB) pool() *sql.DB { return d.readers }

func (d *sqliteDB) queue() queue { return sqliteQueue{d.jobs, d} }

// sqliteQueue lists jobs with the readers, and writes in line with commits.
type sqliteQueue struct {
	*river.Client[*sql.Tx]
	db *sqliteDB
}

// JobUpdate is river.Client.JobUpdate.
func (q sqliteQueue) JobUpdate(ctx context.Context, id int64, params *river.JobUpdateParams) (*rivertype.JobRow, error) {
	tx, err := q.db.writer.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	row, err := q.JobUpdateTx(ctx, tx, id, params)
	if err != nil {
		return nil, err
	}
	return row, tx.Commit()
}

func (d *sqliteDB) close() error {
	var errs []error
	for _, db := range []*sql.DB{d.readers, d.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, d.remove())...)
}

// begin begins a write; every write of this file is exclusive.
func (d *sqliteDB) begin(ctx context.Context, _ bool) (transaction, error) {
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &sqliteTx{Tx: tx, jobs: d.jobs}, nil
}

// sqliteTx is a write transaction that keeps its statements prepared.
type sqliteTx struct {
	*sql.Tx
	jobs     *river.Client[*sql.Tx]
	prepared map[string]*sql.Stmt
}

// prepare keeps a statement for the rest of the transaction.
func (t *sqliteTx) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt, ok := t.prepared[text]; ok {
		return stmt, nil
	}
	stmt, err := t.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if t.prepared == nil {
		t.prepared = map[string]*sql.Stmt{}
	}
	t.prepared[text] = stmt
	return stmt, nil
}

// insertRows is how many rows one statement inserts. More are not faster.
const insertRows = 100

func (t *sqliteTx) insert(ctx context.Context, table string, columns []string, n int, values func(int) ([]any, error)) error {
	size := min(insertRows, maxVariables/len(columns))
	for from := 0; from < n; from += size {
		rows := min(size, n-from)
		stmt, err := t.prepare(ctx, insertSQL(table, columns, rows)) //nolint:sqlclosecheck // kept until the transaction ends
		if err != nil {
			return err
		}
		args := make([]any, 0, rows*len(columns))
		for i := from; i < from+rows; i++ {
			row, err := values(i)
			if err != nil {
				return err
			}
			args = append(args, row...)
		}
		if _, err := stmt.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func (t *sqliteTx) end(ctx context.Context, table string, at int64, rows []stored) (*stored, error) {
	stmt, err := t.prepare(ctx, endSQL(table)) //nolint:sqlclosecheck // kept until the transaction ends
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		result, err := stmt.ExecContext(ctx, at, row.key, row.digest)
		if err != nil {
			return nil, fmt.Errorf("end %s: %w", row.key, err)
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return &rows[i], err
		}
	}
	return nil, nil
}

func (t *sqliteTx) enqueue(ctx context.Context, args river.JobArgs) error {
	return enqueue(ctx, t.jobs, t.Tx, args)
}

func (t *sqliteTx) commit(context.Context) error {
	t.close()
	return t.Commit()
}

func (t *sqliteTx) rollback() {
	t.close()
	_ = t.Rollback() // after commit it does nothing
}

func (t *sqliteTx) close() {
	for _, stmt := range t.prepared {
		_ = stmt.Close()
	}
	t.prepared = nil
}

// touchPrivate makes the file where it is not there, and lets the owner alone
// read it in either case, before SQLite derives the modes of its side files.
func touchPrivate(path string) (existed bool, err error) {
	info, err := os.Stat(path)
	existed = err == nil && info.Size() > 0
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, fmt.Errorf("open the file: %w", fault(err))
	}
	if err := errors.Join(file.Chmod(0o600), file.Close()); err != nil {
		return false, fmt.Errorf("close the file to others: %w", fault(err))
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

// migrate brings the tables, and those of the jobs, from the version of
// the file to the newest; one process does it while others that open the file
// wait. The version stands in the file's header, where no table need exist to
// read it.
func (d *sqliteDB) migrate(ctx context.Context, path string, existed bool, all []migrations.Migration) error {
	jobs, err := rivermigrate.New(riversqlite.New(d.writer), &rivermigrate.Config{Logger: quiet(d.log)})
	if err != nil {
		return fmt.Errorf("prepare the tables of the jobs: %w", err)
	}
	if _, current, err := d.version(ctx, jobs, len(all)); err != nil || current {
		return err
	}
	return exclusively(ctx, path+".lock", func() error {
		version, current, err := d.version(ctx, jobs, len(all))
		if err != nil || current {
			return err
		}
		if existed {
			if err := d.backup(ctx, fmt.Sprintf("%s.v%d.bak", path, version)); err != nil {
				return err
			}
		}
		for _, m := range all[version:] {
			if err := d.migrateTo(ctx, m); err != nil {
				return fmt.Errorf("migration %s: %w", m.Name, fault(err))
			}
			d.log.InfoContext(ctx, "store migrated", "ref", m.Name)
		}
		if _, err := jobs.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("migrate the tables of the jobs: %w", fault(err))
		}
		return nil
	})
}

// version reads the version of the tables, and says whether they and
// those of the jobs are the newest. What a newer program wrote is
// graph.ErrConflict: tables go forward only.
func (d *sqliteDB) version(ctx context.Context, jobs *rivermigrate.Migrator[*sql.Tx], newest int) (version int, current bool, err error) {
	if err := d.writer.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
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

func (d *sqliteDB) migrateTo(ctx context.Context, m migrations.Migration) error {
	tx, err := d.writer.BeginTx(ctx, nil)
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

// backup writes a whole copy of the store to a file that its owner alone
// may read. It takes the place of an older copy only when it is whole.
func (d *sqliteDB) backup(ctx context.Context, path string) error {
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	if err := d.copy(ctx, part); err != nil {
		return fmt.Errorf("back up to %s: %w", path, errors.Join(fault(err), os.RemoveAll(part)))
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("back up to %s: %w", path, errors.Join(err, os.RemoveAll(part)))
	}
	d.log.InfoContext(ctx, "store backed up", "ref", path)
	return nil
}

// copy writes the store to a new file and waits for the disk.
func (d *sqliteDB) copy(ctx context.Context, path string) error {
	// Made first, so that nobody else can open it while it is written.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = d.writer.ExecContext(ctx, "VACUUM INTO ?", path)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
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
