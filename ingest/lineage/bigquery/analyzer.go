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
	"errors"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest/lineage"
	"cadastre.dev/cadastre/internal/googlesql"
)

// Pool is what is asked: *googlesql.Pool, or a fake of it in tests.
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
	if a.pool == nil || isLegacy(s.SQL) {
		return nil, nil
	}
	names, err := a.pool.Names(ctx, request(s))
	if err != nil {
		return nil, err
	}
	return refs(names.Tables), nil
}

// Analyze finds the lineage of the statement's text.
func (a *Analyzer) Analyze(ctx context.Context, s graph.Statement, schemas lineage.Schemas) (graph.Analysis, error) {
	if a.pool == nil {
		return unanalyzed(a.why), nil
	}
	if isLegacy(s.SQL) {
		return graph.Analysis{Outcome: graph.OutcomeFailed, Reason: "The text is in BigQuery's legacy SQL, which is not analyzed."}, nil
	}
	question := request(s)
	names, err := a.pool.Names(ctx, question)
	if err != nil {
		return missing(ctx, err)
	}
	question.Schemas = make(map[string]googlesql.Schema, len(names.Tables))
	for _, table := range names.Tables {
		if schema := schemaOf(schemas.Columns(refOf(table))); len(schema) > 0 {
			question.Schemas[table] = schema
		}
	}
	answer, err := a.pool.Analyze(ctx, question)
	if err != nil {
		return missing(ctx, err)
	}
	return analysis(answer), nil
}

// missing tells the end of ctx from the lack of a worker.
func missing(ctx context.Context, err error) (graph.Analysis, error) {
	if ctx.Err() != nil {
		return graph.Analysis{}, context.Cause(ctx)
	}
	if errors.Is(err, graph.ErrUnavailable) {
		return unanalyzed(err.Error()), nil
	}
	return graph.Analysis{Outcome: graph.OutcomeFailed, Reason: err.Error()}, nil
}

func unanalyzed(why string) graph.Analysis {
	return graph.Analysis{Outcome: graph.OutcomeUnanalyzed, Reason: why}
}

// isLegacy says whether the text is marked as BigQuery's old dialect.
func isLegacy(sql string) bool {
	const mark = "#legacysql"
	sql = strings.TrimSpace(sql)
	return len(sql) >= len(mark) && strings.EqualFold(sql[:len(mark)], mark)
}

func request(s graph.Statement) googlesql.Request {
	return googlesql.Request{SQL: s.SQL, Dialect: lineage.DialectBigQuery, DefaultProject: s.Project, DefaultDataset: s.Dataset}
}

// analysis translates the worker's answer.
func analysis(a googlesql.Answer) graph.Analysis {
	out := graph.Analysis{
		Parsed: a.Parsed, Outcome: outcomeOf(a.Outcome), Inputs: refs(a.Inputs), Outputs: refs(a.Outputs),
		Unresolved: slices.Clone(a.Unresolved), Reason: a.Error,
	}
	for _, c := range a.Columns {
		o := graph.OutputColumn{Name: c.Column}
		if c.Output != "" {
			o.Output = refOf(c.Output).Column(c.Column)
		}
		for _, s := range c.Sources {
			o.Sources = append(o.Sources, sourceOf(s))
		}
		out.Columns = append(out.Columns, o)
	}
	for _, s := range a.Influences {
		out.Influences = append(out.Influences, sourceOf(s))
	}
	return out
}

func sourceOf(s googlesql.Source) graph.ColumnSource {
	return graph.ColumnSource{Column: refOf(s.Asset).Column(s.Column), Kind: kindOf(s.Kind), Function: s.Function, Masking: s.Masking}
}

func outcomeOf(o googlesql.Outcome) graph.Outcome {
	switch o {
	case googlesql.Exact:
		return graph.OutcomeExact
	case googlesql.Partial:
		return graph.OutcomePartial
	case googlesql.Failed:
	}
	return graph.OutcomeFailed
}

// kindOf translates a kind. One that is not known counts as a transformation,
// along which tags travel: rather too far than not at all.
func kindOf(k googlesql.Kind) graph.EdgeKind {
	switch k {
	case googlesql.Identity:
		return graph.EdgeIdentity
	case googlesql.Aggregation:
		return graph.EdgeAggregation
	case googlesql.Window:
		return graph.EdgeWindow
	case googlesql.Filter:
		return graph.EdgeFilter
	case googlesql.Join:
		return graph.EdgeJoin
	case googlesql.Group:
		return graph.EdgeGroup
	case googlesql.Transformation:
	}
	return graph.EdgeTransformation
}
