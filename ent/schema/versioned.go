package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"entgo.io/ent/schema/mixin"
)

// Versioned is the part that every row with history has: its business key, the
// asset it belongs to, a digest of its content and its two revisions.
type Versioned struct{ mixin.Schema }

// Fields of a row with history.
func (Versioned) Fields() []ent.Field {
	return []ent.Field{
		field.String("key").Comment("graph.Item.Key: the identity within the table"),
		field.String("about").Comment("the asset whose visibility the row follows; empty for none"),
		field.Bytes("digest").Comment("of the content, by which a delta made from an old state is found"),
		field.Int64("began").Comment("the revision from which the row holds"),
		field.Int64("ended").Optional().Nillable().Comment("the revision from which it holds no more; null while it holds"),
	}
}

// Indexes of a row with history.
func (Versioned) Indexes() []ent.Index {
	return []ent.Index{
		// Apply: at most one row of a key holds, which also finds it.
		index.Fields("key").Unique().Annotations(entsql.IndexWhere("ended IS NULL")),
		// Reader: what belongs to these assets, at any revision.
		index.Fields("about", "began"),
		// Search and walk: what changed since the revision that was indexed.
		index.Fields("began"),
		index.Fields("ended").Annotations(entsql.IndexWhere("ended IS NOT NULL")),
	}
}

// provenance says who says so, as graph.Provenance.
func provenance() []ent.Field {
	return []ent.Field{
		field.String("provenance_kind"),
		field.String("provenance_name"),
		field.String("provenance_why").Default(""),
	}
}
