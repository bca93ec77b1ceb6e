package lineage

import (
	"cmp"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Edges returns what an analysis means in the catalog, sorted: edges from leaf
// to leaf, in the spelling of the known columns.
//
// A struct or array copied whole becomes edges between its leaves, by the
// columns known of either end. An input none of whose columns reaches the
// target gets one edge between the assets, which says how it has its part:
// filter, join, group, or reads where that is all that is known. A column that
// comes from itself, as in an update, makes no edge.
func Edges(s graph.Statement, a graph.Analysis, schemas Schemas) []graph.Edge {
	if a.Outcome == graph.OutcomeFailed || a.Outcome == graph.OutcomeUnanalyzed {
		return nil
	}
	e := edges{statement: s, outcome: a.Outcome, schemas: schemas, trees: map[graph.Ref]*tree{}, byKey: map[string]graph.Edge{}, fed: map[[2]graph.Ref]bool{}}
	for i, c := range a.Columns {
		target := c.Output.Asset()
		if target.IsZero() {
			target = s.Target
		}
		if target.IsZero() {
			continue
		}
		output := e.output(target, c, i, len(a.Columns))
		for _, source := range c.Sources {
			e.join(source, target, output, soleIdentity(c))
		}
	}
	for _, target := range targetsOf(s, a) {
		e.assets(target, a)
	}
	return e.sorted()
}

func targetsOf(s graph.Statement, a graph.Analysis) []graph.Ref {
	if len(a.Outputs) > 0 {
		return a.Outputs
	}
	if s.Target.IsZero() {
		return nil
	}
	return []graph.Ref{s.Target}
}

// edges collects the edges of one statement.
type edges struct {
	statement graph.Statement
	outcome   graph.Outcome
	schemas   Schemas
	trees     map[graph.Ref]*tree
	byKey     map[string]graph.Edge
	fed       map[[2]graph.Ref]bool
}

func (e *edges) tree(asset graph.Ref) *tree {
	t, ok := e.trees[asset]
	if !ok {
		t = newTree(e.schemas.Columns(asset))
		e.trees[asset] = t
	}
	return t
}

// output returns the path that an output is written to. An output without a
// name of its own takes the name of its place, where the target has as many
// columns as there are outputs; empty: its column is not known.
func (e *edges) output(target graph.Ref, c graph.OutputColumn, position, of int) string {
	name := c.Name
	if c.Output.IsColumn() {
		name = c.Output.Path
	}
	t := e.tree(target)
	if t.empty() {
		if isUnnamed(name) {
			return ""
		}
		return name
	}
	if known, ok := t.spell(name); ok {
		return known
	}
	if top := t.top(); isUnnamed(name) && len(top) == of && position < of {
		return top[position]
	}
	return ""
}

// isUnnamed says whether an analyzer made the name up.
func isUnnamed(name string) bool { return name == "" || strings.HasPrefix(name, "$") }

// soleIdentity says whether an output is one column copied.
func soleIdentity(c graph.OutputColumn) bool {
	return len(c.Sources) == 1 && c.Sources[0].Kind == graph.EdgeIdentity
}

// join makes the edges from one source column to an output.
func (e *edges) join(source graph.ColumnSource, target graph.Ref, output string, copied bool) {
	from := source.Column.Asset()
	origin := e.tree(from)
	path := source.Column.Path
	if !origin.empty() {
		known, ok := origin.spell(path)
		if !ok {
			return // a pseudo column such as _PARTITIONTIME: assets says the rest
		}
		path = known
	}
	if output == "" {
		return
	}
	for _, p := range pair(origin, path, e.tree(target), output, copied) {
		outcome := e.outcome
		if p.guessed {
			outcome = graph.OutcomePartial
		}
		e.add(graph.Edge{
			From: from.Column(p.from), To: target.Column(p.to), Kind: source.Kind,
			Function: source.Function, Masking: source.Masking, Outcome: outcome,
		})
	}
}

func (e *edges) add(edge graph.Edge) {
	edge.Because, edge.Statement = e.statement.Because, e.statement.ID
	e.fed[[2]graph.Ref{edge.From.Asset(), edge.To.Asset()}] = true
	if edge.From.Key() == edge.To.Key() {
		return
	}
	if was, ok := e.byKey[edge.Key()]; ok {
		edge = surer(was, edge)
	}
	e.byKey[edge.Key()] = edge
}

// surer makes one edge of two between the same ends: the clear way counts
// before a masked one, and what is exact stays so.
func surer(a, b graph.Edge) graph.Edge {
	if a.Masking && !b.Masking || a.Masking == b.Masking && b.Function < a.Function {
		a, b = b, a
	}
	if b.Outcome == graph.OutcomeExact {
		a.Outcome = b.Outcome
	}
	return a
}

// assets joins the inputs to a target that no column of theirs reaches.
func (e *edges) assets(target graph.Ref, a graph.Analysis) {
	for _, input := range a.Inputs {
		if input == target || e.fed[[2]graph.Ref{input, target}] {
			continue
		}
		kinds := influences(a, input)
		if len(kinds) == 0 {
			kinds = []graph.EdgeKind{graph.EdgeReads}
		}
		for _, kind := range kinds {
			edge := graph.Edge{From: input, To: target, Kind: kind, Outcome: e.outcome, Because: e.statement.Because, Statement: e.statement.ID}
			e.byKey[edge.Key()] = edge
		}
	}
}

func influences(a graph.Analysis, input graph.Ref) []graph.EdgeKind {
	var kinds []graph.EdgeKind
	for _, i := range a.Influences {
		if i.Column.Asset() == input && !slices.Contains(kinds, i.Kind) {
			kinds = append(kinds, i.Kind)
		}
	}
	return kinds
}

func (e *edges) sorted() []graph.Edge {
	out := make([]graph.Edge, 0, len(e.byKey))
	for _, edge := range e.byKey {
		out = append(out, edge)
	}
	slices.SortFunc(out, func(a, b graph.Edge) int { return cmp.Compare(a.Key(), b.Key()) })
	return out
}
