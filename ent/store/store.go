package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/graph"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// Config says where the store lies. The zero Config is a private store that
// Close removes.
type Config struct {
	// Path is the SQLite file; its folder must be there, the file need not.
	// Empty: a private file in the system's temporary folder, which Close
	// removes. Defaults to empty.
	Path string
	// URL is where a PostgreSQL database is, as libpq writes it; Path is then
	// not looked at. Any number of programs may have it open. It may hold a
	// password and stands in no error. Defaults to SQLite.
	URL string
	// Logger takes what operators should know. Defaults to discarding.
	Logger *slog.Logger
	// Now is the clock of revisions, events and sessions. Defaults to
	// time.Now.
	Now func() time.Time
	// Observer is told what the store does. Defaults to nobody.
	Observer Observer
}

// Store is an open catalog. All its methods may be called concurrently.
type Store struct {
	db database
	// dialect is ent's name of the database, and readers its pool.
	dialect string
	readers *sql.DB
	// rows is ent's client over readers.
	rows *gen.Client
	log  *slog.Logger
	now  func() time.Time
	// observer may be nil.
	observer Observer
	catalog  string
	derived  derived
}

// Open opens or makes the store, and brings its tables up to date; an existing
// file is copied beside itself first, and of several programs that open one
// database the first alone migrates. A database that a newer program wrote is
// graph.ErrConflict and stays as it is.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	where, open := c.Path, openSQLite
	if c.URL != "" {
		where, open = "postgres", openPostgres
	}
	db, err := open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", where, err)
	}
	s := &Store{db: db, dialect: db.name(), readers: db.pool(), log: c.Logger, now: c.Now, observer: c.Observer}
	s.rows = gen.NewClient(gen.Driver(kinded{entsql.OpenDB(s.dialect, s.readers)}))
	if err := s.identify(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", where, err), s.Close())
	}
	return s, nil
}

// Close waits for reads and writes under way and closes the database. Closing
// twice is no error.
func (s *Store) Close() error { return s.db.close() }

// Catalog is the id of the catalog, drawn when the store was made.
func (s *Store) Catalog() string { return s.catalog }

// metaCatalog is the row of meta that holds the catalog's id.
const metaCatalog = "catalog"

// identify reads the catalog's id, and draws it in a new store.
func (s *Store) identify(ctx context.Context) error {
	var err error
	if s.catalog, err = s.keepOnce(ctx, metaCatalog, rand.Text()); err != nil {
		return fmt.Errorf("identify catalog: %w", err)
	}
	return nil
}

// write runs fn in a write of its own, for what stands outside revisions and
// the audit log.
func (s *Store) write(ctx context.Context, exclusive bool, fn func(*gen.Client) error) error {
	tx, err := s.db.begin(ctx, exclusive)
	if err != nil {
		return unavailable(err)
	}
	defer tx.rollback()
	if err := fn(bind(s.dialect, tx)); err != nil {
		return fault(err)
	}
	if err := tx.commit(ctx); err != nil {
		return unavailable(err)
	}
	return nil
}

// bind returns ent's client over a transaction that somebody else ends.
func bind(name string, tx transaction) *gen.Client {
	return gen.NewClient(gen.Driver(within{entsql.NewDriver(name, entsql.Conn{ExecQuerier: tx})}))
}

// within is a driver over a transaction: what ent wants to do in one of its
// own is done in that.
type within struct{ *entsql.Driver }

// Tx returns the transaction that there is; ending it does nothing.
func (d within) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(d.Driver), nil }

// Head returns the newest revision, 0 for an empty catalog.
func (s *Store) Head(ctx context.Context) (graph.Revision, error) { return head(ctx, s.rows) }

// micros is how times stand in the database.
func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
