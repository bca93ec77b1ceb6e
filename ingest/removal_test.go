package ingest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/ingesttest"
)

// estate is a crawl of datasets with so many tables each, seen whole.
func estate(tables ...int) []graph.Fact {
	var facts []graph.Fact
	for d, n := range tables {
		for i := range n {
			ref := graph.BigQueryRef("p", fmt.Sprintf("d%d", d), fmt.Sprintf("t%02d", i))
			facts = append(facts, graph.AssetSeen{Asset: graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "fake", Parent: ref.Parent()}})
		}
	}
	return append(facts, done())
}

func TestARunThatRemovesTooMuchAsks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		was, now []int
		removal  ingest.Removal
		// want are the scopes held back as parent:ends/of; none commits.
		want []string
	}{
		{"nothing ends", []int{10}, []int{10}, ingest.Removal{}, nil},
		{"just a fifth", []int{10}, []int{8}, ingest.Removal{}, nil},
		{"more than a fifth", []int{10}, []int{7}, ingest.Removal{}, []string{":3/10", "p.d0:3/10"}},
		{"one container of a large source", []int{10, 90}, []int{0, 90}, ingest.Removal{}, []string{"p.d0:10/10"}},
		{"a small container in a large source", []int{4, 90}, []int{0, 90}, ingest.Removal{}, nil},
		{"many small containers", []int{4, 4, 4}, []int{0, 4, 4}, ingest.Removal{}, []string{":4/12"}},
		{"a small source loses one of three", []int{3}, []int{2}, ingest.Removal{}, nil},
		{"a small source is empty", []int{3}, []int{0}, ingest.Removal{}, []string{":3/3"}},
		{"an empty source stays empty", []int{0}, []int{0}, ingest.Removal{}, nil},
		{"nobody is asked", []int{10}, []int{0}, ingest.Removal{Threshold: 1}, nil},
		{"always asked", []int{100}, []int{99}, ingest.Removal{Threshold: -1}, []string{":1/100", "p.d0:1/100"}},
		{"a higher share", []int{10}, []int{6}, ingest.Removal{Threshold: 0.5}, nil},
		{"a lower least", []int{2, 20}, []int{1, 20}, ingest.Removal{Least: 2}, []string{"p.d0:1/2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c ingesttest.Catalog
			s := &fake{facts: estate(tt.was...), cursor: ingest.Cursor("1")}
			mustRun(t, s, &c)
			s.facts, s.cursor = estate(tt.now...), ingest.Cursor("2")
			before, revision := c.All(), 0
			report, err := ingest.Run(t.Context(), s, &c, ingest.RunConfig{Removal: tt.removal})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if report.Held != nil {
				for _, scope := range report.Held.Scopes {
					got = append(got, fmt.Sprintf("%s:%d/%d", scope.Parent.Name, scope.Ends, scope.Of))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("held back (-want +got):\n%s", diff)
			}
			cursor, _ := c.Cursor(t.Context(), "fake")
			if held := len(tt.want) > 0; held {
				if diff := graph.Diff(before, c.All()); len(diff) > 0 || string(cursor) != "1" || len(report.Delta) > revision {
					t.Errorf("a run that asks wrote %v, cursor %q", diff, cursor)
				}
				p := c.Problems("fake")
				if len(p) != 1 || p[0].Code != ingest.CodeHeld || !strings.Contains(p[0].Do, "cadastre crawl fake --remove "+report.Held.Hash) {
					t.Errorf("the problem is %+v, want what is held back and how to allow it", p)
				}
			} else if string(cursor) != "2" {
				t.Errorf("the cursor is %q, want the run's", cursor)
			}
		})
	}
}

// allow is somebody's word on a held removal.
func allow(h *ingest.Held) *ingest.Held {
	allowed := *h
	allowed.AllowedBy = "ana"
	return &allowed
}

func TestAnAllowedRemovalIsMadeAndNoOther(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		// now is what is there when it was allowed; ten tables were, five at
		// the time of asking.
		now  int
		made bool
	}{
		{"the same", 5, true},
		{"fewer", 6, true},
		{"none any more", 10, true},
		{"more", 4, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c ingesttest.Catalog
			at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
			s := &fake{facts: estate(10), cursor: ingest.Cursor("1")}
			mustRun(t, s, &c)
			s.facts = estate(5)
			asked, err := ingest.Run(t.Context(), s, &c, ingest.RunConfig{Now: func() time.Time { return at }})
			if err != nil || asked.Held == nil || !asked.Held.At.Equal(at) || asked.Held.Total != 5 || len(asked.Held.Examples) != 5 {
				t.Fatalf("held %+v, %v", asked.Held, err)
			}
			if again, err := ingest.Run(t.Context(), s, &c, ingest.RunConfig{Allowed: asked.Held}); err != nil || again.Held == nil || again.Held.Hash != asked.Held.Hash {
				t.Fatalf("without anybody's word: %+v, %v, want the same held back", again.Held, err)
			}
			s.facts = estate(tt.now)
			report, err := ingest.Run(t.Context(), s, &c, ingest.RunConfig{Allowed: allow(asked.Held)})
			if err != nil || (report.Held == nil) != tt.made || (report.Held != nil && report.Held.Hash == asked.Held.Hash) {
				t.Fatalf("held %+v, %v, want it made: %v", report.Held, err, tt.made)
			}
			want := 10
			if tt.made {
				want = tt.now
			}
			if got := len(ingesttest.Of[graph.Asset](c.All())); got != want {
				t.Errorf("%d assets stand, want %d", got, want)
			}
		})
	}
}

func TestOfAHeldRemovalTwentyAreNamed(t *testing.T) {
	t.Parallel()
	var c ingesttest.Catalog
	s := &fake{facts: estate(100), cursor: ingest.Cursor("1")}
	mustRun(t, s, &c)
	s.facts = estate(60)
	report := mustRun(t, s, &c)
	if h := report.Held; h == nil || h.Total != 40 || len(h.Examples) != 20 || len(h.Set) != 40*8 {
		t.Fatalf("held %+v", h)
	}
	if what := report.Problems[0].What; !strings.Contains(what, "40 of 100 assets (40%) of bigquery/p.d0") {
		t.Errorf("told is %q", what)
	}
}

// What was held back is not taken as said: when the assets are there again,
// they are as they were, and when they are not, they end.
func TestARunThatIsHeldBackLeavesNoTrace(t *testing.T) {
	t.Parallel()
	var c ingesttest.Catalog
	s := &fake{facts: estate(10), cursor: ingest.Cursor("1")}
	mustRun(t, s, &c)
	before := c.All()
	s.facts = slices.Concat(estate(5)[:5], []graph.Fact{table("new", "x"), done()})
	if report := mustRun(t, s, &c); report.Held == nil {
		t.Fatal("nothing was held back")
	}
	s.facts = estate(10)
	if report := mustRun(t, s, &c); report.Held != nil || len(report.Delta) > 0 || len(graph.Diff(before, c.All())) > 0 {
		t.Errorf("report %+v, want nothing changed", report)
	}
}

func TestAnAssetIsToldOnceARun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		tell []graph.Fact
		ok   bool
	}{
		{"once", []graph.Fact{table("a", "x"), done()}, true},
		{"twice the same", []graph.Fact{table("a", "x"), table("a", "x"), done()}, true},
		{"differently", []graph.Fact{table("a", "x"), table("a", "y"), done()}, false},
		{"told and unchanged", []graph.Fact{table("a", "x"), graph.AssetUnchanged{Ref: table("a").Asset.Ref}, done()}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c ingesttest.Catalog
			s := &fake{facts: tt.tell, cursor: ingest.Cursor("1")}
			for range 2 { // also where it is known
				if _, err := ingest.Run(t.Context(), s, &c, ingest.RunConfig{}); (err == nil) != tt.ok {
					t.Errorf("run: %v, want it good: %v", err, tt.ok)
				}
			}
		})
	}
}

// Of what did not change nothing is read, in whatever order it is told.
func TestWhatIsUnchangedIsNotRead(t *testing.T) {
	t.Parallel()
	var c ingesttest.Catalog
	owners := []graph.Owner{
		{Asset: table("a").Asset.Ref, Principal: "user:a", Role: graph.OwnerTechnical, Provenance: graph.Provenance{Kind: graph.BySource, Name: "fake"}},
		{Asset: table("a").Asset.Ref, Principal: "user:b", Role: graph.OwnerTechnical, Provenance: graph.Provenance{Kind: graph.BySource, Name: "fake"}},
	}
	a := table("a", "x", "y")
	a.Owners = owners
	s := &fake{facts: []graph.Fact{a, table("b", "y"), graph.TagSeen{Tag: tag("user")}, graph.EdgeSeen{Edge: edge()}, done()}, cursor: ingest.Cursor("1")}
	first := mustRun(t, s, &c)
	asked := c.Asked()
	a.Owners = []graph.Owner{owners[1], owners[0]}
	s.facts = []graph.Fact{graph.EdgeSeen{Edge: edge()}, graph.TagSeen{Tag: tag("user")}, table("b", "y"), a, done()}
	if again := mustRun(t, s, &c); len(again.Delta) > 0 || again.Revision != first.Revision || c.Asked() != asked {
		t.Errorf("delta %v, revision %d, %d assets were read; want nothing", again.Delta, again.Revision, c.Asked()-asked)
	}
	a.Columns = a.Columns[:1]
	s.facts[3] = a
	if changed := mustRun(t, s, &c); len(changed.Delta) != 1 || c.Asked() != asked+1 {
		t.Errorf("delta %v, %d assets were read; want one column ended, and the one asset read", changed.Delta, c.Asked()-asked)
	}
}

func TestSettleTellsWhatToCommit(t *testing.T) {
	t.Parallel()
	var c ingesttest.Catalog
	facts := []graph.Fact{table("a", "x"), table("b", "y"), done()}
	crawl, unchanged, err := ingest.Settle(t.Context(), &c, "fake", facts, ingest.SettleConfig{})
	if err != nil || unchanged != 0 || len(crawl.Delta) != 4 || len(crawl.Sightings) != 2 || len(crawl.Done) != 1 {
		t.Fatalf("first %+v, %d, %v", crawl, unchanged, err)
	}
	if _, err := c.Commit(t.Context(), crawl); err != nil {
		t.Fatal(err)
	}
	crawl, unchanged, err = ingest.Settle(t.Context(), &c, "fake", facts[:1], ingest.SettleConfig{Gone: []graph.Ref{table("b").Asset.Ref}})
	if err != nil || unchanged != 1 || len(crawl.Delta) != 2 || len(crawl.Sightings) != 0 {
		t.Errorf("b is gone: %+v, %d, %v; want it ended with its column, and a unchanged", crawl, unchanged, err)
	}
	if _, _, err := ingest.Settle(t.Context(), &c, "other", facts, ingest.SettleConfig{}); err == nil {
		t.Error("facts of one source were settled as another's")
	}
	for _, halt := range []*halting{{known: context.Canceled}, {sightings: context.Canceled}, {standing: context.Canceled}} {
		if _, _, err := ingest.Settle(t.Context(), halt, "fake", facts, ingest.SettleConfig{}); err == nil {
			t.Errorf("a catalog that cannot be read: %+v", halt)
		}
	}
}

// A crawl of more assets than are compared at a time is still one delta, in
// order, and one revision.
func TestManyAssetsAreOneRevision(t *testing.T) {
	t.Parallel()
	var c ingesttest.Catalog
	s := &fake{facts: estate(701, 600), cursor: ingest.Cursor("1")}
	first := mustRun(t, s, &c)
	if first.Revision != 1 || len(first.Delta) != 1301 || len(c.All()) != 1301 {
		t.Fatalf("revision %d of %d changes", first.Revision, len(first.Delta))
	}
	facts := estate(701, 600)
	for i, f := range facts {
		if seen, ok := f.(graph.AssetSeen); ok && i%2 == 0 {
			seen.Columns = []graph.Column{{Ref: seen.Asset.Ref.Column("x")}}
			seen.Asset.Description = "changed"
			facts[i] = seen
		}
	}
	s.facts = facts
	second := mustRun(t, s, &c)
	for i, change := range second.Delta {
		if _, isAsset := change.Item().(graph.Asset); isAsset != (i < 651) {
			t.Fatalf("change %d is %+v, want the 651 assets before what belongs to them", i, change)
		}
	}
	if second.Revision != 2 || len(second.Delta) != 1302 {
		t.Errorf("revision %d of %d changes", second.Revision, len(second.Delta))
	}
}
