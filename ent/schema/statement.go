package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Statement is a piece of SQL and what became of its analysis. Crawls write it,
// analysis changes its outcome. About is its target.
type Statement struct{ ent.Schema }

// Mixin gives the row its history.
func (Statement) Mixin() []ent.Mixin { return []ent.Mixin{Versioned{}} }

// Fields are those of graph.Statement.
func (Statement) Fields() []ent.Field {
	return []ent.Field{
		field.String("source"),
		field.String("because"),
		field.String("dialect"),
		field.String("project").Default(""),
		field.String("dataset").Default(""),
		field.String("sql"),
		field.String("author").Default(""),
		field.String("outcome"),
		field.String("unresolved").Default("").Comment("a JSON array; empty for none"),
		field.String("reason").Default(""),
	}
}

// Indexes beside those of Versioned.
func (Statement) Indexes() []ent.Index {
	return []ent.Index{
		// Reader.Statements: by ID, at any revision.
		index.Fields("key", "began"),
		// Known: the statements of a source, those without target too.
		index.Fields("source"),
	}
}
