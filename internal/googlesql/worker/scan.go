package main

import (
	"maps"
	"slices"
	"strings"

	g "github.com/goccy/go-googlesql"
)

func columnsOf(s any) []*g.ResolvedColumn {
	return must(s.(interface {
		ColumnList() ([]*g.ResolvedColumn, error)
	}).ColumnList())
}

// scan reads a scan and what stands below it, so that each of its columns has
// a value.
func (r *resolved) scan(s g.ResolvedScanNode) {
	switch x := s.(type) {
	case *g.ResolvedTableScan:
		r.tableScan(x)
	case *g.ResolvedWithScan:
		r.withScan(x)
	case *g.ResolvedWithRefScan:
		r.setAll(columnsOf(x), r.with[must(x.WithQueryName())])
	case *g.ResolvedRecursiveRefScan:
		r.setAll(columnsOf(x), r.recursion)
	case *g.ResolvedRecursiveScan:
		r.recursiveScan(x)
	case *g.ResolvedSetOperationScan:
		r.setOperation(x)
	case *g.ResolvedArrayScan:
		r.arrayScan(x)
	case *g.ResolvedFilterScan:
		r.scan(must(x.InputScan()))
		r.influence(filter, must(x.FilterExpr()))
	case *g.ResolvedJoinScan:
		r.scan(must(x.LeftScan()))
		r.scan(must(x.RightScan()))
		r.influence(join, must(x.JoinExpr()))
	case *g.ResolvedAggregateScan:
		r.aggregateScan(x)
	case *g.ResolvedAnalyticScan:
		r.scan(must(x.InputScan()))
		for _, group := range must(x.FunctionGroupList()) {
			r.windows(group)
		}
	case *g.ResolvedUnpivotScan:
		r.unpivotScan(x)
	case *g.ResolvedPivotScan:
		r.pivotScan(x)
	case *g.ResolvedTVFScan:
		r.tableFunction(x)
	default:
		r.inputsFirst(s)
	}
}

// inputsFirst reads any scan whose columns are its inputs' or computed ones:
// what is below it before what is computed from that.
func (r *resolved) inputsFirst(s g.ResolvedScanNode) {
	below := must(s.GetChildNodes())
	for _, c := range below {
		if in, ok := c.(g.ResolvedScanNode); ok {
			r.scan(in)
		}
	}
	for _, c := range below {
		if _, ok := c.(g.ResolvedScanNode); !ok {
			r.node(c)
		}
	}
}

func (r *resolved) setAll(columns []*g.ResolvedColumn, values []*value) {
	for i, c := range columns {
		if i < len(values) {
			r.set(c, values[i])
		}
	}
}

func (r *resolved) valuesOf(columns []*g.ResolvedColumn) []*value {
	out := make([]*value, len(columns))
	for i, c := range columns {
		out[i] = r.column(c)
	}
	return out
}

// tableScan gives the columns of a table, or of a temporary table what those
// were made from.
func (r *resolved) tableScan(x *g.ResolvedTableScan) {
	name := must(must(x.Table()).FullName())
	made := r.catalog.made[strings.ToLower(name)]
	if made == nil {
		r.tables.add(name)
	}
	for _, c := range columnsOf(x) {
		column := must(c.Name())
		if v, ok := made[strings.ToLower(column)]; ok {
			r.set(c, v)
			continue
		}
		if made != nil {
			r.set(c, constant())
			continue
		}
		r.set(c, copyOf(name, column))
	}
}

func (r *resolved) withScan(x *g.ResolvedWithScan) {
	for _, entry := range must(x.WithEntryList()) {
		sub := must(entry.WithSubquery())
		r.scan(sub)
		r.with[must(entry.WithQueryName())] = r.valuesOf(columnsOf(sub))
	}
	r.scan(must(x.Query()))
}

// recursiveScan goes through the recursive term until nothing new comes of it:
// once for what comes from outside, and again for what comes by way of its own
// columns, as what one column gives another may take a round for each of them.
func (r *resolved) recursiveScan(x *g.ResolvedRecursiveScan) {
	outer := r.recursion
	first := must(x.NonRecursiveTerm())
	r.scan(must(first.Scan()))
	values := r.valuesOf(must(first.OutputColumnList()))
	again := must(x.RecursiveTerm())
	for range len(values) + 1 {
		r.recursion = values
		r.scan(must(again.Scan()))
		next := r.valuesOf(must(again.OutputColumnList()))
		for i := range next {
			if i < len(values) {
				next[i] = computed(step{kind: identity}, values[i], next[i])
			}
		}
		same := slices.EqualFunc(values, next, func(a, b *value) bool { return maps.Equal(a.collect(), b.collect()) })
		values = next
		if same {
			break
		}
	}
	r.recursion = outer
	r.setAll(columnsOf(x), values)
}

func (r *resolved) setOperation(x *g.ResolvedSetOperationScan) {
	out := columnsOf(x)
	sides := make([][]*value, len(out))
	for _, item := range must(x.InputItemList()) {
		r.scan(must(item.Scan()))
		for i, v := range r.valuesOf(must(item.OutputColumnList())) {
			if i < len(sides) {
				sides[i] = append(sides[i], v)
			}
		}
	}
	for i, c := range out {
		r.set(c, choice(step{kind: identity}, sides[i]...))
	}
}

func (r *resolved) arrayScan(x *g.ResolvedArrayScan) {
	if in := must(x.InputScan()); !none(in) {
		r.scan(in)
	}
	elements := must(x.ElementColumnList())
	for i, e := range must(x.ArrayExprList()) {
		v := r.expr(e)
		if i < len(elements) {
			r.set(elements[i], v.item())
		}
	}
	if offset, err := x.ArrayOffsetColumn(); err == nil && !none(offset) {
		r.set(must(offset.Column()), constant())
	}
	r.influence(join, must(x.JoinExpr()))
}

func (r *resolved) aggregateScan(x *g.ResolvedAggregateScan) {
	r.scan(must(x.InputScan()))
	for _, c := range must(x.GroupByList()) {
		v := r.expr(must(c.Expr()))
		r.set(must(c.Column()), v)
		r.influenceOf(group, v)
	}
	for _, c := range must(x.AggregateList()) {
		r.node(c)
	}
	for _, c := range must(x.GroupingCallList()) {
		r.node(c)
	}
}

// windows gives the columns of the functions over one window, whose keys are
// sources of each.
func (r *resolved) windows(x *g.ResolvedAnalyticFunctionGroup) {
	var keys []*value
	if p := must(x.PartitionBy()); !none(p) {
		keys = append(keys, r.node(p))
	}
	if o := must(x.OrderBy()); !none(o) {
		keys = append(keys, r.node(o))
	}
	key := as(window, keys...)
	for _, f := range must(x.AnalyticFunctionList()) {
		v := r.expr(must(f.Expr()))
		r.set(must(f.Column()), v.with(key))
	}
}

func (r *resolved) unpivotScan(x *g.ResolvedUnpivotScan) {
	r.scan(must(x.InputScan()))
	for _, c := range must(x.ProjectedInputColumnList()) {
		r.set(must(c.Column()), r.expr(must(c.Expr())))
	}
	out := must(x.ValueColumnList())
	from := make([][]*value, len(out))
	for _, a := range must(x.UnpivotArgList()) {
		for i, c := range must(a.ColumnList()) {
			from[i] = append(from[i], r.expr(c))
		}
	}
	for i, c := range out {
		r.set(c, choice(step{kind: identity}, from[i]...))
	}
	r.set(must(x.LabelColumn()), constant())
}

func (r *resolved) pivotScan(x *g.ResolvedPivotScan) {
	r.scan(must(x.InputScan()))
	r.influence(filter, must(x.ForExpr()))
	for _, c := range must(x.GroupByList()) {
		v := r.expr(must(c.Expr()))
		r.set(must(c.Column()), v)
		r.influenceOf(group, v)
	}
	measures := r.exprs(must(x.PivotExprList()))
	for _, p := range must(x.PivotColumnList()) {
		r.set(must(p.Column()), measures[must(p.PivotExprIndex())])
	}
}

// tableFunction gives columns without sources: what a table function reads is
// not known here, which the catalog has noted. Tables handed to it are read.
func (r *resolved) tableFunction(x *g.ResolvedTVFScan) {
	r.inputsFirst(x)
	for _, c := range columnsOf(x) {
		r.set(c, constant())
	}
}
