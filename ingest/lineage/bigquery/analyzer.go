// Package bigquery finds the lineage of BigQuery's SQL, by asking the
// GoogleSQL worker.
//
// It owns the translation between refs and columns of the graph and names and
// types of the worker. It does not own the worker's life (internal/googlesql),
// nor what an analysis means (ingest/lineage).
//
// Only internal/serve and tests may import it.
package bigquery

import (
	"context"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest/lineage"
	"cadastre.dev/cadastre/internal/googlesql"
)

// Pool is what is asked: *googlesql.Pool, and a fake of it in tests.
type Pool interface {
	// Analyze and Names are as *googlesql.Pool documents them.
	Analyze(ctx context.Context, r googlesql.Request) (googlesql.Answer, error)
	Names(ctx context.Context, r googlesql.Request) (googlesql.Names, error)
}

// Analyzer is a lineage.Analyzer for BigQuery's dialect.
type Analyzer struct {
	pool Pool
	why  string
}

var _ lineage.Analyzer = (*Analyzer)(nil)

// New returns an analyzer that asks pool.
func New(pool Pool) *Analyzer { return &Analyzer{pool: pool} }

// None returns an analyzer for where there is no worker: every outcome is
// graph.OutcomeUnanalyzed, and why is its reason.
func None(why error) *Analyzer { return &Analyzer{why: why.Error()} }

// Tables returns the assets that the statement's text may name.
func (a *Analyzer) Tables(ctx context.Context, s graph.Statement) ([]graph.Ref, error) {
	return nil, ctx.Err()
}

// Analyze finds the lineage of the statement's text.
func (a *Analyzer) Analyze(ctx context.Context, s graph.Statement, schemas lineage.Schemas) (graph.Analysis, error) {
	return graph.Analysis{}, ctx.Err()
}
