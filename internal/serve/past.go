package serve

import (
	"context"
	"fmt"
	"slices"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

// ledgerAt is the access ledger at one revision, as columns are found in it.
type ledgerAt struct {
	store.Ledger
	r *store.Reader
}

// ledgerOf returns the ledger at the reader's revision. Which class a column
// had then is told by what the policy of then looked at.
func (a *App) ledgerOf(ctx context.Context, r *store.Reader) (ledgerAt, error) {
	held, err := r.Ledger(ctx)
	if err != nil {
		return ledgerAt{}, err
	}
	if held.Reads == nil && (held.Policy == "" || held.Policy == a.policy.Hash()) {
		held.Reads = a.policy.Reads()
	}
	if held.Reads == nil {
		return ledgerAt{}, fmt.Errorf("what policy %s looked at was never noted, so its decisions at revision %d cannot be told by column: %w", held.Policy, r.Revision(), graph.ErrUnavailable)
	}
	return ledgerAt{held, r}, nil
}

// class returns the class that a column with these facts had.
func (l ledgerAt) class(facts graph.ColumnFacts) graph.Class { return l.Reads.Class(facts) }

// choose returns the audiences asked for; none means all for which anything
// was decided. One that is there neither today nor then is graph.ErrNotFound.
func (l ledgerAt) choose(names, today []string) ([]string, error) {
	if len(names) == 0 && l.Policy == "" {
		return today, nil
	}
	if len(names) == 0 {
		return l.Audiences, nil
	}
	for _, name := range names {
		if !slices.Contains(l.Audiences, name) && !slices.Contains(today, name) {
			return nil, fmt.Errorf("audience %q: at revision %d there were %q: %w", name, l.r.Revision(), l.Audiences, graph.ErrNotFound)
		}
	}
	chosen := slices.Clone(names)
	slices.Sort(chosen)
	return slices.Compact(chosen), nil
}

// decisions returns what held for each audience and class at the revision.
func (l ledgerAt) decisions(ctx context.Context, classes []graph.Class) (map[string]map[graph.Class]graph.Decision, error) {
	out := map[string]map[graph.Class]graph.Decision{}
	if len(classes) == 0 {
		return out, nil
	}
	lines, err := l.r.Decisions(ctx, classes...)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		if line.Ended != 0 {
			continue
		}
		if out[line.Decision.Audience] == nil {
			out[line.Decision.Audience] = map[graph.Class]graph.Decision{}
		}
		out[line.Decision.Audience][line.Decision.Class] = line.Decision
	}
	return out, nil
}

// undecided is what an audience had of a class of which the ledger holds
// nothing yet: between a crawl and the decisions that follow from it.
func undecided(audience string, class graph.Class, at graph.Revision) graph.Decision {
	return graph.Decision{
		Audience: audience, Class: class, Effect: graph.EffectDeny,
		Rules: []graph.Rule{{ID: "undecided", Why: fmt.Sprintf("At revision %d nothing was decided of such a column yet; what is undecided is denied.", at)}},
	}
}

// heldFor answers what audiences had of columns at the reader's revision, from
// the ledger, by column.
func (a *App) heldFor(ctx context.Context, r *store.Reader, columns []assessed, audiences []string) (map[graph.Ref][]graph.Decision, error) {
	ledger, err := a.ledgerOf(ctx, r)
	if err != nil {
		return nil, err
	}
	names, err := ledger.choose(audiences, audienceNames(a.policy.Audiences()))
	if err != nil {
		return nil, err
	}
	classes := make([]graph.Class, 0, len(columns))
	for _, c := range columns {
		classes = append(classes, ledger.class(c.facts))
	}
	slices.Sort(classes)
	held, err := ledger.decisions(ctx, slices.Compact(classes))
	if err != nil {
		return nil, err
	}
	out := make(map[graph.Ref][]graph.Decision, len(columns))
	for _, c := range columns {
		class := ledger.class(c.facts)
		for _, name := range names {
			d, ok := held[name][class]
			if !ok {
				d = undecided(name, class, r.Revision())
			}
			out[c.column.Ref] = append(out[c.column.Ref], d)
		}
	}
	return out, nil
}

func audienceNames(audiences []graph.Audience) []string {
	names := make([]string, 0, len(audiences))
	for _, a := range audiences {
		names = append(names, a.Name)
	}
	return names
}

// explainPast is ExplainColumns at a past revision.
func (a *App) explainPast(ctx context.Context, r *store.Reader, items graph.Snapshot, audiences []string) (map[graph.Ref][]shape.Explanation, error) {
	columns := a.assess(items)
	facts := make(map[graph.Ref]graph.ColumnFacts, len(columns))
	for _, c := range columns {
		facts[c.column.Ref] = c.facts
	}
	held, err := a.heldFor(ctx, r, columns, audiences)
	if err != nil {
		return nil, err
	}
	known, err := a.audiencesAt(ctx, r)
	if err != nil {
		return nil, err
	}
	out := make(map[graph.Ref][]shape.Explanation, len(held))
	for ref, decisions := range held {
		asset, _ := items.Get(graph.Asset{Ref: ref.Asset()})
		of, published := a.publishedFor(asset, known)
		for _, d := range decisions {
			if published {
				out[ref] = append(out[ref], shape.NewExplanation(ref, asPublished(d, of), ""))
				continue
			}
			out[ref] = append(out[ref], shape.NewExplanation(ref, d, exampleOf(d, facts[ref])))
		}
	}
	return out, nil
}

// audiencesAt returns the audiences for which views may stand at the reader's
// revision: those of today and those that the ledger knows of then.
// Of one that is gone no more is known than its name.
func (a *App) audiencesAt(ctx context.Context, r *store.Reader) ([]graph.Audience, error) {
	known := a.policy.Audiences()
	if !graph.AsOfFrom(ctx).Past && r.Revision() == r.Newest() {
		return known, nil
	}
	held, err := r.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	today := audienceNames(known)
	for _, name := range held.Audiences {
		if !slices.Contains(today, name) {
			known = append(known, graph.Audience{Name: name, Title: name})
		}
	}
	return known, nil
}
