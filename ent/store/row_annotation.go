package store

import (
	"cadastre.dev/cadastre/ent/gen/annotation"
	"cadastre.dev/cadastre/graph"
)

func annotationTable() table {
	return table{
		word: "annotations",
		name: annotation.Table,
		payload: []string{
			annotation.FieldPath, annotation.FieldAttribute, annotation.FieldValue,
			annotation.FieldProvenanceKind, annotation.FieldProvenanceName, annotation.FieldProvenanceWhy,
		},
		row:   func() row { return new(annotationRow) },
		order: []string{colAbout, colKey},
	}
}

type annotationRow struct {
	path      string
	attribute graph.TextAttribute
	value     string
	says      graph.Provenance
}

func (r *annotationRow) fields() []any {
	return []any{&r.path, &r.attribute, &r.value, &r.says.Kind, &r.says.Name, &r.says.Why}
}

func (r *annotationRow) put(i graph.Item) error {
	n, ok := i.(graph.Annotation)
	if !ok {
		return wrongRow(r, i)
	}
	*r = annotationRow{path: n.Ref.Path, attribute: n.Attribute, value: n.Value, says: n.Provenance}
	return nil
}

func (r *annotationRow) item(_ string, about graph.Ref) (graph.Item, error) {
	return graph.Annotation{Ref: about.Column(r.path), Attribute: r.attribute, Value: r.value, Provenance: r.says}, nil
}
