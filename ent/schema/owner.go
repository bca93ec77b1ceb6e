package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Owner is somebody who answers for an asset. Crawls and people write it.
type Owner struct{ ent.Schema }

// Mixin gives the row its history.
func (Owner) Mixin() []ent.Mixin { return []ent.Mixin{Versioned{}} }

// Fields are those of graph.Owner.
func (Owner) Fields() []ent.Field {
	return append([]ent.Field{
		field.String("principal"),
		field.String("role"),
	}, provenance()...)
}

// Indexes beside those of Versioned.
func (Owner) Indexes() []ent.Index {
	return []ent.Index{
		// Filter: what these principals own.
		index.Fields("principal"),
	}
}
