package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/riverqueue/river"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy"
)

// classes groups all leaves of the catalog by what the policy reads of them,
// and returns the facts of each class.
func (a *App) classes(ctx context.Context, r *store.Reader) (map[graph.Class]graph.ColumnFacts, error) {
	items, err := r.Snapshot(ctx, graph.Scope{})
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	classes := map[graph.Class]graph.ColumnFacts{}
	for _, c := range a.assess(items) {
		classes[c.class] = c.facts
	}
	return classes, nil
}

// assessed is a column with what decides about it.
type assessed struct {
	column graph.Column
	facts  graph.ColumnFacts
	class  graph.Class
}

// assess gathers the facts and the class of every column.
func (a *App) assess(items graph.Snapshot) []assessed {
	assets, tags := map[graph.Ref]graph.Asset{}, map[string][]graph.Tag{}
	var columns []graph.Column
	for _, item := range items {
		switch item := item.(type) {
		case graph.Asset:
			assets[item.Ref] = item
		case graph.Tag:
			tags[item.Ref.Key()] = append(tags[item.Ref.Key()], item)
		case graph.Column:
			columns = append(columns, item)
		}
	}
	out := make([]assessed, 0, len(columns))
	for _, c := range columns {
		facts := policy.Facts(c, assets[c.Ref.Asset()], graph.TagsFor(c.Ref, tags))
		out = append(out, assessed{c, facts, a.policy.Class(facts)})
	}
	return out
}

// decideClasses asks the policy for each class and audience.
func (a *App) decideClasses(ctx context.Context, classes map[graph.Class]graph.ColumnFacts) ([]graph.Decision, error) {
	var questions []policy.Question
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		for _, audience := range a.policy.Audiences() {
			questions = append(questions, policy.Question{Audience: audience.Name, Facts: classes[class]})
		}
	}
	return a.policy.Decide(ctx, questions)
}

// holdDecisions makes the decisions those that hold, and notes by which attributes the
// policy told columns apart, so that the ledger can be read when it has gone.
func (a *App) holdDecisions(ctx context.Context, tx *store.Tx, decisions []graph.Decision) error {
	if err := tx.NotePolicy(ctx, a.policy.Hash(), a.policy.Reads()); err != nil {
		return err
	}
	return tx.HoldDecisions(ctx, decisions)
}

func sortByPosition(columns []graph.Column) {
	slices.SortFunc(columns, func(x, y graph.Column) int { return x.Position - y.Position })
}

// isFinal says whether trying again at once cannot help. A source that could
// not be reached was asked several times already; its problem is kept where
// people look, and the next crawl asks anew.
func isFinal(kind string, err error) bool {
	if kind == "crawl" && errors.Is(err, graph.ErrUnavailable) && !errors.Is(err, store.ErrOutage) {
		return true
	}
	return errors.Is(err, graph.ErrInvalid) || errors.Is(err, graph.ErrDenied) || errors.Is(err, graph.ErrNotFound) || errors.Is(err, graph.ErrStale)
}

// subjectOf names what a job is about.
func subjectOf(args river.JobArgs) string {
	switch args := args.(type) {
	case store.CrawlArgs:
		return args.Source
	case store.AnalyzeArgs:
		return args.Source
	case store.ApplyArgs:
		return args.Plan
	case store.UndoArgs:
		return args.Plan
	}
	return ""
}
