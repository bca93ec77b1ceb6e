package store

import (
	"fmt"

	"cadastre.dev/cadastre/ent/gen/edge"
	"cadastre.dev/cadastre/ent/gen/statement"
	"cadastre.dev/cadastre/graph"
)

func edgeTable() table {
	return table{
		word: "edges",
		name: edge.Table,
		payload: []string{
			edge.FieldFromAbout, edge.FieldFromPath, edge.FieldToPath, edge.FieldKind, edge.FieldFunction,
			edge.FieldMasking, edge.FieldOutcome, edge.FieldBecause, edge.FieldStatement,
		},
		row:   func() row { return new(edgeRow) },
		order: []string{colAbout, colKey},
	}
}

type edgeRow struct {
	fromAbout, fromPath, toPath string
	kind                        graph.EdgeKind
	function                    string
	masking                     bool
	outcome                     graph.Outcome
	because                     graph.EvidenceKind
	statement                   string
	from                        refs
}

func (r *edgeRow) fields() []any {
	return []any{&r.fromAbout, &r.fromPath, &r.toPath, &r.kind, &r.function, &r.masking, &r.outcome, &r.because, &r.statement}
}

func (r *edgeRow) put(i graph.Item) error {
	e, ok := i.(graph.Edge)
	if !ok {
		return wrongRow(r, i)
	}
	*r = edgeRow{
		fromAbout: text(e.From.Asset()), fromPath: e.From.Path, toPath: e.To.Path, kind: e.Kind, function: e.Function,
		masking: e.Masking, outcome: e.Outcome, because: e.Because, statement: e.Statement,
	}
	return nil
}

func (r *edgeRow) item(_ string, about graph.Ref) (graph.Item, error) {
	from, err := r.from.parse(r.fromAbout)
	if err != nil {
		return nil, fmt.Errorf("edge to %s: %w", about.Column(r.toPath), err)
	}
	return graph.Edge{
		From: from.Column(r.fromPath), To: about.Column(r.toPath), Kind: r.kind, Function: r.function,
		Masking: r.masking, Outcome: r.outcome, Because: r.because, Statement: r.statement,
	}, nil
}

func statementTable() table {
	return table{
		word: "statements",
		name: statement.Table,
		payload: []string{
			statement.FieldSource, statement.FieldBecause, statement.FieldDialect, statement.FieldProject, statement.FieldDataset,
			statement.FieldSQL, statement.FieldAuthor, statement.FieldOutcome, statement.FieldUnresolved, statement.FieldReason,
		},
		row:   func() row { return new(statementRow) },
		order: []string{colAbout, colKey},
	}
}

type statementRow struct {
	source                    string
	because                   graph.EvidenceKind
	dialect, project, dataset string
	sql, author               string
	outcome                   graph.Outcome
	unresolved, reason        string
}

func (r *statementRow) fields() []any {
	return []any{
		&r.source, &r.because, &r.dialect, &r.project, &r.dataset,
		&r.sql, &r.author, &r.outcome, &r.unresolved, &r.reason,
	}
}

func (r *statementRow) put(i graph.Item) error {
	s, ok := i.(graph.Statement)
	if !ok {
		return wrongRow(r, i)
	}
	unresolved, err := putJSON(len(s.Unresolved), s.Unresolved)
	*r = statementRow{
		source: s.Source, because: s.Because, dialect: s.Dialect, project: s.Project, dataset: s.Dataset,
		sql: s.SQL, author: s.Author, outcome: s.Outcome, unresolved: unresolved, reason: s.Reason,
	}
	return err
}

func (r *statementRow) item(key string, about graph.Ref) (graph.Item, error) {
	unresolved, err := getJSON[[]string](r.unresolved)
	if err != nil {
		return nil, fmt.Errorf("statement %s: %w", key, err)
	}
	return graph.Statement{
		ID: key, Source: r.source, Because: r.because, Dialect: r.dialect, Project: r.project, Dataset: r.dataset,
		Target: about, SQL: r.sql, Author: r.author, Outcome: r.outcome, Unresolved: unresolved, Reason: r.reason,
	}, nil
}
