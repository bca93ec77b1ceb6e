package store_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river"
)

// sameAnswers asks two readers the same and fails where they answer otherwise.
func sameAnswers(t *testing.T, when string, a, b *store.Reader) {
	t.Helper()
	ctx := t.Context()
	for name, ask := range map[string]func(*store.Reader) (any, error){
		"snapshot": func(r *store.Reader) (any, error) { return r.Snapshot(ctx, graph.Scope{}) },
		"counts":   func(r *store.Reader) (any, error) { return r.Counts(ctx) },
		"search":   func(r *store.Reader) (any, error) { return r.Search(ctx, search.Query{Text: "email"}) },
		"assets":   func(r *store.Reader) (any, error) { return r.ListAssets(ctx, store.AssetsIn{}, store.Page{}) },
		"lineage": func(r *store.Reader) (any, error) {
			return r.Walk(ctx, walk.Query{Root: graph.BigQueryRef("p", "d", "t0").Column("email"), Direction: walk.Both, Depth: 9})
		},
	} {
		x, err1 := ask(a)
		y, err2 := ask(b)
		if (err1 == nil) != (err2 == nil) || !errors.Is(err1, graph.ErrNotFound) && err1 != nil {
			t.Errorf("%s, %s: %v and %v", when, name, err1, err2)
		}
		if diff := cmp.Diff(x, y); diff != "" {
			t.Errorf("%s, %s (-one +other):\n%s", when, name, diff)
		}
	}
}

// TestWhatADoneJobLeaves enqueues beside jobs in each state: what still waits
// makes another superfluous, whatever it waits for; what is over does not.
func TestWhatADoneJobLeaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state string
		set   string
		want  int
	}{
		{"available", "state = 'available'", 1},
		{"scheduled", "state = 'scheduled', scheduled_at = '2100-01-01 00:00:00'", 1},
		{"retryable", "state = 'retryable', attempt = 1", 1},
		{"pending", "state = 'pending'", 1},
		{"running", "state = 'running', attempt = 1, attempted_at = CURRENT_TIMESTAMP", 2},
		{"completed", "state = 'completed', finalized_at = CURRENT_TIMESTAMP", 1},
		{"discarded", "state = 'discarded', finalized_at = CURRENT_TIMESTAMP", 1},
		{"cancelled", "state = 'cancelled', finalized_at = CURRENT_TIMESTAMP", 1},
	} {
		t.Run(c.state, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir() + "/store.db"
			s := openAt(t, path)
			enqueue := func(args river.JobArgs) {
				t.Helper()
				if _, err := s.Commit(t.Context(), boss, "due", func(tx *store.Tx) error { return tx.Enqueue(t.Context(), args) }); err != nil {
					t.Fatal(err)
				}
			}
			enqueue(store.CrawlArgs{Source: "a"})
			raw(t, path, "UPDATE river_job SET "+c.set) //nolint:gosec // of this table
			for range 3 {
				enqueue(store.CrawlArgs{Source: "a"})
			}
			pending := func() int {
				t.Helper()
				jobs, err := s.Pending(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return len(jobs)
			}
			if got := pending(); got != c.want {
				t.Errorf("%d jobs are pending, want %d", got, c.want)
			}
			enqueue(store.CrawlArgs{Source: "b"})   // another source
			enqueue(store.AnalyzeArgs{Source: "a"}) // another kind
			if got := pending(); got != c.want+2 {
				t.Errorf("%d jobs are pending with others, want %d", got, c.want+2)
			}
		})
	}
}

// TestReadsUseAnIndex asks SQLite how it would answer what pages ask most: by
// an index, and never by reading a whole table.
func TestReadsUseAnIndex(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{})
	for _, table := range []string{"assets", "columns", "owners", "grants", "tags", "edges", "statements"} {
		for name, where := range map[string]string{
			"by asset at a revision":    `"about" IN (?, ?) AND ("began" <= ? AND ("ended" IS NULL OR "ended" > ?))`,
			"by key now":                `"key" = ? AND "ended" IS NULL`,
			"began since":               `"began" > ? AND "began" <= ?`,
			"ended since":               `"ended" > ? AND "ended" <= ?`,
			"of visible assets by kind": `"about" IN (SELECT "about" FROM "owners" WHERE "principal" = ?)`,
		} {
			plan, err := store.Explain(t.Context(), s, `SELECT * FROM "`+table+`" WHERE `+where, strings.Count(where, "?"))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(plan, "SCAN "+table) {
				t.Errorf("%s %s reads the whole table:\n%s", table, name, plan)
			}
		}
	}
	for _, query := range []string{
		`SELECT * FROM edges WHERE from_about IN (?, ?)`,
		`SELECT * FROM edges WHERE statement IN (?, ?)`,
		`SELECT * FROM statements WHERE "key" IN (?, ?) AND began <= ?`,
		`SELECT * FROM decisions WHERE class IN (?, ?) AND began <= ?`,
		`SELECT * FROM sessions WHERE id = ? AND expires_at > ?`,
	} {
		plan, err := store.Explain(t.Context(), s, query, strings.Count(query, "?"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(plan, "SCAN") {
			t.Errorf("%s reads the whole table:\n%s", query, plan)
		}
	}
}

func ExampleReader_Search() {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // an example

	customers := graph.BigQueryRef("p", "d", "customers")
	_, err = s.Commit(ctx, graph.Principal{ID: "ana@example.org"}, "crawl", func(tx *store.Tx) error {
		return tx.Apply(ctx, graph.Diff(nil, graph.NewSnapshot(
			graph.Asset{Ref: customers, Kind: graph.KindTable},
			graph.Column{Ref: customers.Column("contact.email"), Type: "STRING"},
		)))
	})
	if err != nil {
		log.Println(err)
		return
	}
	r, err := s.Reader(ctx, graph.Principal{ID: "bo@example.org"}, graph.Everything(), 0)
	if err != nil {
		log.Println(err)
		return
	}
	found, err := r.Search(ctx, search.Query{Text: "email"})
	if err != nil {
		log.Println(err)
		return
	}
	for _, hit := range found.Hits {
		fmt.Println(hit.Asset.Ref, hit.Columns[0].Ref.Path)
	}
	// Output:
	// bigquery/p.d.customers contact.email
}

func ExampleReader_Walk() {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // an example

	raw, report := graph.BigQueryRef("p", "raw", "payments"), graph.BigQueryRef("p", "reporting", "revenue")
	_, err = s.Commit(ctx, graph.Principal{ID: "ana@example.org"}, "analyze", func(tx *store.Tx) error {
		return tx.Apply(ctx, graph.Diff(nil, graph.NewSnapshot(
			graph.Edge{From: raw.Column("amount"), To: report.Column("total"), Kind: graph.EdgeAggregation, Function: "SUM"},
		)))
	})
	if err != nil {
		log.Println(err)
		return
	}
	r, err := s.Reader(ctx, graph.Principal{ID: "bo@example.org"}, graph.Everything(), 0)
	if err != nil {
		log.Println(err)
		return
	}
	from, err := r.Walk(ctx, walk.Query{Root: report.Column("total"), Direction: walk.Up})
	if err != nil {
		log.Println(err)
		return
	}
	for _, e := range from.Edges {
		fmt.Println(e.From, e.Function, e.To)
	}
	// Output:
	// bigquery/p.raw.payments#amount SUM bigquery/p.reporting.revenue#total
}
