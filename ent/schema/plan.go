package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Plan is a saved plan. SavePlan writes it once; only its state moves, from one
// to the next by compare and set.
type Plan struct{ ent.Schema }

// Fields of the row.
func (Plan) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Comment("the hash of the content"),
		field.String("content").Comment("the plan as JSON, applied exactly as it stands here"),
		field.String("target"),
		field.String("state"),
		field.String("planned_by"),
		field.String("approved_by").Default(""),
		field.Int64("planned_at"),
		field.Int64("changed_at"),
		field.Int("done").Default(0).Comment("the steps that were applied"),
		field.String("reason").Default(""),
	}
}

// Indexes of the table.
func (Plan) Indexes() []ent.Index {
	return []ent.Index{
		// Reader.Plans: newest first.
		index.Fields("planned_at"),
	}
}
