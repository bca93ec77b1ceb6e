package lineage

import (
	"context"

	"cadastre.dev/cadastre/graph"
)

// Analyzer understands the SQL of one dialect. It is safe for concurrent use.
type Analyzer interface {
	// Tables returns the assets that the statement's text may name, read or
	// written, sorted, from the syntax alone. A text that is not grammatical
	// names none. ErrUnavailable: there is no analyzer to ask at present.
	Tables(ctx context.Context, s graph.Statement) ([]graph.Ref, error)
	// Analyze finds the lineage of the statement's text as a whole; a script
	// is followed through its temporary tables. What is wrong with the text is
	// in the analysis and never an error, and so is the lack of an analyzer:
	// its outcome is then OutcomeUnanalyzed, with the reason. An error is the
	// end of ctx.
	Analyze(ctx context.Context, s graph.Statement, schemas Schemas) (graph.Analysis, error)
}

// Schemas says what columns an asset has, in the order of their positions. It
// may be called concurrently; the slice is not written to.
type Schemas interface {
	// Columns returns the columns of the asset, and none where they are not
	// known.
	Columns(asset graph.Ref) []graph.Column
}

// SchemaMap is Schemas as a value: the columns by asset.
type SchemaMap map[graph.Ref][]graph.Column

// Columns returns the columns of the asset.
func (m SchemaMap) Columns(asset graph.Ref) []graph.Column { return m[asset] }
