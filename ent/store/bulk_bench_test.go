package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/pgtest"
	"github.com/jackc/pgx/v5"
)

// BenchmarkBulk commits column rows into an empty catalog, beside the bare
// driver writing the same values into the same table of another: multi-row
// INSERT on SQLite, COPY on PostgreSQL. The two take turns; ratio is the
// store's rate by the driver's.
func BenchmarkBulk(b *testing.B) {
	const tables, each = 1000, 60
	delta, rows := bulkRows(b, tables, each)
	server := pgtest.Start(b)
	for _, c := range []struct {
		name   string
		config func() Config
		raw    func(context.Context, *Store, [][]any) error
	}{
		{"sqlite", func() Config { return Config{Path: b.TempDir() + "/store.db"} }, rawSQLite},
		{"postgres", func() Config { return Config{URL: server.Database(b)} }, rawPostgres},
	} {
		b.Run(c.name, func(b *testing.B) {
			var ours, bare time.Duration
			for b.Loop() {
				ours += timed(b, c.config(), func(s *Store) error {
					_, err := s.Commit(b.Context(), graph.Principal{ID: "boss@example.org"}, "crawl", func(tx *Tx) error { return tx.Apply(b.Context(), delta) })
					return err
				})
				bare += timed(b, c.config(), func(s *Store) error { return c.raw(b.Context(), s, rows) })
			}
			n := float64(tables * each * b.N)
			b.ReportMetric(n/ours.Seconds(), "rows/s")
			b.ReportMetric(n/bare.Seconds(), "driver-rows/s")
			b.ReportMetric(bare.Seconds()/ours.Seconds(), "ratio")
		})
	}
}

func bulkRows(b *testing.B, tables, each int) (graph.Delta, [][]any) {
	b.Helper()
	var delta graph.Delta
	var rows [][]any
	for n := range tables {
		ref := graph.BigQueryRef("project", fmt.Sprintf("dataset_%03d", n%250), fmt.Sprintf("table_%05d", n))
		for c := range each {
			column := graph.Column{
				Ref: ref.Column(fmt.Sprintf("payload.metrics.field_%03d", c)), Position: c, Type: "STRING", Mode: graph.ModeNullable,
				Description: "one of many columns of this table",
			}
			kept, err := store(column)
			if err != nil {
				b.Fatal(err)
			}
			var row columnRow
			if err := row.put(column); err != nil {
				b.Fatal(err)
			}
			delta = append(delta, graph.Began{Now: column})
			rows = append(rows, []any{kept.key, ref.String(), kept.digest, int64(1), row.path, row.position, row.typ, string(row.mode), row.description, row.policyTags})
		}
	}
	return delta, rows
}

// timed opens an empty store and says how long fn takes in it.
func timed(b *testing.B, c Config, fn func(*Store) error) time.Duration {
	b.Helper()
	s, err := Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	started := time.Now()
	if err := fn(s); err != nil {
		b.Fatal(err)
	}
	took := time.Since(started)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return took
}

func rawSQLite(ctx context.Context, s *Store, rows [][]any) error {
	tx, err := sqliteOf(s).writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	columns := columnTable().columns()
	stmt, err := tx.PrepareContext(ctx, insertSQL("columns", columns, insertRows))
	if err != nil {
		return err
	}
	defer stmt.Close()
	for from := 0; from < len(rows); from += insertRows {
		var args []any
		for _, row := range rows[from : from+insertRows] {
			args = append(args, row...)
		}
		if _, err := stmt.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func rawPostgres(ctx context.Context, s *Store, rows [][]any) error {
	return pgx.BeginFunc(ctx, s.db.(*postgresDB).connections, func(tx pgx.Tx) error {
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"columns"}, columnTable().columns(), pgx.CopyFromRows(rows))
		return err
	})
}
