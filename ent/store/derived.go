package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
	entsql "entgo.io/ent/dialect/sql"
)

// derived is what follows from the store and is kept in memory, each part
// built when it is first asked for and valid for the revisions between two
// changes of what it follows from.
type derived struct {
	newest following
	// touched is the last change of what is searched up to a revision.
	touched cached[graph.Revision]
	past    cached[*search.Index]
	lineage cached[*walk.Graph]
	judged  cached[map[graph.Ref]judged]
}

// cached keeps the values of two revisions, so that somebody who looks at the
// past does not drive out the present.
type cached[T any] struct {
	mu     sync.Mutex
	values [2]struct {
		at  graph.Revision
		set bool
		v   T
	}
}

// get returns the value for a revision, and makes it where it is not there.
// Others who ask meanwhile wait and find it made.
func (c *cached[T]) get(at graph.Revision, build func() (T, error)) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.values {
		if c.values[i].set && c.values[i].at == at {
			return c.values[i].v, nil
		}
	}
	v, err := build()
	if err != nil {
		return v, err
	}
	older := 0
	if c.values[0].set && (!c.values[1].set || c.values[1].at < c.values[0].at) {
		older = 1
	}
	c.values[older].at, c.values[older].set, c.values[older].v = at, true, v
	return v, nil
}

// changedAt returns the last revision up to the reader's at which a row of the
// tables began or ended: what follows from them is the same ever since. What
// ended before the floor of history is no longer there to tell, so that it is
// never below the floor.
func (r *Reader) changedAt(ctx context.Context, tables ...table) (graph.Revision, error) {
	last := graph.Revision(0)
	for _, table := range tables {
		for _, column := range []string{colBegan, colEnded} {
			query, args := entsql.Dialect(r.store.dialect).Select().AppendSelectExpr(entsql.Raw("MAX("+quote(column)+")"), entsql.Raw("0")).
				From(entsql.Table(table.name)).Where(entsql.LTE(column, int64(r.at))).Query()
			err := each(ctx, r.store.readers, query, args, func(at sql.NullInt64, _ int) { last = max(last, graph.Revision(at.Int64)) })
			if err != nil {
				return 0, fmt.Errorf("last change of %s: %w", table.name, err)
			}
		}
	}
	// Asked last: whatever was removed before is counted by it.
	floor, err := r.store.Floor(ctx)
	return max(last, floor.Revision), err
}

// Walk answers what something is made from and what is made from it, at the
// reader's revision and of what the principal may know. Visibility of the
// query is the reader's, whatever is set. A root that is hidden is
// graph.ErrNotFound.
func (r *Reader) Walk(ctx context.Context, q walk.Query) (result walk.Result, err error) {
	ctx, end := r.store.begin(ctx, "walk")
	defer func() { end(err) }()
	see, err := r.judge(ctx)
	if err != nil {
		return walk.Result{}, err
	}
	if see(q.Root.Asset()) == graph.Hidden {
		return walk.Result{}, fmt.Errorf("lineage of %s: %w", q.Root, graph.ErrNotFound)
	}
	g, err := r.lineage(ctx)
	if err != nil {
		return walk.Result{}, err
	}
	q.Visibility = see
	return g.Walk(q), nil
}

// lineage returns the whole lineage at the reader's revision, unjudged.
func (r *Reader) lineage(ctx context.Context) (*walk.Graph, error) {
	at, err := r.changedAt(ctx, edgeTable(), statementTable())
	if err != nil {
		return nil, err
	}
	return r.store.derived.lineage.get(at, func() (*walk.Graph, error) {
		var (
			edges      []graph.Edge
			statements []graph.Statement
		)
		take := func(i graph.Item, _ span) error {
			switch i := i.(type) {
			case graph.Edge:
				edges = append(edges, i)
			case graph.Statement:
				i.SQL = ""
				statements = append(statements, i)
			}
			return nil
		}
		for _, table := range []table{edgeTable(), statementTable()} {
			if err := read(ctx, r.store.readers, r.store.dialect, selection{table: table, where: holds(r.at)}, take); err != nil {
				return nil, err
			}
		}
		return walk.New(edges, statements), nil
	})
}

// judged is what a filter looks at of one asset.
type judged struct {
	asset graph.Asset
	// owners are those that count.
	owners []string
}

// judge returns a function that says of any asset how much of it may be known,
// at the reader's revision: for those who ask of many, one by one.
func (r *Reader) judge(ctx context.Context) (func(graph.Ref) graph.Visibility, error) {
	if r.all {
		return func(graph.Ref) graph.Visibility { return graph.Visible }, nil
	}
	at, err := r.changedAt(ctx, assetTable(), ownerTable())
	if err != nil {
		return nil, err
	}
	all, err := r.store.derived.judged.get(at, func() (map[graph.Ref]judged, error) { return r.readJudged(ctx) })
	if err != nil {
		return nil, err
	}
	return func(ref graph.Ref) graph.Visibility {
		j, ok := all[ref.Asset()]
		if !ok {
			return graph.Hidden
		}
		return r.filter.Of(j.asset, j.owners)
	}, nil
}

func (r *Reader) readJudged(ctx context.Context) (map[graph.Ref]judged, error) {
	all, owners := map[graph.Ref]judged{}, map[graph.Ref][]graph.Owner{}
	for _, table := range []table{assetTable(), ownerTable()} {
		err := read(ctx, r.store.readers, r.store.dialect, selection{table: table, where: holds(r.at)}, func(i graph.Item, _ span) error {
			switch i := i.(type) {
			case graph.Asset:
				all[i.Ref] = judged{asset: graph.Asset{Ref: i.Ref, Kind: i.Kind, Source: i.Source, Parent: i.Parent}}
			case graph.Owner:
				owners[i.Asset] = append(owners[i.Asset], i)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for ref, j := range all {
		j.owners = graph.Principals(owners[ref])
		all[ref] = j
	}
	return all, nil
}
