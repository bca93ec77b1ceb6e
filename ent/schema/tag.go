package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Tag is a label on an asset or column. Detectors, propagation, sources and
// people write it, each their own row.
type Tag struct{ ent.Schema }

// Mixin gives the row its history.
func (Tag) Mixin() []ent.Mixin { return []ent.Mixin{Versioned{}} }

// Fields are those of graph.Tag.
func (Tag) Fields() []ent.Field {
	return append([]ent.Field{
		field.String("path").Default("").Comment("of the column; empty for the asset itself"),
		field.String("label"),
		field.String("state"),
		field.String("form"),
		field.Float("confidence"),
		field.String("evidence").Default("").Comment("a JSON array of sentences; empty for none"),
	}, provenance()...)
}
