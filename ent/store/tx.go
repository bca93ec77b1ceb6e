package store

import (
	"context"

	"cadastre.dev/cadastre/graph"
	"github.com/riverqueue/river"
)

// Tx is what the function of a Commit reads and writes with. It sees the
// catalog whole, as the transaction has made it so far. One goroutine uses it.
type Tx struct{}

// Known returns the items that a crawl of the scope is compared with: the
// assets of the scope and all that is about them, and the scope's statements.
func (t *Tx) Known(ctx context.Context, scope graph.Scope) (graph.Snapshot, error) {
	return nil, errSkeleton
}

// About returns all current items about the assets.
func (t *Tx) About(ctx context.Context, assets ...graph.Ref) (graph.Snapshot, error) {
	return nil, errSkeleton
}

// Current returns the current items with the type and key of the given ones,
// where there are such: for facts that speak of what their scope does not hold.
func (t *Tx) Current(ctx context.Context, like ...graph.Item) (graph.Snapshot, error) {
	return nil, errSkeleton
}

// Learned returns the statements with the ids and the edges learned from them.
func (t *Tx) Learned(ctx context.Context, ids ...string) (graph.Snapshot, error) {
	return nil, errSkeleton
}

// Apply writes the changes. Each is verified: what it says was must be what
// stands, else the delta was made from an old state and the answer is
// graph.ErrConflict. To begin what stands already with the same content is no
// change.
func (t *Tx) Apply(ctx context.Context, delta graph.Delta) error { return errSkeleton }

// Enqueue makes a job due when the transaction commits. A job of the same kind
// and arguments that still waits makes it superfluous; one that runs does not,
// for it may have read before this transaction.
func (t *Tx) Enqueue(ctx context.Context, args river.JobArgs) error { return errSkeleton }

// SavePlan saves a plan in the state planned, under its hash, and records it.
// A plan that is saved already stays as it is and is returned. A plan of
// another catalog is graph.ErrInvalid.
func (t *Tx) SavePlan(ctx context.Context, plan graph.Plan) (graph.SavedPlan, error) {
	return graph.SavedPlan{}, errSkeleton
}

// PlanMove says what becomes of a plan.
type PlanMove struct {
	// From are the states of which the plan must have one.
	From []graph.PlanState
	To   graph.PlanState
	// Done counts the steps that are applied.
	Done int
	// Reason says why it stopped or went stale; optional otherwise.
	Reason string
}

// MovePlan moves a plan from one state to another and records it. A plan in
// another state is graph.ErrConflict. The committer is kept as the one who
// approved, where To is graph.PlanApproved.
func (t *Tx) MovePlan(ctx context.Context, id string, move PlanMove) (graph.SavedPlan, error) {
	return graph.SavedPlan{}, errSkeleton
}

// Plan returns a saved plan.
func (t *Tx) Plan(ctx context.Context, id string) (graph.SavedPlan, error) {
	return graph.SavedPlan{}, errSkeleton
}

// HoldDecisions makes the decisions the ones that hold from this revision on:
// those that held and are not among them end, those that differ end and begin
// anew, equal ones write nothing.
func (t *Tx) HoldDecisions(ctx context.Context, decisions []graph.Decision) error {
	return errSkeleton
}

// PutCursor keeps where the crawls of a source stand.
func (t *Tx) PutCursor(ctx context.Context, c Cursor) error { return errSkeleton }
