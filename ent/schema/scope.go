package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Scope is when a source last showed a scope whole: every asset of it that
// stands was seen then. It has no history.
type Scope struct{ ent.Schema }

// Fields of the row.
func (Scope) Fields() []ent.Field {
	return []ent.Field{
		field.String("source"),
		field.String("parent").Default("").Comment("the ref of the container; empty for the whole source"),
		field.Int64("done_at"),
	}
}

// Indexes of the table.
func (Scope) Indexes() []ent.Index {
	return []ent.Index{
		// Run, asset page: one row a scope.
		index.Fields("source", "parent").Unique(),
	}
}
