package schema

import (
	"entgo.io/ent"

	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Sighting is how a source last showed an asset: a digest of all it said of it,
// so that what is unchanged need not be read and compared. It has no history.
type Sighting struct{ ent.Schema }

// Fields of the row.
func (Sighting) Fields() []ent.Field {
	return []ent.Field{
		field.String("source"),
		field.String("about").Comment("the asset"),
		field.Bytes("digest"),
		field.Int64("seen_at").Comment("when it was last seen with other content; see Scope for the last time at all"),
	}
}

// Indexes of the table.
func (Sighting) Indexes() []ent.Index {
	return []ent.Index{
		// Run: what the source said last time; one row an asset.
		index.Fields("source", "about").Unique(),
		// Asset page: when it was last seen.
		index.Fields("about"),
	}
}
