package store

import (
	"context"
	"slices"

	"cadastre.dev/cadastre/ent/gen/annotation"
	"cadastre.dev/cadastre/ent/gen/asset"
	"cadastre.dev/cadastre/ent/gen/column"
	"cadastre.dev/cadastre/ent/gen/edge"
	"cadastre.dev/cadastre/ent/gen/statement"
	"cadastre.dev/cadastre/ent/gen/tag"
	"cadastre.dev/cadastre/graph"
	entsql "entgo.io/ent/dialect/sql"
)

// Snapshot returns all items of the scope that are the principal's to see; the
// zero scope is the whole catalog. It holds visible assets and what belongs to
// them, each reduced as its own method reduces it.
func (r *Reader) Snapshot(ctx context.Context, scope graph.Scope) (_ graph.Snapshot, err error) {
	ctx, end := r.store.begin(ctx, "snapshot")
	defer func() { end(err) }()
	found := graph.Snapshot{}
	put := func(i graph.Item, _ span) error {
		found.Put(i)
		return nil
	}
	for _, table := range tables() {
		if !r.all && table.name != asset.Table {
			continue
		}
		where := entsql.And(holds(r.at), inScope(r.store.dialect, table, scope, holds(r.at)))
		if !r.all {
			where = entsql.And(where, r.shown(graph.Visible))
		}
		if err := read(ctx, r.store.readers, r.store.dialect, selection{table: table, where: where}, put); err != nil {
			return nil, err
		}
	}
	if r.all {
		return found, nil
	}
	var refs []graph.Ref
	for _, i := range found {
		refs = append(refs, i.About())
	}
	return found, r.complete(ctx, found, refs)
}

// complete replaces visible assets by what may be seen of them, and adds what
// belongs to them.
func (r *Reader) complete(ctx context.Context, into graph.Snapshot, assets []graph.Ref) error {
	views, err := r.Assets(ctx, assets...)
	if err != nil {
		return err
	}
	for _, v := range views {
		into.Put(v.Asset)
		putAll(into, v.Owners)
		putAll(into, v.Annotations)
	}
	columns, err := r.Columns(ctx, assets...)
	if err != nil {
		return err
	}
	tags, err := r.Tags(ctx, assets...)
	if err != nil {
		return err
	}
	grants, err := r.Grants(ctx, assets...)
	if err != nil {
		return err
	}
	statements, err := r.StatementsOf(ctx, assets...)
	if err != nil {
		return err
	}
	for _, a := range assets {
		putAll(into, columns[a])
		putAll(into, tags[a])
		putAll(into, grants[a])
		putAll(into, statements[a])
	}
	edges, err := r.Edges(ctx, assets...)
	if err != nil {
		return err
	}
	putAll(into, slices.DeleteFunc(edges, func(e graph.Edge) bool { return !slices.Contains(assets, e.About()) }))
	return nil
}

func putAll[T graph.Item](into graph.Snapshot, items []T) {
	for _, i := range items {
		into.Put(i)
	}
}

// Counts says how much there is of what the principal may see.
type Counts struct {
	// Assets counts those not hidden, and ByKind the same by kind.
	Assets int
	ByKind map[graph.Kind]int
	// Columns, Tags, Annotations and Edges count those of visible assets; an
	// edge counts where both ends are visible.
	Columns, Tags, Annotations, Edges int
	// Outcomes counts the statements of visible targets.
	Outcomes map[graph.Outcome]int
}

// Counts counts.
func (r *Reader) Counts(ctx context.Context) (Counts, error) {
	c := Counts{ByKind: map[graph.Kind]int{}, Outcomes: map[graph.Outcome]int{}}
	err := r.tally(ctx, asset.Table, asset.FieldKind, r.shown(graph.Discoverable), func(kind string, n int) {
		c.ByKind[graph.Kind(kind)] += n
		c.Assets += n
	})
	if err != nil {
		return Counts{}, err
	}
	mine := r.ofVisible(colAbout)
	counts := []struct {
		table string
		where *entsql.Predicate
		into  *int
	}{
		{column.Table, mine, &c.Columns},
		{tag.Table, mine, &c.Tags},
		{annotation.Table, mine, &c.Annotations},
		{edge.Table, entsql.And(mine, r.ofVisible(edge.FieldFromAbout)), &c.Edges},
	}
	for _, count := range counts {
		if err := r.tally(ctx, count.table, "", count.where, func(_ string, n int) { *count.into += n }); err != nil {
			return Counts{}, err
		}
	}
	err = r.tally(ctx, statement.Table, statement.FieldOutcome, mine, func(outcome string, n int) { c.Outcomes[graph.Outcome(outcome)] += n })
	return c, err
}

// ofVisible selects rows whose column names a visible asset.
func (r *Reader) ofVisible(column string) *entsql.Predicate {
	if r.all {
		return always()
	}
	visible := entsql.Dialect(r.store.dialect).Select(colAbout).From(entsql.Table(asset.Table)).
		Where(entsql.And(holds(r.at), r.shown(graph.Visible)))
	return entsql.In(column, visible)
}

// tally counts rows of a table that hold, by a column or, without one, all.
func (r *Reader) tally(ctx context.Context, table, by string, where *entsql.Predicate, emit func(value string, n int)) error {
	q := entsql.Dialect(r.store.dialect).Select().From(entsql.Table(table)).Where(entsql.And(holds(r.at), where))
	if by == "" {
		q.AppendSelectExpr(entsql.Raw("''"), entsql.Raw("COUNT(*)"))
	} else {
		q.Select(by).AppendSelectExpr(entsql.Raw("COUNT(*)")).GroupBy(by)
	}
	text, args := q.Query()
	return each(ctx, r.store.readers, text, args, emit)
}
