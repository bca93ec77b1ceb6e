package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Event is a line of the audit log. Commit writes it in the transaction of what
// it tells of, once and for good; its hash covers the one before.
type Event struct{ ent.Schema }

// Fields of the row.
func (Event) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("the place in the log, from 1 without gaps"),
		field.Int64("at"),
		field.String("actor"),
		field.String("action"),
		field.String("object").Default(""),
		field.Int64("revision"),
		field.String("detail").Default("").Comment("a JSON object with sorted keys; empty for none"),
		field.Bytes("hash"),
	}
}

// Indexes of the table.
func (Event) Indexes() []ent.Index {
	return []ent.Index{
		// Reader.Events: what somebody did, what happened to a thing.
		index.Fields("actor"),
		index.Fields("object"),
		index.Fields("action"),
	}
}
