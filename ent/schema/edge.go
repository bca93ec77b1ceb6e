package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Edge says that one column or asset is made from another. Analysis and crawls
// write it. About is the asset that is made.
type Edge struct{ ent.Schema }

// Mixin gives the row its history.
func (Edge) Mixin() []ent.Mixin { return []ent.Mixin{Versioned{}} }

// Fields are those of graph.Edge.
func (Edge) Fields() []ent.Field {
	return []ent.Field{
		field.String("from_about").Comment("the asset that is read"),
		field.String("from_path").Default(""),
		field.String("to_path").Default(""),
		field.String("kind"),
		field.String("function").Default(""),
		field.Bool("masking").Default(false),
		field.String("outcome"),
		field.String("because"),
		field.String("statement").Default(""),
	}
}

// Indexes beside those of Versioned.
func (Edge) Indexes() []ent.Index {
	return []ent.Index{
		// Reader.Edges: what is made from these assets.
		index.Fields("from_about"),
		// Analysis: the edges that a statement made.
		index.Fields("statement"),
	}
}
