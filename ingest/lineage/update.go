package lineage

import (
	"context"

	"cadastre.dev/cadastre/graph"
)

// Input is what Update brings up to date.
type Input struct {
	// Source is the name of the source whose views and statements these are.
	Source string
	// Dialect is that of the source. Defaults to "bigquery".
	Dialect string
	// Views are all assets of the source that have a definition in SQL. What
	// is known of another view of the source ends.
	Views []graph.Asset
	// Statements are what the source listed since the last time, their SQL as
	// it ran. What is known of statements that are not listed stays.
	Statements []graph.Statement
	// Known holds the statements and edges of the source as the catalog has
	// them. Other items are passed over.
	Known graph.Snapshot
	// Schemas tells the columns of every asset of the catalog.
	Schemas Schemas
	// Changed are the assets that began, changed or ended, or whose columns
	// did, since the last update; see Touched. Statements that read or write
	// one of them are analyzed again.
	Changed map[graph.Ref]bool
	// Full analyzes every view and listed statement again, as after an upgrade
	// of the analyzer.
	Full bool
	// Workers is how many statements are analyzed at once. Defaults to 2.
	Workers int
	// Progress is told how many of how many statements are done, never
	// concurrently. Defaults to nobody.
	Progress func(done, of int)
}

// Report counts statements by what became of them.
type Report struct {
	Exact, Partial, Failed, Unanalyzed int
	// Kept were not analyzed again; they are counted above too.
	Kept int
}

// Update analyzes what has to be analyzed and returns how the statements and
// edges of the source change. An edge that a person drew never changes. The
// error is the end of ctx; nothing else makes it fail.
func Update(ctx context.Context, analyzer Analyzer, in Input) (graph.Delta, Report, error) {
	return nil, Report{}, ctx.Err()
}

// Touched returns the assets that a delta touches, or whose columns it does.
func Touched(delta graph.Delta) map[graph.Ref]bool {
	touched := map[graph.Ref]bool{}
	for _, c := range delta {
		switch i := c.Item().(type) {
		case graph.Asset:
			touched[i.Ref] = true
		case graph.Column:
			touched[i.Ref.Asset()] = true
		}
	}
	return touched
}
