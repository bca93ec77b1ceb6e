package lineage

import (
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// tree finds the columns of one asset by any spelling.
type tree struct {
	columns []graph.Column
	byPath  map[string]int
}

func newTree(columns []graph.Column) *tree {
	t := &tree{columns: columns, byPath: make(map[string]int, len(columns))}
	for i, c := range columns {
		t.byPath[fold(c.Ref.Path)] = i
	}
	return t
}

// fold is a path without case and marks: columns are case-insensitive wherever
// SQL is analyzed, and an analyzer may leave out that a parent is repeated.
func fold(path string) string { return strings.ToLower(strings.ReplaceAll(path, "[]", "")) }

func (t *tree) empty() bool { return len(t.columns) == 0 }

// spell returns the path as the catalog writes it.
func (t *tree) spell(path string) (string, bool) {
	i, ok := t.byPath[fold(path)]
	if !ok {
		return "", false
	}
	return t.columns[i].Ref.Path, true
}

// top returns the paths of the columns that are no fields, in order.
func (t *tree) top() []string {
	var out []string
	for _, c := range t.columns {
		if graph.ParentPath(c.Ref.Path) == "" {
			out = append(out, c.Ref.Path)
		}
	}
	return out
}

// leaves returns what lies below the record at path: each leaf's path from
// there, as ".lat" or "[].sku". None: the path is a leaf, or not known.
func (t *tree) leaves(path string) []string {
	var out []string
	for _, c := range t.columns {
		if rest, ok := below(c.Ref.Path, path); ok && rest != "" && !c.IsRecord() {
			out = append(out, rest)
		}
	}
	return out
}

// ends are the two paths of one edge. It is guessed where the analysis tells
// only the record that a value went into, and not the field.
type ends struct {
	from, to string
	guessed  bool
}

// pair returns the ends of the edges that join a source to an output, leaf by
// leaf. What it may not do is to leave a leaf of the source out, for a tag on
// it must find its way.
func pair(origin *tree, from string, target *tree, to string, copied bool) []ends {
	sources, outputs := origin.leaves(from), target.leaves(to)
	switch {
	case len(sources) == 0 && len(outputs) == 0:
		return []ends{{from: from, to: to}}
	case len(sources) == 0 && copied && origin.empty():
		// Nothing is known of the source: its fields are those of the copy.
		out := make([]ends, len(outputs))
		for i, leaf := range outputs {
			out[i] = ends{from: from + leaf, to: to + leaf}
		}
		return out
	case len(sources) == 0:
		return intoRecord(from, to, outputs)
	case len(outputs) == 0 && copied && target.empty():
		out := make([]ends, len(sources))
		for i, leaf := range sources {
			out[i] = ends{from: from + leaf, to: to + leaf}
		}
		return out
	case len(outputs) == 0:
		out := make([]ends, len(sources))
		for i, leaf := range sources {
			out[i] = ends{from: from + leaf, to: to}
		}
		return out
	}
	return leafByLeaf(from, sources, to, outputs)
}

// leafByLeaf joins the leaves of two records by their names; a leaf without
// its like is joined to all that have none either.
func leafByLeaf(from string, sources []string, to string, outputs []string) []ends {
	var out []ends
	open := slices.Clone(outputs)
	var unlike []string
	for _, s := range sources {
		i := slices.IndexFunc(outputs, func(o string) bool { return fold(o) == fold(s) })
		if i < 0 {
			unlike = append(unlike, s)
			continue
		}
		out = append(out, ends{from: from + s, to: to + outputs[i]})
		open = slices.DeleteFunc(open, func(o string) bool { return o == outputs[i] })
	}
	for _, s := range unlike {
		if len(open) == 0 {
			out = append(out, ends{from: from + s, to: to, guessed: true})
		}
		for _, o := range open {
			out = append(out, ends{from: from + s, to: to + o, guessed: true})
		}
	}
	return out
}

// intoRecord joins one leaf to a record that was built from it and others: to
// the field of its name, else to every field, because it is in one of them.
func intoRecord(from, to string, outputs []string) []ends {
	name := from[strings.LastIndexByte(from, '.')+1:]
	var out []ends
	for _, o := range outputs {
		if strings.EqualFold(o[strings.LastIndexByte(o, '.')+1:], name) {
			return []ends{{from: from, to: to + o}}
		}
		out = append(out, ends{from: from, to: to + o, guessed: len(outputs) > 1})
	}
	return out
}
