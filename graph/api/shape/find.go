package shape

import (
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
)

// SearchFilter narrows a search.
type SearchFilter struct {
	Kinds, Sources []string
	Parents        []graph.Ref
	Owners, Labels []string
}

// SearchResult is a page of hits with the counts of all.
type SearchResult struct {
	Total    int
	Edges    []SearchEdge
	PageInfo PageInfo
	Facets   []search.Facet
	Revision graph.Revision
}

// SearchEdge is one hit.
type SearchEdge struct {
	Cursor     string
	Node       Asset
	Why        string
	Columns    []ColumnHit
	Highlights []search.Span
}

// ColumnHit is a column that matched.
type ColumnHit struct {
	Ref        graph.Ref
	Path       string
	Highlights []search.Span
}

// Lineage is a part of the lineage graph.
type Lineage struct {
	Root     graph.Ref
	Nodes    []LineageNode
	Edges    []LineageEdge
	Complete bool
	Reasons  []string
}

// LineageNode is a column or asset in it.
type LineageNode struct {
	Ref                    graph.Ref
	Name, Kind, Visibility string
	Distance, More         int
	Labels                 []string
}

// LineageEdge joins two of them.
type LineageEdge struct {
	From, To         graph.Ref
	Kind, Function   string
	Masking          bool
	Outcome, Because string
	Statement        *graph.Statement
}

// LabelTerm is a label and what it means.
type LabelTerm struct {
	Label, Title, Description string
	Special                   bool
}

// TagPayload is what came of tagging.
type TagPayload struct {
	Tags     []graph.Tag
	Revision graph.Revision
}

// TagConnection is a page of tags.
type TagConnection struct {
	Edges    []TagEdge
	PageInfo PageInfo
	Total    int
}

// TagEdge is one tag of a page.
type TagEdge struct {
	Cursor string
	Node   graph.Tag
}
