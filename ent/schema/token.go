package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Token is what a service shows to push facts. Tokens writes it, and who uses
// it touches last_used_at. Of the token itself only the hash is stored.
type Token struct{ ent.Schema }

// Fields of the row.
func (Token) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Comment("names the token to people; tells nothing of it"),
		field.Bytes("hash").Sensitive(),
		field.String("name").Comment("the service: it acts as service:name"),
		field.String("sources").Default("").Comment("a JSON array of the sources that it may push as; empty for none"),
		field.String("created_by"),
		field.Int64("created_at"),
		field.Int64("expires_at"),
		field.Int64("revoked_at").Optional().Nillable().Comment("null while it may be used"),
		field.Int64("last_used_at").Default(0).Comment("0 before its first use"),
	}
}

// Indexes of the table.
func (Token) Indexes() []ent.Index {
	return []ent.Index{
		// Tokens: who shows this token.
		index.Fields("hash").Unique(),
	}
}
