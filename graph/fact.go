package graph

// Fact is what a source saw. The set is sealed: AssetSeen, AssetUnchanged,
// TagSeen, EdgeSeen, EdgeGone and ScopeDone. Facts know nothing of what was
// known before.
type Fact interface{ fact() }

// AssetSeen says that an asset is there, with all that belongs to it. Columns,
// owners and grants that it lacks are no longer there.
type AssetSeen struct {
	Asset   Asset
	Columns []Column
	Owners  []Owner
	Grants  []Grant
}

// AssetUnchanged says that an asset is there as the source's last run left it,
// with all that belongs to it: nothing of it begins, changes or ends.
type AssetUnchanged struct{ Ref Ref }

// TagSeen says that the source itself declares a tag on an asset or column.
type TagSeen struct{ Tag Tag }

// EdgeSeen says that a source itself knows a lineage edge, as a connector
// knows which topic fills which table.
type EdgeSeen struct{ Edge Edge }

// EdgeGone takes back an edge that was pushed: From, To and Kind name it. Edges
// that no push told of stay.
type EdgeGone struct{ Edge Edge }

// ScopeDone says that a scope was seen whole; only then may what was not seen
// in it end.
type ScopeDone struct{ Scope Scope }

func (AssetSeen) fact()      {}
func (AssetUnchanged) fact() {}
func (TagSeen) fact()        {}
func (EdgeSeen) fact()       {}
func (EdgeGone) fact()       {}
func (ScopeDone) fact()      {}

// Scope is the part of the catalog that one source answers for: the container
// Parent and all assets in it, or everything of the source where Parent is
// zero.
type Scope struct {
	Source string
	Parent Ref
}

// Holds says whether an asset lies in the scope.
func (s Scope) Holds(a Asset) bool {
	return a.Source == s.Source && (s.Parent.IsZero() || a.Parent == s.Parent || a.Ref == s.Parent)
}
