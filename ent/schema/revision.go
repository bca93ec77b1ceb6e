package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Revision says when, by whom and why the catalog changed. Commit writes it,
// once and for good. Times are microseconds since 1970 in UTC, here and in all
// tables, so that every database keeps and orders them alike.
type Revision struct{ ent.Schema }

// Fields of the row.
func (Revision) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("the number of the revision"),
		field.Int64("at"),
		field.String("actor"),
		field.String("why"),
	}
}

// Indexes of the table.
func (Revision) Indexes() []ent.Index {
	return []ent.Index{
		// RevisionAt: the last revision at a time.
		index.Fields("at"),
	}
}
