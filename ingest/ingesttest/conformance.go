package ingesttest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
)

// World is a source over a platform of its own, with something in it.
type World struct {
	Source ingest.Source
	// Break makes a part of what the source lists fail from now on.
	Break func()
}

// Conformance runs every law of ingest.Source against a source. Open makes a
// fresh world for each.
func Conformance(t *testing.T, open func(t *testing.T) World) {
	t.Helper()
	laws := []struct {
		name string
		law  func(t *testing.T, w World)
	}{
		{"facts are valid", factsAreValid},
		{"the same state gives the same facts", sameStateSameFacts},
		{"the same facts make no revision", sameFactsNoRevision},
		{"an unknown cursor starts anew", unknownCursorStartsAnew},
		{"a cancelled context stops", cancelledContextStops},
		{"an error of emit is returned", errorOfEmitIsReturned},
		{"a part that fails ends nothing", failingPartEndsNothing},
	}
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			l.law(t, open(t))
		})
	}
}

// Facts crawls once and returns what was told; a partial crawl is as good as a
// whole one here.
func Facts(t *testing.T, s ingest.Source, since ingest.Cursor) []graph.Fact {
	t.Helper()
	facts, err := crawl(t.Context(), s, since)
	var partial *ingest.PartialError
	if err != nil && !errors.As(err, &partial) {
		t.Fatalf("crawl: %v", err)
	}
	return facts
}

func crawl(ctx context.Context, s ingest.Source, since ingest.Cursor) ([]graph.Fact, error) {
	var facts []graph.Fact
	_, err := s.Crawl(ctx, since, func(f graph.Fact) error { facts = append(facts, f); return nil })
	return facts, err
}

func factsAreValid(t *testing.T, w World) {
	assets, whole := 0, false
	for _, f := range Facts(t, w.Source, nil) {
		if err := ingest.CheckFact(w.Source.Name(), f); err != nil {
			t.Error(err)
		}
		switch f := f.(type) {
		case graph.AssetSeen:
			assets++
		case graph.ScopeDone:
			whole = whole || f.Scope.Parent.IsZero()
		}
	}
	if assets == 0 || !whole {
		t.Errorf("%d assets, all seen: %v; a world needs assets and can be seen whole", assets, whole)
	}
}

func sameStateSameFacts(t *testing.T, w World) {
	if diff := cmp.Diff(Facts(t, w.Source, nil), Facts(t, w.Source, nil), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the second crawl tells something else (-first +second):\n%s", diff)
	}
}

func sameFactsNoRevision(t *testing.T, w World) {
	var catalog Catalog
	first := run(t, w.Source, &catalog, ingest.RunConfig{})
	if first.Revision != 1 || len(first.Delta) == 0 {
		t.Fatalf("the first run made revision %d of %d changes, want revision 1", first.Revision, len(first.Delta))
	}
	for _, cfg := range []ingest.RunConfig{{}, {Anew: true}} {
		if again := run(t, w.Source, &catalog, cfg); again.Revision != 1 || len(again.Delta) != 0 {
			t.Errorf("with anew %v: revision %d and %d changes, want none: %v", cfg.Anew, again.Revision, len(again.Delta), again.Delta)
		}
	}
}

func unknownCursorStartsAnew(t *testing.T, w World) {
	fresh := Facts(t, w.Source, nil)
	for _, cursor := range []string{"", "garbage", "{}", `{"version":-1}`, "null"} {
		if diff := cmp.Diff(fresh, Facts(t, w.Source, ingest.Cursor(cursor)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("after cursor %q (-fresh +got):\n%s", cursor, diff)
		}
	}
}

func cancelledContextStops(t *testing.T, w World) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := crawl(ctx, w.Source, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("crawl after the end of its context: %v, want context.Canceled", err)
	}
	var catalog Catalog
	if _, err := ingest.Run(ctx, w.Source, &catalog, ingest.RunConfig{}); err == nil || len(catalog.All()) > 0 || catalog.Problems(w.Source.Name()) != nil {
		t.Errorf("a run that was told to stop: error %v, %d items, problems %v; want an error and no trace", err, len(catalog.All()), catalog.Problems(w.Source.Name()))
	}
}

func errorOfEmitIsReturned(t *testing.T, w World) {
	full := errors.New("full")
	calls := 0
	_, err := w.Source.Crawl(t.Context(), nil, func(graph.Fact) error { calls++; return full })
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("crawl: %v after %d facts, want the error of the first", err, calls)
	}
}

func failingPartEndsNothing(t *testing.T, w World) {
	var catalog Catalog
	run(t, w.Source, &catalog, ingest.RunConfig{})
	before := len(catalog.All())
	w.Break()
	for _, cfg := range []ingest.RunConfig{{}, {Anew: true}} {
		report, err := ingest.Run(t.Context(), w.Source, &catalog, cfg)
		if len(report.Problems) == 0 || len(catalog.Problems(w.Source.Name())) == 0 {
			t.Errorf("with anew %v: no problem is told (error %v)", cfg.Anew, err)
		}
		if len(catalog.All()) != before {
			t.Errorf("with anew %v: %d items became %d, want all kept", cfg.Anew, before, len(catalog.All()))
		}
	}
	facts, _ := crawl(t.Context(), w.Source, nil)
	for _, f := range facts {
		if done, ok := f.(graph.ScopeDone); ok && done.Scope.Parent.IsZero() {
			t.Error("a crawl that failed in part says that it saw everything")
		}
	}
}

func run(t *testing.T, s ingest.Source, c ingest.Catalog, cfg ingest.RunConfig) ingest.Report {
	t.Helper()
	report, err := ingest.Run(t.Context(), s, c, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
