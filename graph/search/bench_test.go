package search

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"cadastre.dev/cadastre/graph"
)

const benchmarked = 100_000

// bigDocs returns tables of twenty columns with names as estates have them:
// some words in nearly all, most words in few.
func bigDocs(n int) []Doc {
	r := rand.New(rand.NewPCG(1, 10))
	zipf := rand.NewZipf(r, 1.2, 4, 30_000)
	word := func() string {
		n := zipf.Uint64()
		return vocabulary()[n%17] + string(rune('a'+n%26)) + string(rune('a'+n/26%26)) + string(rune('a'+n/676%26))
	}
	docs := make([]Doc, n)
	for i := range docs {
		d := table(fmt.Sprintf("d%d", i%250), fmt.Sprintf("%s_%s_%d", word(), word(), i))
		d.Asset.Kind = pick(r, graph.KindTable, graph.KindTable, graph.KindView)
		d.Asset.Description = word() + " " + word() + " " + word()
		d.Owners = []string{fmt.Sprintf("group:g%d", r.IntN(100))}
		for range 20 {
			d.Columns = append(d.Columns, DocColumn{Ref: d.Asset.Ref.Column(word() + "_" + word())})
		}
		docs[i] = d
	}
	return docs
}

func bigIndex(n int) *Index {
	x := New()
	for _, d := range bigDocs(n) {
		x.Put(d)
	}
	x.lockSorted()
	x.mu.RUnlock()
	return x
}

func BenchmarkQuery(b *testing.B) {
	x := bigIndex(benchmarked)
	common, rare := x.common(), x.sorted[len(x.sorted)-len(x.sorted)/50]
	some := graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"view"}}}}, Discoverable: []graph.Clause{{}}}
	for _, bb := range []struct {
		name   string
		query  Query
		filter graph.Filter
	}{
		{"all", Query{}, graph.Everything()},
		{"common", Query{Text: common}, graph.Everything()},
		{"rare", Query{Text: rare}, graph.Everything()},
		{"two", Query{Text: common + " " + rare}, graph.Everything()},
		{"prefix", Query{Text: "cu"}, graph.Everything()},
		{"typo", Query{Text: "x" + rare}, graph.Everything()},
		{"facet", Query{Text: common, Kinds: []string{"view"}}, graph.Everything()},
		{"filter", Query{Text: common}, some},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			total := 0
			for b.Loop() {
				r, err := x.Query(bb.query, bb.filter)
				if err != nil {
					b.Fatal(err)
				}
				total = r.Total
			}
			b.ReportMetric(float64(total), "hits")
		})
	}
}

// common returns the word with the most postings.
func (x *Index) common() string {
	best := ""
	for w, list := range x.terms {
		if len(list) > len(x.terms[best]) && len(w) > 1 {
			best = w
		}
	}
	return best
}

func BenchmarkPut(b *testing.B) {
	docs := bigDocs(20_000)
	for b.Loop() {
		x := New()
		for _, d := range docs {
			x.Put(d)
		}
	}
	b.ReportMetric(float64(len(docs)*b.N)/b.Elapsed().Seconds(), "docs/s")
}

// BenchmarkHeap reports what the index takes beside the documents.
func BenchmarkHeap(b *testing.B) {
	docs := bigDocs(20_000)
	for b.Loop() {
		before := heap()
		x := New()
		for _, d := range docs {
			x.Put(d)
		}
		b.ReportMetric(float64(heap()-before)/float64(x.Len()), "B/doc")
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
