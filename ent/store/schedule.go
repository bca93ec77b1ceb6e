package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/meta"
	entsql "entgo.io/ent/dialect/sql"
)

// metaDue begins the rows of meta that say when a scheduled work was last made
// due.
const metaDue = "due:"

// PutDue notes that a scheduled work was made due. It is written with the job,
// so that of several programs that look at the clock one alone makes it due.
func (t *Tx) PutDue(ctx context.Context, name string, at time.Time) error {
	err := t.rows.Meta.Create().SetID(metaDue + name).SetValue(strconv.FormatInt(micros(at), 10)).
		OnConflictColumns(meta.FieldID).UpdateNewValues().Exec(ctx)
	if err != nil {
		return fmt.Errorf("note that %s is due: %w", name, err)
	}
	return nil
}

// Due returns when the scheduled works were last made due, by name, as the
// transaction sees it.
func (t *Tx) Due(ctx context.Context) (map[string]time.Time, error) { return dueTimes(ctx, t.rows) }

// Due returns when the scheduled works were last made due, by name.
func (s *Store) Due(ctx context.Context) (map[string]time.Time, error) { return dueTimes(ctx, s.rows) }

func dueTimes(ctx context.Context, rows *gen.Client) (map[string]time.Time, error) {
	found, err := rows.Meta.Query().Where(func(s *entsql.Selector) { s.Where(entsql.HasPrefix(s.C(meta.FieldID), metaDue)) }).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read when works were due: %w", err)
	}
	out := make(map[string]time.Time, len(found))
	for _, row := range found {
		us, err := strconv.ParseInt(row.Value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read when %s was due: %w", row.ID, err)
		}
		out[strings.TrimPrefix(row.ID, metaDue)] = fromMicros(us)
	}
	return out, nil
}
