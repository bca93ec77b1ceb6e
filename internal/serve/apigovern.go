package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/policy"
	"cadastre.dev/cadastre/policy/mask"
)

var (
	_ api.Governor  = (*App)(nil)
	_ api.Tagger    = (*App)(nil)
	_ api.Describer = (*App)(nil)
	_ api.Planner   = (*App)(nil)
	_ api.Auditor   = (*App)(nil)
	_ api.Operator  = (*App)(nil)
	_ api.Undoer    = (*App)(nil)
)

// Audiences returns all audiences.
func (a *App) Audiences() []graph.Audience { return a.policy.Audiences() }

// Vocabulary returns the labels that tags may bear.
func (a *App) Vocabulary() []shape.LabelTerm {
	var out []shape.LabelTerm
	for _, l := range a.policy.Vocabulary() {
		out = append(out, shape.LabelTerm{Label: l.Key, Title: l.Title, Description: l.Description, Special: l.Special})
	}
	return out
}

// Actions returns what the principal may do to something, beside seeing.
// Tagging and describing count for those who own an asset or answer for a
// domain.
func (a *App) Actions(ctx context.Context, who graph.Principal) ([]string, error) {
	actions := []string{}
	for _, action := range []graph.Action{graph.ActionTag, graph.ActionDescribe, graph.ActionPlan, graph.ActionApprove, graph.ActionApply, graph.ActionAudit, graph.ActionCrawl, graph.ActionAdminister, graph.ActionBreakGlass} {
		ok, _, err := a.policy.May(ctx, who, action, graph.Asset{}, nil)
		if err == nil && !ok && (action == graph.ActionTag || action == graph.ActionDescribe) {
			ok, err = a.answersForSomething(ctx, who)
		}
		if err != nil {
			return nil, err
		}
		if ok {
			actions = append(actions, string(action))
		}
	}
	return actions, nil
}

// answersForSomething says whether the principal owns an asset, or belongs to
// a group that answers for a domain.
func (a *App) answersForSomething(ctx context.Context, who graph.Principal) (bool, error) {
	for _, groups := range a.config.Policy.Domains {
		if who.In(groups...) {
			return true, nil
		}
	}
	owned, err := a.Search(ctx, who, search.Query{Owners: who.Names(), First: 1})
	return owned.Total > 0, err
}

// ExplainColumns says what audiences get of the leaves of visible assets, and
// in the past what they got, which the ledger tells.
func (a *App) ExplainColumns(ctx context.Context, who graph.Principal, assets []graph.Ref, audiences []string) (map[graph.Ref][]shape.Explanation, error) {
	r, err := a.catalogReader(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	items, err := itemsOf(ctx, r, assets)
	if err != nil {
		return nil, err
	}
	for _, ref := range assets {
		if _, ok := items.Get(graph.Asset{Ref: ref.Asset()}); !ok {
			a.missed(who, ref.Asset())
		}
	}
	if err := a.seenThroughGlass(ctx, who, slices.Clone(assets)...); err != nil {
		return nil, err
	}
	if graph.AsOfFrom(ctx).Past {
		return a.explainPast(ctx, r, items, audiences)
	}
	names, err := a.chooseAudiences(audiences)
	if err != nil {
		return nil, err
	}
	var questions []policy.Question
	var columns []graph.ColumnFacts
	var refs []graph.Ref
	for _, c := range a.assess(items) {
		for _, name := range names {
			questions = append(questions, policy.Question{Audience: name, Facts: c.facts})
			columns, refs = append(columns, c.facts), append(refs, c.column.Ref)
		}
	}
	decisions, err := a.policy.Decide(ctx, questions)
	if err != nil {
		return nil, err
	}
	out := map[graph.Ref][]shape.Explanation{}
	for i, d := range decisions {
		asset, _ := items.Get(graph.Asset{Ref: refs[i].Asset()})
		if of, ok := a.publishedFor(asset, a.policy.Audiences()); ok {
			out[refs[i]] = append(out[refs[i]], shape.NewExplanation(refs[i], asPublished(d, of), ""))
			continue
		}
		out[refs[i]] = append(out[refs[i]], shape.NewExplanation(refs[i], d, exampleOf(d, columns[i])))
	}
	return out, nil
}

// publishedFor returns the audience for which an asset was published, where it
// is one of our views.
func (a *App) publishedFor(item graph.Item, audiences []graph.Audience) (graph.Audience, bool) {
	asset, ok := item.(graph.Asset)
	if !ok || a.target == nil {
		return graph.Audience{}, false
	}
	for _, audience := range audiences {
		if asset.Parent == a.target.naming.Container(audience.Name, asset.Location) {
			return audience, true
		}
	}
	return graph.Audience{}, false
}

// asPublished says what an audience gets of a column of a published view: the
// policy decided when the view was made, and makes no view over it.
func asPublished(d graph.Decision, of graph.Audience) graph.Decision {
	d.Method = ""
	if d.Audience == of.Name {
		d.Effect, d.Rules = graph.EffectAllow, []graph.Rule{{ID: "published.own", Why: "This view was published for " + of.Title + ", who read it as it stands."}}
		return d
	}
	d.Effect, d.Rules = graph.EffectDeny, []graph.Rule{{ID: "published.other", Why: "This view was published for " + of.Title + " alone."}}
	return d
}

// itemsOf gathers what decides about the columns of visible assets.
func itemsOf(ctx context.Context, r *store.Reader, assets []graph.Ref) (graph.Snapshot, error) {
	views, err := r.Assets(ctx, assets...)
	if err != nil {
		return nil, err
	}
	columns, err := r.Columns(ctx, assets...)
	if err != nil {
		return nil, err
	}
	tags, err := r.Tags(ctx, assets...)
	if err != nil {
		return nil, err
	}
	items := graph.Snapshot{}
	for _, v := range views {
		items.Put(v.Asset)
	}
	for _, list := range columns {
		for _, c := range list {
			items.Put(c)
		}
	}
	for _, list := range tags {
		for _, t := range list {
			items.Put(t)
		}
	}
	return items, nil
}

// exampleOf shows a made-up value as the decision lets it be seen.
func exampleOf(d graph.Decision, f graph.ColumnFacts) string {
	label := ""
	if len(f.Labels) > 0 {
		label = f.Labels[0].Label
	}
	switch d.Effect {
	case graph.EffectAllow:
		return mask.Synthetic(label, mask.Type(f.Type))
	case graph.EffectDeny:
		return ""
	case graph.EffectMask:
		for _, m := range mask.Methods() {
			if m.Name() == d.Method {
				return m.Example(label, mask.Type(f.Type))
			}
		}
	}
	return ""
}

// Views returns the published views over visible bases. That a view is there
// is told to those who may see the view, too.
func (a *App) Views(ctx context.Context, who graph.Principal, bases ...graph.Ref) (map[graph.Ref][]shape.PublishedView, error) {
	out := map[graph.Ref][]shape.PublishedView{}
	if a.target == nil {
		return out, nil
	}
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	audiences, err := a.audiencesAt(ctx, r)
	if err != nil {
		return nil, err
	}
	views, err := r.Assets(ctx, bases...)
	if err != nil {
		return nil, err
	}
	for _, base := range bases {
		for _, p := range a.viewsOver(views[base].Asset, audiences) {
			found, err := r.Assets(ctx, p.Ref)
			if err != nil {
				return nil, err
			}
			if _, ok := found[p.Ref]; ok {
				out[base] = append(out[base], p)
			}
		}
	}
	return out, nil
}

// May returns those of the assets that are visible and to which the principal
// may do something. That it was asked is no attempt, so nothing is recorded.
// In the past nobody says anything any more.
func (a *App) May(ctx context.Context, who graph.Principal, action graph.Action, assets ...graph.Ref) (map[graph.Ref]bool, error) {
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	found, err := r.Assets(ctx, assets...)
	if err != nil {
		return nil, err
	}
	out := make(map[graph.Ref]bool, len(found))
	for ref, v := range found {
		if v.Visibility != graph.Visible || graph.AsOfFrom(ctx).Past {
			continue
		}
		if out[ref], _, err = a.allows(ctx, who, action, v.Asset, v.Owners); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// viewsOver names the views that an asset has once they are published.
func (a *App) viewsOver(base graph.Asset, audiences []graph.Audience) []shape.PublishedView {
	if a.target == nil || base.Location == "" {
		return nil
	}
	var out []shape.PublishedView
	for _, audience := range audiences {
		container := a.target.naming.Container(audience.Name, base.Location)
		out = append(out, shape.PublishedView{Ref: a.target.naming.View(container, base.Ref), Audience: audience.Name})
	}
	return out
}

// Inbox returns proposals on assets that the principal may tag and that nobody
// has answered, by that label or a narrower one.
func (a *App) Inbox(ctx context.Context, who graph.Principal) ([]graph.Tag, error) {
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	items, err := r.Snapshot(ctx, graph.Scope{})
	if err != nil {
		return nil, err
	}
	mine, owners, said := map[graph.Ref]bool{}, map[graph.Ref][]graph.Owner{}, map[string][]graph.Tag{}
	for _, item := range items {
		switch item := item.(type) {
		case graph.Owner:
			owners[item.Asset] = append(owners[item.Asset], item)
		case graph.Tag:
			said[item.Ref.Key()] = append(said[item.Ref.Key()], item)
		}
	}
	for _, item := range items {
		if asset, ok := item.(graph.Asset); ok {
			if mine[asset.Ref], _, err = a.policy.May(ctx, who, graph.ActionTag, asset, graph.Principals(owners[asset.Ref])); err != nil {
				return nil, err
			}
		}
	}
	var out []graph.Tag
	for _, tags := range said {
		for _, t := range graph.EffectiveTags(tags) {
			if t.State == graph.TagProposed && mine[t.Ref.Asset()] {
				out = append(out, t)
			}
		}
	}
	slices.SortFunc(out, func(x, y graph.Tag) int { return graph.CompareItems(x, y) })
	return out, nil
}

// Events lists the audit log, newest first, to those who may audit. That
// somebody opened it is an event itself.
func (a *App) Events(ctx context.Context, who graph.Principal, actor, action, object string, first int, after string) ([]audit.Event, string, error) {
	if err := a.may(ctx, who, graph.ActionAudit, graph.Asset{}, nil); err != nil {
		return nil, "", err
	}
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return nil, "", err
	}
	if after == "" {
		if err := a.record(ctx, who, audit.Event{Action: "read", Object: "audit log"}); err != nil {
			return nil, "", err
		}
	}
	list, err := r.Events(ctx, store.EventsIn{Actor: actor, Action: action, Object: object}, store.Page{First: first, After: after})
	return list.Items, list.Next, err
}

// WhoCouldSee tells every way to a column at a revision or time.
func (a *App) WhoCouldSee(ctx context.Context, who graph.Principal, column graph.Ref, revision graph.Revision, at time.Time) (shape.WhoCouldSee, error) {
	if err := a.may(ctx, who, graph.ActionAudit, graph.Asset{}, nil); err != nil {
		return shape.WhoCouldSee{}, err
	}
	head, err := a.reader(ctx, who, 0)
	if err != nil {
		return shape.WhoCouldSee{}, err
	}
	if !at.IsZero() {
		if revision, err = head.RevisionAt(ctx, at); errors.Is(err, graph.ErrNotFound) {
			return shape.WhoCouldSee{}, fmt.Errorf("who could see %s: the catalog begins later: %w", column, err)
		} else if err != nil {
			return shape.WhoCouldSee{}, err
		}
	}
	r := head
	if revision != 0 {
		if r, err = a.reader(ctx, who, revision); err != nil {
			return shape.WhoCouldSee{}, err
		}
	}
	if err := a.record(ctx, who, audit.Event{Action: "read", Object: column.String(), Detail: map[string]string{"question": "who could see", "revision": fmt.Sprint(r.Revision())}}); err != nil {
		return shape.WhoCouldSee{}, err
	}
	return a.exposure(ctx, r, column)
}
