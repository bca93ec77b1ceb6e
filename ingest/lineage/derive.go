package lineage

import "cadastre.dev/cadastre/graph"

// derive returns the columns of a view whose schema the source does not show,
// from what its SQL selects. A type that is not known is empty.
func derive(view graph.Ref, a graph.Analysis, schemas Schemas) []graph.Column {
	var out []graph.Column
	seen := map[string]bool{}
	add := func(path string, like graph.Column) {
		if !seen[fold(path)] {
			seen[fold(path)] = true
			out = append(out, graph.Column{Ref: view.Column(path), Position: len(out), Type: like.Type, Mode: like.Mode})
		}
	}
	for _, c := range a.Columns {
		if isUnnamed(c.Name) {
			continue
		}
		var origin []graph.Column
		path := ""
		if soleIdentity(c) {
			origin = schemas.Columns(c.Sources[0].Column.Asset())
			path, _ = newTree(origin).spell(c.Sources[0].Column.Path)
		}
		if path == "" {
			add(c.Name, graph.Column{Mode: graph.ModeNullable})
			continue
		}
		for _, known := range origin {
			if rest, ok := below(known.Ref.Path, path); ok {
				add(c.Name+rest, known)
			}
		}
	}
	return out
}

// below returns what follows path in a path at or below it.
func below(p, path string) (string, bool) {
	if len(p) < len(path) || p[:len(path)] != path {
		return "", false
	}
	rest := p[len(path):]
	if rest == "" || rest[0] == '.' || len(rest) > 2 && rest[:3] == "[]." {
		return rest, true
	}
	return "", false
}

// overlay is Schemas with the derived columns of views.
type overlay struct {
	base    Schemas
	derived SchemaMap
}

// Columns returns the known columns, and the derived ones where none are.
func (o overlay) Columns(asset graph.Ref) []graph.Column {
	if known := o.base.Columns(asset); len(known) > 0 {
		return known
	}
	return o.derived[asset]
}
