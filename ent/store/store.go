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
	"github.com/riverqueue/river"
)

// Config says where the store lies. The zero Config is a private store that
// Close removes.
type Config struct {
	// Path is the SQLite file; its folder must be there, the file need not.
	// Empty: a private file in the system's temporary folder, which Close
	// removes. Defaults to empty.
	Path string
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
	dialect string
	// writer has one connection, so that writes queue in the program and
	// SQLite never answers that it is busy. readers see the last commit.
	writer, readers *sql.DB
	// rows is ent's client over readers.
	rows *gen.Client
	// queue only inserts; NewJobClient makes the one that works.
	queue *river.Client[*sql.Tx]
	log   *slog.Logger
	now   func() time.Time
	// observer may be nil.
	observer Observer
	catalog  string
	derived  derived
	remove   func() error
}

// Open opens or makes the store, and brings its tables up to date; an existing
// file is copied beside itself first. A file that a newer program wrote is
// graph.ErrConflict and stays as it is.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Store{log: c.Logger, now: c.Now, observer: c.Observer, remove: func() error { return nil }}
	if err := s.open(ctx, c.Path); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) error {
	if err := s.openSQLite(ctx, path); err != nil {
		return fmt.Errorf("open store %s: %w", path, err)
	}
	s.rows = gen.NewClient(gen.Driver(entsql.OpenDB(s.dialect, s.readers)))
	queue, err := newQueue(s.readers, s.log)
	if err != nil {
		return fmt.Errorf("open store %s: %w", path, err)
	}
	s.queue = queue
	if err := s.identify(ctx); err != nil {
		return fmt.Errorf("open store %s: %w", path, err)
	}
	return nil
}

// Close waits for reads and writes under way and closes the file. Closing
// twice is no error.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.readers, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, s.remove())...)
}

// Catalog is the id of the catalog, drawn when the store was made.
func (s *Store) Catalog() string { return s.catalog }

// metaCatalog is the row of meta that holds the catalog's id.
const metaCatalog = "catalog"

// identify reads the catalog's id, and draws it in a new store.
func (s *Store) identify(ctx context.Context) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("identify catalog: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	rows := bind(s.dialect, tx)
	found, err := rows.Meta.Get(ctx, metaCatalog)
	if gen.IsNotFound(err) {
		found, err = rows.Meta.Create().SetID(metaCatalog).SetValue(rand.Text()).Save(ctx)
	}
	if err != nil {
		return fmt.Errorf("identify catalog: %w", err)
	}
	s.catalog = found.Value
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("identify catalog: %w", err)
	}
	return nil
}

// bind returns ent's client over a transaction that somebody else ends.
func bind(name string, tx *sql.Tx) *gen.Client {
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
