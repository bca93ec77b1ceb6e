package store

import (
	"fmt"

	"cadastre.dev/cadastre/ent/gen/asset"
	"cadastre.dev/cadastre/ent/gen/column"
	"cadastre.dev/cadastre/graph"
)

func assetTable() table {
	return table{
		word: "assets",
		name: asset.Table,
		payload: []string{
			asset.FieldNamespace, asset.FieldName, asset.FieldKind, asset.FieldSource, asset.FieldParent, asset.FieldLocation,
			asset.FieldTitle, asset.FieldDescription, asset.FieldLabels, asset.FieldDefinition, asset.FieldUnread,
		},
		row:   func() row { return new(assetRow) },
		order: []string{colKey},
	}
}

type assetRow struct {
	namespace, name                         string
	kind                                    graph.Kind
	source, parent, location, title         string
	description, labels, definition, unread string
}

func (r *assetRow) fields() []any {
	return []any{
		&r.namespace, &r.name, &r.kind, &r.source, &r.parent, &r.location,
		&r.title, &r.description, &r.labels, &r.definition, &r.unread,
	}
}

func (r *assetRow) put(i graph.Item) error {
	a, ok := i.(graph.Asset)
	if !ok {
		return wrongRow(r, i)
	}
	labels, err := putJSON(len(a.Labels), a.Labels)
	*r = assetRow{
		namespace: a.Ref.Namespace, name: a.Ref.Name, kind: a.Kind, source: a.Source, parent: text(a.Parent), location: a.Location,
		title: a.Title, description: a.Description, labels: labels, definition: a.Definition, unread: a.Unread,
	}
	return err
}

func (r *assetRow) item(_ string, about graph.Ref) (graph.Item, error) {
	parent, err := parseText(r.parent)
	if err != nil {
		return nil, fmt.Errorf("parent of %s: %w", about, err)
	}
	labels, err := getJSON[map[string]string](r.labels)
	if err != nil {
		return nil, fmt.Errorf("labels of %s: %w", about, err)
	}
	return graph.Asset{
		Ref: about, Kind: r.kind, Source: r.source, Parent: parent, Location: r.location,
		Title: r.title, Description: r.description, Labels: labels, Definition: r.definition, Unread: r.unread,
	}, nil
}

func columnTable() table {
	return table{
		word:    "columns",
		name:    column.Table,
		payload: []string{column.FieldPath, column.FieldPosition, column.FieldType, column.FieldMode, column.FieldDescription, column.FieldPolicyTags},
		row:     func() row { return new(columnRow) },
		order:   []string{colAbout, column.FieldPosition, colKey},
	}
}

type columnRow struct {
	path, typ               string
	position                int
	mode                    graph.Mode
	description, policyTags string
}

func (r *columnRow) fields() []any {
	return []any{&r.path, &r.position, &r.typ, &r.mode, &r.description, &r.policyTags}
}

func (r *columnRow) put(i graph.Item) error {
	c, ok := i.(graph.Column)
	if !ok {
		return wrongRow(r, i)
	}
	tags, err := putJSON(len(c.PolicyTags), c.PolicyTags)
	*r = columnRow{path: c.Ref.Path, typ: c.Type, position: c.Position, mode: c.Mode, description: c.Description, policyTags: tags}
	return err
}

func (r *columnRow) item(_ string, about graph.Ref) (graph.Item, error) {
	tags, err := getJSON[[]string](r.policyTags)
	if err != nil {
		return nil, fmt.Errorf("policy tags of %s: %w", about.Column(r.path), err)
	}
	return graph.Column{
		Ref: about.Column(r.path), Position: r.position, Type: r.typ, Mode: r.mode,
		Description: r.description, PolicyTags: tags,
	}, nil
}

// wrongRow is a fault of this package: an item met the row of another type.
func wrongRow(r row, i graph.Item) error {
	return fmt.Errorf("item %T does not fit %T: %w", i, r, graph.ErrInvalid)
}
