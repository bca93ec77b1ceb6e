package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Asset is anything catalogued. Crawls write it; its key and about are the ref.
type Asset struct{ ent.Schema }

// Mixin gives the row its history.
func (Asset) Mixin() []ent.Mixin { return []ent.Mixin{Versioned{}} }

// Fields are those of graph.Asset.
func (Asset) Fields() []ent.Field {
	return []ent.Field{
		field.String("namespace"),
		field.String("name").Comment("within the namespace"),
		field.String("kind"),
		field.String("source"),
		field.String("parent").Default("").Comment("the ref of the container; empty for none"),
		field.String("location").Default(""),
		field.String("title").Default(""),
		field.String("description").Default(""),
		field.String("labels").Default("").Comment("a JSON object; empty for none"),
		field.String("definition").Default(""),
		field.String("unread").Default(""),
	}
}

// Indexes beside those of Versioned.
func (Asset) Indexes() []ent.Index {
	return []ent.Index{
		// Known, Snapshot: the assets of a scope.
		index.Fields("source", "parent"),
		// Filter: the assets of a container.
		index.Fields("parent"),
	}
}
