package main

import (
	g "github.com/goccy/go-googlesql"
)

// resolved reads a tree that the analyzer has resolved: what each column that
// it numbered is made from.
type resolved struct {
	catalog    *catalog
	columns    map[int32]*value
	with       map[string][]*value
	recursion  []*value // columns of the recursive query being read
	tables     names
	influences map[leaf]how
	arguments  map[string]*value // of the SQL function whose body is read
}

func newResolved(c *catalog) *resolved {
	return &resolved{catalog: c, columns: map[int32]*value{}, with: map[string][]*value{}, tables: names{}, influences: map[leaf]how{}}
}

func (r *resolved) column(c *g.ResolvedColumn) *value {
	if v, ok := r.columns[must(c.ColumnId())]; ok {
		return v
	}
	return constant()
}

func (r *resolved) set(c *g.ResolvedColumn, v *value) { r.columns[must(c.ColumnId())] = v }

// influence notes that an expression decides which rows there are.
func (r *resolved) influence(k kind, e g.ResolvedExprNode) {
	if none(e) {
		return
	}
	r.influenceOf(k, r.expr(e))
}

func (r *resolved) influenceOf(k kind, v *value) {
	for l := range v.collect() {
		h := how{kind: k}
		if old, ok := r.influences[l]; ok {
			h = stronger(old, h)
		}
		r.influences[l] = h
	}
}

// expr is the value of an expression.
func (r *resolved) expr(e g.ResolvedExprNode) *value {
	if none(e) {
		return constant()
	}
	switch x := e.(type) {
	case *g.ResolvedColumnRef:
		return r.column(must(x.Column()))
	case *g.ResolvedLiteral, *g.ResolvedParameter:
		return constant()
	case *g.ResolvedArgumentRef:
		if v, ok := r.arguments[must(x.Name())]; ok {
			return v
		}
		return constant()
	case *g.ResolvedGetStructField:
		return r.structField(x)
	case *g.ResolvedMakeStruct:
		return &value{members: r.exprs(must(x.FieldList()))}
	case *g.ResolvedSubqueryExpr:
		return r.subquery(x)
	case *g.ResolvedCast:
		inner := must(x.Expr())
		if must(must(inner.Type()).Equivalent(must(x.Type()))) {
			return r.expr(inner) // fields have other names at most
		}
		return r.choose(step{kind: transformation, function: "CAST"}, e, []g.ResolvedExprNode{inner})
	case *g.ResolvedFlatten:
		return r.flatten(x)
	case *g.ResolvedGetJsonField:
		return computed(step{kind: transformation}, r.expr(must(x.Expr())))
	case *g.ResolvedWithExpr:
		for _, a := range must(x.AssignmentList()) {
			r.set(must(a.Column()), r.expr(must(a.Expr())))
		}
		return r.expr(must(x.Expr()))
	case *g.ResolvedFunctionCall:
		return r.call(must(x.Function()), transformation, e)
	case *g.ResolvedAggregateFunctionCall:
		return r.call(must(x.Function()), aggregation, e)
	case *g.ResolvedAnalyticFunctionCall:
		f := must(x.Function())
		k := transformation
		if must(f.Mode()) == g.FunctionEnums_ModeAggregate {
			k = aggregation
		}
		return r.call(f, k, e)
	}
	return computed(step{kind: transformation}, r.below(e)...)
}

func (r *resolved) exprs(es []g.ResolvedExprNode) []*value {
	out := make([]*value, len(es))
	for i, e := range es {
		out[i] = r.expr(e)
	}
	return out
}

// below are the values of whatever stands right below a node.
func (r *resolved) below(n g.ResolvedNode) []*value {
	var out []*value
	for _, c := range must(n.GetChildNodes()) {
		if v := r.node(c); v != nil {
			out = append(out, v)
		}
	}
	return out
}

// node is the value of a node that may be no expression, as an ORDER BY item.
func (r *resolved) node(n g.ResolvedNode) *value {
	switch x := n.(type) {
	case g.ResolvedExprNode:
		return r.expr(x)
	case g.ResolvedScanNode:
		r.scan(x)
		return nil
	case *g.ResolvedGroupingCall:
		r.set(must(x.OutputColumn()), as(transformation, r.column(must(must(x.GroupByColumn()).Column()))))
		return nil
	case g.ResolvedComputedColumnBaseNode:
		r.set(must(x.Column()), r.expr(must(x.Expr())))
		return nil
	}
	return computed(step{kind: identity}, r.below(n)...)
}

func (r *resolved) structField(x *g.ResolvedGetStructField) *value {
	inner := must(x.Expr())
	index := must(x.FieldIdx())
	return r.expr(inner).member(int(index), fieldName(must(inner.Type()), index))
}

// fieldName is the name of a struct's field.
func fieldName(t g.Googlesql_TypeNode, index int32) string {
	s, ok := t.(*g.StructType)
	if !ok {
		s = must(t.AsStruct())
	}
	return must(s.Field(index)).Name
}

// flatten follows `items.sku` over an array, where the fields are read of each
// element.
func (r *resolved) flatten(x *g.ResolvedFlatten) *value {
	v := r.expr(must(x.Expr())).item()
	for _, f := range must(x.GetFieldList()) {
		get, ok := f.(*g.ResolvedGetStructField)
		if !ok {
			v = computed(step{kind: transformation}, v)
			continue
		}
		index := must(get.FieldIdx())
		v = v.member(int(index), fieldName(must(must(get.Expr()).Type()), index))
	}
	return &value{element: v}
}

func (r *resolved) subquery(x *g.ResolvedSubqueryExpr) *value {
	query := must(x.Subquery())
	in := r.expr(must(x.InExpr()))
	r.scan(query)
	out := columnsOf(query)
	switch must(x.SubqueryType()) {
	case g.ResolvedSubqueryExprEnums_SubqueryTypeExists:
		return constant()
	case g.ResolvedSubqueryExprEnums_SubqueryTypeArray:
		return &value{element: r.column(out[0])}
	case g.ResolvedSubqueryExprEnums_SubqueryTypeScalar:
		if len(out) == 0 {
			return constant()
		}
		return r.column(out[0])
	}
	return computed(step{kind: transformation}, in, r.column(out[0])) // IN, LIKE ANY and their like
}

// call is the value of a function's result.
func (r *resolved) call(f *g.Function, k kind, e g.ResolvedExprNode) *value {
	if v := r.body(f, e); v != nil {
		return v
	}
	s := functionStep(f, k)
	internal := must(f.Name())
	if args := argumentsOf(e); internal == "$is_null" && len(args) == 1 && compound(args[0]) {
		// Whether a struct or an array is there shows nothing of what is in it.
		r.influence(filter, args[0])
		return constant()
	}
	if choosing[s.function] && compound(e) {
		return r.choose(s, e, argumentsOf(e)).with(r.extremum(s, e))
	}
	args := r.below(e)
	switch {
	case len(args) == 0:
		return constant()
	case picking[internal] && compound(argumentsOf(e)[0]):
		return choice(step{kind: identity}, args[0].item()).with(computed(s, args[1:]...))
	case internal == "array_agg":
		return &value{element: choice(s, args...)}
	case internal == "$make_array":
		return &value{element: choice(step{kind: identity}, args...)}
	}
	return computed(s, args...)
}

// choose is the result of a function that gives one of its arguments. Only
// arguments that are structs or arrays themselves are taken apart with it; a
// condition is not.
func (r *resolved) choose(s step, e g.ResolvedExprNode, args []g.ResolvedExprNode) *value {
	if !compound(e) {
		return computed(s, r.exprs(args)...)
	}
	var whole, other []*value
	for _, a := range args {
		if compound(a) {
			whole = append(whole, r.expr(a))
		} else {
			other = append(other, r.expr(a))
		}
	}
	return choice(s, whole...).with(computed(s, other...))
}

// extremum is what decides which row an aggregate takes its value from, as
// ANY_VALUE(x HAVING MAX y) has it.
func (r *resolved) extremum(s step, e g.ResolvedExprNode) *value {
	a, ok := e.(*g.ResolvedAggregateFunctionCall)
	if !ok {
		return constant()
	}
	by := must(a.HavingModifier())
	if none(by) {
		return constant()
	}
	return computed(s, r.expr(must(by.HavingExpr())))
}

// compound says whether an expression is a struct or an array.
func compound(e g.ResolvedExprNode) bool {
	k := must(must(e.Type()).Kind())
	return k == g.TypeKindTypeStruct || k == g.TypeKindTypeArray
}

// argumentsOf are the arguments of any call that are plain expressions.
func argumentsOf(e g.ResolvedExprNode) []g.ResolvedExprNode {
	if c, ok := e.(interface {
		ArgumentList() ([]g.ResolvedExprNode, error)
	}); ok {
		return must(c.ArgumentList())
	}
	return nil
}

// with is the value and, beside it, what another was computed from.
func (v *value) with(other *value) *value {
	if len(other.collect()) == 0 {
		return v
	}
	return choice(step{kind: identity}, v, other)
}

// body reads the body of a function that the text itself defines in SQL, with
// the call's arguments in place of its own. It is nil for any other function.
func (r *resolved) body(f *g.Function, e g.ResolvedExprNode) *value {
	return r.catalog.defined(f, func(names []string, body g.ResolvedExprNode) *value {
		args := r.exprs(argumentsOf(e))
		inner := *r
		inner.arguments = map[string]*value{}
		for i, n := range names {
			if i < len(args) {
				inner.arguments[n] = args[i]
			}
		}
		return inner.expr(body)
	})
}
