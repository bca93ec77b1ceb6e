package store_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
)

// The pages that BenchmarkScale reads: so many assets of so many columns, of
// which every fifth changes in each of so many revisions.
const (
	pageAssets, pageColumns, pageChanges = 200, 200, 40
	pageReads                            = 3000
)

// BenchmarkScale reads the page of an asset of 200 columns in an estate of
// CADASTRE_BENCH_ASSETS assets (5,000 where that is not set) with 20 columns
// each: at head, and as of a revision before the columns changed many times.
// It reports the 50th and 99th of a hundred in milliseconds, and past is the
// 99th of the old revision by that of the head. The file is kept and used
// again where CADASTRE_BENCH_FILE names one.
func BenchmarkScale(b *testing.B) {
	assets := 5_000
	if text := os.Getenv("CADASTRE_BENCH_ASSETS"); text != "" {
		var err error
		if assets, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	path := os.Getenv("CADASTRE_BENCH_FILE")
	if path == "" {
		path = b.TempDir() + "/store.db"
	}
	started := time.Now()
	s := openAt(b, path)
	opened := time.Since(started)
	head, err := s.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	rows, took := 0, time.Second
	if head == 0 {
		rows, took = load(b, s, assets)
		changePages(b, s)
		if head, err = s.Head(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		b.ReportMetric(float64(opened.Milliseconds()), "open-ms")
		b.ReportMetric(float64(rows)/took.Seconds(), "load-rows/s")
		b.ReportMetric(float64(info.Size())/1e6, "MB")
		now, then := readPages(b, s, 0), readPages(b, s, head-pageChanges)
		b.ReportMetric(now[len(now)/2].Seconds()*1e3, "p50-ms")
		b.ReportMetric(now[len(now)*99/100].Seconds()*1e3, "p99-ms")
		b.ReportMetric(then[len(then)/2].Seconds()*1e3, "past-p50-ms")
		b.ReportMetric(then[len(then)*99/100].Seconds()*1e3, "past-p99-ms")
		b.ReportMetric(then[len(then)*99/100].Seconds()/now[len(now)*99/100].Seconds(), "past")
	}
}

// load commits an estate, some containers at a time.
func load(b *testing.B, s *store.Store, assets int) (rows int, took time.Duration) {
	b.Helper()
	started := time.Now()
	var delta graph.Delta
	flush := func() {
		if _, err := s.Commit(b.Context(), boss, "crawl", func(tx *store.Tx) error { return tx.Apply(b.Context(), delta) }); err != nil {
			b.Fatal(err)
		}
		rows += len(delta)
		delta = delta[:0]
	}
	for item := range graphtest.NewEstate(1, assets, 20).Items() {
		if delta = append(delta, graph.Began{Now: item}); len(delta) >= 200_000 {
			flush()
		}
	}
	for n := range pageAssets {
		delta = append(delta, graph.Diff(nil, pageAt(n, 0))...)
	}
	flush()
	return rows, time.Since(started)
}

func pageRef(n int) graph.Ref {
	return graph.BigQueryRef("project", "pages", fmt.Sprintf("page_%03d", n))
}

// pageAt is an asset with its columns after so many changes.
func pageAt(n, changes int) graph.Snapshot {
	ref := pageRef(n)
	items := graph.NewSnapshot(
		graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "pages", Parent: ref.Parent(), Location: "EU"},
		graph.Owner{Asset: ref, Principal: "group:data@example.org", Role: graph.OwnerTechnical, Provenance: graph.Provenance{Kind: graph.BySource, Name: "pages"}},
	)
	for c := range pageColumns {
		column := ref.Column(fmt.Sprintf("payload.metrics.field_%03d", c))
		items.Put(graph.Column{
			Ref: column, Position: c, Type: "STRING", Mode: graph.ModeNullable,
			// Each change touches every fifth column.
			Description: fmt.Sprintf("one of many, as described %d times", (changes+c%5)/5),
		})
		if c%10 == 0 {
			items.Put(graph.Tag{Ref: column, Label: "user.name", State: graph.TagProposed, Form: graph.FormClear, Confidence: 0.5})
		}
	}
	return items
}

func changePages(b *testing.B, s *store.Store) {
	b.Helper()
	for change := range pageChanges {
		var delta graph.Delta
		for n := range pageAssets {
			delta = append(delta, graph.Diff(pageAt(n, change), pageAt(n, change+1))...)
		}
		if _, err := s.Commit(b.Context(), boss, "crawl", func(tx *store.Tx) error { return tx.Apply(b.Context(), delta) }); err != nil {
			b.Fatal(err)
		}
	}
}

// readPages reads pages as somebody with a filter by owner, and returns how
// long each took, least first.
func readPages(b *testing.B, s *store.Store, at graph.Revision) []time.Duration {
	b.Helper()
	filter := graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeOwner, In: []string{"group:data@example.org"}}}}}
	took := make([]time.Duration, 0, pageReads)
	for i := range pageReads {
		started := time.Now()
		r, err := s.Reader(b.Context(), boss, filter, at)
		if err != nil {
			b.Fatal(err)
		}
		readPage(b, r, pageRef(i*7%pageAssets))
		took = append(took, time.Since(started))
	}
	slices.Sort(took)
	return took
}

// readPage reads all that the page on an asset shows.
func readPage(b *testing.B, r *store.Reader, ref graph.Ref) {
	b.Helper()
	if _, err := r.Asset(b.Context(), ref); err != nil {
		b.Fatal(err)
	}
	columns, err := r.Columns(b.Context(), ref)
	if err != nil || len(columns[ref]) != pageColumns {
		b.Fatal(len(columns[ref]), err)
	}
	if _, err := r.Tags(b.Context(), ref); err != nil {
		b.Fatal(err)
	}
	if _, err := r.Edges(b.Context(), ref); err != nil {
		b.Fatal(err)
	}
}
