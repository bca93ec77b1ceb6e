package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/policy/view"
)

// exposure gathers every way by which somebody could read a column at the
// reader's revision, from what was crawled by then: rights on the asset and
// its container, and the published views that show it.
func (a *App) exposure(ctx context.Context, r *store.Reader, column graph.Ref) (shape.WhoCouldSee, error) {
	asset, facts, err := columnFacts(ctx, r, column)
	if err != nil {
		return shape.WhoCouldSee{}, fmt.Errorf("who could see %s: %w", column, err)
	}
	out := shape.WhoCouldSee{Column: column, Revision: r.Revision(), Ways: []shape.Way{}, Reasons: []string{}}
	if out.At, err = committedAt(ctx, r); err != nil {
		return out, err
	}
	direct, err := a.directWays(ctx, r, asset)
	if err != nil {
		return out, err
	}
	published, err := a.viewWays(ctx, r, asset, column, facts)
	if err != nil {
		return out, err
	}
	out.Ways = append(append(out.Ways, direct...), published...)
	slices.SortStableFunc(out.Ways, func(x, y shape.Way) int {
		return cmp.Or(cmp.Compare(x.Form, y.Form), cmp.Compare(x.Principal, y.Principal), graph.CompareRefs(x.Through, y.Through))
	})
	out.Reasons = append(out.Reasons, "members of groups are not listed; rights inherited from the project are not crawled yet")
	return out, nil
}

func committedAt(ctx context.Context, r *store.Reader) (at time.Time, err error) {
	list, err := r.Revisions(ctx, store.Page{First: 1})
	if err != nil || len(list.Items) == 0 {
		return at, err
	}
	return list.Items[0].At, nil
}

// readingRoles are BigQuery's roles that read rows.
var readingRoles = []string{
	"READER", "WRITER", "OWNER", "roles/bigquery.dataViewer", "roles/bigquery.dataEditor", "roles/bigquery.dataOwner", "roles/bigquery.admin", "roles/bigquery.filteredDataViewer",
}

// metadataRoles are BigQuery's roles that read no rows.
var metadataRoles = []string{
	"roles/bigquery.metadataViewer", "roles/bigquery.user", "roles/bigquery.jobUser", "roles/bigquery.resourceViewer", graph.RoleAuthorized,
}

// directWays are rights on the asset and its container. A role that we do not
// know is told too: it may read.
func (a *App) directWays(ctx context.Context, r *store.Reader, asset graph.Asset) ([]shape.Way, error) {
	on := []graph.Ref{asset.Ref}
	if !asset.Parent.IsZero() {
		on = append(on, asset.Parent)
	}
	grants, err := r.Grants(ctx, on...)
	if err != nil {
		return nil, err
	}
	var ways []shape.Way
	for _, ref := range on {
		for _, g := range grants[ref] {
			if slices.Contains(metadataRoles, g.Role) {
				continue
			}
			why := fmt.Sprintf("the role %s on %s", g.Role, ref.Name)
			if !slices.Contains(readingRoles, g.Role) {
				why += ", which is not one of BigQuery's own and may read it"
			}
			since, err := began(ctx, r, ref, g)
			if err != nil {
				return nil, err
			}
			ways = append(ways, shape.Way{Principal: g.Principal, Through: asset.Ref, Form: "clear", Why: why, Since: since})
		}
	}
	return ways, nil
}

// viewWays are the published views of audiences that show the column: they
// must stand in the catalog at the revision, with that column.
func (a *App) viewWays(ctx context.Context, r *store.Reader, base graph.Asset, column graph.Ref, facts graph.ColumnFacts) ([]shape.Way, error) {
	var ways []shape.Way
	held, err := a.heldOn(ctx, r, facts)
	if err != nil {
		return nil, err
	}
	audiences, err := a.audiencesAt(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, p := range a.viewsOver(base, audiences) {
		shown := p.Ref.Column(column.Path)
		columns, err := r.Columns(ctx, p.Ref)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(columns[p.Ref], func(c graph.Column) bool { return c.Key() == shown.Key() })
		if i < 0 {
			continue
		}
		since, err := began(ctx, r, p.Ref, columns[p.Ref][i])
		if err != nil {
			return nil, err
		}
		way, err := a.wayThrough(ctx, r, p, column, held)
		if err != nil {
			return nil, err
		}
		way.Since = since
		grants, err := r.Grants(ctx, p.Ref, p.Ref.Parent())
		if err != nil {
			return nil, err
		}
		for _, g := range slices.Concat(grants[p.Ref], grants[p.Ref.Parent()]) {
			if slices.Contains(metadataRoles, g.Role) || g.Principal == a.target.publisher || strings.HasPrefix(g.Principal, "special:") {
				continue
			}
			way.Principal = g.Principal
			ways = append(ways, way)
		}
	}
	return ways, nil
}

// heldOn returns the ledger's lines of a column with the facts: none where the
// class it had cannot be told, for the views' own texts say how it was shown.
func (a *App) heldOn(ctx context.Context, r *store.Reader, facts graph.ColumnFacts) ([]graph.Held, error) {
	ledger, err := a.ledgerOf(ctx, r)
	if errors.Is(err, graph.ErrUnavailable) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.Decisions(ctx, ledger.class(facts))
}

// wayThrough says how a view shows a column, by the view's own text as it was
// crawled. A text that is not ours to read is told as the worst: clear. The
// rule is that of the decision which held then.
func (a *App) wayThrough(ctx context.Context, r *store.Reader, p shape.PublishedView, column graph.Ref, held []graph.Held) (shape.Way, error) {
	way := shape.Way{Audience: p.Audience, Through: p.Ref, Form: "clear", Why: "the view shows it, and its text is not one that we wrote"}
	stands, err := r.Asset(ctx, p.Ref)
	if err != nil {
		return way, err
	}
	reading, ok := a.target.dialect.Read(stands.Asset.Definition)
	if !ok {
		return way, nil
	}
	effect := effectOn(column, reading)
	if effect == graph.EffectMask {
		way.Form = "masked"
	}
	way.Why = "the view shows it so, by an earlier decision"
	for _, h := range held {
		if h.Decision.Audience == p.Audience && h.Ended == 0 && h.Decision.Effect == effect && len(h.Decision.Rules) > 0 {
			way.Method, way.Why = h.Decision.Method, h.Decision.Rules[0].Why
		}
	}
	return way, nil
}

// effectOn is what a view's text says of a column, however either spells it.
func effectOn(column graph.Ref, reading view.Reading) graph.Effect {
	for path, effect := range reading.Effects {
		if column.Asset().Column(path).Key() == column.Key() {
			return effect
		}
	}
	return ""
}

// began returns the revision since which an item is as it is.
func began(ctx context.Context, r *store.Reader, asset graph.Ref, item graph.Item) (graph.Revision, error) {
	versions, err := r.History(ctx, asset)
	if errors.Is(err, graph.ErrNotFound) {
		return 0, nil
	}
	for _, v := range versions {
		if v.Ended == 0 && v.Item.Key() == item.Key() && graph.CompareItems(v.Item, item) == 0 {
			return v.Began, err
		}
	}
	return 0, err
}
