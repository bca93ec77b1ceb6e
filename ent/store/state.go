package store

import (
	"context"
	"fmt"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/event"
	"cadastre.dev/cadastre/ent/gen/session"
	"cadastre.dev/cadastre/ent/migrations"
	"cadastre.dev/cadastre/graph"
	"entgo.io/ent/dialect"
	"github.com/riverqueue/river/rivertype"
)

// State is how the store stands, in numbers alone.
type State struct {
	Revision graph.Revision
	// Events counts the audit log.
	Events int64
	// Sessions counts the browsers that are signed in.
	Sessions int
	// Bytes is what the database takes on disk.
	Bytes int64
	// Jobs counts those that wait, run or will be tried again.
	Jobs map[JobsOf]int
}

// JobsOf names the jobs of one kind in one state.
type JobsOf struct {
	Kind  string
	State rivertype.JobState
}

// State counts what the store holds.
func (s *Store) State(ctx context.Context) (State, error) {
	out := State{Jobs: map[JobsOf]int{}}
	var err error
	if out.Revision, err = s.Head(ctx); err != nil {
		return State{}, err
	}
	if out.Events, err = s.rows.Event.Query().Order(gen.Desc(event.FieldID)).FirstID(ctx); err != nil && !gen.IsNotFound(err) {
		return State{}, fmt.Errorf("count events: %w", err)
	}
	if out.Sessions, err = s.rows.Session.Query().Where(session.ExpiresAtGT(micros(s.now()))).Count(ctx); err != nil {
		return State{}, fmt.Errorf("count sessions: %w", err)
	}
	if err := s.readers.QueryRowContext(ctx, sizeSQL(s.dialect)).Scan(&out.Bytes); err != nil {
		return State{}, fmt.Errorf("measure the database: %w", err)
	}
	jobs, err := s.Pending(ctx)
	if err != nil {
		return State{}, err
	}
	for _, j := range jobs {
		out.Jobs[JobsOf{j.Kind, j.State}]++
	}
	return out, nil
}

// sizeSQL asks a database how many bytes it takes on disk.
func sizeSQL(name string) string {
	if name == dialect.SQLite {
		return "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	}
	return "SELECT pg_database_size(current_database())"
}

// Ready says whether the store answers and its tables are those that this
// program knows. graph.ErrUnavailable: it does not answer; graph.ErrConflict:
// a newer program has migrated the tables since this one opened them.
func (s *Store) Ready(ctx context.Context) error {
	if _, err := s.Head(ctx); err != nil {
		return unavailable(err)
	}
	known, query := migrations.SQLite, "PRAGMA user_version"
	if s.dialect != dialect.SQLite {
		known, query = migrations.Postgres, "SELECT coalesce(max(version), 0) FROM migrations"
	}
	all, err := known()
	if err != nil {
		return err
	}
	var version int
	if err := s.readers.QueryRowContext(ctx, query).Scan(&version); err != nil {
		return fmt.Errorf("read the version of the tables: %w", unavailable(err))
	}
	if version != len(all) {
		return fmt.Errorf("the tables have version %d and this program knows %d: %w", version, len(all), graph.ErrConflict)
	}
	return nil
}
