package serve

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/option"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/gcp"
	"cadastre.dev/cadastre/policy/view"
	bigqueryview "cadastre.dev/cadastre/policy/view/bigquery"
)

// publisher is the warehouse in which views are published.
type publisher struct {
	name      string
	project   string
	naming    view.Naming
	target    view.Target
	dialect   view.Dialect
	publisher string
}

func (a *App) wireTarget(ctx context.Context) (*publisher, error) {
	c := a.config.Target
	token, err := resolveSecret(c.Token)
	if err != nil {
		return nil, err
	}
	client, err := gcp.Client(ctx, gcp.Config{Token: token, Logger: a.logger})
	if err != nil {
		return nil, err
	}
	options := []option.ClientOption{option.WithHTTPClient(client)}
	if c.Endpoint != "" {
		options = append(options, option.WithEndpoint(c.Endpoint))
	}
	service, err := bq.NewService(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("make the client: %w", err)
	}
	naming := a.config.naming()
	target, err := bigqueryview.NewTarget(bigqueryview.Config{
		Service: service, Names: naming, Publisher: c.Publisher, Keys: pinnedKeys{keyFolder(a.config.keysFolder()), a.store}, Logger: a.logger,
	})
	if err != nil {
		return nil, err
	}
	return &publisher{name: c.Name, project: c.Project, naming: naming, target: target, dialect: bigqueryview.Dialect{}, publisher: "user:" + c.Publisher}, nil
}

// Plan compares what the policy wants with what the warehouse has and saves
// the difference. Nothing is written to the warehouse.
func (a *App) Plan(ctx context.Context, who graph.Principal, audiences []string) (graph.SavedPlan, error) {
	if err := a.may(ctx, who, graph.ActionPlan, graph.Asset{}, nil); err != nil {
		return graph.SavedPlan{}, err
	}
	if a.target == nil {
		return graph.SavedPlan{}, fmt.Errorf("plan: no target is configured; set target.project: %w", graph.ErrInvalid)
	}
	if err := a.Settle(ctx); err != nil {
		return graph.SavedPlan{}, err
	}
	chosen, err := a.chooseAudiences(audiences)
	if err != nil {
		return graph.SavedPlan{}, err
	}
	desired, err := a.desired(ctx)
	if err != nil {
		return graph.SavedPlan{}, err
	}
	present, err := a.target.target.Present(ctx, desired.Want())
	if err != nil {
		return graph.SavedPlan{}, fmt.Errorf("read the warehouse: %w", err)
	}
	plan, err := view.Plan(desired, present, a.target.dialect)
	if err != nil {
		return graph.SavedPlan{}, err
	}
	plan = restrict(plan, chosen)
	var saved graph.SavedPlan
	_, err = a.store.Commit(ctx, who, "plan", func(tx *store.Tx) (err error) {
		saved, err = tx.SavePlan(ctx, plan)
		return err
	})
	return saved, err
}

// desired is what should stand in the warehouse at the newest revision.
func (a *App) desired(ctx context.Context) (view.Desired, error) {
	r, err := a.reader(ctx, system(), 0)
	if err != nil {
		return view.Desired{}, err
	}
	items, err := r.Snapshot(ctx, graph.Scope{})
	if err != nil {
		return view.Desired{}, fmt.Errorf("read the catalog: %w", err)
	}
	d := view.Desired{
		Catalog: a.store.Catalog(), Target: a.target.name, Revision: r.Revision(), Policy: a.policy.Hash(),
		Names: a.target.naming, Publisher: a.target.publisher, Audiences: a.policy.Audiences(), Decisions: map[view.Asked]graph.Decision{},
	}
	classes := map[graph.Class]graph.ColumnFacts{}
	columns := map[graph.Ref][]view.Column{}
	for _, c := range a.assess(items) {
		asset := c.column.Ref.Asset()
		classes[c.class] = c.facts
		columns[asset] = append(columns[asset], view.Column{Column: c.column, Class: c.class, Assessment: c.facts.Assessment})
	}
	decisions, err := a.decideClasses(ctx, classes)
	if err != nil {
		return view.Desired{}, fmt.Errorf("decide: %w", err)
	}
	for _, decision := range decisions {
		d.Decisions[view.Asked{Audience: decision.Audience, Class: decision.Class}] = decision
	}
	grants, reads := grantsAndReads(items)
	for _, item := range items.Sorted() {
		if asset, ok := item.(graph.Asset); ok && a.config.publishes(asset) {
			d.Bases = append(d.Bases, view.Base{Asset: asset, Columns: columns[asset.Ref], Reads: reads[asset.Ref], Grants: grants[asset.Ref]})
		}
	}
	return d, nil
}

// grantsAndReads returns the rights on each asset, and what each view reads.
func grantsAndReads(items graph.Snapshot) (grants map[graph.Ref][]graph.Grant, reads map[graph.Ref][]graph.Ref) {
	grants, reads = map[graph.Ref][]graph.Grant{}, map[graph.Ref][]graph.Ref{}
	for _, item := range items.Sorted() {
		switch item := item.(type) {
		case graph.Grant:
			grants[item.On] = append(grants[item.On], item)
		case graph.Edge:
			view, from := item.To.Asset(), item.From.Asset()
			if item.Because == graph.EvidenceView && !slices.Contains(reads[view], from) {
				reads[view] = append(reads[view], from)
			}
		}
	}
	return grants, reads
}

// chooseAudiences returns the names of those asked for; none means all.
func (a *App) chooseAudiences(names []string) ([]string, error) {
	var all []string
	for _, audience := range a.policy.Audiences() {
		all = append(all, audience.Name)
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("audience %q: there are %q: %w", name, all, graph.ErrNotFound)
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	chosen := slices.Clone(names)
	slices.Sort(chosen)
	return slices.Compact(chosen), nil
}

// restrict keeps what serves the audiences, and what serves all. Planning
// itself is always for all, so that nobody's views look superfluous.
func restrict(plan graph.Plan, audiences []string) graph.Plan {
	plan.Audiences = audiences
	plan.Steps = slices.DeleteFunc(slices.Clone(plan.Steps), func(s graph.Step) bool {
		return s.Audience != "" && !slices.Contains(audiences, s.Audience)
	})
	return plan
}

// SavedPlan returns one plan.
func (a *App) SavedPlan(ctx context.Context, who graph.Principal, id string) (graph.SavedPlan, error) {
	r, err := a.planReader(ctx, who)
	if err != nil {
		return graph.SavedPlan{}, err
	}
	return r.Plan(ctx, id)
}

// Plans lists saved plans, newest first.
func (a *App) Plans(ctx context.Context, who graph.Principal, first int, after string) ([]graph.SavedPlan, string, error) {
	r, err := a.planReader(ctx, who)
	if err != nil {
		return nil, "", err
	}
	list, err := r.Plans(ctx, store.Page{First: first, After: after})
	return list.Items, list.Next, err
}

// planReader reads plans for somebody. Who plans, approves, applies or audits
// sees plans whole: they answer for all that a plan does. Others see those
// that touch nothing hidden from them.
func (a *App) planReader(ctx context.Context, who graph.Principal) (*store.Reader, error) {
	for _, action := range []graph.Action{graph.ActionPlan, graph.ActionApprove, graph.ActionApply, graph.ActionAudit} {
		ok, _, err := a.policy.May(ctx, who, action, graph.Asset{}, nil)
		if err != nil {
			return nil, err
		}
		if ok {
			return a.reader(ctx, system(), 0)
		}
	}
	return a.reader(ctx, who, 0)
}

// Approve approves a plan as it stands.
func (a *App) Approve(ctx context.Context, who graph.Principal, id string) (graph.SavedPlan, error) {
	if err := a.may(ctx, who, graph.ActionApprove, graph.Asset{}, nil); err != nil {
		return graph.SavedPlan{}, err
	}
	return a.movePlan(ctx, who, "approve", id, nil, func(p graph.SavedPlan) (store.PlanMove, error) {
		if p.Plan.Blocked() {
			return store.PlanMove{}, fmt.Errorf("approve plan %s: a finding of level block forbids it; do what it says and plan again: %w", id, graph.ErrConflict)
		}
		return store.PlanMove{From: []graph.PlanState{graph.PlanPlanned}, To: graph.PlanApproved}, nil
	})
}

// Apply makes the job due that applies an approved plan.
func (a *App) Apply(ctx context.Context, who graph.Principal, id string) (graph.SavedPlan, error) {
	if err := a.may(ctx, who, graph.ActionApply, graph.Asset{}, nil); err != nil {
		return graph.SavedPlan{}, err
	}
	return a.movePlan(ctx, who, "apply", id, store.ApplyArgs{Plan: id}, func(p graph.SavedPlan) (store.PlanMove, error) {
		return store.PlanMove{From: []graph.PlanState{graph.PlanApproved, graph.PlanStopped}, To: graph.PlanApplying, Done: p.Done}, nil
	})
}

// Undo makes the job due that takes a plan back.
func (a *App) Undo(ctx context.Context, who graph.Principal, id string) (graph.SavedPlan, error) {
	if err := a.may(ctx, who, graph.ActionApply, graph.Asset{}, nil); err != nil {
		return graph.SavedPlan{}, err
	}
	return a.movePlan(ctx, who, "undo", id, store.UndoArgs{Plan: id}, func(p graph.SavedPlan) (store.PlanMove, error) {
		return store.PlanMove{From: []graph.PlanState{graph.PlanApplied, graph.PlanStopped}, To: graph.PlanApplying, Done: p.Done}, nil
	})
}

// movePlan moves a plan in one transaction with the job that follows.
func (a *App) movePlan(ctx context.Context, who graph.Principal, why, id string, then interface{ Kind() string }, move func(graph.SavedPlan) (store.PlanMove, error)) (graph.SavedPlan, error) {
	var moved graph.SavedPlan
	_, err := a.store.Commit(ctx, who, why, func(tx *store.Tx) error {
		p, err := tx.Plan(ctx, id)
		if errors.Is(err, graph.ErrNotFound) {
			return fmt.Errorf("%w; a plan is kept by the catalog that made it: plan here", err)
		}
		if err != nil {
			return err
		}
		m, err := move(p)
		if err != nil {
			return err
		}
		if moved, err = tx.MovePlan(ctx, id, m); err != nil || then == nil {
			return err
		}
		return tx.Enqueue(ctx, then)
	})
	return moved, err
}

// apply is the job: it applies the plan verbatim, and then crawls what was
// published.
func (a *App) apply(ctx context.Context, id string) error {
	return a.runPlan(ctx, id, "apply", view.Apply)
}

// undo is the job: it takes the plan back, newest step first.
func (a *App) undo(ctx context.Context, id string) error {
	return a.runPlan(ctx, id, "undo", view.Undo)
}

type planRun func(context.Context, graph.Plan, int, view.Target, view.Recorder) error

func (a *App) runPlan(ctx context.Context, id, way string, run planRun) error {
	if a.target == nil {
		return fmt.Errorf("plan %s: no target is configured: %w", id, graph.ErrInvalid)
	}
	held, err := a.takeFence(ctx, "plan "+id)
	if err != nil {
		return err
	}
	p, err := a.SavedPlan(ctx, system(), id)
	if err != nil {
		return err
	}
	if p.State != graph.PlanApplying {
		return nil
	}
	if err := run(ctx, p.Plan, p.Done, a.target.target, planRecorder{a, p, way, held, isStopping(ctx)}); err != nil {
		return a.cameToRest(ctx, id, err)
	}
	return nil
}

// cameToRest returns no error where the plan itself says by now why it
// stopped: people decide whether it is resumed or undone, not the queue.
func (a *App) cameToRest(ctx context.Context, id string, why error) error {
	p, err := a.SavedPlan(context.WithoutCancel(ctx), system(), id)
	if err != nil || p.State == graph.PlanApplying {
		return errors.Join(fmt.Errorf("plan %s: %w", id, why), err)
	}
	a.logger.WarnContext(ctx, "plan came to rest", "state", string(p.State), "err", why)
	return nil
}

// planRecorder keeps in the store how far a plan is, each step an event of the
// audit log.
type planRecorder struct {
	app  *App
	plan graph.SavedPlan
	// way is apply or undo.
	way   string
	fence fence
	// stopping says whether the program is being stopped.
	stopping func() bool
}

// Record writes the progress and, at the end, makes the crawl due that shows
// what now stands.
//
// That the program is stopped is no end of a plan: it stays as it is, and its
// job goes on at the next start.
func (p planRecorder) Record(ctx context.Context, at view.Progress) error {
	if at.State == graph.PlanStopped && p.stopping() {
		return nil
	}
	who := graph.Principal{ID: orDefault(p.plan.ApprovedBy, system().ID)}
	_, err := p.app.store.Commit(ctx, who, p.way, func(tx *store.Tx) error {
		if err := p.fence.hold(ctx, tx); err != nil {
			return err
		}
		// At a stop the step is the one that was not made.
		if at.Step != nil && at.State == graph.PlanApplying {
			event := audit.Event{Action: "step", Object: at.Step.Object.String(), Detail: map[string]string{
				"plan": p.plan.ID, "way": p.way, "kind": string(at.Step.Kind), "audience": at.Step.Audience, "principal": at.Step.Principal,
			}}
			tx.Record(event)
		}
		move := store.PlanMove{From: []graph.PlanState{graph.PlanApplying}, To: at.State, Done: at.Done, Reason: at.Reason}
		if _, err := tx.MovePlan(ctx, p.plan.ID, move); err != nil {
			return err
		}
		if at.State == graph.PlanApplying {
			return nil
		}
		for _, s := range p.app.sources {
			if s.platform == "bigquery" {
				if err := tx.Enqueue(ctx, store.CrawlArgs{Source: s.name}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	p.app.progress.set(p.way, p.plan.ID, at.Done, len(p.plan.Plan.Steps))
	return err
}

// publishes says whether an asset gets views, by the configuration.
func (c Config) publishes(a graph.Asset) bool {
	if a.Ref.Namespace != graph.NamespaceBigQuery || (len(c.Target.Sources) > 0 && !slices.Contains(c.Target.Sources, a.Source)) {
		return false
	}
	dataset := a.Ref.Parent().Base()
	return len(c.Target.Datasets) == 0 || slices.ContainsFunc(c.Target.Datasets, func(pattern string) bool {
		ok, err := path.Match(pattern, dataset)
		return ok && err == nil
	})
}

func (c Config) naming() view.Naming {
	return view.Naming{Project: c.Target.Project, Prefix: c.Target.Prefix, Home: c.Target.Home}
}

// viewContainers returns the containers of each audience's views, which its
// members see. Locations other than home are found by name when they appear.
func (c Config) viewContainers() map[string][]graph.Ref {
	if c.Target.Project == "" {
		return nil
	}
	out := map[string][]graph.Ref{}
	for _, a := range c.Audiences {
		out[a.Name] = []graph.Ref{c.naming().Container(a.Name, orDefault(c.Target.Home, "EU"))}
	}
	return out
}

// waitBound is how long one step of the path may take before the command line
// gives up waiting; the job goes on.
const waitBound = 2 * time.Hour

// Settle waits until no job is due, working them if nobody else does.
func (a *App) Settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, waitBound)
	defer cancel()
	for {
		if err := a.startJobs(ctx); err != nil {
			return err
		}
		waiting, done := context.WithTimeout(ctx, turnAgain)
		err := a.store.WaitIdle(waiting)
		late := waiting.Err() != nil && ctx.Err() == nil
		done()
		switch {
		case err == nil:
			return nil
		case !late:
			return fmt.Errorf("wait for the jobs: %w", err)
		}
	}
}
