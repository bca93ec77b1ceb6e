package store

import (
	"context"
	"slices"

	"cadastre.dev/cadastre/ent/gen/asset"
	"cadastre.dev/cadastre/ent/gen/edge"
	"cadastre.dev/cadastre/ent/gen/statement"
	"cadastre.dev/cadastre/graph"
	entsql "entgo.io/ent/dialect/sql"
)

// Known returns the items that a crawl of the scope is compared with: the
// assets of the scope and all that is about them, and the source's statements
// without target where the scope is the whole source. The zero scope is the
// whole catalog.
func (t *Tx) Known(ctx context.Context, scope graph.Scope) (graph.Snapshot, error) {
	known := graph.Snapshot{}
	for _, table := range tables() {
		where := entsql.And(current(), inScope(t.store.dialect, table, scope, current()))
		if err := t.collect(ctx, known, table, where); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// inScope selects the rows of a table that belong to a scope, where its assets
// are those for which holding holds.
func inScope(dialect string, t table, scope graph.Scope, holding *entsql.Predicate) *entsql.Predicate {
	if scope == (graph.Scope{}) {
		return always()
	}
	held := entsql.EQ(asset.FieldSource, scope.Source)
	if !scope.Parent.IsZero() {
		held = entsql.And(held, entsql.Or(entsql.EQ(asset.FieldParent, text(scope.Parent)), entsql.EQ(colKey, scope.Parent.Key())))
	}
	if t.name == asset.Table {
		return held
	}
	assets := entsql.Dialect(dialect).Select(colAbout).From(entsql.Table(asset.Table)).Where(entsql.And(holding, held))
	about := entsql.In(colAbout, assets)
	if t.name == statement.Table && scope.Parent.IsZero() {
		return entsql.Or(about, entsql.And(entsql.EQ(statement.FieldSource, scope.Source), entsql.EQ(colAbout, "")))
	}
	return about
}

// About returns all current items about the assets.
func (t *Tx) About(ctx context.Context, assets ...graph.Ref) (graph.Snapshot, error) {
	known := graph.Snapshot{}
	for _, table := range tables() {
		if err := t.collectIn(ctx, known, table, colAbout, keysOf(assets)); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// Current returns the current items with the type and key of the given ones,
// where there are such: for facts that speak of what their scope does not hold.
func (t *Tx) Current(ctx context.Context, like ...graph.Item) (graph.Snapshot, error) {
	keys := map[string][]string{}
	for _, i := range like {
		table, err := tableOf(i)
		if err != nil {
			return nil, err
		}
		keys[table.name] = append(keys[table.name], i.Key())
	}
	known := graph.Snapshot{}
	for _, table := range tables() {
		if err := t.collectIn(ctx, known, table, colKey, keys[table.name]); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// Learned returns the statements with the ids and the edges learned from them.
func (t *Tx) Learned(ctx context.Context, ids ...string) (graph.Snapshot, error) {
	known := graph.Snapshot{}
	if err := t.collectIn(ctx, known, statementTable(), colKey, ids); err != nil {
		return nil, err
	}
	return known, t.collectIn(ctx, known, edgeTable(), edge.FieldStatement, ids)
}

func (t *Tx) collectIn(ctx context.Context, into graph.Snapshot, table table, column string, values []string) error {
	for part := range slices.Chunk(values, chunk) {
		if err := t.collect(ctx, into, table, entsql.And(in(column, part), current())); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) collect(ctx context.Context, into graph.Snapshot, table table, where *entsql.Predicate) error {
	return read(ctx, t.tx, t.store.dialect, selection{table: table, where: where}, func(i graph.Item, _ span) error {
		into.Put(i)
		return nil
	})
}

// keysOf returns how the assets of refs stand in the database, each once.
func keysOf(refs []graph.Ref) []string {
	keys := make([]string, 0, len(refs))
	for _, r := range refs {
		keys = append(keys, text(r.Asset()))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
