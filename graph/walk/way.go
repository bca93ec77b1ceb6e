package walk

import (
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Way returns the columns by which a tag came down the lineage, its origin
// first and its own column last: what a reader must be allowed to see before
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
	way := []graph.Ref{at}
	for _, line := range t.Evidence {
		from, to, ok := readStep(line)
		if !ok || from.Key() != way[len(way)-1].Key() {
			return nil, false
		}
		way = append(way, to)
	}
	return way, way[len(way)-1].Key() == t.Ref.Key()
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
