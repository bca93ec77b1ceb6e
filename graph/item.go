package graph

import (
	"cmp"
	"encoding/json"
	"reflect"
	"strings"
)

// Item is anything that has a history of revisions: an Asset, Column, Owner,
// Tag, Grant, Edge, Statement or Annotation. The set is sealed, because the store keeps a
// table for each and Diff must know them all.
type Item interface {
	// Key is the item's identity within its type. It is stable over time.
	Key() string
	// About is the asset to which the item belongs: what its visibility
	// follows, and what a scope must hold for the item to end with it.
	About() Ref
	item()
}

func (a Asset) item()      {}
func (c Column) item()     {}
func (o Owner) item()      {}
func (t Tag) item()        {}
func (g Grant) item()      {}
func (e Edge) item()       {}
func (s Statement) item()  {}
func (n Annotation) item() {}

// Key of an asset is its ref's.
func (a Asset) Key() string { return a.Ref.Key() }

// Key of a column is its ref's.
func (c Column) Key() string { return c.Ref.Key() }

// Key of an owner is who owns what in which role, and who says so.
func (o Owner) Key() string {
	return join(o.Asset.Key(), o.Principal, string(o.Role), string(o.Provenance.Kind))
}

// Key of a tag is what is said of what by which sort of witness.
func (t Tag) Key() string { return join(t.Ref.Key(), t.Label, string(t.Provenance.Kind)) }

// Key of a grant is who has which role on what.
func (g Grant) Key() string { return join(g.On.Key(), g.Principal, g.Role) }

// Key of an edge is its ends, its kind and the statement that made it.
func (e Edge) Key() string { return join(e.From.Key(), e.To.Key(), string(e.Kind), e.Statement) }

// Key of a statement is its ID.
func (s Statement) Key() string { return s.ID }

// Key of an annotation is what is said of what by which sort of witness.
func (n Annotation) Key() string {
	return join(n.Ref.Key(), string(n.Attribute), string(n.Provenance.Kind))
}

// join separates with a byte that no ref, label or principal contains.
func join(parts ...string) string { return strings.Join(parts, "\x1f") }

// About returns the asset itself.
func (a Asset) About() Ref { return a.Ref }

// About returns the column's asset.
func (c Column) About() Ref { return c.Ref.Asset() }

// About returns the owned asset.
func (o Owner) About() Ref { return o.Asset }

// About returns the tagged asset, or the asset of the tagged column.
func (t Tag) About() Ref { return t.Ref.Asset() }

// About returns what the grant lies on.
func (g Grant) About() Ref { return g.On }

// About returns the asset that the edge makes.
func (e Edge) About() Ref { return e.To.Asset() }

// About returns the statement's target; zero for a bare SELECT.
func (s Statement) About() Ref { return s.Target }

// About returns the annotated asset, or the asset of the annotated column.
func (n Annotation) About() Ref { return n.Ref.Asset() }

// CompareItems orders items by type and key.
func CompareItems(a, b Item) int {
	return cmp.Or(cmp.Compare(itemRank(a), itemRank(b)), strings.Compare(a.Key(), b.Key()))
}

func itemRank(i Item) int {
	switch i.(type) {
	case Asset:
		return 0
	case Column:
		return 1
	case Owner:
		return 2
	case Grant:
		return 3
	case Tag:
		return 4
	case Statement:
		return 5
	case Edge:
		return 6
	case Annotation:
		return 7
	}
	return 8
}

// sameItem says whether two items of one key have the same content. Where they
// are not equal their JSON is compared, so that nil and empty collections are
// the same thing.
func sameItem(a, b Item) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
