package ingesttest

import (
	"cmp"
	"slices"

	"cadastre.dev/cadastre/graph"
)

// Schemas returns the columns of each asset in a snapshot, in their order.
func Schemas(s graph.Snapshot) map[graph.Ref][]graph.Column {
	out := map[graph.Ref][]graph.Column{}
	for _, item := range s {
		if c, ok := item.(graph.Column); ok {
			out[c.Ref.Asset()] = append(out[c.Ref.Asset()], c)
		}
	}
	for _, columns := range out {
		slices.SortFunc(columns, func(a, b graph.Column) int { return cmp.Compare(a.Position, b.Position) })
	}
	return out
}

// Views returns the assets that have a definition and are views, by ref.
func Views(s graph.Snapshot) []graph.Asset {
	var out []graph.Asset
	for _, item := range s.Sorted() {
		if a, ok := item.(graph.Asset); ok && a.Kind.IsView() && a.Definition != "" {
			out = append(out, a)
		}
	}
	return out
}

// Of returns the items of one type in a snapshot, sorted by key.
func Of[T graph.Item](s graph.Snapshot) []T {
	var out []T
	for _, item := range s.Sorted() {
		if i, ok := item.(T); ok {
			out = append(out, i)
		}
	}
	return out
}
