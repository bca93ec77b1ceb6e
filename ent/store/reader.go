package store

import (
	"context"
	"time"

	"cadastre.dev/cadastre/graph"
)

// Reader reads the catalog as one principal may see it at one revision. It is
// made for a request and may be used concurrently.
type Reader struct{}

// Reader returns a reader for the principal, of what the filter shows, at the
// revision; 0 means the newest, fixed now. A revision that is not there yet is
// graph.ErrNotFound.
func (s *Store) Reader(ctx context.Context, p graph.Principal, f graph.Filter, at graph.Revision) (*Reader, error) {
	return nil, errSkeleton
}

// Revision returns the revision read at.
func (r *Reader) Revision() graph.Revision { return 0 }

// Principal returns on whose behalf is read.
func (r *Reader) Principal() graph.Principal { return graph.Principal{} }

// Page asks for a part of a list.
type Page struct {
	// After is the Next of the page before; empty for the first.
	After string
	// First is how many to return, at most 1,000. Defaults to 50.
	First int
}

// List is one page of a list.
type List[T any] struct {
	Items []T
	// Next is where the following page begins; empty at the end. It is
	// opaque.
	Next string
}

// AssetView is an asset as the reader's principal may know it. Where it is
// only discoverable, Asset holds ref and kind alone.
type AssetView struct {
	Asset      graph.Asset
	Visibility graph.Visibility
	Owners     []graph.Owner
}

// Asset returns one asset; graph.ErrNotFound where there is none or it is
// hidden. The ref of a column asks for its asset.
func (r *Reader) Asset(ctx context.Context, ref graph.Ref) (AssetView, error) {
	return AssetView{}, errSkeleton
}

// Assets returns those of the assets that are not hidden.
func (r *Reader) Assets(ctx context.Context, refs ...graph.Ref) (map[graph.Ref]AssetView, error) {
	return nil, errSkeleton
}

// AssetsIn says which assets to list; empty fields ask for all.
type AssetsIn struct {
	Source string
	Parent graph.Ref
	Kind   graph.Kind
}

// ListAssets lists assets by ref. Those that are only discoverable are found
// by kind alone, for their source and parent are not to be known.
func (r *Reader) ListAssets(ctx context.Context, in AssetsIn, page Page) (List[AssetView], error) {
	return List[AssetView]{}, errSkeleton
}

// Visibility says of each asset how much of it may be known; one that does not
// stand at the revision is hidden.
func (r *Reader) Visibility(ctx context.Context, refs ...graph.Ref) (map[graph.Ref]graph.Visibility, error) {
	return nil, errSkeleton
}

// Columns returns the columns of visible assets, by asset, in their order.
func (r *Reader) Columns(ctx context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Column, error) {
	return nil, errSkeleton
}

// Tags returns what all witnesses say of visible assets and their columns, by
// asset.
func (r *Reader) Tags(ctx context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Tag, error) {
	return nil, errSkeleton
}

// Owners returns the owners of assets that are not hidden, by asset.
func (r *Reader) Owners(ctx context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Owner, error) {
	return nil, errSkeleton
}

// Grants returns the warehouse's own rights on visible assets, by asset.
func (r *Reader) Grants(ctx context.Context, on ...graph.Ref) (map[graph.Ref][]graph.Grant, error) {
	return nil, errSkeleton
}

// Edges returns the edges that begin or end at the assets or their columns.
// An end that is only discoverable is shown as its asset, without columns.
func (r *Reader) Edges(ctx context.Context, assets ...graph.Ref) ([]graph.Edge, error) {
	return nil, errSkeleton
}

// Statements returns the statements with the ids, where their targets are
// visible. The text of one that reads what is hidden is left out.
func (r *Reader) Statements(ctx context.Context, ids ...string) ([]graph.Statement, error) {
	return nil, errSkeleton
}

// StatementsOf returns the statements that write or define visible assets, by
// target.
func (r *Reader) StatementsOf(ctx context.Context, targets ...graph.Ref) (map[graph.Ref][]graph.Statement, error) {
	return nil, errSkeleton
}

// Snapshot returns all visible items of the scope; the zero scope is the whole
// catalog.
func (r *Reader) Snapshot(ctx context.Context, scope graph.Scope) (graph.Snapshot, error) {
	return nil, errSkeleton
}

// Version is an item with the revisions between which it held; Ended is 0
// while it holds at the reader's revision.
type Version struct {
	Item         graph.Item
	Began, Ended graph.Revision
}

// History returns all that was ever so of a visible asset, its columns, owners
// and tags, up to the reader's revision, oldest first.
func (r *Reader) History(ctx context.Context, asset graph.Ref) ([]Version, error) {
	return nil, errSkeleton
}

// Plans lists saved plans, newest first; a plan that touches what is hidden is
// left out.
func (r *Reader) Plans(ctx context.Context, page Page) (List[graph.SavedPlan], error) {
	return List[graph.SavedPlan]{}, errSkeleton
}

// Plan returns one saved plan; graph.ErrNotFound as in Plans.
func (r *Reader) Plan(ctx context.Context, id string) (graph.SavedPlan, error) {
	return graph.SavedPlan{}, errSkeleton
}

// Decisions returns the access ledger's lines for the classes, ended ones too,
// up to the reader's revision, oldest first. Without classes it returns all of
// them, and graph.ErrDenied where something may be hidden from the principal:
// the list would tell of classes that only hidden columns have.
func (r *Reader) Decisions(ctx context.Context, classes ...graph.Class) ([]graph.Held, error) {
	return nil, errSkeleton
}

// RevisionInfo says when, by whom and why the catalog changed.
type RevisionInfo struct {
	Number graph.Revision
	At     time.Time
	Actor  string
	// Why is empty where something may be hidden from the principal and
	// somebody else committed.
	Why string
}

// Revisions lists the revisions up to the reader's, newest first.
func (r *Reader) Revisions(ctx context.Context, page Page) (List[RevisionInfo], error) {
	return List[RevisionInfo]{}, errSkeleton
}

// RevisionAt returns the revision that was the newest at the time, 0 before
// the first.
func (r *Reader) RevisionAt(ctx context.Context, at time.Time) (graph.Revision, error) {
	return 0, errSkeleton
}

// Counts says how much there is of what the principal may see.
type Counts struct {
	// Assets counts those not hidden; the maps count the same.
	Assets   int
	ByKind   map[graph.Kind]int
	Columns  int
	Tags     int
	Edges    int
	Outcomes map[graph.Outcome]int
}

// Counts counts.
func (r *Reader) Counts(ctx context.Context) (Counts, error) { return Counts{}, errSkeleton }
