package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"

	"cadastre.dev/cadastre/graph"
	entsql "entgo.io/ent/dialect/sql"
)

// table says how the items of one type stand in the database. All have the
// columns of skeleton, and payload after them.
type table struct {
	// word names the type in the audit log.
	word string
	name string
	// payload are the columns in which the content stands.
	payload []string
	// row makes what a row is read into and written from.
	row func() row
	// order is how the rows of one asset are sorted for readers.
	order []string
}

// row is one item as it stands in a table's payload. A row is read into again
// and again; the items it makes share nothing with it.
type row interface {
	// fields points at the payload, in the order of table.payload.
	fields() []any
	// put takes the content of an item over.
	put(graph.Item) error
	// item is the content of the row with the key, which is about the asset.
	item(key string, about graph.Ref) (graph.Item, error)
}

// The columns that every table of items has.
const (
	colKey    = "key"
	colAbout  = "about"
	colDigest = "digest"
	colBegan  = "began"
	colEnded  = "ended"
)

// tables are all the tables of items, in the order in which items are written.
func tables() []table {
	return []table{assetTable(), columnTable(), ownerTable(), grantTable(), tagTable(), statementTable(), edgeTable(), annotationTable()}
}

// tableOf returns the table in which an item stands.
func tableOf(i graph.Item) (table, error) {
	switch i.(type) {
	case graph.Asset:
		return assetTable(), nil
	case graph.Column:
		return columnTable(), nil
	case graph.Owner:
		return ownerTable(), nil
	case graph.Grant:
		return grantTable(), nil
	case graph.Tag:
		return tagTable(), nil
	case graph.Statement:
		return statementTable(), nil
	case graph.Edge:
		return edgeTable(), nil
	case graph.Annotation:
		return annotationTable(), nil
	}
	return table{}, fmt.Errorf("item %T has no table: %w", i, graph.ErrInvalid)
}

// columns are those of an inserted row.
func (t table) columns() []string {
	return append([]string{colKey, colAbout, colDigest, colBegan}, t.payload...)
}

// digest is a short hash over the content of an item, by which the store knows
// whether a row is still what a delta was made from. Text that is not UTF-8 is
// graph.ErrInvalid: it would come back as something else, and the same facts
// would make a revision each time. So is text with a NUL, which PostgreSQL does
// not keep.
func digest(i graph.Item) ([]byte, error) {
	data, err := json.Marshal(i)
	if err != nil {
		return nil, fmt.Errorf("encode %q: %w", i.Key(), err)
	}
	if escaped(data, `\ufffd`) || escaped(data, `\u0000`) {
		return nil, fmt.Errorf("encode %q: text that is not UTF-8, or holds a NUL: %w", i.Key(), graph.ErrInvalid)
	}
	sum := sha256.Sum256(data)
	return sum[:16], nil
}

// escaped says whether JSON holds an escape that the encoder writes, as it does
// \ufffd for bytes that are no text; the character itself it does not escape.
// A backslash in a text it doubles.
func escaped(data []byte, escape string) bool {
	for rest := data; ; {
		at := bytes.Index(rest, []byte(escape))
		if at < 0 {
			return false
		}
		before := rest[:at]
		if slashes := len(before) - len(bytes.TrimRight(before, `\`)); slashes%2 == 0 {
			return true
		}
		rest = rest[at+len(escape):]
	}
}

// querier is a handle or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// span is the time in which a row holds: from began until before ended, which
// is 0 while it holds.
type span struct{ began, ended graph.Revision }

// selection says which rows of a table to read.
type selection struct {
	table table
	where *entsql.Predicate
	// order are columns; limit 0 means all.
	order []string
	limit int
}

// read calls emit with each selected item. An error of emit ends it.
func read(ctx context.Context, q querier, dialect string, s selection, emit func(graph.Item, span) error) error {
	columns := append([]string{colKey, colAbout, colBegan, colEnded}, s.table.payload...)
	query := entsql.Dialect(dialect).Select(columns...).From(entsql.Table(s.table.name)).OrderBy(s.order...)
	if s.where != nil {
		query.Where(s.where)
	}
	if s.limit > 0 {
		query.Limit(s.limit)
	}
	text, args := query.Query()
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.table.name, fault(err))
	}
	defer rows.Close() //nolint:errcheck // Err tells
	var (
		key     string
		about   string
		at      span
		ended   sql.NullInt64
		into    = s.table.row()
		targets = append([]any{&key, &about, &at.began, &ended}, into.fields()...)
		refs    refs
	)
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return fmt.Errorf("read %s: %w", s.table.name, err)
		}
		at.ended = graph.Revision(ended.Int64)
		ref, err := refs.parse(about)
		if err != nil {
			return fmt.Errorf("read %s: %w", s.table.name, err)
		}
		item, err := into.item(key, ref)
		if err != nil {
			return fmt.Errorf("read %s: %w", s.table.name, err)
		}
		if err := emit(item, at); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read %s: %w", s.table.name, fault(err))
	}
	return nil
}

// refs remembers the last ref it read, for rows come sorted by asset.
type refs struct {
	text string
	ref  graph.Ref
}

func (r *refs) parse(text string) (graph.Ref, error) {
	if text == r.text {
		return r.ref, nil
	}
	ref, err := parseText(text)
	if err == nil {
		r.text, r.ref = text, ref
	}
	return ref, err
}

// text is how a ref stands in the database: "" for none.
func text(r graph.Ref) string {
	if r.IsZero() {
		return ""
	}
	return r.String()
}

func parseText(s string) (graph.Ref, error) {
	if s == "" {
		return graph.Ref{}, nil
	}
	return graph.ParseRef(s)
}

// holds selects the rows that hold at a revision.
func holds(at graph.Revision) *entsql.Predicate {
	return entsql.And(entsql.LTE(colBegan, int64(at)), entsql.Or(entsql.IsNull(colEnded), entsql.GT(colEnded, int64(at))))
}

// current selects the rows that hold now.
func current() *entsql.Predicate { return entsql.IsNull(colEnded) }

// in selects by the values of one column.
func in(column string, values []string) *entsql.Predicate {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return entsql.In(column, args...)
}

// chunk is how many keys one statement asks for.
const chunk = 500

// putJSON writes a list or map into text: "" for an empty one, so that nil and
// empty are one thing.
func putJSON[T any](size int, v T) (string, error) {
	if size == 0 {
		return "", nil
	}
	data, err := json.Marshal(v)
	return string(data), err
}

// getJSON reads what putJSON wrote.
func getJSON[T any](text string) (T, error) {
	var v T
	if text == "" {
		return v, nil
	}
	err := json.Unmarshal([]byte(text), &v)
	return v, err
}

// each calls emit with the two columns of each row of a query.
func each[A, B any](ctx context.Context, q querier, query string, args []any, emit func(A, B)) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("query: %w", fault(err))
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var (
			a A
			b B
		)
		if err := rows.Scan(&a, &b); err != nil {
			return fmt.Errorf("query: %w", err)
		}
		emit(a, b)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("query: %w", fault(err))
	}
	return nil
}
