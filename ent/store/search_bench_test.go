package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
	"cadastre.dev/cadastre/graph/search"
)

// searchedAssets is how many assets BenchmarkSearchEstate holds,
// CADASTRE_BENCH_ASSETS where it is set.
func searchedAssets(b *testing.B) int {
	b.Helper()
	text := os.Getenv("CADASTRE_BENCH_ASSETS")
	if text == "" {
		return 10_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkSearchEstate searches an estate in the store beside FTS5, which
// scores every match and counts neither totals nor facets, query by query in
// turn. It tells what building the index takes, and what following a commit.
func BenchmarkSearchEstate(b *testing.B) {
	e := graphtest.NewEstate(1, searchedAssets(b), 20)
	s := openAt(b, b.TempDir()+"/store.db")
	fts := openFTS(b)
	fillEstate(b, s, fts, e)
	before := inUse()
	began, working := time.Now(), processor(b)
	if err := s.Warm(b.Context()); err != nil {
		b.Fatal(err)
	}
	built, worked := time.Since(began), processor(b)-working
	heap := inUse() - before
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			runtime.Gosched()
		}
		b.ReportMetric(built.Seconds(), "s")
		b.ReportMetric(worked.Seconds(), "processor-s")
		b.ReportMetric(float64(heap)/1e6, "MB")
		b.ReportMetric(0, "ns/op")
	})
	for _, kind := range []struct{ name, text string }{
		{"common term", "customer"},
		{"rare term", numbered(e)},
		{"two terms", "customer status"},
		{"three terms", "customer order status"},
		{"term and prefix", "customer sub*"},
		{"prefix", "cu*"},
	} {
		b.Run(strings.ReplaceAll(kind.name, " ", "_"), func(b *testing.B) { beside(b, s, fts, kind.text) })
	}
	for _, changed := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("follow_%d", changed), func(b *testing.B) { follow(b, s, e, changed) })
	}
}

// numbered is the number in a name that FTS5 splits as we do.
func numbered(e graphtest.Estate) string {
	for n := e.Len() / 2; ; n++ {
		if number := strconv.Itoa(n); strings.HasSuffix(e.At(n).Asset.Ref.Name, "_"+number) {
			return number
		}
	}
}

func openFTS(b *testing.B) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", filepath.Join(b.TempDir(), "fts.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(b.Context(), "CREATE VIRTUAL TABLE docs USING fts5(name, container, columns, description)"); err != nil {
		b.Fatal(err)
	}
	return db
}

// fillEstate writes the estate into both, some of it at a time.
func fillEstate(b *testing.B, s *store.Store, fts *sql.DB, e graphtest.Estate) {
	b.Helper()
	var items []graph.Item
	write := func() {
		_, err := s.Commit(b.Context(), boss, "crawl", func(tx *store.Tx) error {
			return tx.Apply(b.Context(), graph.Diff(nil, graph.NewSnapshot(items...)))
		})
		if err != nil {
			b.Fatal(err)
		}
		items = items[:0]
	}
	tx, err := fts.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for seen := range e.Assets() {
		items = append(items, seen.Asset)
		for _, o := range seen.Owners {
			items = append(items, o)
		}
		var columns, described []string
		for _, c := range seen.Columns {
			items = append(items, c)
			columns, described = append(columns, c.Ref.Path), append(described, c.Description)
		}
		if len(items) > 50_000 {
			write()
		}
		base := seen.Asset.Ref.Base()
		if _, err := tx.ExecContext(b.Context(), "INSERT INTO docs VALUES (?, ?, ?, ?)",
			base, strings.TrimSuffix(seen.Asset.Ref.Name, base), strings.Join(columns, " "), seen.Asset.Description+" "+strings.Join(described, " ")); err != nil {
			b.Fatal(err)
		}
	}
	write()
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

// beside asks the store and FTS5 in turn.
func beside(b *testing.B, s *store.Store, fts *sql.DB, text string) {
	b.Helper()
	ours := strings.ReplaceAll(text, "*", "")
	var here, there []time.Duration
	hits := 0
	for b.Loop() {
		began := time.Now()
		r, err := s.Reader(b.Context(), boss, graph.Everything(), 0)
		if err != nil {
			b.Fatal(err)
		}
		found, err := r.Search(b.Context(), search.Query{Text: ours})
		if err != nil || found.Total == 0 {
			b.Fatal(found.Total, err)
		}
		here, hits = append(here, time.Since(began)), found.Total
		began = time.Now()
		if n := scored(b, fts, text); n == 0 {
			b.Fatal("FTS5 finds nothing")
		}
		there = append(there, time.Since(began))
	}
	median := func(took []time.Duration) float64 {
		slices.Sort(took)
		return float64(took[len(took)/2].Microseconds()) / 1000
	}
	b.ReportMetric(median(here), "ms")
	b.ReportMetric(median(there), "fts5-ms")
	b.ReportMetric(median(there)/median(here), "x")
	b.ReportMetric(float64(hits), "hits")
	b.ReportMetric(0, "ns/op")
}

func scored(b *testing.B, fts *sql.DB, text string) (n int) {
	b.Helper()
	rows, err := fts.QueryContext(b.Context(), "SELECT name FROM docs WHERE docs MATCH ? ORDER BY rank LIMIT 25", text)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var name string
	for ; rows.Next(); n++ {
		if err := rows.Scan(&name); err != nil {
			b.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return n
}

// follow searches after commits that change so many assets; what is measured
// is the search alone.
func follow(b *testing.B, s *store.Store, e graphtest.Estate, changed int) {
	b.Helper()
	was := graph.Snapshot{}
	for n := range min(changed, e.Len()) {
		was.Put(e.At(n * e.Len() / changed).Asset)
	}
	var took time.Duration
	runs := 0
	for ; b.Loop(); runs++ {
		now := graph.Snapshot{}
		for n := range min(changed, e.Len()) {
			a := e.At(n * e.Len() / changed).Asset
			a.Description = fmt.Sprint("changed ", changed, " at ", runs)
			now.Put(a)
		}
		_, err := s.Commit(b.Context(), boss, "crawl", func(tx *store.Tx) error { return tx.Apply(b.Context(), graph.Diff(was, now)) })
		if err != nil {
			b.Fatal(err)
		}
		was = now
		began := time.Now()
		if err := s.Warm(b.Context()); err != nil {
			b.Fatal(err)
		}
		took += time.Since(began)
	}
	// The next one begins with the estate as it was.
	now := graph.Snapshot{}
	for n := range min(changed, e.Len()) {
		now.Put(e.At(n * e.Len() / changed).Asset)
	}
	if _, err := s.Commit(b.Context(), boss, "crawl", func(tx *store.Tx) error { return tx.Apply(b.Context(), graph.Diff(was, now)) }); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(took.Microseconds())/1000/float64(runs), "ms/search")
	b.ReportMetric(float64(took.Microseconds())/float64(runs)/float64(changed), "us/asset")
	b.ReportMetric(0, "ns/op")
}

// processor is the time that the program has worked, which others on the
// machine do not lengthen.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
