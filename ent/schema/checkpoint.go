package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
)

// Checkpoint is a signed note of the audit log's first events, as it was
// written when the log had just that many.
type Checkpoint struct{ ent.Schema }

// Fields of the row.
func (Checkpoint) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("how many events it covers"),
		field.Int64("at"),
		field.String("note").Comment("as it was signed"),
	}
}
