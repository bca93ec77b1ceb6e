package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// create makes an empty table in place of whatever has its name.
func (k *worker) create(q tableQuestion) (struct{}, error) {
	if err := checkFields(q.Schema); err != nil {
		return struct{}{}, err
	}
	if _, err := k.drop(q); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, k.run(q, createSQL(q.Table, q.Schema))
}

// view makes a view in place of whatever has its name.
func (k *worker) view(q tableQuestion) (struct{}, error) {
	x, err := k.executor()
	if err != nil {
		return struct{}{}, err
	}
	s, err := parseStatement(x.lang, q.SQL)
	if err != nil {
		return struct{}{}, refuse(err)
	}
	if s.kind != "ASTQueryStatement" {
		return struct{}{}, &fault{kindInvalid, "a view is made of one query"}
	}
	if _, err := k.drop(q); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, k.run(q, "CREATE VIEW "+quote(q.Table)+" AS "+q.SQL)
}

// drop removes a table or a view; it is no fault when there is none.
func (k *worker) drop(q tableQuestion) (struct{}, error) {
	if q.Table == "" {
		return struct{}{}, &fault{kindInvalid, "a table needs a name"}
	}
	// Each fails on the other's kind, whichever that is: the one that fits
	// decides.
	viewErr := k.run(q, "DROP VIEW IF EXISTS "+quote(q.Table))
	tableErr := k.run(q, "DROP TABLE IF EXISTS "+quote(q.Table))
	if viewErr != nil && tableErr != nil {
		return struct{}{}, tableErr
	}
	return struct{}{}, nil
}

// run executes one statement of the worker's own making.
func (k *worker) run(q tableQuestion, statement string) error {
	x, err := k.executor()
	if err != nil {
		return err
	}
	if err := x.defaults(q.DefaultProject, q.DefaultDataset); err != nil {
		return err
	}
	if _, err := x.conn.ExecContext(context.Background(), statement); err != nil {
		return refuseRun(err)
	}
	return nil
}

// load appends rows in one transaction.
func (k *worker) load(q tableQuestion) (struct{}, error) {
	none := struct{}{}
	if err := checkFields(q.Schema); err != nil {
		return none, err
	}
	if err := checkRows(q.Rows, len(q.Schema)); err != nil {
		return none, err
	}
	x, err := k.executor()
	if err != nil {
		return none, err
	}
	if err := x.defaults("", ""); err != nil {
		return none, err
	}
	tx, err := x.conn.BeginTx(context.Background(), nil)
	if err != nil {
		return none, fmt.Errorf("begin load: %w", err)
	}
	statement := loadSQL(q.Table, q.Schema)
	for rows := q.Rows; len(rows) > 0; {
		n := min(len(rows), loadChunk)
		if _, err := tx.ExecContext(context.Background(), statement, sql.Named("rows", array(rows[:n]))); err != nil {
			_ = tx.Rollback()
			return none, refuseRun(err)
		}
		rows = rows[n:]
	}
	if err := tx.Commit(); err != nil {
		return none, fmt.Errorf("commit load: %w", err)
	}
	return none, nil
}

// checkRows refuses rows that are no lists of one cell for each column: their
// cells would be read as NULL.
func checkRows(rows []json.RawMessage, columns int) error {
	for i, row := range rows {
		var cells []json.RawMessage
		if err := json.Unmarshal(row, &cells); err != nil || len(cells) != columns {
			return &fault{kindInvalid, fmt.Sprintf("row %d is no list of %d cells", i, columns)}
		}
	}
	return nil
}

// array puts rows that are JSON already into one array of them.
func array[T ~[]byte](rows []T) string {
	b := []byte{'['}
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, r...)
	}
	return string(append(b, ']'))
}
