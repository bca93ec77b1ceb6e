package walk

import (
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Way returns the columns by which a tag came down the lineage, the one that
// its origin is or holds first and its own column last: what a reader must be allowed to see before
// it is shown the tag's evidence. It is false where the tag was not
// propagated, or its evidence cannot be read: then nothing of it can be told
// to be harmless.
func Way(t graph.Tag) ([]graph.Ref, bool) {
	if t.Provenance.Kind != graph.ByPropagation || len(t.Evidence) == 0 {
		return nil, false
	}
	at, err := graph.ParseRef(t.Provenance.Name)
	if err != nil {
		return nil, false
	}
	var way []graph.Ref
	for _, line := range t.Evidence {
		from, to, ok := readStep(line)
		if !ok || !holds(at, from) {
			return nil, false
		}
		way, at = append(way, from, to), to
	}
	return slices.CompactFunc(way, func(a, b graph.Ref) bool { return a.Key() == b.Key() }), at.Key() == t.Ref.Key()
}

// holds says whether a column is, or lies within, what at names.
func holds(at, column graph.Ref) bool {
	for column.Key() != at.Key() {
		if !column.IsColumn() {
			return false
		}
		column = column.Column(graph.ParentPath(column.Path))
	}
	return true
}

const (
	stepArrow = " → "
	stepHow   = " ("
)

// readStep reads what step writes.
func readStep(line string) (from, to graph.Ref, ok bool) {
	open := strings.LastIndex(line, stepHow)
	if open < 0 {
		return graph.Ref{}, graph.Ref{}, false
	}
	left, right, found := strings.Cut(line[:open], stepArrow)
	from, errFrom := graph.ParseRef(left)
	to, errTo := graph.ParseRef(right)
	return from, to, found && errFrom == nil && errTo == nil
}
