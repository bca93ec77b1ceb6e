package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/asset"
	"cadastre.dev/cadastre/ent/gen/plan"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	entsql "entgo.io/ent/dialect/sql"
)

// SavePlan saves a plan in the state planned, under its hash, and records it.
// A plan that is saved already stays as it is and is returned. A plan of
// another catalog is graph.ErrInvalid.
func (t *Tx) SavePlan(ctx context.Context, p graph.Plan) (graph.SavedPlan, error) {
	if p.Catalog != t.store.catalog {
		return graph.SavedPlan{}, fmt.Errorf("save plan: it is of catalog %q and this is %q: %w", p.Catalog, t.store.catalog, graph.ErrInvalid)
	}
	id, err := p.Hash()
	if err != nil {
		return graph.SavedPlan{}, err
	}
	saved, err := t.Plan(ctx, id)
	if !errors.Is(err, graph.ErrNotFound) {
		return saved, err
	}
	content, err := json.Marshal(p)
	if err != nil {
		return graph.SavedPlan{}, fmt.Errorf("save plan %s: %w", id, err)
	}
	now := micros(t.store.now())
	row, err := t.rows.Plan.Create().SetID(id).SetContent(string(content)).SetTarget(p.Target).SetState(string(graph.PlanPlanned)).
		SetPlannedBy(t.who.ID).SetPlannedAt(now).SetChangedAt(now).Save(ctx)
	if err != nil {
		return graph.SavedPlan{}, fmt.Errorf("save plan %s: %w", id, err)
	}
	t.Record(audit.Event{Action: "plan", Object: id, Detail: map[string]string{"target": p.Target, "steps": strconv.Itoa(len(p.Steps))}})
	return planOf(row)
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

// MovePlan moves a plan from one state to another and records it. One that
// stays in its state has only got further, which is no event of its own: that
// of the step says it. A plan in another state is graph.ErrConflict. The
// committer is kept as the one who approved, where To is graph.PlanApproved; a
// plan that its findings block cannot be approved, which is graph.ErrDenied.
func (t *Tx) MovePlan(ctx context.Context, id string, move PlanMove) (graph.SavedPlan, error) {
	was, err := t.Plan(ctx, id)
	if err != nil {
		return graph.SavedPlan{}, err
	}
	if !slices.Contains(move.From, was.State) {
		return graph.SavedPlan{}, fmt.Errorf("plan %s is %s, and must be %s to become %s: %w", id, was.State, oneOf(move.From), move.To, graph.ErrConflict)
	}
	if move.To == graph.PlanApproved && was.Plan.Blocked() {
		return graph.SavedPlan{}, fmt.Errorf("approve plan %s: a finding blocks it: %w", id, graph.ErrDenied)
	}
	set := t.rows.Plan.UpdateOneID(id).Where(plan.State(string(was.State))).SetState(string(move.To)).
		SetChangedAt(micros(t.store.now())).SetDone(move.Done).SetReason(move.Reason)
	if move.To == graph.PlanApproved {
		set.SetApprovedBy(t.who.ID)
	}
	row, err := set.Save(ctx)
	if gen.IsNotFound(err) {
		return graph.SavedPlan{}, fmt.Errorf("move plan %s to %s: it moved meanwhile: %w", id, move.To, graph.ErrConflict)
	}
	if err != nil {
		return graph.SavedPlan{}, fmt.Errorf("move plan %s to %s: %w", id, move.To, err)
	}
	if move.To != was.State {
		t.Record(audit.Event{Action: planAction(move.To), Object: id, Detail: map[string]string{
			"from": string(was.State), "to": string(move.To), "done": strconv.Itoa(move.Done), "reason": move.Reason,
		}})
	}
	return planOf(row)
}

// planAction is the audit log's word for what leads to a state.
func planAction(to graph.PlanState) string {
	switch to {
	case graph.PlanPlanned:
		return "plan"
	case graph.PlanApproved:
		return "approve"
	case graph.PlanUndone:
		return "undo"
	case graph.PlanApplying, graph.PlanApplied, graph.PlanStale, graph.PlanStopped:
		return "apply"
	}
	return "apply"
}

// Plan returns a saved plan.
func (t *Tx) Plan(ctx context.Context, id string) (graph.SavedPlan, error) {
	return getPlan(ctx, t.rows, id)
}

func getPlan(ctx context.Context, rows *gen.Client, id string) (graph.SavedPlan, error) {
	row, err := rows.Plan.Get(ctx, id)
	if gen.IsNotFound(err) {
		return graph.SavedPlan{}, fmt.Errorf("plan %s: %w", id, graph.ErrNotFound)
	}
	if err != nil {
		return graph.SavedPlan{}, fmt.Errorf("read plan %s: %w", id, err)
	}
	return planOf(row)
}

// planOf reads a plan and proves that it is the one that was saved: what is
// applied is what was approved, whatever happened to the file.
func planOf(row *gen.Plan) (graph.SavedPlan, error) {
	saved := graph.SavedPlan{
		ID: row.ID, State: graph.PlanState(row.State), PlannedBy: row.PlannedBy, ApprovedBy: row.ApprovedBy,
		PlannedAt: fromMicros(row.PlannedAt), ChangedAt: fromMicros(row.ChangedAt), Done: row.Done, Reason: row.Reason,
	}
	if err := json.Unmarshal([]byte(row.Content), &saved.Plan); err != nil {
		return graph.SavedPlan{}, fmt.Errorf("read plan %s: %w", row.ID, err)
	}
	if hash, err := saved.Plan.Hash(); err != nil || hash != row.ID {
		return graph.SavedPlan{}, fmt.Errorf("read plan %s: its content is not what was saved: %w", row.ID, graph.ErrConflict)
	}
	return saved, nil
}

// Plan returns one saved plan; graph.ErrNotFound as in Plans.
func (r *Reader) Plan(ctx context.Context, id string) (graph.SavedPlan, error) {
	saved, err := getPlan(ctx, r.store.rows, id)
	if err != nil {
		return graph.SavedPlan{}, err
	}
	shown, err := r.showPlans(ctx, []graph.SavedPlan{saved})
	if err == nil && len(shown) == 0 {
		err = fmt.Errorf("plan %s: %w", id, graph.ErrNotFound)
	}
	if err != nil {
		return graph.SavedPlan{}, err
	}
	return shown[0], nil
}

// planKey is the place of a plan in the list.
type planKey struct {
	at int64
	id string
}

// Plans lists saved plans, newest first, up to now: they are not bound to a
// revision. A plan is shown whole or not at all: what it touches, and what it
// finds something about, must be visible, and nothing that it names may be
// hidden.
func (r *Reader) Plans(ctx context.Context, page Page) (List[graph.SavedPlan], error) {
	var last *planKey
	if page.After != "" {
		var key string
		if err := page.after(&key); err != nil {
			return List[graph.SavedPlan]{}, err
		}
		// A plan that the principal may not see is no cursor of their list.
		at, err := r.Plan(ctx, key)
		if errors.Is(err, graph.ErrNotFound) {
			return List[graph.SavedPlan]{}, fmt.Errorf("page after %q: not a cursor of this list: %w", page.After, graph.ErrInvalid)
		}
		if err != nil {
			return List[graph.SavedPlan]{}, err
		}
		last = &planKey{micros(at.PlannedAt), at.ID}
	}
	return filtered(page, func(first int) ([]graph.SavedPlan, string, error) {
		q := r.store.rows.Plan.Query().Order(plan.ByPlannedAt(entsql.OrderDesc()), plan.ByID()).Limit(first)
		if last != nil {
			q.Where(plan.Or(plan.PlannedAtLT(last.at), plan.And(plan.PlannedAt(last.at), plan.IDGT(last.id))))
		}
		rows, err := q.All(ctx)
		if err != nil {
			return nil, "", fmt.Errorf("list plans: %w", err)
		}
		plans := make([]graph.SavedPlan, 0, len(rows))
		for _, row := range rows {
			saved, err := planOf(row)
			if err != nil {
				return nil, "", err
			}
			plans, last = append(plans, saved), &planKey{row.PlannedAt, row.ID}
		}
		shown, err := r.showPlans(ctx, plans)
		if last == nil {
			return shown, "", err
		}
		return shown, more(len(rows), first, last.id), err
	}, func(p graph.SavedPlan) string { return cursorOf(p.ID) })
}

// showPlans returns the plans that the principal may see.
func (r *Reader) showPlans(ctx context.Context, plans []graph.SavedPlan) ([]graph.SavedPlan, error) {
	if r.all {
		return plans, nil
	}
	var shown []graph.SavedPlan
	for _, p := range plans {
		ok, err := r.maySeePlan(ctx, p.Plan)
		if err != nil {
			return nil, err
		}
		if ok {
			shown = append(shown, p)
		}
	}
	return shown, nil
}

// maySeePlan judges assets as they last were, so that one which ended stays as
// hidden as it was. What never was an asset is the plan's own making.
func (r *Reader) maySeePlan(ctx context.Context, p graph.Plan) (bool, error) {
	touched := map[graph.Ref]bool{}
	name := func(ref graph.Ref, touches bool) {
		if !ref.IsZero() {
			touched[ref.Asset()] = touched[ref.Asset()] || touches
		}
	}
	for _, s := range p.Steps {
		name(s.Base, true)
		name(s.Object, false)
	}
	for _, f := range p.Findings {
		name(f.Ref, true) // its sentences may name columns
		for _, ref := range f.About {
			name(ref, false)
		}
	}
	for _, c := range p.Preconditions {
		name(c.Object, false)
	}
	for ref, touches := range touched {
		seen, was, err := r.lastVisibility(ctx, ref)
		if err != nil {
			return false, err
		}
		if was && (seen == graph.Hidden || touches && seen != graph.Visible) {
			return false, nil
		}
	}
	return true, nil
}

// lastVisibility judges an asset as it last was, at any revision; was is false
// for what never was one.
func (r *Reader) lastVisibility(ctx context.Context, ref graph.Ref) (v graph.Visibility, was bool, err error) {
	var (
		last graph.Asset
		at   graph.Revision
	)
	newest := selection{table: assetTable(), where: entsql.EQ(colKey, text(ref)), order: []string{entsql.Desc(asset.FieldBegan)}, limit: 1}
	err = read(ctx, r.store.readers, r.store.dialect, newest, func(i graph.Item, s span) error {
		last, was, at = i.(graph.Asset), true, s.began
		return nil
	})
	if err != nil || !was {
		return graph.Hidden, was, err
	}
	owners, err := r.ownersAt(ctx, max(at, r.at), ref)
	return r.filter.Of(last, graph.Principals(owners[ref])), true, err
}

// oneOf writes states as people say them: "a", "a or b".
func oneOf(states []graph.PlanState) string {
	words := make([]string, len(states))
	for i, s := range states {
		words[i] = string(s)
	}
	return strings.Join(words, " or ")
}
