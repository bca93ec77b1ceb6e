package shape

import (
	"maps"
	"slices"

	"cadastre.dev/cadastre/graph"
)

// Me is the signed-in person.
type Me struct {
	ID, Name  string
	Groups    []string
	Audiences []graph.Audience
	Actions   []string
	Head      graph.Revision
	// BreakGlass is nil while the glass is whole.
	BreakGlass *BreakGlass
}

// PageInfo says where a page ends.
type PageInfo struct {
	HasNextPage bool
	EndCursor   *string
}

// NewPageInfo makes a PageInfo; an empty end means an empty page.
func NewPageInfo(hasNext bool, end string) PageInfo {
	p := PageInfo{HasNextPage: hasNext}
	if end != "" {
		p.EndCursor = &end
	}
	return p
}

// Label is a key and a value.
type Label struct{ Key, Value string }

// Labels writes a map by rising key.
func Labels(m map[string]string) []Label {
	out := make([]Label, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, Label{key, m[key]})
	}
	return out
}

// AssetView is an asset as a principal may know it. Where it is only
// discoverable, Asset holds ref and kind alone.
type AssetView struct {
	Asset      graph.Asset
	Visibility graph.Visibility
	// Owners are all whom anybody names.
	Owners []graph.Owner
	// Annotations are what is said, beside the source, of the asset and its
	// columns.
	Annotations []graph.Annotation
}

// Asset is an asset of the API. Page is what its lists are loaded with.
type Asset struct {
	Ref                          graph.Ref
	Name, Kind, Visibility       string
	Source                       string
	Parent                       graph.Ref
	Location, Title, Description string
	Says                         []graph.Said
	Labels                       []Label
	Definition, Unread           string
	Owners                       []graph.Owner
	OwnersSaid                   []OwnerSaid
	// Annotations are what is said of its columns, too.
	Annotations []graph.Annotation
	Page        any
}

// NewAsset shows an asset by the words that count. page is kept as it is.
func NewAsset(v AssetView, page any) Asset {
	a, said := v.Asset, v.Asset.Says(v.Annotations)
	return Asset{
		Ref: a.Ref, Name: a.Ref.Base(), Kind: string(a.Kind), Visibility: string(v.Visibility),
		Source: a.Source, Parent: a.Parent, Location: a.Location,
		Title: graph.EffectiveText(said, graph.AttributeTitle), Description: graph.EffectiveText(said, graph.AttributeDescription), Says: said,
		Labels: Labels(a.Labels), Definition: a.Definition, Unread: a.Unread,
		Owners: graph.EffectiveOwners(v.Owners), OwnersSaid: NewOwnersSaid(v.Owners), Annotations: v.Annotations, Page: page,
	}
}

// Column is a column of the API. Page is what its explanations are loaded with.
type Column struct {
	Ref                        graph.Ref
	Path, Name, DataType, Mode string
	Description                string
	Says                       []graph.Said
	PolicyTags                 []string
	Assessment                 string
	Tags                       []graph.Tag
	Page                       any
}

// NewColumn shows a column of an asset with what all witnesses say of it.
func NewColumn(c graph.Column, of Asset, tags []graph.Tag, page any) Column {
	said := c.Says(of.Source, of.Annotations)
	return Column{
		Ref: c.Ref, Path: c.Ref.Path, Name: c.Name(), DataType: c.Type, Mode: string(c.Mode),
		Description: graph.EffectiveText(said, graph.AttributeDescription), Says: said,
		PolicyTags: c.PolicyTags, Assessment: string(graph.Assess(tags)), Tags: tags, Page: page,
	}
}

// PublishedView is a view that was published for an audience.
type PublishedView struct {
	Ref      graph.Ref
	Audience string
}
