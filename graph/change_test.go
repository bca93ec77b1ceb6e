package graph_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
)

const rounds = 300

// Law: Apply(was, Diff(was, now)) == now.
func TestApplyOfDiffIsNow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 1))
		was, now := graphtest.RandomSnapshot(r, 30), graphtest.RandomSnapshot(r, 30)
		before := cloned(was)
		if diff := cmp.Diff(now, graph.Apply(was, graph.Diff(was, now))); diff != "" {
			t.Fatalf("seed %d (-now +applied):\n%s", seed, diff)
		}
		if diff := cmp.Diff(before, was); diff != "" {
			t.Fatalf("seed %d: Apply changed what was (-before +after):\n%s", seed, diff)
		}
	}
}

// Law: Diff(x, x) is empty, and so it is of two snapshots that differ only in
// nil against empty collections.
func TestDiffOfTheSameIsEmpty(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		s := graphtest.RandomSnapshot(rand.New(rand.NewPCG(seed, 2)), 30)
		if d := graph.Diff(s, cloned(s)); len(d) != 0 {
			t.Fatalf("seed %d: %v", seed, d)
		}
	}
	asset := graph.Asset{Ref: graph.BigQueryRef("p", "d", "t")}
	same := asset
	same.Labels = map[string]string{}
	if d := graph.Diff(graph.NewSnapshot(asset), graph.NewSnapshot(same)); len(d) != 0 {
		t.Errorf("empty and nil labels differ: %v", d)
	}
}

// Law: a delta is sorted, each item in it once, and each change is what its
// type says.
func TestDiffIsSortedAndHonest(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 3))
		was, now := graphtest.RandomSnapshot(r, 30), graphtest.RandomSnapshot(r, 30)
		delta := graph.Diff(was, now)
		for i, c := range delta {
			if i > 0 && graph.CompareItems(delta[i-1].Item(), c.Item()) >= 0 {
				t.Fatalf("seed %d: %v stands before %v", seed, delta[i-1], c)
			}
			_, before := was.Get(c.Item())
			_, after := now.Get(c.Item())
			want := [2]bool{}
			switch c.(type) {
			case graph.Began:
				want = [2]bool{false, true}
			case graph.Changed:
				want = [2]bool{true, true}
			case graph.Ended:
				want = [2]bool{true, false}
			}
			if got := [2]bool{before, after}; got != want {
				t.Fatalf("seed %d: %T of %s, was there and is there: %v", seed, c, c.Item().Key(), got)
			}
		}
	}
}

func cloned(s graph.Snapshot) graph.Snapshot {
	out := graph.Snapshot{}
	for key, item := range s {
		out[key] = item
	}
	return out
}

var (
	warehouse = graph.Provenance{Kind: graph.BySource, Name: "warehouse"}
	dataset   = graph.BigQueryRef("p", "d")
	table     = graph.BigQueryRef("p", "d", "t")
	other     = graph.BigQueryRef("p", "d", "other")
)

func tableAsset(ref graph.Ref) graph.Asset {
	return graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "warehouse", Parent: dataset}
}

// known is a table with everything that can belong to it, said by the source,
// by another source and by a person.
func known() graph.Snapshot {
	stranger := graph.Provenance{Kind: graph.BySource, Name: "registry"}
	person := graph.Provenance{Kind: graph.ByPerson, Name: "olu@example.org"}
	column := graph.Column{Ref: table.Column("a"), Type: "STRING", Mode: graph.ModeNullable}
	view := graph.Statement{ID: table.String(), Because: graph.EvidenceView, Target: table, Outcome: graph.OutcomeExact}
	return graph.NewSnapshot(
		tableAsset(table), tableAsset(other), column,
		graph.Column{Ref: table.Column("gone"), Type: "STRING", Mode: graph.ModeNullable},
		graph.Owner{Asset: table, Principal: "user:a", Provenance: warehouse},
		graph.Owner{Asset: table, Principal: "user:p", Provenance: person},
		graph.Grant{On: table, Principal: "user:a", Role: "READER", Provenance: warehouse},
		graph.Tag{Ref: column.Ref, Label: "by.source", State: graph.TagConfirmed, Provenance: warehouse},
		graph.Tag{Ref: column.Ref, Label: "by.stranger", State: graph.TagConfirmed, Provenance: stranger},
		graph.Tag{Ref: column.Ref, Label: "by.person", State: graph.TagConfirmed, Provenance: person},
		graph.Annotation{Ref: column.Ref, Attribute: graph.AttributeDescription, Value: "by a person", Provenance: person},
		graph.Edge{From: table, To: other, Kind: graph.EdgeReads, Because: graph.EvidenceConnector},
		graph.Edge{From: table, To: other, Kind: graph.EdgeIdentity, Because: graph.EvidencePerson},
		graph.Edge{From: other, To: table, Kind: graph.EdgeReads, Because: graph.EvidenceView, Statement: view.ID},
		view,
	)
}

// observed returns the changes that facts make of what is known, each as its
// type and the item's type and key, in short.
func observed(facts ...graph.Fact) []string {
	was, now := graph.Observe(known(), facts)
	var out []string
	for _, c := range graph.Diff(was, now) {
		var verb string
		switch c.(type) {
		case graph.Began:
			verb = "began"
		case graph.Changed:
			verb = "changed"
		case graph.Ended:
			verb = "ended"
		}
		out = append(out, fmt.Sprintf("%s %T", verb, c.Item())+detail(c.Item()))
	}
	return out
}

func detail(i graph.Item) string {
	switch i := i.(type) {
	case graph.Asset:
		return " " + i.Ref.Base()
	case graph.Column:
		return " " + i.Ref.Path
	case graph.Owner:
		return " " + i.Principal
	case graph.Tag:
		return " " + i.Label
	case graph.Edge:
		return " " + string(i.Because)
	}
	return ""
}

func TestObserve(t *testing.T) {
	t.Parallel()
	seen := graph.AssetSeen{
		Asset:   tableAsset(table),
		Columns: []graph.Column{{Ref: table.Column("a"), Type: "STRING", Mode: graph.ModeNullable}},
		Owners:  []graph.Owner{{Asset: table, Principal: "user:a", Provenance: warehouse}},
		Grants:  []graph.Grant{{On: table, Principal: "user:a", Role: "READER", Provenance: warehouse}},
	}
	declared := graph.TagSeen{Tag: graph.Tag{Ref: table.Column("a"), Label: "by.source", State: graph.TagConfirmed, Provenance: warehouse}}
	edge := graph.EdgeSeen{Edge: graph.Edge{From: table, To: other, Kind: graph.EdgeReads, Because: graph.EvidenceConnector}}
	taken := tableAsset(table)
	taken.Source = "registry"
	unread := graph.AssetSeen{Asset: tableAsset(table), Owners: seen.Owners, Grants: seen.Grants}
	unread.Asset.Unread = "the schema may not be read"
	whole := graph.ScopeDone{Scope: graph.Scope{Source: "warehouse", Parent: dataset}}
	for _, tt := range []struct {
		name  string
		facts []graph.Fact
		want  []string
	}{
		{name: "nothing seen changes nothing"},
		{
			name: "a column that an asset lacks ends", facts: []graph.Fact{seen, declared, edge},
			want: []string{"ended graph.Column gone"},
		},
		{
			name: "what the source no longer says ends, what others say stays", facts: []graph.Fact{graph.AssetSeen{Asset: tableAsset(table), Columns: seen.Columns}},
			want: []string{"ended graph.Column gone", "ended graph.Owner user:a", "ended graph.Grant", "ended graph.Tag by.source", "ended graph.Edge connector"},
		},
		{
			name: "columns that could not be read stay", facts: []graph.Fact{unread, declared, edge},
			want: []string{"changed graph.Asset t"},
		},
		{name: "an unchanged asset keeps all", facts: []graph.Fact{graph.AssetUnchanged{Ref: table}, graph.AssetUnchanged{Ref: other}, whole}},
		{
			name: "what a whole scope lacks ends, but not what a person said", facts: []graph.Fact{graph.AssetUnchanged{Ref: other}, whole},
			want: []string{
				"ended graph.Asset t", "ended graph.Column a", "ended graph.Column gone", "ended graph.Owner user:a", "ended graph.Grant",
				"ended graph.Tag by.source", "ended graph.Statement", "ended graph.Edge view", "ended graph.Edge connector",
			},
		},
		{
			name: "what another source takes over is its own", facts: []graph.Fact{graph.AssetSeen{Asset: taken, Columns: seen.Columns}, edge},
			want: []string{"changed graph.Asset t", "ended graph.Column gone", "ended graph.Owner user:a", "ended graph.Grant", "ended graph.Tag by.source", "ended graph.Tag by.stranger"},
		},
		{name: "another source's scope ends nothing", facts: []graph.Fact{graph.ScopeDone{Scope: graph.Scope{Source: "registry"}}}},
		{name: "another container's scope ends nothing", facts: []graph.Fact{graph.ScopeDone{Scope: graph.Scope{Source: "warehouse", Parent: graph.BigQueryRef("p", "e")}}}},
		{name: "a tag that is known begins nothing", facts: []graph.Fact{declared}},
		{
			name: "a tag that is new begins", facts: []graph.Fact{graph.TagSeen{Tag: graph.Tag{Ref: table, Label: "new", Provenance: warehouse}}},
			want: []string{"began graph.Tag new"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, observed(tt.facts...)); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// Law: a partial crawl removes nothing. Without ScopeDone no asset ends,
// whatever was seen.
func TestPartialCrawlEndsNoAsset(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 4))
		snapshot := graphtest.RandomSnapshot(r, 40)
		var facts []graph.Fact
		for _, a := range graphtest.Of[graph.Asset](graphtest.RandomSnapshot(r, 20).Sorted()) {
			facts = append(facts, graph.AssetSeen{Asset: a})
		}
		was, now := graph.Observe(snapshot, facts)
		after := graph.Apply(snapshot, graph.Diff(was, now))
		for _, a := range graphtest.Of[graph.Asset](snapshot.Sorted()) {
			if _, ok := after.Get(a); !ok {
				t.Fatalf("seed %d: %s ended without its scope having been seen whole", seed, a.Ref)
			}
		}
	}
}

// Law: what a person said survives every crawl.
func TestCrawlKeepsWhatPeopleSaid(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 5))
		snapshot := graphtest.RandomSnapshot(r, 40)
		facts := []graph.Fact{graph.ScopeDone{Scope: graph.Scope{Source: "one"}}, graph.ScopeDone{Scope: graph.Scope{Source: "two"}}}
		was, now := graph.Observe(snapshot, facts)
		for _, c := range graph.Diff(was, now) {
			switch i := c.Item().(type) {
			case graph.Tag:
				if i.Provenance.Kind != graph.BySource {
					t.Fatalf("seed %d: a crawl touched a tag that %s says", seed, i.Provenance.Kind)
				}
			case graph.Owner:
				if i.Provenance.Kind != graph.BySource {
					t.Fatalf("seed %d: a crawl touched an owner whom %s names", seed, i.Provenance.Kind)
				}
			case graph.Annotation:
				t.Fatalf("seed %d: a crawl touched what %s says", seed, i.Provenance.Kind)
			}
		}
	}
}

// Law: the same facts twice make no second delta.
func TestSameFactsTwiceChangeNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 6))
		seen := graphtest.RandomSnapshot(r, 30)
		columns := map[graph.Ref][]graph.Column{}
		for _, c := range graphtest.Of[graph.Column](seen.Sorted()) {
			columns[c.About()] = append(columns[c.About()], c)
		}
		facts := []graph.Fact{graph.ScopeDone{Scope: graph.Scope{Source: "one"}}}
		for _, a := range graphtest.Of[graph.Asset](seen.Sorted()) {
			a.Source = "one"
			facts = append(facts, graph.AssetSeen{Asset: a, Columns: columns[a.Ref]})
		}
		was, now := graph.Observe(graphtest.RandomSnapshot(r, 30), facts)
		once := graph.Apply(was, graph.Diff(was, now))
		if again := graph.Diff(graph.Observe(once, facts)); len(again) != 0 {
			t.Fatalf("seed %d: the same facts change %v", seed, again)
		}
	}
}

func ExampleDiff() {
	t := graph.BigQueryRef("p", "d", "t")
	was := graph.NewSnapshot(graph.Asset{Ref: t}, graph.Column{Ref: t.Column("a")})
	now := graph.NewSnapshot(graph.Asset{Ref: t, Description: "new"}, graph.Column{Ref: t.Column("b")})
	for _, c := range graph.Diff(was, now) {
		fmt.Printf("%T %s\n", c, c.Item().Key())
	}
	// Output:
	// graph.Changed bigquery/p.d.t
	// graph.Ended bigquery/p.d.t#a
	// graph.Began bigquery/p.d.t#b
}

// An unchanged crawl of 50,000 columns compares them all and finds nothing.
func BenchmarkDiffUnchanged(b *testing.B) {
	was, now := graph.Snapshot{}, graph.Snapshot{}
	for i := range 50_000 {
		c := graph.Column{Ref: table.Column(fmt.Sprintf("c%d", i)), Type: "STRING", Mode: graph.ModeNullable}
		was.Put(c)
		now.Put(c)
	}
	b.ReportAllocs()
	for b.Loop() {
		if d := graph.Diff(was, now); len(d) != 0 {
			b.Fatal(len(d))
		}
	}
}
