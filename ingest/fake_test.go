package ingest_test

import (
	"context"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
)

// fake is a source of facts that a test lists.
type fake struct {
	facts  []graph.Fact
	cursor ingest.Cursor
	err    error
	since  []ingest.Cursor
}

func (*fake) Name() string { return "fake" }

func (f *fake) Crawl(ctx context.Context, since ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
	f.since = append(f.since, since)
	for _, fact := range f.facts {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := emit(fact); err != nil {
			return nil, err
		}
	}
	return f.cursor, f.err
}

// table is a table of the fake with the named columns.
func table(name string, columns ...string) graph.AssetSeen {
	ref := graph.BigQueryRef("p", "d", name)
	seen := graph.AssetSeen{Asset: graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "fake", Parent: ref.Parent()}}
	for i, c := range columns {
		seen.Columns = append(seen.Columns, graph.Column{Ref: ref.Column(c), Position: i, Type: "STRING", Mode: graph.ModeNullable})
	}
	return seen
}

func done() graph.ScopeDone { return graph.ScopeDone{Scope: graph.Scope{Source: "fake"}} }
