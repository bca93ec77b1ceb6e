package bigquery

import (
	"regexp"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/googlesql"
)

// shard matches the day, or the wildcard, at the end of a sharded table's
// name: all shards are one asset, "events_*".
var shard = regexp.MustCompile(`_(?:(?:19|20)\d{6}|\d{0,8}\*)$`)

// refOf returns the asset that a name in SQL means.
func refOf(name string) graph.Ref {
	name, _, _ = strings.Cut(name, "$")
	return graph.BigQueryRef(shard.ReplaceAllString(name, "_*"))
}

// refs returns the assets of names, sorted, each once.
func refs(names []string) []graph.Ref {
	if len(names) == 0 {
		return nil
	}
	out := make([]graph.Ref, 0, len(names))
	for _, n := range names {
		out = append(out, refOf(n))
	}
	slices.SortFunc(out, graph.CompareRefs)
	return slices.Compact(out)
}

// schemaOf writes columns as the worker reads them: the fields of a record
// within its type.
func schemaOf(columns []graph.Column) googlesql.Schema {
	children := map[string][]graph.Column{}
	for _, c := range columns {
		parent := graph.ParentPath(c.Ref.Path)
		children[parent] = append(children[parent], c)
	}
	var out googlesql.Schema
	for _, c := range children[""] {
		out = append(out, googlesql.Column{Name: c.Ref.Path, Type: typeOf(c, children)})
	}
	return out
}

// untyped is how the worker is told that nothing is known of a type.
const untyped = "RECORD"

func typeOf(c graph.Column, children map[string][]graph.Column) string {
	t := standardType(c.Type)
	if fields := children[c.Ref.Path]; len(fields) > 0 {
		parts := make([]string, len(fields))
		for i, f := range fields {
			parts[i] = quote(f.Name()) + " " + typeOf(f, children)
		}
		t = "STRUCT<" + strings.Join(parts, ", ") + ">"
	} else if t == untyped && graph.ParentPath(c.Ref.Path) != "" {
		t = "STRING" // within a type, nothing can be left open
	}
	if c.Mode == graph.ModeRepeated && t != untyped {
		return "ARRAY<" + t + ">"
	}
	return t
}

// standardType translates the names of BigQuery's REST API into those of its
// SQL.
func standardType(t string) string {
	switch t {
	case "INTEGER":
		return "INT64"
	case "FLOAT":
		return "FLOAT64"
	case "BOOLEAN":
		return "BOOL"
	case "", "RECORD", "STRUCT":
		return untyped
	}
	return t
}

func quote(name string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(name) + "`"
}
