package graphtest_test

import (
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
)

// Law: what is asked of an estate is the same whenever it is asked, a larger
// one of the same seed begins with it, and another seed gives another.
func TestEstateFollowsItsSeed(t *testing.T) {
	t.Parallel()
	small, large := graphtest.NewEstate(7, 300, 20), graphtest.NewEstate(7, 600, 20)
	for _, n := range []int{0, 1, 42, 299} {
		if diff := cmp.Diff(small.ItemsAt(n), large.ItemsAt(n)); diff != "" {
			t.Errorf("asset %d of two estates of one seed:\n%s", n, diff)
		}
	}
	if cmp.Equal(small.At(42), graphtest.NewEstate(8, 300, 20).At(42)) {
		t.Error("two seeds give one estate")
	}
}

// Law: no two items share a key, whatever names another names one that is
// there, and there are as many assets and columns as were asked for.
func TestEstateIsWhole(t *testing.T) {
	t.Parallel()
	const assets, columns = 2000, 20
	e := graphtest.NewEstate(1, assets, columns)
	there := map[graph.Ref]bool{}
	keys := map[string]bool{}
	count := map[string]int{}
	for i := range e.Items() {
		key := typeName(i) + i.Key()
		if keys[key] {
			t.Fatalf("%s stands twice", key)
		}
		keys[key] = true
		count[typeName(i)]++
		switch i := i.(type) {
		case graph.Asset:
			there[i.Ref] = true
		case graph.Column:
			there[i.Ref] = true
		}
		for _, ref := range named(i) {
			if !there[ref] {
				t.Errorf("%T %s names %s, which does not come before it", i, i.Key(), ref)
			}
		}
	}
	if count["asset"] != assets+e.Containers() || e.Len() != assets {
		t.Errorf("%d assets, want %d and %d containers", count["asset"], assets, e.Containers())
	}
	if n := count["column"]; n < assets*columns*95/100 || n > assets*columns*105/100 {
		t.Errorf("%d columns, want about %d", n, assets*columns)
	}
	for _, word := range []string{"owner", "grant", "tag", "statement", "edge"} {
		if count[word] < assets/10 {
			t.Errorf("only %d of %s", count[word], word)
		}
	}
}

func typeName(i graph.Item) string {
	switch i.(type) {
	case graph.Asset:
		return "asset"
	case graph.Column:
		return "column"
	case graph.Owner:
		return "owner"
	case graph.Grant:
		return "grant"
	case graph.Tag:
		return "tag"
	case graph.Statement:
		return "statement"
	}
	return "edge"
}

// The facts are those of a crawl that sees every container whole, and agree
// with the items.
func TestEstateFacts(t *testing.T) {
	t.Parallel()
	e := graphtest.NewEstate(2, 600, 10)
	now := graph.Snapshot{}
	done := 0
	for f := range e.Facts() {
		switch f := f.(type) {
		case graph.AssetSeen:
			now.Put(f.Asset)
			if want := (graph.Scope{Source: graphtest.EstateSource, Parent: f.Asset.Parent}); f.Asset.Source != want.Source {
				t.Errorf("%s is of %q", f.Asset.Ref, f.Asset.Source)
			}
		case graph.TagSeen:
			if f.Tag.Provenance.Kind != graph.BySource {
				t.Errorf("a source does not say what %s says", f.Tag.Provenance.Kind)
			}
		case graph.ScopeDone:
			done++
		}
	}
	want := graph.Snapshot{}
	for i := range e.Items() {
		if a, ok := i.(graph.Asset); ok {
			want.Put(a)
		}
	}
	if diff := cmp.Diff(want.Sorted(), now.Sorted()); diff != "" || done != e.Containers() {
		t.Errorf("%d scopes done of %d; assets (-items +facts):\n%s", done, e.Containers(), diff)
	}
}

// Whoever stops is given no more.
func TestEstateStops(t *testing.T) {
	t.Parallel()
	e := graphtest.NewEstate(3, 300, 5)
	for stop := range 300 {
		if n := taken(e.Facts(), stop); n != stop {
			t.Fatalf("%d facts were taken, want %d", n, stop)
		}
		if n := taken(e.Items(), stop); n != stop {
			t.Fatalf("%d items were taken, want %d", n, stop)
		}
		if n := taken(e.Assets(), stop); n != stop {
			t.Fatalf("%d assets were taken, want %d", n, stop)
		}
	}
}

func taken[T any](all iter.Seq[T], stop int) (n int) {
	if stop == 0 {
		return 0
	}
	for range all {
		if n++; n == stop {
			break
		}
	}
	return n
}

func TestEstateWithoutColumns(t *testing.T) {
	t.Parallel()
	e := graphtest.NewEstate(4, 3, 0)
	for n := range e.Len() {
		if seen := e.At(n); len(seen.Columns) != 0 {
			t.Errorf("%s has columns", seen.Asset.Ref)
		}
		if len(e.TagsAt(n)) != 0 {
			t.Errorf("what has no columns bears tags")
		}
	}
}

// BenchmarkEstate says how long the generator itself takes, which benchmarks
// over an estate have in their preparation.
func BenchmarkEstate(b *testing.B) {
	const assets = 10_000
	for b.Loop() {
		columns := 0
		for seen := range graphtest.NewEstate(1, assets, 20).Assets() {
			columns += len(seen.Columns)
		}
		b.ReportMetric(float64(columns)/assets, "columns/asset")
	}
	b.ReportMetric(float64(assets*b.N)/b.Elapsed().Seconds(), "assets/s")
}
