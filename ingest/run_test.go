package ingest_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/ingesttest"
)

func TestConformanceOfTheFake(t *testing.T) {
	t.Parallel()
	ingesttest.Conformance(t, func(*testing.T) ingesttest.World {
		s := &fake{facts: []graph.Fact{table("a", "x", "y"), table("b"), done()}, cursor: ingest.Cursor("1")}
		return ingesttest.World{Source: s, Break: func() {
			s.facts = s.facts[:1]
			s.err = ingest.Partial([]graph.Finding{{Code: ingest.CodeDenied, What: "b was not seen"}})
		}}
	})
}

func TestRunEndsWhatAWholeScopeLacks(t *testing.T) {
	t.Parallel()
	var catalog ingesttest.Catalog
	s := &fake{facts: []graph.Fact{table("a", "x"), table("b", "y"), done()}, cursor: ingest.Cursor("1")}
	mustRun(t, s, &catalog)
	s.facts = []graph.Fact{table("a", "x"), done()}
	report := mustRun(t, s, &catalog)
	want := graph.Delta{graph.Ended{Was: table("b").Asset}, graph.Ended{Was: table("b", "y").Columns[0]}}
	if diff := cmp.Diff(want, report.Delta); diff != "" {
		t.Errorf("delta (-want +got):\n%s", diff)
	}
}

func TestRunKeepsWhatIsUnchanged(t *testing.T) {
	t.Parallel()
	var catalog ingesttest.Catalog
	s := &fake{facts: []graph.Fact{table("a", "x"), done()}, cursor: ingest.Cursor("etag")}
	mustRun(t, s, &catalog)
	s.facts = []graph.Fact{graph.AssetUnchanged{Ref: table("a").Asset.Ref}, done()}
	report := mustRun(t, s, &catalog)
	if len(report.Delta) != 0 || report.Seen.Unchanged != 1 || report.Seen.Assets != 1 {
		t.Errorf("delta %v, seen %+v; want nothing changed and one asset seen unchanged", report.Delta, report.Seen)
	}
	if got := s.since; len(got) != 2 || got[0] != nil || string(got[1]) != "etag" {
		t.Errorf("cursors %q, want none and then the one of the first run", got)
	}
}

func TestRunAnewForgetsTheCursor(t *testing.T) {
	t.Parallel()
	var catalog ingesttest.Catalog
	s := &fake{facts: []graph.Fact{table("a"), done()}, cursor: ingest.Cursor("etag")}
	mustRun(t, s, &catalog)
	if _, err := ingest.Run(t.Context(), s, &catalog, ingest.RunConfig{Anew: true}); err != nil {
		t.Fatal(err)
	}
	if s.since[1] != nil {
		t.Errorf("cursor %q, want none", s.since[1])
	}
}

func TestRunThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	var catalog ingesttest.Catalog
	s := &fake{facts: []graph.Fact{table("a"), done()}, cursor: ingest.Cursor("1")}
	mustRun(t, s, &catalog)
	before := catalog.All()
	s.facts, s.cursor = []graph.Fact{table("b"), done()}, ingest.Cursor("2")
	s.err = fmt.Errorf("list tables: %w", graph.ErrUnavailable)
	report, err := ingest.Run(t.Context(), s, &catalog, ingest.RunConfig{})
	if !errors.Is(err, graph.ErrUnavailable) || !strings.Contains(err.Error(), "crawl fake") {
		t.Errorf("error %v, want what the source said and its name", err)
	}
	if diff := cmp.Diff(before, catalog.All()); diff != "" {
		t.Errorf("the catalog moved (-before +after):\n%s", diff)
	}
	if c, _ := catalog.Cursor(t.Context(), "fake"); string(c) != "1" {
		t.Errorf("cursor %q, want the last good one", c)
	}
	problems := catalog.Problems("fake")
	if len(problems) != 1 || problems[0].Code != ingest.CodeUnavailable || problems[0].Do == "" || len(report.Problems) != 1 {
		t.Errorf("problems %+v, want one that says what to do", problems)
	}
}

func TestRunRefusesFactsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	var catalog ingesttest.Catalog
	s := &fake{facts: []graph.Fact{table("a"), graph.ScopeDone{Scope: graph.Scope{Source: "another"}}}}
	if _, err := ingest.Run(t.Context(), s, &catalog, ingest.RunConfig{}); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("error %v, want ErrInvalid", err)
	}
	if len(catalog.All()) != 0 {
		t.Errorf("%d items were written", len(catalog.All()))
	}
}

func TestRunTellsProgress(t *testing.T) {
	t.Parallel()
	var catalog ingesttest.Catalog
	s := &fake{facts: []graph.Fact{
		table("a", "x", "y"), table("b"),
		graph.TagSeen{Tag: tag("user")},
		graph.EdgeSeen{Edge: edge()},
		done(),
	}, cursor: ingest.Cursor("1")}
	var told []ingest.Progress
	clock := time.Unix(0, 0)
	report, err := ingest.Run(t.Context(), s, &catalog, ingest.RunConfig{
		Progress: func(p ingest.Progress) { told = append(told, p) }, Every: 2,
		Now: func() time.Time { clock = clock.Add(time.Second); return clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []ingest.Progress{
		{Source: "fake", Assets: 2, Columns: 2},
		{Source: "fake", Assets: 2, Columns: 2, Tags: 1, Edges: 1},
		{Source: "fake", Assets: 2, Columns: 2, Tags: 1, Edges: 1, Scopes: 1},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if report.Took != time.Second || report.Seen != want[2] {
		t.Errorf("report %+v", report)
	}
}

func TestRunTellsWhatTheCatalogSays(t *testing.T) {
	t.Parallel()
	catalog := ingesttest.Catalog{Fail: graph.ErrConflict}
	s := &fake{facts: []graph.Fact{table("a"), done()}}
	if _, err := ingest.Run(t.Context(), s, &catalog, ingest.RunConfig{}); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("error %v, want the catalog's", err)
	}
	s.err = graph.ErrDenied
	_, err := ingest.Run(t.Context(), s, &catalog, ingest.RunConfig{})
	if !errors.Is(err, graph.ErrDenied) || !errors.Is(err, graph.ErrConflict) {
		t.Errorf("error %v, want both the source's and the catalog's", err)
	}
}

func TestPartialIsSortedAndTellsTheFirst(t *testing.T) {
	t.Parallel()
	if err := ingest.Partial(nil); err != nil {
		t.Errorf("Partial of nothing = %v", err)
	}
	b := graph.Finding{Ref: graph.BigQueryRef("p", "b"), What: "b is closed"}
	a := graph.Finding{Ref: graph.BigQueryRef("p", "a"), What: "a is closed"}
	err := ingest.Partial([]graph.Finding{b, a})
	var partial *ingest.PartialError
	if !errors.As(err, &partial) {
		t.Fatalf("Partial = %T", err)
	}
	if diff := cmp.Diff([]graph.Finding{a, b}, partial.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if got, want := err.Error(), "crawl was partial: a is closed (and 1 more)"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	if got, want := ingest.Partial([]graph.Finding{b}).Error(), "crawl was partial: b is closed"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		code string
	}{
		{"denied", graph.ErrDenied, ingest.CodeDenied},
		{"unavailable", graph.ErrUnavailable, ingest.CodeUnavailable},
		{"not found", graph.ErrNotFound, ingest.CodeInvalid},
		{"invalid", graph.ErrInvalid, ingest.CodeInvalid},
		{"no kind", errors.New("odd"), ingest.CodeInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if code, do := ingest.Advice(fmt.Errorf("x: %w", tt.err)); code != tt.code || do == "" {
				t.Errorf("Advice = %q, %q; want code %q and something to do", code, do, tt.code)
			}
		})
	}
}

func TestStatementsHaveACursorOfTheirOwn(t *testing.T) {
	t.Parallel()
	if ingest.StatementsOf("a") == "a" || ingest.StatementsOf("a") == ingest.StatementsOf("b") {
		t.Error("the cursor of statements must be another than that of the facts, and one for each source")
	}
}

func mustRun(t *testing.T, s ingest.Source, c ingest.Catalog) ingest.Report {
	t.Helper()
	report, err := ingest.Run(t.Context(), s, c, ingest.RunConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func tag(label string) graph.Tag {
	return graph.Tag{
		Ref: graph.BigQueryRef("p", "d", "a").Column("x"), Label: label, State: graph.TagProposed, Form: graph.FormClear,
		Confidence: 0.5, Provenance: graph.Provenance{Kind: graph.BySource, Name: "fake"},
	}
}

func edge() graph.Edge {
	return graph.Edge{
		From: graph.BigQueryRef("p", "d", "b").Column("y"), To: graph.BigQueryRef("p", "d", "a").Column("x"),
		Kind: graph.EdgeIdentity, Outcome: graph.OutcomeExact, Because: graph.EvidenceConnector,
	}
}

func TestCheckFact(t *testing.T) {
	t.Parallel()
	good := func() graph.AssetSeen { return table("a", "x", "y") }
	owner := graph.Owner{Asset: good().Asset.Ref, Principal: "team:t", Role: graph.OwnerTechnical, Provenance: tag("").Provenance}
	grant := graph.Grant{On: good().Asset.Ref, Principal: "group:g", Role: "READER", Provenance: tag("").Provenance}
	seen := func(change func(*graph.AssetSeen)) graph.Fact { f := good(); change(&f); return f }
	proposed := func(change func(*graph.Tag)) graph.Fact { v := tag("user"); change(&v); return graph.TagSeen{Tag: v} }
	joined := func(change func(*graph.Edge)) graph.Fact { v := edge(); change(&v); return graph.EdgeSeen{Edge: v} }
	tests := []struct {
		name string
		fact graph.Fact
		ok   bool
	}{
		{"asset", good(), true},
		{"asset with owner and grant", seen(func(f *graph.AssetSeen) { f.Owners, f.Grants = []graph.Owner{owner}, []graph.Grant{grant} }), true},
		{"asset without name", seen(func(f *graph.AssetSeen) { f.Asset.Ref.Name = "" }), false},
		{"asset that is a column", seen(func(f *graph.AssetSeen) { f.Asset.Ref.Path = "x" }), false},
		{"asset of another source", seen(func(f *graph.AssetSeen) { f.Asset.Source = "other" }), false},
		{"asset of no kind", seen(func(f *graph.AssetSeen) { f.Asset.Kind = "" }), false},
		{"column of another asset", seen(func(f *graph.AssetSeen) { f.Columns[0].Ref.Name = "p.d.b" }), false},
		{"column out of order", seen(func(f *graph.AssetSeen) { f.Columns[1].Position = 7 }), false},
		{"column there twice but for case", seen(func(f *graph.AssetSeen) { f.Columns[1].Ref.Path = "X" }), false},
		{"column without path", seen(func(f *graph.AssetSeen) { f.Columns[1].Ref.Path = "" }), false},
		{"owner of another asset", seen(func(f *graph.AssetSeen) { o := owner; o.Asset.Name = "p.d.b"; f.Owners = []graph.Owner{o} }), false},
		{"owner by a person's word", seen(func(f *graph.AssetSeen) { o := owner; o.Provenance.Kind = graph.ByPerson; f.Owners = []graph.Owner{o} }), false},
		{"grant of nobody", seen(func(f *graph.AssetSeen) { g := grant; g.Principal = ""; f.Grants = []graph.Grant{g} }), false},
		{"grant in a person's name", seen(func(f *graph.AssetSeen) { g := grant; g.Provenance.Kind = graph.ByPerson; f.Grants = []graph.Grant{g} }), false},
		{"grant of no role", seen(func(f *graph.AssetSeen) { g := grant; g.Role = ""; f.Grants = []graph.Grant{g} }), false},
		{"grant on another asset", seen(func(f *graph.AssetSeen) { g := grant; g.On.Name = "p.d.b"; f.Grants = []graph.Grant{g} }), false},
		{"grant in another source's name", seen(func(f *graph.AssetSeen) { g := grant; g.Provenance.Name = "other"; f.Grants = []graph.Grant{g} }), false},
		{"owner of no name", seen(func(f *graph.AssetSeen) { o := owner; o.Principal = ""; f.Owners = []graph.Owner{o} }), false},
		{"owner in another source's name", seen(func(f *graph.AssetSeen) { o := owner; o.Provenance.Name = "other"; f.Owners = []graph.Owner{o} }), false},
		{"asset without namespace", seen(func(f *graph.AssetSeen) { f.Asset.Ref.Namespace = "" }), false},
		{"column of another namespace", seen(func(f *graph.AssetSeen) { f.Columns[0].Ref.Namespace = "kafka://x" }), false},
		{"unchanged column", graph.AssetUnchanged{Ref: good().Columns[0].Ref}, false},
		{"tag on an asset", proposed(func(v *graph.Tag) { v.Ref.Path = "" }), true},
		{"tag on nothing", proposed(func(v *graph.Tag) { v.Ref = graph.Ref{} }), false},
		{"tag of a confidence that is no number", proposed(func(v *graph.Tag) { v.Confidence = math.NaN() }), false},
		{"tag that is certain", proposed(func(v *graph.Tag) { v.Confidence = 1 }), true},
		{"tag that a source rejects", proposed(func(v *graph.Tag) { v.State = graph.TagRejected }), false},
		{"tag in another source's name", proposed(func(v *graph.Tag) { v.Provenance.Name = "other" }), false},
		{"edge between assets", joined(func(v *graph.Edge) { v.From.Path, v.To.Path = "", "" }), true},
		{"edge from asset to column", joined(func(v *graph.Edge) { v.From.Path = "" }), false},
		{"edge from nowhere", joined(func(v *graph.Edge) { v.From.Name = "" }), false},
		{"edge to nowhere", joined(func(v *graph.Edge) { v.To = graph.Ref{} }), false},
		{"edge of no outcome", joined(func(v *graph.Edge) { v.Outcome = "" }), false},
		{"edge without evidence", joined(func(v *graph.Edge) { v.Because = "" }), false},
		{"edge in a person's name", joined(func(v *graph.Edge) { v.Because = graph.EvidencePerson }), false},
		{"scope of a parent", graph.ScopeDone{Scope: graph.Scope{Source: "fake", Parent: graph.BigQueryRef("p", "d")}}, true},
		{"scope of a column", graph.ScopeDone{Scope: graph.Scope{Source: "fake", Parent: good().Columns[0].Ref}}, false},
		{"nothing", nil, false},
		{"unchanged", graph.AssetUnchanged{Ref: good().Asset.Ref}, true},
		{"unchanged nothing", graph.AssetUnchanged{}, false},
		{"tag", proposed(func(*graph.Tag) {}), true},
		{"tag without label", proposed(func(v *graph.Tag) { v.Label = "" }), false},
		{"tag of no confidence", proposed(func(v *graph.Tag) { v.Confidence = 0 }), false},
		{"tag of too much confidence", proposed(func(v *graph.Tag) { v.Confidence = 2 }), false},
		{"tag that a source confirms", proposed(func(v *graph.Tag) { v.State = graph.TagConfirmed }), false},
		{"tag in a person's name", proposed(func(v *graph.Tag) { v.Provenance.Kind = graph.ByPerson }), false},
		{"edge", joined(func(*graph.Edge) {}), true},
		{"edge from column to asset", joined(func(v *graph.Edge) { v.To.Path = "" }), false},
		{"edge of a statement", joined(func(v *graph.Edge) { v.Statement = "job:1" }), false},
		{"edge of no kind", joined(func(v *graph.Edge) { v.Kind = "" }), false},
		{"scope", done(), true},
		{"scope of another", graph.ScopeDone{Scope: graph.Scope{Source: "other"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := ingest.CheckFact("fake", tt.fact)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("CheckFact = %v, want valid: %v", err, tt.ok)
			}
		})
	}
	if diff := cmp.Diff(good(), good(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the cases share state:\n%s", diff)
	}
}
