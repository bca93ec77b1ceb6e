package serve

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

// Shown is one asset with what belongs to it, as somebody may know it.
type Shown struct {
	// Revision is the one that was read, made At.
	Revision graph.Revision
	At       time.Time
	store.AssetView
	// Columns stand in their order; Tags are what is said of the asset and
	// its columns.
	Columns []graph.Column
	Tags    []graph.Tag
	// Statement is what the lineage of its own SQL came to; nil for none.
	Statement *graph.Statement
	Views     []shape.PublishedView
}

// Show returns an asset; graph.ErrNotFound where there is none or it is hidden.
// The ref of a column shows its asset with that column and those within it.
func (a *App) Show(ctx context.Context, who graph.Principal, ref graph.Ref) (Shown, error) {
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return Shown{}, err
	}
	out := Shown{Revision: r.Revision()}
	if out.At, err = committedAt(ctx, r); err != nil {
		return out, err
	}
	if out.AssetView, err = r.Asset(ctx, ref); err != nil {
		return out, fmt.Errorf("show %s at revision %d: %w", ref, r.Revision(), err)
	}
	of := ref
	ref = out.Asset.Ref
	columns, err := r.Columns(ctx, ref)
	if err != nil {
		return out, err
	}
	if of.IsColumn() {
		if columns[ref] = within(columns[ref], ref.Column(of.Path)); len(columns[ref]) == 0 {
			return out, fmt.Errorf("show at revision %d: column %s: %w", r.Revision(), of, graph.ErrNotFound)
		}
	}
	tags, err := r.Tags(ctx, ref)
	if err != nil {
		return out, err
	}
	statements, err := r.StatementsOf(ctx, ref)
	if err != nil {
		return out, err
	}
	views, err := a.Views(ctx, who, ref)
	if err != nil {
		return out, err
	}
	out.Columns, out.Tags, out.Views = columns[ref], tags[ref], views[ref]
	if its := statements[ref]; len(its) > 0 {
		out.Statement = &its[0]
	}
	return out, nil
}

// within returns the column and those within it; none where it is not there.
func within(columns []graph.Column, column graph.Ref) []graph.Column {
	key := column.Key()
	if !slices.ContainsFunc(columns, func(c graph.Column) bool { return c.Ref.Key() == key }) {
		return nil
	}
	return slices.DeleteFunc(columns, func(c graph.Column) bool {
		rest, is := strings.CutPrefix(c.Ref.Key(), key)
		return !is || rest != "" && rest[0] != '.' && rest[0] != '['
	})
}
