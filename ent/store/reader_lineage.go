package store

import (
	"context"
	"slices"

	"cadastre.dev/cadastre/ent/gen/edge"
	"cadastre.dev/cadastre/graph"
)

// Edges returns the edges that begin or end at the assets or their columns,
// sorted. One end at least is visible and none is hidden; where an end is only
// discoverable the edge joins the two assets, without columns.
func (r *Reader) Edges(ctx context.Context, assets ...graph.Ref) ([]graph.Edge, error) {
	found := graph.Snapshot{}
	for _, column := range []string{colAbout, edge.FieldFromAbout} {
		err := r.where(ctx, edgeTable(), r.at, column, keysOf(assets), func(i graph.Item) { found.Put(i) })
		if err != nil {
			return nil, err
		}
	}
	edges := make([]graph.Edge, 0, len(found))
	for _, i := range found.Sorted() {
		edges = append(edges, i.(graph.Edge))
	}
	return r.showEdges(ctx, edges)
}

// showEdges reduces edges to what the principal may know.
func (r *Reader) showEdges(ctx context.Context, edges []graph.Edge) ([]graph.Edge, error) {
	if r.all {
		return edges, nil
	}
	var ends []graph.Ref
	for _, e := range edges {
		ends = append(ends, e.From.Asset(), e.To.Asset())
	}
	slices.SortFunc(ends, graph.CompareRefs)
	seen, err := r.Visibility(ctx, slices.Compact(ends)...)
	if err != nil {
		return nil, err
	}
	shown := graph.Snapshot{}
	for _, e := range edges {
		from, to := seen[e.From.Asset()], seen[e.To.Asset()]
		switch {
		case from == graph.Hidden || to == graph.Hidden:
		case from == graph.Visible && to == graph.Visible:
			shown.Put(e)
		case from == graph.Visible || to == graph.Visible:
			stub := stubOf(e)
			if _, ok := shown.Get(stub); !ok {
				shown.Put(stub)
			}
		}
	}
	out := make([]graph.Edge, 0, len(shown))
	for _, i := range shown.Sorted() {
		out = append(out, i.(graph.Edge))
	}
	return out, nil
}

// stubOf is an edge of which only the assets may be known.
func stubOf(e graph.Edge) graph.Edge {
	return graph.Edge{
		From: e.From.Asset(), To: e.To.Asset(), Kind: graph.EdgeReads,
		Outcome: e.Outcome, Because: e.Because,
	}
}

// Statements returns the statements with the ids, where their targets are
// visible, sorted. SQL, Unresolved and Reason of one that may name what is less
// than visible are left out.
func (r *Reader) Statements(ctx context.Context, ids ...string) ([]graph.Statement, error) {
	found, err := r.statements(ctx, colKey, ids)
	if err != nil {
		return nil, err
	}
	return r.showStatements(ctx, found)
}

// StatementsOf returns the statements that write or define visible assets, by
// target, as Statements does.
func (r *Reader) StatementsOf(ctx context.Context, targets ...graph.Ref) (map[graph.Ref][]graph.Statement, error) {
	found, err := r.statements(ctx, colAbout, keysOf(targets))
	if err != nil {
		return nil, err
	}
	shown, err := r.showStatements(ctx, found)
	if err != nil {
		return nil, err
	}
	out := map[graph.Ref][]graph.Statement{}
	for _, s := range shown {
		out[s.Target] = append(out[s.Target], s)
	}
	return out, nil
}

// statements returns statements unjudged.
func (r *Reader) statements(ctx context.Context, column string, values []string) ([]graph.Statement, error) {
	var out []graph.Statement
	err := r.where(ctx, statementTable(), r.at, column, values, func(i graph.Item) { out = append(out, i.(graph.Statement)) })
	slices.SortFunc(out, func(a, b graph.Statement) int { return graph.CompareItems(a, b) })
	return out, err
}

func (r *Reader) showStatements(ctx context.Context, statements []graph.Statement) ([]graph.Statement, error) {
	if r.all {
		return statements, nil
	}
	targets := make([]graph.Ref, len(statements))
	for i, s := range statements {
		targets[i] = s.Target
	}
	seen, err := r.Visibility(ctx, targets...)
	if err != nil {
		return nil, err
	}
	statements = slices.DeleteFunc(statements, func(s graph.Statement) bool { return seen[s.Target.Asset()] != graph.Visible })
	telling, err := r.telling(ctx, statements)
	if err != nil {
		return nil, err
	}
	for i, s := range statements {
		if telling[s.ID] {
			statements[i].SQL, statements[i].Unresolved, statements[i].Reason = "", nil, ""
		}
	}
	return statements, nil
}

// telling says which statements may name what is less than visible: SQL names
// the columns of what it reads, which nobody learns of an asset that is only
// discoverable. One tells nothing that was understood whole and reads only what
// is visible; what was not understood whole may name anything.
func (r *Reader) telling(ctx context.Context, statements []graph.Statement) (map[string]bool, error) {
	telling := make(map[string]bool, len(statements))
	if r.all {
		return telling, nil
	}
	var exact []string
	for _, s := range statements {
		telling[s.ID] = true
		if s.Outcome == graph.OutcomeExact {
			exact = append(exact, s.ID)
		}
	}
	inputs := map[string][]graph.Ref{}
	var all []graph.Ref
	err := r.where(ctx, edgeTable(), r.at, edge.FieldStatement, exact, func(i graph.Item) {
		e := i.(graph.Edge)
		inputs[e.Statement] = append(inputs[e.Statement], e.From.Asset())
		all = append(all, e.From.Asset())
	})
	if err != nil {
		return nil, err
	}
	seen, err := r.Visibility(ctx, all...)
	if err != nil {
		return nil, err
	}
	for id, refs := range inputs {
		telling[id] = slices.ContainsFunc(refs, func(ref graph.Ref) bool { return seen[ref] != graph.Visible })
	}
	return telling, nil
}
