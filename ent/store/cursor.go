package store

import (
	"context"
	"fmt"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/cursor"
	"cadastre.dev/cadastre/graph"
)

// Cursor says where the crawls of a source stand. It stands outside revisions:
// that a source was seen again changes nothing in the catalog.
type Cursor struct {
	Source string
	// Cursor is the source's own; opaque.
	Cursor    []byte
	CrawledAt time.Time
	// Problems are those of the last crawl, in sentences.
	Problems []string
	// Held is the removal that waits for a person's word, in the form of who
	// keeps it; empty for none.
	Held string
}

// PutCursor keeps where the crawls of a source stand.
func (t *Tx) PutCursor(ctx context.Context, c Cursor) error {
	problems, err := putJSON(len(c.Problems), c.Problems)
	if err != nil {
		return fmt.Errorf("put cursor of %s: %w", c.Source, err)
	}
	err = t.rows.Cursor.Create().SetID(c.Source).SetCursor(c.Cursor).SetCrawledAt(micros(c.CrawledAt)).SetProblems(problems).SetHeld(c.Held).
		OnConflictColumns(cursor.FieldID).UpdateNewValues().Exec(ctx)
	if err != nil {
		return fmt.Errorf("put cursor of %s: %w", c.Source, err)
	}
	return nil
}

// Cursor returns where a source stands, as Store.Cursor does, within the
// transaction.
func (t *Tx) Cursor(ctx context.Context, source string) (Cursor, error) {
	return readCursor(ctx, t.rows, source)
}

// Cursor returns where a source stands; graph.ErrNotFound before its first
// crawl.
func (s *Store) Cursor(ctx context.Context, source string) (Cursor, error) {
	return readCursor(ctx, s.rows, source)
}

func readCursor(ctx context.Context, rows *gen.Client, source string) (Cursor, error) {
	row, err := rows.Cursor.Get(ctx, source)
	if gen.IsNotFound(err) {
		return Cursor{}, fmt.Errorf("cursor of %s: %w", source, graph.ErrNotFound)
	}
	if err != nil {
		return Cursor{}, fmt.Errorf("read cursor of %s: %w", source, err)
	}
	return cursorFrom(row)
}

// Cursors returns where all sources stand, by name. It tells of sources and
// not of assets; who may see sources is for the caller to say.
func (s *Store) Cursors(ctx context.Context) ([]Cursor, error) {
	rows, err := s.rows.Cursor.Query().Order(cursor.ByID()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read cursors: %w", err)
	}
	out := make([]Cursor, 0, len(rows))
	for _, row := range rows {
		c, err := cursorFrom(row)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func cursorFrom(row *gen.Cursor) (Cursor, error) {
	problems, err := getJSON[[]string](row.Problems)
	if err != nil {
		return Cursor{}, fmt.Errorf("read cursor of %s: %w", row.ID, err)
	}
	return Cursor{Source: row.ID, Cursor: row.Cursor, CrawledAt: fromMicros(row.CrawledAt), Problems: problems, Held: row.Held}, nil
}
