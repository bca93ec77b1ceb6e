package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
)

// Cursor is where the crawls of a source stand. PutCursor writes it. It has no
// history: that a source was seen again changes nothing in the catalog.
type Cursor struct{ ent.Schema }

// Fields of the row.
func (Cursor) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Comment("the name of the source"),
		field.Bytes("cursor").Optional().Comment("what the source itself wants to know next time"),
		field.Int64("crawled_at"),
		field.String("problems").Default("").Comment("a JSON array of sentences; empty for none"),
		field.String("held").Default("").Comment("the removals that wait for a person's word, as JSON; empty for none"),
	}
}
