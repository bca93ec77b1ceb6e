package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Column is a field of an asset at any depth. Crawls write it. Of the ref only
// the path is kept, for about holds the rest.
type Column struct{ ent.Schema }

// Mixin gives the row its history.
func (Column) Mixin() []ent.Mixin { return []ent.Mixin{Versioned{}} }

// Fields are those of graph.Column.
func (Column) Fields() []ent.Field {
	return []ent.Field{
		field.String("path"),
		field.Int("position"),
		field.String("type"),
		field.String("mode"),
		field.String("description").Default(""),
		field.String("policy_tags").Default("").Comment("a JSON array; empty for none"),
	}
}
