package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
)

// Annotation is what somebody says of one attribute of an asset or column,
// such as its description, beside what the source says. People write it.
type Annotation struct{ ent.Schema }

// Mixin gives the row its history.
func (Annotation) Mixin() []ent.Mixin { return []ent.Mixin{Versioned{}} }

// Fields are those of graph.Annotation.
func (Annotation) Fields() []ent.Field {
	fields := []ent.Field{
		field.String("path").Default("").Comment("the column's; empty for the asset"),
		field.String("attribute").Comment("title or description"),
		field.String("value"),
	}
	return append(fields, provenance()...)
}
