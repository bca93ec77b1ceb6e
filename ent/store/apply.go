package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"cadastre.dev/cadastre/graph"
	entsql "entgo.io/ent/dialect/sql"
)

// Apply writes the changes. Each is verified: what it says was must be what
// stands, else the delta was made from an old state and the answer is
// graph.ErrConflict. To begin what stands already with the same content is no
// change.
func (t *Tx) Apply(ctx context.Context, delta graph.Delta) error {
	writes := map[string]*write{}
	for _, c := range delta {
		table, err := tableOf(c.Item())
		if err != nil {
			return err
		}
		if writes[table.name] == nil {
			writes[table.name] = &write{table: table}
		}
		if err := writes[table.name].add(c); err != nil {
			return err
		}
	}
	for _, table := range tables() {
		if w := writes[table.name]; w != nil {
			if err := t.write(ctx, w); err != nil {
				return fmt.Errorf("apply %s: %w", table.word, err)
			}
		}
	}
	return t.forgetChanged(ctx, delta)
}

// write is what a delta does to one table: rows end before others begin.
type write struct {
	table         table
	end           []stored
	begin, change []stored
}

// stored is an item with the digest of its content.
type stored struct {
	item   graph.Item
	key    string
	digest []byte
}

func store(i graph.Item) (stored, error) {
	d, err := digest(i)
	return stored{item: i, key: i.Key(), digest: d}, err
}

func (w *write) add(c graph.Change) error {
	switch c := c.(type) {
	case graph.Began:
		now, err := store(c.Now)
		w.begin = append(w.begin, now)
		return err
	case graph.Ended:
		was, err := store(c.Was)
		w.end = append(w.end, was)
		return err
	case graph.Changed:
		was, err := store(c.Was)
		if err != nil {
			return err
		}
		now, err := store(c.Now)
		if err != nil {
			return err
		}
		if was.key != now.key {
			return fmt.Errorf("change of %s into %s: the key must stay: %w", was.key, now.key, graph.ErrInvalid)
		}
		if !bytes.Equal(was.digest, now.digest) {
			w.end, w.change = append(w.end, was), append(w.change, now)
		}
		return nil
	}
	return fmt.Errorf("change %T: %w", c, graph.ErrInvalid)
}

func (t *Tx) write(ctx context.Context, w *write) error {
	if err := t.end(ctx, w.table, w.end); err != nil {
		return err
	}
	begin, err := t.unknown(ctx, w.table, w.begin)
	if err != nil {
		return err
	}
	if err := t.begin(ctx, w.table, append(begin, w.change...)); err != nil {
		return err
	}
	t.count(w.table.word, "began", len(begin))
	t.count(w.table.word, "changed", len(w.change))
	t.count(w.table.word, "ended", len(w.end)-len(w.change))
	return nil
}

// end ends rows; each must stand with the content expected.
func (t *Tx) end(ctx context.Context, table table, rows []stored) error {
	if len(rows) == 0 {
		return nil
	}
	missed, err := t.tx.end(ctx, table.name, int64(t.next()), rows)
	if err != nil {
		return fmt.Errorf("end %d rows, %s first: %w", len(rows), rows[0].key, err)
	}
	if missed != nil {
		return fmt.Errorf("end %s: it is not as the delta says it was: %w", missed.key, graph.ErrConflict)
	}
	return nil
}

// unknown returns the rows that do not stand already. One that stands with
// other content is graph.ErrConflict.
func (t *Tx) unknown(ctx context.Context, table table, rows []stored) ([]stored, error) {
	var out []stored
	for part := range slices.Chunk(rows, chunk) {
		standing, err := t.standing(ctx, table, part)
		if err != nil {
			return nil, err
		}
		for _, row := range part {
			switch d, ok := standing[row.key]; {
			case !ok:
				out = append(out, row)
			case !bytes.Equal(d, row.digest):
				return nil, fmt.Errorf("begin %s: it stands already with other content: %w", row.key, graph.ErrConflict)
			}
		}
	}
	return out, nil
}

// standing returns the digests of those of the rows whose keys stand.
func (t *Tx) standing(ctx context.Context, table table, rows []stored) (map[string][]byte, error) {
	keys := make([]string, len(rows))
	for i, row := range rows {
		keys[i] = row.key
	}
	query, args := entsql.Dialect(t.store.dialect).Select(colKey, colDigest).From(entsql.Table(table.name)).
		Where(entsql.And(in(colKey, keys), current())).Query()
	found, err := t.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", table.name, err)
	}
	defer found.Close() //nolint:errcheck // Err tells
	out := map[string][]byte{}
	for found.Next() {
		var (
			key string
			d   []byte
		)
		if err := found.Scan(&key, &d); err != nil {
			return nil, fmt.Errorf("look up %s: %w", table.name, err)
		}
		out[key] = d
	}
	return out, found.Err()
}

// begin inserts rows in bulk.
func (t *Tx) begin(ctx context.Context, table table, rows []stored) error {
	if len(rows) == 0 {
		return nil
	}
	columns := table.columns()
	err := t.tx.insert(ctx, table.name, columns, len(rows), func(i int) ([]any, error) {
		row, content := rows[i], table.row()
		if err := content.put(row.item); err != nil {
			return nil, fmt.Errorf("begin %s: %w", row.key, err)
		}
		values := make([]any, 0, len(columns))
		values = append(values, row.key, text(row.item.About()), row.digest, int64(t.next()))
		return append(values, content.fields()...), nil
	})
	if isDuplicate(err) {
		return fmt.Errorf("begin %d rows, %s first: one stands twice: %w", len(rows), rows[0].key, graph.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("begin %d rows, %s first: %w", len(rows), rows[0].key, err)
	}
	return nil
}
