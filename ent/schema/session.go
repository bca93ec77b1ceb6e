package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Session is a signed-in browser. Sessions writes it. Its id is the hash of the
// token, so that who reads the database cannot be somebody else.
type Session struct{ ent.Schema }

// Fields of the row.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		field.String("id"),
		field.Bytes("data").Sensitive(),
		field.Int64("expires_at"),
	}
}

// Indexes of the table.
func (Session) Indexes() []ent.Index {
	return []ent.Index{
		// Sessions: what may be swept.
		index.Fields("expires_at"),
	}
}
