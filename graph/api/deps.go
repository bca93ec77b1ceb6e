package api

import (
	"context"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
)

// Catalog gives readers. The context of every call bears the graph.AsOf at
// which the whole query is answered; all of deps.go answers at it.
type Catalog interface {
	// AsOf returns the revision that a moment names; the zero Moment is now.
	// One that is not there is graph.ErrNotFound, one that names nothing
	// graph.ErrInvalid; the text is fit for everybody.
	AsOf(ctx context.Context, m graph.Moment) (graph.AsOf, error)
	// Reader returns what the principal may read at the context's revision.
	Reader(ctx context.Context, who graph.Principal) (Reader, error)
	// Standing tells of the revision read at.
	Standing(ctx context.Context, who graph.Principal) (shape.Standing, error)
	// History returns a page of what became of an asset, newest first; nothing
	// of one that is less than visible.
	History(ctx context.Context, who graph.Principal, asset graph.Ref, first int, after string) (shape.History, error)
	// LastSeen returns when those of the assets that are visible were last
	// seen by their sources. It stands outside revisions.
	LastSeen(ctx context.Context, who graph.Principal, assets ...graph.Ref) (map[graph.Ref]time.Time, error)
}

// Reader reads the catalog as one principal may see it at one revision. What
// is hidden is as if it did not exist: it is left out of maps and lists. It is
// used concurrently.
type Reader interface {
	// Revision is the one read at.
	Revision() graph.Revision
	// Assets returns those of the assets that are not hidden. Of one that is
	// only discoverable, ref, kind and owners alone are told.
	Assets(ctx context.Context, refs ...graph.Ref) (map[graph.Ref]shape.AssetView, error)
	// Columns returns the columns of visible assets in their order.
	Columns(ctx context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Column, error)
	// Tags returns what all witnesses say of visible assets and their columns,
	// by asset.
	Tags(ctx context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Tag, error)
	// Statements returns the statements that make visible assets, by target.
	Statements(ctx context.Context, targets ...graph.Ref) (map[graph.Ref][]graph.Statement, error)
	// Search searches; a cursor of another search is graph.ErrInvalid.
	Search(ctx context.Context, q search.Query) (search.Result, error)
	// Walk follows lineage from a root that the caller has looked at, and
	// returns the statements that the edges name, by ID. It fills in the
	// query's Visibility.
	Walk(ctx context.Context, q walk.Query) (walk.Result, map[string]graph.Statement, error)
}

// Governor answers what the policy says.
type Governor interface {
	// Audiences returns all audiences.
	Audiences() []graph.Audience
	// Vocabulary returns the labels that tags may bear.
	Vocabulary() []shape.LabelTerm
	// Actions returns what the principal may do somewhere, beside seeing.
	Actions(ctx context.Context, who graph.Principal) ([]string, error)
	// ExplainColumns says what audiences get of visible columns of the assets,
	// by column: those named, or all where none is. In the past it is what
	// they got.
	ExplainColumns(ctx context.Context, who graph.Principal, assets []graph.Ref, audiences []string) (map[graph.Ref][]shape.Explanation, error)
	// Views returns the published views over visible assets, by base.
	Views(ctx context.Context, who graph.Principal, bases ...graph.Ref) (map[graph.Ref][]shape.PublishedView, error)
	// May returns those of the assets that are visible and to which the
	// principal may do something: to tag or to describe them.
	May(ctx context.Context, who graph.Principal, action graph.Action, assets ...graph.Ref) (map[graph.Ref]bool, error)
	// WhoCouldSee tells every way to a column at a revision, or at a time
	// where that is not zero; both zero mean now. graph.ErrDenied without the
	// audit action.
	WhoCouldSee(ctx context.Context, who graph.Principal, column graph.Ref, revision graph.Revision, at time.Time) (shape.WhoCouldSee, error)
}

// Tagger records what people say.
type Tagger interface {
	// Tag records all requests or none; graph.ErrDenied where one is not the
	// principal's to say, graph.ErrInvalid where one makes no sense.
	Tag(ctx context.Context, who graph.Principal, requests []graph.TagRequest) ([]graph.Tag, graph.Revision, error)
	// Inbox returns proposals that wait for the principal, by ref.
	Inbox(ctx context.Context, who graph.Principal) ([]graph.Tag, error)
}

// Describer records what people say of titles, descriptions and owners. Each
// method records all requests or none: graph.ErrDenied where one is not the
// principal's to say, graph.ErrInvalid where one makes no sense,
// graph.ErrConflict where something else counts by now than the person saw.
type Describer interface {
	Annotate(ctx context.Context, who graph.Principal, requests []graph.AnnotateRequest) (graph.Revision, error)
	Own(ctx context.Context, who graph.Principal, requests []graph.OwnRequest) (graph.Revision, error)
}

// Undoer shows the runs of sources and takes them back; graph.ErrDenied
// without the crawl action.
type Undoer interface {
	// Runs returns the last runs of a source, newest first.
	Runs(ctx context.Context, who graph.Principal, source string, first int) ([]shape.Run, error)
	// UndoPreview says what UndoRun would change, and writes nothing.
	UndoPreview(ctx context.Context, who graph.Principal, run graph.Revision) (shape.UndoRun, error)
	// UndoRun takes a run back; graph.ErrConflict where later commits changed
	// some of what it did, unless those are to be kept.
	UndoRun(ctx context.Context, who graph.Principal, run graph.Revision, keepLater bool) (shape.UndoRun, error)
}

// Planner makes plans and moves them. Each method is graph.ErrDenied without
// the action, graph.ErrConflict where the plan is in another state.
type Planner interface {
	// Plans returns a page, newest first. The cursor of a plan is its ID in
	// JSON, in base64 without padding; next is empty on the last page.
	Plans(ctx context.Context, who graph.Principal, first int, after string) (plans []graph.SavedPlan, next string, err error)
	SavedPlan(ctx context.Context, who graph.Principal, id string) (graph.SavedPlan, error)
	Plan(ctx context.Context, who graph.Principal, audiences []string) (graph.SavedPlan, error)
	Approve(ctx context.Context, who graph.Principal, id string) (graph.SavedPlan, error)
	Apply(ctx context.Context, who graph.Principal, id string) (graph.SavedPlan, error)
	Undo(ctx context.Context, who graph.Principal, id string) (graph.SavedPlan, error)
}

// Auditor shows the audit log; graph.ErrDenied without the audit action.
type Auditor interface {
	// Events returns a page, newest first. Empty texts ask for all. The
	// cursor of an event is its Seq in JSON, in base64 without padding; next
	// is empty on the last page.
	Events(ctx context.Context, who graph.Principal, actor, action, object string, first int, after string) (events []audit.Event, next string, err error)
	// Verification verifies the whole log.
	Verification(ctx context.Context, who graph.Principal) (audit.Report, error)
	// Signing returns what signs the log, and the newest checkpoint.
	Signing(ctx context.Context, who graph.Principal) (shape.AuditSigning, error)
}

// Glass lets the person of a session see all of the catalog for a short time.
type Glass interface {
	// BreakGlass begins that; graph.ErrDenied without the action,
	// graph.ErrInvalid without a reason, graph.ErrConflict where the glass is
	// broken already.
	BreakGlass(ctx context.Context, who graph.Principal, reason string) error
	// EndBreakGlass ends it; where the glass is whole nothing happens.
	EndBreakGlass(ctx context.Context, who graph.Principal) error
	// Broken says until when and why the glass is broken, nil where it is
	// whole.
	Broken(ctx context.Context, who graph.Principal) *shape.BreakGlass
}

// Operator shows and starts the program's work.
type Operator interface {
	// Sources returns the configured sources, and those that are pushed.
	Sources(ctx context.Context, who graph.Principal) ([]shape.Source, error)
	// Activity returns the jobs that wait or run.
	Activity(ctx context.Context, who graph.Principal) ([]shape.Activity, error)
	// StartCrawl makes the crawl of a source due, and allows the removal with
	// the hash that the source holds back; empty allows none.
	// graph.ErrDenied without the crawl action, graph.ErrConflict where another
	// removal or none is held back.
	StartCrawl(ctx context.Context, who graph.Principal, source, remove string) error
}

// Administrator says which services may push; graph.ErrDenied without the
// administer action.
type Administrator interface {
	// Tokens returns all tokens, newest first.
	Tokens(ctx context.Context, who graph.Principal) ([]shape.Token, error)
	// CreateToken makes a token and returns it with its secret, which is not
	// told again. graph.ErrInvalid where the name, a source or the days make
	// no sense.
	CreateToken(ctx context.Context, who graph.Principal, name string, sources []string, days int) (shape.NewToken, error)
	// RevokeToken ends a token; one that is revoked already stays so.
	RevokeToken(ctx context.Context, who graph.Principal, id string) (shape.Token, error)
}
