package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
)

// Fence numbers the holders of a work that only one may do at a time, such as
// the crawl of a source. Who takes it gets the next number; a commit under an
// older one is refused, whatever the older holder still believes.
type Fence struct{ ent.Schema }

// Fields of the row.
func (Fence) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Comment("what is fenced, crawl:warehouse"),
		field.Int64("number"),
		field.Int64("taken_at"),
	}
}
