package shape

import (
	"time"

	"cadastre.dev/cadastre/graph"
)

// Standing says which revision a question was answered at, among those that
// there are.
type Standing struct {
	Revision graph.Revision
	At       time.Time
	// Newest says that no revision was newer when it was asked, and Head is
	// the one that was the newest.
	Newest bool
	Head   graph.Revision
	// Since is the oldest that can be asked for, and SinceAt when it was made;
	// ForgottenAt is when what stood before it was removed, zero for never.
	Since                graph.Revision
	SinceAt, ForgottenAt time.Time
}

// History is a page of what became of an asset, newest first.
type History struct {
	Edges    []HistoryEdge
	PageInfo PageInfo
	// Complete is false where what happened earlier was removed under
	// retention.
	Complete bool
}

// HistoryEdge is one revision of a page.
type HistoryEdge struct {
	Cursor string
	Node   HistoryEntry
}

// HistoryEntry is what one revision changed of an asset.
type HistoryEntry struct {
	Revision graph.Revision
	At       time.Time
	Actor    string
	Why      string
	Changes  []HistoryChange
}

// HistoryChange is what became of one item.
type HistoryChange struct {
	// How is began, changed or ended; Noun is asset, column, owner, tag or
	// grant.
	How, Noun string
	Ref       graph.Ref
	// Name is what tells the item from others of its noun on the same ref: a
	// path, a label, a principal.
	Name       string
	Attributes []graph.AttributeChange
}
