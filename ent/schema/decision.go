package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Decision is a line of the access ledger: what an audience got of a class of
// columns, and between which revisions. HoldDecisions writes it.
type Decision struct{ ent.Schema }

// Fields of the row.
func (Decision) Fields() []ent.Field {
	return []ent.Field{
		field.String("audience"),
		field.String("class"),
		field.String("content").Comment("the decision as JSON"),
		field.Int64("began"),
		field.Int64("ended").Optional().Nillable(),
	}
}

// Indexes of the table.
func (Decision) Indexes() []ent.Index {
	return []ent.Index{
		// HoldDecisions: at most one decision an audience and class holds.
		index.Fields("audience", "class").Unique().Annotations(entsql.IndexWhere("ended IS NULL")),
		// Reader.Decisions: what held of a class at a revision.
		index.Fields("class", "began"),
	}
}
