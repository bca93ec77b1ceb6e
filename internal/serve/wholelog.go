package serve

import (
	"context"
	"fmt"
	"slices"

	"cadastre.dev/cadastre/graph"
)

// mayReadWholeLog refuses those who may not audit, and auditors to whom
// something is less than visible: they are shown a part of the log, and what
// is said of the whole, be it its size alone, would tell them when a question
// of theirs was noted as a denied read.
func (a *App) mayReadWholeLog(ctx context.Context, who graph.Principal) error {
	if err := a.may(ctx, who, graph.ActionAudit, graph.Asset{}, nil); err != nil || isTrusted(who) {
		return err
	}
	filter, err := a.policy.Filter(ctx, who)
	if err != nil {
		return fmt.Errorf("make the filter of %s: %w", who.ID, err)
	}
	if slices.ContainsFunc(filter.Visible, func(c graph.Clause) bool { return len(c) == 0 }) {
		return nil
	}
	return a.refuse(ctx, who, graph.ActionAudit, graph.Asset{}, "the whole log tells of assets that are hidden from you; ask an auditor who sees all of the catalog")
}
