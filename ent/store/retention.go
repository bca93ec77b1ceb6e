package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/meta"
	"cadastre.dev/cadastre/ent/gen/revision"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	entsql "entgo.io/ent/dialect/sql"
)

// RetainArgs asks to remove the history that is older than it is kept.
type RetainArgs struct{}

// Kind names the job in the queue.
func (RetainArgs) Kind() string { return "retain" }

// Floor is the oldest revision that can still be read. The zero Floor means
// that nothing was ever removed.
type Floor struct {
	// Revision is the oldest that stands, and At when it was committed.
	Revision graph.Revision
	At       time.Time
	// Forgotten is when what stood before it was removed.
	Forgotten time.Time
}

// metaFloor is the row of meta that holds the floor.
const metaFloor = "history.floor"

// floorNote is how the floor stands in the database; times in microseconds.
type floorNote struct {
	Revision  int64 `json:"revision"`
	At        int64 `json:"at"`
	Forgotten int64 `json:"forgotten"`
}

// Floor returns the oldest revision that can still be read.
func (s *Store) Floor(ctx context.Context) (Floor, error) { return floorOf(ctx, s.rows) }

func floorOf(ctx context.Context, rows *gen.Client) (Floor, error) {
	row, err := rows.Meta.Get(ctx, metaFloor)
	if gen.IsNotFound(err) {
		return Floor{}, nil
	}
	if err != nil {
		return Floor{}, fmt.Errorf("read the floor of history: %w", fault(err))
	}
	var note floorNote
	if err := json.Unmarshal([]byte(row.Value), &note); err != nil {
		return Floor{}, fmt.Errorf("read the floor of history: %w", err)
	}
	return Floor{Revision: graph.Revision(note.Revision), At: fromMicros(note.At), Forgotten: fromMicros(note.Forgotten)}, nil
}

// holds refuses a revision below the floor with graph.ErrNotFound.
func (f Floor) holds(at graph.Revision) error {
	if at >= f.Revision {
		return nil
	}
	return fmt.Errorf("read at revision %d: history before revision %d (%s) was removed under retention on %s: %w",
		at, f.Revision, f.At.Format(time.RFC3339), f.Forgotten.Format(time.DateOnly), graph.ErrNotFound)
}

// Forgotten counts what was removed, by the audit log's words: assets, columns
// and so on.
type Forgotten map[string]int

// Forget removes for good what ended at or before a revision, which is the
// oldest that can be read from then on: reads at it and after it stay as they
// are, and those before it are refused. The audit log, the revisions, plans
// and the access ledger stay whole; they are the evidence of who did and could
// see what. It is recorded with what was removed. A revision that is not there
// yet is graph.ErrInvalid; one at or below the floor changes nothing.
func (t *Tx) Forget(ctx context.Context, before graph.Revision) (Forgotten, error) {
	if before < 1 || before > t.head {
		return nil, fmt.Errorf("forget history before revision %d: the newest is %d: %w", before, t.head, graph.ErrInvalid)
	}
	was, err := floorOf(ctx, t.rows)
	if err != nil || before <= max(was.Revision, 1) {
		return nil, err
	}
	gone := Forgotten{}
	for _, table := range tables() {
		query, args := entsql.Dialect(t.store.dialect).Delete(table.name).Where(entsql.LTE(colEnded, int64(before))).Query()
		result, err := t.tx.ExecContext(ctx, query, args...)
		if err != nil {
			return nil, fmt.Errorf("forget %s before revision %d: %w", table.word, before, err)
		}
		n, err := result.RowsAffected()
		if err != nil {
			return nil, fmt.Errorf("forget %s before revision %d: %w", table.word, before, err)
		}
		gone[table.word] = int(n)
	}
	if err := t.putFloor(ctx, before); err != nil {
		return nil, fmt.Errorf("forget history before revision %d: %w", before, err)
	}
	detail := map[string]string{"before": strconv.FormatInt(int64(before), 10)}
	for word, n := range gone {
		detail[word] = strconv.Itoa(n)
	}
	t.Record(audit.Event{Action: "forget", Object: "history", Detail: detail})
	return gone, nil
}

func (t *Tx) putFloor(ctx context.Context, at graph.Revision) error {
	made, err := t.rows.Revision.Query().Where(revision.ID(int64(at))).Only(ctx)
	if err != nil {
		return fmt.Errorf("read revision %d: %w", at, err)
	}
	note, err := json.Marshal(floorNote{Revision: made.ID, At: made.At, Forgotten: micros(t.store.now())})
	if err != nil {
		return fmt.Errorf("write the floor: %w", err)
	}
	return t.rows.Meta.Create().SetID(metaFloor).SetValue(string(note)).OnConflictColumns(meta.FieldID).UpdateNewValues().Exec(ctx)
}
