package graph

import "slices"

// Revision numbers the commits of the catalog, from 1. Reading is always at a
// revision. 0 is the empty catalog.
type Revision int64

// Principal is somebody who asks: a signed-in person or a service.
type Principal struct {
	// ID is the address by which grants and groups know the person; for a
	// service, "service:name".
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Groups []string `json:"groups"`
}

// In says whether the principal belongs to any of the groups.
func (p Principal) In(groups ...string) bool {
	return slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(p.Groups, g) })
}

// Names returns how owners and grants write the principal: "user:id" and
// "group:g" for each group.
func (p Principal) Names() []string {
	names := []string{"user:" + p.ID}
	for _, g := range p.Groups {
		names = append(names, "group:"+g)
	}
	return names
}

// Audience is a named group of people with a purpose, for whom one set of
// views is made.
type Audience struct {
	// Name is a short identifier, "analysts"; it names the views' container.
	Name string `json:"name" yaml:"name"`
	// Title is for people.
	Title string `json:"title" yaml:"title"`
	// Groups are those whose members belong to the audience.
	Groups []string `json:"groups" yaml:"groups"`
	// Purpose is why they read, "analytics" or "fraud_detection".
	Purpose string `json:"purpose" yaml:"purpose"`
}

// Has says whether the principal belongs to the audience.
func (a Audience) Has(p Principal) bool { return p.In(a.Groups...) }

// Visibility says how much of an asset a principal may know of.
type Visibility string

// The visibilities, least first. Hidden is the default.
const (
	// Hidden means no trace anywhere: as if the asset did not exist.
	Hidden Visibility = "hidden"
	// Discoverable means name, kind and owners, so that one can ask.
	Discoverable Visibility = "discoverable"
	// Visible means all that the catalog knows.
	Visible Visibility = "visible"
)

// Filter says which assets are visible and which at least discoverable. Policy
// makes it for a principal; the store compiles it, search and lineage evaluate
// it. The zero Filter hides everything.
type Filter struct {
	// Visible and Discoverable hold clauses; an asset that satisfies any
	// clause of Visible is visible, and one of either is discoverable.
	Visible, Discoverable []Clause
}

// Clause is a conjunction of conditions. A clause without conditions holds for
// every asset.
type Clause []Condition

// Condition says that an attribute of an asset has one of the values. No
// values: it holds for no asset.
type Condition struct {
	Attribute Attribute `json:"attribute"`
	In        []string  `json:"in"`
}

// Attribute is what a Condition may look at. The set is closed, because the
// store must have a column for each.
type Attribute string

// The attributes. Owners are matched as Principal.Names writes them.
const (
	AttributeRef       Attribute = "ref"
	AttributeNamespace Attribute = "namespace"
	AttributeKind      Attribute = "kind"
	AttributeSource    Attribute = "source"
	AttributeParent    Attribute = "parent"
	AttributeOwner     Attribute = "owner"
)

// Everything is the filter that hides nothing; for the program's own work
// alone.
func Everything() Filter { return Filter{Visible: []Clause{{}}} }

// Of returns the visibility of an asset with the given owners, each written as
// Owner.Principal.
func (f Filter) Of(a Asset, owners []string) Visibility {
	holds := func(c Clause) bool { return c.holds(a, owners) }
	switch {
	case slices.ContainsFunc(f.Visible, holds):
		return Visible
	case slices.ContainsFunc(f.Discoverable, holds):
		return Discoverable
	}
	return Hidden
}

func (c Clause) holds(a Asset, owners []string) bool {
	for _, condition := range c {
		if !condition.holds(a, owners) {
			return false
		}
	}
	return true
}

func (c Condition) holds(a Asset, owners []string) bool {
	switch c.Attribute {
	case AttributeRef:
		return slices.Contains(c.In, a.Ref.String())
	case AttributeNamespace:
		return slices.Contains(c.In, a.Ref.Namespace)
	case AttributeKind:
		return slices.Contains(c.In, string(a.Kind))
	case AttributeSource:
		return slices.Contains(c.In, a.Source)
	case AttributeParent:
		return slices.Contains(c.In, a.Parent.String())
	case AttributeOwner:
		return slices.ContainsFunc(owners, func(o string) bool { return slices.Contains(c.In, o) })
	}
	return false
}
