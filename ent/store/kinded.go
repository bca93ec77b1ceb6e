package store

import (
	"context"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// kinded is a driver whose errors have their kind, whichever of ent's verbs
// they come through.
type kinded struct{ dialect.Driver }

// Exec runs a statement.
func (d kinded) Exec(ctx context.Context, query string, args, v any) error {
	return fault(d.Driver.Exec(ctx, query, args, v))
}

// Query runs a query. That the connection breaks may show only when its rows
// are read.
func (d kinded) Query(ctx context.Context, query string, args, v any) error {
	if err := d.Driver.Query(ctx, query, args, v); err != nil {
		return fault(err)
	}
	if rows, ok := v.(*entsql.Rows); ok {
		rows.ColumnScanner = kindedRows{rows.ColumnScanner}
	}
	return nil
}

type kindedRows struct{ entsql.ColumnScanner }

// Err is why there are no more rows.
func (r kindedRows) Err() error { return fault(r.ColumnScanner.Err()) }
