package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Push is a batch of facts that a service pushed, by the key that it chose, so
// that the same batch sent again is answered and not written again.
type Push struct{ ent.Schema }

// Fields of the row.
func (Push) Fields() []ent.Field {
	return []ent.Field{
		field.String("source"),
		field.String("key").Comment("the sender's, unique within the source"),
		field.Bytes("digest").Comment("of the batch: another batch under the same key is a conflict"),
		field.String("answer").Comment("what was answered, as JSON"),
		field.Int64("at"),
	}
}

// Indexes of the table.
func (Push) Indexes() []ent.Index {
	return []ent.Index{
		// Push: was this batch seen.
		index.Fields("source", "key").Unique(),
		// Sweep: what is old enough to be forgotten.
		index.Fields("at"),
	}
}
