package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"cadastre.dev/cadastre/graph"
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
}

// Store is an open catalog. All its methods may be called concurrently.
type Store struct{}

var errSkeleton = errors.New("not yet")

// Open opens or makes the store, and brings its tables up to date; an existing
// file is copied beside itself first. A file that a newer program wrote is
// graph.ErrConflict and stays as it is.
func Open(ctx context.Context, c Config) (*Store, error) { return nil, errSkeleton }

// Close waits for reads and writes under way and closes the file.
func (s *Store) Close() error { return errSkeleton }

// Catalog is the id of the catalog, drawn when the store was made.
func (s *Store) Catalog() string { return "" }

// Head returns the newest revision, 0 for an empty catalog.
func (s *Store) Head(ctx context.Context) (graph.Revision, error) { return 0, errSkeleton }

// Cursor says where the crawls of a source stand. It stands outside revisions.
type Cursor struct {
	Source string
	// Cursor is the source's own; opaque.
	Cursor    []byte
	CrawledAt time.Time
	// Problems are those of the last crawl, in sentences.
	Problems []string
}

// Cursor returns where a source stands; graph.ErrNotFound before its first
// crawl.
func (s *Store) Cursor(ctx context.Context, source string) (Cursor, error) {
	return Cursor{}, errSkeleton
}

// Cursors returns where all sources stand, by name.
func (s *Store) Cursors(ctx context.Context) ([]Cursor, error) { return nil, errSkeleton }

// Commit runs fn in one write transaction on behalf of who. Three things may
// happen: something changed, and the new revision is returned; nothing of the
// catalog changed (events, jobs and cursors of fn are kept none the less), and
// the present revision is returned; or an error, of fn or of the store, and
// nothing of it is written. Commits wait for each other. fn must not use the
// Store, only its Tx, and must not keep the Tx.
func (s *Store) Commit(ctx context.Context, who graph.Principal, why string, fn func(*Tx) error) (graph.Revision, error) {
	return 0, errSkeleton
}
