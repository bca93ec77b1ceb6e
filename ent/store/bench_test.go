package store_test

import (
	"fmt"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
)

// estate is a catalog of a middling company: tables with columns.
func estate(tables, columns int) graph.Snapshot {
	s := make(graph.Snapshot, tables*(columns+1))
	for n := range tables {
		ref := graph.BigQueryRef("project", fmt.Sprintf("dataset_%03d", n%250), fmt.Sprintf("table_%05d", n))
		s.Put(graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "warehouse", Parent: ref.Parent(), Location: "EU"})
		s.Put(graph.Owner{Asset: ref, Principal: "group:data@example.org", Role: graph.OwnerTechnical, Provenance: graph.Provenance{Kind: graph.BySource, Name: "warehouse"}})
		for c := range columns {
			s.Put(graph.Column{
				Ref: ref.Column(fmt.Sprintf("payload.metrics.field_%03d", c)), Position: c, Type: "STRING", Mode: graph.ModeNullable,
				Description: "one of many columns of this table",
			})
		}
	}
	return s
}

// BenchmarkCommit writes the rows of an estate into an empty store.
func BenchmarkCommit(b *testing.B) {
	delta := graph.Diff(nil, estate(500, 60))
	for b.Loop() {
		b.StopTimer()
		s := openAt(b, b.TempDir()+"/store.db")
		b.StartTimer()
		_, err := s.Commit(b.Context(), boss, "crawl", func(tx *store.Tx) error { return tx.Apply(b.Context(), delta) })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(delta)*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkUnchanged crawls again what is known already.
func BenchmarkUnchanged(b *testing.B) {
	now := estate(500, 60)
	s := openAt(b, b.TempDir()+"/store.db")
	for b.Loop() {
		_, err := s.Commit(b.Context(), boss, "crawl", func(tx *store.Tx) error {
			known, err := tx.Known(b.Context(), graph.Scope{Source: "warehouse"})
			if err != nil {
				return err
			}
			return tx.Apply(b.Context(), graph.Diff(known, now))
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(now)*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkAssetPage reads what a page on one asset of 200 columns shows, for
// somebody with a filter.
func BenchmarkAssetPage(b *testing.B) {
	s := openAt(b, b.TempDir()+"/store.db")
	now := estate(100, 200)
	_, err := s.Commit(b.Context(), boss, "crawl", func(tx *store.Tx) error { return tx.Apply(b.Context(), graph.Diff(nil, now)) })
	if err != nil {
		b.Fatal(err)
	}
	ref := graph.BigQueryRef("project", "dataset_042", "table_00042")
	filter := graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeOwner, In: []string{"group:data@example.org"}}}}}
	for b.Loop() {
		r, err := s.Reader(b.Context(), boss, filter, 0)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Asset(b.Context(), ref); err != nil {
			b.Fatal(err)
		}
		columns, err := r.Columns(b.Context(), ref)
		if err != nil || len(columns[ref]) != 200 {
			b.Fatal(len(columns[ref]), err)
		}
		if _, err := r.Tags(b.Context(), ref); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Edges(b.Context(), ref); err != nil {
			b.Fatal(err)
		}
	}
}

// opened is a store that holds an estate, with somebody's filter by owner.
func opened(b *testing.B, tables, columns int) (*store.Store, graph.Filter) {
	b.Helper()
	s := openAt(b, b.TempDir()+"/store.db")
	now := estate(tables, columns)
	_, err := s.Commit(b.Context(), boss, "crawl", func(tx *store.Tx) error { return tx.Apply(b.Context(), graph.Diff(nil, now)) })
	if err != nil {
		b.Fatal(err)
	}
	return s, graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeOwner, In: []string{"group:data@example.org"}}}}}
}

// BenchmarkSearch searches by one name through a filter, the index being there.
func BenchmarkSearch(b *testing.B) {
	s, filter := opened(b, 2600, 20)
	for b.Loop() {
		r, err := s.Reader(b.Context(), boss, filter, 0)
		if err != nil {
			b.Fatal(err)
		}
		found, err := r.Search(b.Context(), search.Query{Text: "table_00042"})
		if err != nil || found.Total != 1 {
			b.Fatal(found.Total, err)
		}
	}
}

// BenchmarkSmallCommit confirms a tag in an estate, as people do, and searches
// after it, so that the index follows.
func BenchmarkSmallCommit(b *testing.B) {
	s, filter := opened(b, 2600, 20)
	ref := graph.BigQueryRef("project", "dataset_042", "table_00042").Column("payload.metrics.field_001")
	was := graph.Snapshot{}
	for n := 0; b.Loop(); n++ {
		now := graph.NewSnapshot(graph.Tag{Ref: ref, Label: "user.name", State: graph.TagConfirmed, Confidence: 1, Evidence: []string{fmt.Sprint(n)}})
		_, err := s.Commit(b.Context(), boss, "tag", func(tx *store.Tx) error { return tx.Apply(b.Context(), graph.Diff(was, now)) })
		if err != nil {
			b.Fatal(err)
		}
		was = now
		r, err := s.Reader(b.Context(), boss, filter, 0)
		if err != nil {
			b.Fatal(err)
		}
		found, err := r.Search(b.Context(), search.Query{Labels: []string{"user.name"}})
		if err != nil || found.Total != 1 {
			b.Fatal(found.Total, err)
		}
	}
}

// BenchmarkCounts counts an estate through a filter, as the first page does.
func BenchmarkCounts(b *testing.B) {
	s, filter := opened(b, 2600, 20)
	for b.Loop() {
		r, err := s.Reader(b.Context(), boss, filter, 0)
		if err != nil {
			b.Fatal(err)
		}
		counts, err := r.Counts(b.Context())
		if err != nil || counts.Assets != 2600 {
			b.Fatal(counts.Assets, err)
		}
	}
}
