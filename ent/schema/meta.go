package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
)

// Meta says what this database is: the id of the catalog, drawn when it was
// made, by which a plan of another catalog is known. Open writes it once.
type Meta struct{ ent.Schema }

// Fields of the row.
func (Meta) Fields() []ent.Field {
	return []ent.Field{
		field.String("id"),
		field.String("value"),
	}
}
