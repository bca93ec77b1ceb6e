package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"cadastre.dev/cadastre/ent/migrations"
	"cadastre.dev/cadastre/graph"
	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// minConnections is the least that a program needs: each job that runs holds
// one for its turn, and works with another.
const minConnections = 12

// postgresDB is one PostgreSQL database, or the schema of one that search_path
// names. Any number of programs may have it open.
type postgresDB struct {
	connections *pgxpool.Pool
	// readers is database/sql over the same connections, for ent.
	readers *sql.DB
	jobs    *river.Client[pgx.Tx]
	log     *slog.Logger
}

// openPostgres connects and brings the tables up to date.
func openPostgres(ctx context.Context, c Config) (database, error) {
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil || !strings.HasPrefix(c.URL, "postgres") {
		// The parser's error may hold the URL, and that a password.
		return nil, fmt.Errorf("the database's URL is not one of PostgreSQL, as postgres://user@host/name: %w", graph.ErrInvalid)
	}
	config.MaxConns = max(config.MaxConns, minConnections)
	connections, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", unavailable(err))
	}
	d := &postgresDB{connections: connections, readers: stdlib.OpenDBFromPool(connections), log: c.Logger}
	if err := d.open(ctx); err != nil {
		connections.Close()
		return nil, err
	}
	return d, nil
}

func (d *postgresDB) open(ctx context.Context) error {
	all, err := migrations.Postgres()
	if err != nil {
		return err
	}
	if err := d.migrate(ctx, all); err != nil {
		return err
	}
	d.jobs, err = river.NewClient(riverpgxv5.New(d.connections), &river.Config{Logger: quiet(d.log), MaxAttempts: jobAttempts})
	if err != nil {
		return fmt.Errorf("open the queue: %w", err)
	}
	return nil
}

func (d *postgresDB) name() string { return dialect.Postgres }

func (d *postgresDB) pool() *sql.DB { return d.readers }

func (d *postgresDB) queue() queue { return d.jobs }

func (d *postgresDB) close() error {
	err := d.readers.Close()
	d.connections.Close()
	return err
}

func (d *postgresDB) backup(context.Context, string) error {
	return &BackupElsewhereError{d.name()}
}

// The advisory locks of the program: the first key says what for, the second
// which one. The schema is part of the second, for locks are the database's.
const (
	lockMigrate = 0x63647374 + iota // "cdst"
	lockCommit
	lockTurn
	lockProgram
)

// migrate brings the tables, and those of the jobs, to the newest version. Of
// programs that start together one migrates and the others wait.
func (d *postgresDB) migrate(ctx context.Context, all []migrations.Migration) error {
	conn, err := d.connections.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", unavailable(err))
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1, hashtext(current_schema()))", lockMigrate); err != nil {
		return fmt.Errorf("wait for the lock of migrations: %w", fault(err))
	}
	defer func() {
		// A lock that cannot be given back goes with the connection.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, err := conn.Exec(ctx, "SELECT pg_advisory_unlock($1, hashtext(current_schema()))", lockMigrate); err != nil {
			_ = conn.Conn().Close(ctx)
		}
	}()
	version, err := postgresVersion(ctx, conn)
	if err != nil {
		return fmt.Errorf("read the version of the tables: %w", fault(err))
	}
	if version > len(all) {
		return fmt.Errorf("the database has version %d of the tables and this program knows up to %d; start the newer program: %w", version, len(all), graph.ErrConflict)
	}
	for _, m := range all[version:] {
		if err := d.migrateTo(ctx, conn, m); err != nil {
			return fmt.Errorf("migration %s: %w", m.Name, fault(err))
		}
		d.log.InfoContext(ctx, "store migrated", "ref", m.Name)
	}
	jobs, err := rivermigrate.New(riverpgxv5.New(d.connections), &rivermigrate.Config{Logger: quiet(d.log)})
	if err != nil {
		return fmt.Errorf("prepare the tables of the jobs: %w", err)
	}
	if _, err := jobs.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the tables of the jobs: %w", fault(err))
	}
	return nil
}

// postgresVersion returns the version of the tables; 0 in an empty database.
func postgresVersion(ctx context.Context, conn *pgxpool.Conn) (version int, err error) {
	_, err = conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS migrations (version bigint PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT now())")
	if err != nil {
		return 0, err
	}
	return version, conn.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM migrations").Scan(&version)
}

func (d *postgresDB) migrateTo(ctx context.Context, conn *pgxpool.Conn, m migrations.Migration) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, statement := range m.Statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "INSERT INTO migrations (version, name) VALUES ($1, $2)", m.Version, m.Name)
		return err
	})
}

// begin takes a connection and begins on the pgx connection under it, so that
// ent, the queue and COPY are in one transaction.
func (d *postgresDB) begin(ctx context.Context, exclusive bool) (transaction, error) {
	conn, err := d.readers.Conn(ctx)
	if err != nil {
		return nil, err
	}
	t := &postgresTx{Conn: conn, jobs: d.jobs}
	err = conn.Raw(func(driver any) error {
		t.tx, err = driver.(*stdlib.Conn).Conn().Begin(ctx)
		return err
	})
	if err == nil && exclusive {
		_, err = t.tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))", lockCommit)
	}
	if err != nil {
		t.rollback()
		return nil, err
	}
	return t, nil
}

// postgresTx is a write transaction. Its connection is used for nothing else
// while it lasts.
type postgresTx struct {
	*sql.Conn
	tx   pgx.Tx
	jobs *river.Client[pgx.Tx]
	done bool
}

// copyRows is from how many rows on COPY is faster than INSERT.
const copyRows = 30

func (t *postgresTx) insert(ctx context.Context, table string, columns []string, n int, values func(int) ([]any, error)) error {
	if n >= copyRows {
		_, err := t.tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(n, values))
		return err
	}
	args := make([]any, 0, n*len(columns))
	for i := range n {
		row, err := values(i)
		if err != nil {
			return err
		}
		args = append(args, row...)
	}
	_, err := t.tx.Exec(ctx, numbered(insertSQL(table, columns, n)), args...)
	return err
}

// numbered turns the parameters of a statement of ours, which has no other
// question marks, into those of PostgreSQL.
func numbered(statement string) string {
	var b strings.Builder
	n := 0
	for _, r := range statement {
		if r == '?' {
			n++
			fmt.Fprintf(&b, "$%d", n)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// endRows is how many rows one statement ends.
const endRows = 5_000

func (t *postgresTx) end(ctx context.Context, table string, at int64, rows []stored) (*stored, error) {
	for len(rows) > 0 {
		part := rows[:min(endRows, len(rows))]
		keys, digests := make([]string, len(part)), make([][]byte, len(part))
		for i, row := range part {
			keys[i], digests[i] = row.key, row.digest
		}
		ended, err := t.tx.Query(ctx, "UPDATE "+quote(table)+" AS r SET ended = $1 FROM unnest($2::text[], $3::bytea[]) AS e(key, digest) WHERE r.key = e.key AND r.ended IS NULL AND r.digest = e.digest RETURNING r.key", at, keys, digests)
		if err != nil {
			return nil, err
		}
		got, err := pgx.CollectRows(ended, pgx.RowTo[string])
		if err != nil {
			return nil, err
		}
		if missed := firstMissing(part, got); missed != nil {
			return missed, nil
		}
		rows = rows[len(part):]
	}
	return nil, nil
}

// firstMissing returns the first row that is not among those ended, each once.
func firstMissing(rows []stored, ended []string) *stored {
	left := make(map[string]int, len(ended))
	for _, key := range ended {
		left[key]++
	}
	for i, row := range rows {
		if left[row.key] == 0 {
			return &rows[i]
		}
		left[row.key]--
	}
	return nil
}

func (t *postgresTx) enqueue(ctx context.Context, args river.JobArgs) error {
	return enqueue(ctx, t.jobs, t.tx, args)
}

func (t *postgresTx) commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// From here on the commit is not cut short: whether it was done would not
	// be known.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := t.tx.Commit(ctx); err != nil {
		return err
	}
	t.done = true
	_ = t.Close() // it is committed, whatever becomes of the connection
	return nil
}

func (t *postgresTx) rollback() {
	if t.done {
		return
	}
	t.done = true
	if t.tx != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		// Where it fails the connection is broken, and ends the transaction.
		_ = t.tx.Rollback(ctx)
	}
	_ = t.Close()
}
