package graphtest

import "cadastre.dev/cadastre/graph"

// Field describes a column, and below it the fields of a record.
type Field struct {
	name, kind, description string
	mode                    graph.Mode
	fields                  []Field
}

// Leaf describes a column that bears values.
func Leaf(name, kind string) Field { return Field{name: name, kind: kind, mode: graph.ModeNullable} }

// Record describes a column with fields of its own.
func Record(name string, fields ...Field) Field {
	return Field{name: name, kind: "RECORD", mode: graph.ModeNullable, fields: fields}
}

// Repeated returns the field as a list.
func (f Field) Repeated() Field { f.mode = graph.ModeRepeated; return f }

// Required returns the field as one that is never NULL.
func (f Field) Required() Field { f.mode = graph.ModeRequired; return f }

// Described returns the field with a description.
func (f Field) Described(text string) Field { f.description = text; return f }

// Columns returns the columns of an asset as a crawl would see them: parents
// before their children, with paths and positions.
func Columns(asset graph.Ref, fields ...Field) []graph.Column {
	var out []graph.Column
	for _, f := range fields {
		out = appendField(out, graph.Column{Ref: asset.Column(f.name)}, f)
	}
	return out
}

func appendField(out []graph.Column, c graph.Column, f Field) []graph.Column {
	c.Position, c.Type, c.Mode, c.Description = len(out), f.kind, f.mode, f.description
	out = append(out, c)
	for _, child := range f.fields {
		out = appendField(out, graph.Column{Ref: c.Ref.Column(graph.ChildPath(c, child.name))}, child)
	}
	return out
}

// Confirmed is what a person says: that a column bears a label.
func Confirmed(column graph.Ref, label, person string) graph.Tag {
	return graph.Tag{
		Ref: column, Label: label, State: graph.TagConfirmed, Form: graph.FormClear, Confidence: 1,
		Provenance: graph.Provenance{Kind: graph.ByPerson, Name: person},
	}
}

// Rejected is what a person says: that a column does not bear a label.
func Rejected(column graph.Ref, label, person string) graph.Tag {
	t := Confirmed(column, label, person)
	t.State = graph.TagRejected
	return t
}

// Annotated is what a person says of an attribute of an asset or column.
func Annotated(of graph.Ref, attribute graph.TextAttribute, value, person string) graph.Annotation {
	return graph.Annotation{
		Ref: of, Attribute: attribute, Value: value,
		Provenance: graph.Provenance{Kind: graph.ByPerson, Name: person},
	}
}

// Proposed is what a detector says.
func Proposed(column graph.Ref, label, detector string, confidence float64) graph.Tag {
	return graph.Tag{
		Ref: column, Label: label, State: graph.TagProposed, Form: graph.FormClear, Confidence: confidence,
		Evidence:   []string{"the name of the column says so"},
		Provenance: graph.Provenance{Kind: graph.ByDetector, Name: detector},
	}
}

// Declared is what a source itself says.
func Declared(column graph.Ref, label, source string) graph.Tag {
	return graph.Tag{
		Ref: column, Label: label, State: graph.TagConfirmed, Form: graph.FormClear, Confidence: 1,
		Provenance: graph.Provenance{Kind: graph.BySource, Name: source},
	}
}

// Identity is an edge along which a value goes as it is.
func Identity(from, to graph.Ref, statement string) graph.Edge {
	return graph.Edge{
		From: from, To: to, Kind: graph.EdgeIdentity, Outcome: graph.OutcomeExact,
		Because: graph.EvidenceJob, Statement: statement,
	}
}

// Through is an edge along which a value passes a function.
func Through(from, to graph.Ref, kind graph.EdgeKind, function, statement string) graph.Edge {
	e := Identity(from, to, statement)
	e.Kind, e.Function = kind, function
	return e
}

// Masked is an edge along which a value passes a masking function.
func Masked(from, to graph.Ref, function, statement string) graph.Edge {
	e := Through(from, to, graph.EdgeTransformation, function, statement)
	e.Masking = true
	return e
}
