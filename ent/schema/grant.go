package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Grant is an access right as the warehouse holds it. Crawls write it.
type Grant struct{ ent.Schema }

// Mixin gives the row its history.
func (Grant) Mixin() []ent.Mixin { return []ent.Mixin{Versioned{}} }

// Fields are those of graph.Grant.
func (Grant) Fields() []ent.Field {
	return append([]ent.Field{
		field.String("principal"),
		field.String("role"),
	}, provenance()...)
}
