package search

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
)

// estateDocs gives the documents of an estate as the store would.
func estateDocs(e graphtest.Estate) func(yield func(Doc) bool) {
	return func(yield func(Doc) bool) {
		n := 0
		for seen := range e.Assets() {
			d := Doc{Asset: seen.Asset, Usage: n * 7919 % 3000}
			for _, o := range seen.Owners {
				d.Owners = append(d.Owners, o.Principal)
			}
			for _, c := range seen.Columns {
				d.Columns = append(d.Columns, DocColumn{Ref: c.Ref, Description: c.Description})
				if strings.HasSuffix(c.Ref.Path, "email") && d.Labels == nil {
					d.Labels = []string{graphtest.LabelEmail}
				}
			}
			n++
			if !yield(d) {
				return
			}
		}
	}
}

// benchAssets is how many assets the benchmarks search, CADASTRE_BENCH_ASSETS
// where it is set.
func benchAssets(b *testing.B) int {
	b.Helper()
	text := os.Getenv("CADASTRE_BENCH_ASSETS")
	if text == "" {
		return 100_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// analyst is a filter as policies make them: some domains' datasets and one's
// own assets are visible, all tables can be discovered.
func analyst(containers int) graph.Filter {
	var parents []string
	e := graphtest.NewEstate(1, containers*250, 20)
	for k := range containers {
		if k%20 < 3 {
			parents = append(parents, e.Container(k).Asset.Ref.String())
		}
	}
	return graph.Filter{
		Visible: []graph.Clause{
			{{Attribute: graph.AttributeParent, In: parents}},
			{{Attribute: graph.AttributeOwner, In: []string{"user:p042@example.org", "group:web-data@example.org"}}},
		},
		Discoverable: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"table"}}}},
	}
}

// asked are the queries of each kind, drawn from words as the estate has them.
func asked() map[string][]Query {
	r := rand.New(rand.NewPCG(1, 11))
	common := []string{"customer", "order", "id", "status", "created", "acme", "prod", "payment", "at", "type"}
	middling := []string{"daily", "refund", "consent", "telemetry", "staging", "email", "iban", "iota", "alabedor", "berafin", "aladent"}
	rare := []string{"zenzo", "zentazo", "weszo", "verpusky", "zensatazo", "versatazo"}
	number := func() string { return strconv.Itoa(r.IntN(90_000)) }
	out := map[string][]Query{}
	add := func(kind, format string, words ...any) {
		out[kind] = append(out[kind], Query{Text: strings.TrimSpace(fmt.Sprintf(format, words...))})
	}
	letters := "abcdefghijklmnopqrstuvwxyz0123456789"
	for _, l := range letters {
		add("prefix of one letter", "%c", l)
	}
	for range 60 {
		c, m, w := pick(r, common...), pick(r, middling...), pick(r, rare...)
		d := pick(r, common...)
		add("one common term", "%s", c)
		add("one rare term", "%s", pick(r, w, m, number()))
		add("two terms", "%s %s", c, pick(r, m, d))
		add("three terms", "%s %s %s", c, d, pick(r, m, "event"))
		add("term and prefix", "%s %s", c, pick(r, m, d+"x", "subscription")[:pick(r, 1, 2, 3)])
		add("prefix of two", "%s", pick(r, m, c+"x", "subscription", "10", "42")[:2])
		add("prefix of three", "%s", pick(r, m+"x", c+"x", "subscription", "campaign", "104")[:3])
		word := pick(r, "customer", "payment", "telemetry", "subscription", "warehouse", "meter", "berafin")
		at := 1 + r.IntN(len(word)-2)
		add("typo", "%s", word[:at]+"q"+word[at:])
		add("typo and term", "%s %s", c, word[:at]+word[at+1:at+2]+word[at:at+1]+word[min(at+2, len(word)):])
		q := Query{Text: c, Kinds: []string{"view"}, Owners: []string{"group:orders-data@example.org", "group:web-data@example.org"}}
		out["facets, filtered"] = append(out["facets, filtered"], q)
	}
	out["everything"] = []Query{{}}
	return out
}

// BenchmarkEstate searches an estate as analysts do and as the program does,
// and prints for each kind of query what half of them and all but one in a
// hundred take. Every answer has its total and all its facets.
func BenchmarkEstate(b *testing.B) {
	assets := benchAssets(b)
	e := graphtest.NewEstate(1, assets, 20)
	x := New()
	built(b, x, e)
	for _, by := range []struct {
		name   string
		filter graph.Filter
	}{{"everything", graph.Everything()}, {"analyst", analyst(e.Containers())}} {
		b.Run("first_query/"+by.name, func(b *testing.B) {
			for b.Loop() {
				x.views.last = nil
				if _, err := x.Query(Query{First: 1}, by.filter); err != nil {
					b.Fatal(err)
				}
			}
		})
		kinds := asked()
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			b.Run(strings.ReplaceAll(kind, " ", "_")+"/"+by.name, func(b *testing.B) { measure(b, x, kinds[kind], by.filter) })
		}
	}
	b.Run("put", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			seen := e.At(n * 7919 % assets)
			x.Put(Doc{Asset: seen.Asset})
		}
	})
}

// built fills an index with an estate and reports what that takes.
func built(b *testing.B, x *Index, e graphtest.Estate) {
	b.Helper()
	var (
		before = heap()
		took   time.Duration
		docs   []Doc
	)
	put := func() {
		began := processor(b)
		for _, d := range docs {
			x.Put(d)
		}
		took += processor(b) - began
		docs = docs[:0]
	}
	for d := range estateDocs(e) {
		if docs = append(docs, d); len(docs) == 1000 {
			put()
		}
	}
	put()
	docs = nil
	size := heap() - before
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			runtime.Gosched()
		}
		b.ReportMetric(took.Seconds(), "processor-s")
		b.ReportMetric(float64(size)/1e6, "MB")
		b.ReportMetric(float64(x.Len()), "assets")
		b.ReportMetric(0, "ns/op")
	})
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

// measure asks the queries in turn and tells what half of the answers and all
// but one in a hundred took; and the latter once more where each query counts
// with its quickest answer, which leaves out what others on the machine add.
func measure(b *testing.B, x *Index, queries []Query, filter graph.Filter) {
	b.Helper()
	var took []time.Duration
	quickest := map[int]time.Duration{}
	hits := 0
	for n := 0; b.Loop(); n++ {
		q := n % len(queries)
		began := time.Now()
		r, err := x.Query(queries[q], filter)
		if err != nil {
			b.Fatal(err)
		}
		one := time.Since(began)
		if was, ok := quickest[q]; !ok || one < was {
			quickest[q] = one
		}
		took, hits = append(took, one), hits+r.Total
	}
	at := func(took []time.Duration, part int) float64 {
		slices.Sort(took)
		return float64(took[part*(len(took)-1)/100].Microseconds()) / 1000
	}
	b.ReportMetric(at(took, 50), "p50-ms")
	b.ReportMetric(at(took, 99), "p99-ms")
	b.ReportMetric(at(slices.Collect(maps.Values(quickest)), 99), "quiet-p99-ms")
	b.ReportMetric(float64(hits)/float64(len(took)), "hits")
	b.ReportMetric(0, "ns/op")
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
