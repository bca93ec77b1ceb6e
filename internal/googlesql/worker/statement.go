package main

import (
	"strings"

	g "github.com/goccy/go-googlesql"
)

// written is one output column of a statement.
type written struct {
	name string
	v    *value
}

// result is what a resolved statement reads and writes.
type result struct {
	kind       string
	target     string
	temporary  bool
	columns    []written
	defined    columns // of a created table, with their types
	tables     names
	influences map[leaf]how
}

// statement reads a resolved statement.
func (r *resolved) statement(s g.ResolvedNode) *result {
	out := &result{kind: must(s.NodeKindString())}
	if c, ok := s.(interface{ NamePath() ([]string, error) }); ok {
		out.target = strings.Join(must(c.NamePath()), ".")
	}
	if c, ok := s.(interface {
		CreateScope() (g.ResolvedCreateStatementEnums_CreateScope, error)
	}); ok {
		out.temporary = must(c.CreateScope()) == g.ResolvedCreateStatementEnums_CreateScopeCreateTemp
	}
	switch x := s.(type) {
	case *g.ResolvedQueryStmt:
		r.query(out, must(x.Query()), must(x.OutputColumnList()))
	case *g.ResolvedInsertStmt:
		r.insert(out, x)
	case *g.ResolvedUpdateStmt:
		r.update(out, x)
	case *g.ResolvedMergeStmt:
		r.merge(out, x)
	case *g.ResolvedDeleteStmt:
		r.target(out, must(x.TableScan()))
		r.influence(filter, must(x.WhereExpr()))
	case *g.ResolvedTruncateStmt:
		r.target(out, must(x.TableScan()))
	case *g.ResolvedCreateFunctionStmt:
		out.target = ""
		r.catalog.define(x)
	default:
		r.create(out, s)
	}
	r.definitions(out, s)
	out.tables = r.tables
	out.influences = r.influences
	return out
}

// create reads any statement that makes something, most from a query.
func (r *resolved) create(out *result, s g.ResolvedNode) {
	q, ok := s.(interface {
		Query() (g.ResolvedScanNode, error)
		OutputColumnList() ([]*g.ResolvedOutputColumn, error)
	})
	if ok {
		if scan := must(q.Query()); !none(scan) {
			r.query(out, scan, must(q.OutputColumnList()))
			return
		}
	}
	for _, c := range must(s.GetChildNodes()) {
		r.node(c)
	}
	switch {
	case !strings.HasPrefix(out.kind, "Create"):
		out.target = ""
	case len(r.tables) == 1:
		r.whole(out)
	}
	switch out.kind {
	case "ExecuteImmediateStmt":
		r.catalog.unknown.add("statement: the SQL that it executes is not read")
	case "CreateProcedureStmt":
		r.catalog.unknown.add("procedure " + out.target + ": its body is not read")
	}
}

// whole is a table that is copied or cloned: each of its columns.
func (r *resolved) whole(out *result) {
	for key, name := range r.tables {
		t := r.catalog.tables[key]
		if t == nil {
			return
		}
		for _, f := range t.shape.fields {
			out.columns = append(out.columns, written{f.name, copyOf(name, f.name)})
		}
		if t.assumed {
			out.columns = append(out.columns, written{star, copyOf(name, star)})
		}
	}
}

func (r *resolved) query(out *result, scan g.ResolvedScanNode, columns []*g.ResolvedOutputColumn) {
	r.scan(scan)
	for _, c := range columns {
		out.columns = append(out.columns, written{must(c.Name()), r.column(must(c.Column()))})
	}
}

// definitions notes the columns of a created table, for later statements.
func (r *resolved) definitions(out *result, s g.ResolvedNode) {
	c, ok := s.(interface {
		ColumnDefinitionList() ([]*g.ResolvedColumnDefinition, error)
	})
	if !ok {
		return
	}
	for _, d := range must(c.ColumnDefinitionList()) {
		out.defined = append(out.defined, column{must(d.Name()), typeName(must(d.Type()))})
	}
}

// target notes the table that a statement writes. It is scanned for its
// columns, but counts as read only where a subquery reads it as well.
func (r *resolved) target(out *result, scan *g.ResolvedTableScan) {
	out.target = must(must(scan.Table()).FullName())
	before := r.tables
	r.tables = names{}
	r.scan(scan)
	r.tables = before
}

func (r *resolved) insert(out *result, x *g.ResolvedInsertStmt) {
	r.target(out, must(x.TableScan()))
	into := must(x.InsertColumnList())
	if q := must(x.Query()); !none(q) {
		r.scan(q)
		values := r.valuesOf(must(x.QueryOutputColumnList()))
		for i, c := range into {
			if i < len(values) {
				out.columns = append(out.columns, written{must(c.Name()), values[i]})
			}
		}
		return
	}
	sides := make([][]*value, len(into))
	for _, row := range must(x.RowList()) {
		for i, v := range must(row.ValueList()) {
			sides[i] = append(sides[i], r.expr(must(v.Value())))
		}
	}
	for i, c := range into {
		out.columns = append(out.columns, written{must(c.Name()), choice(step{kind: identity}, sides[i]...)})
	}
}

func (r *resolved) update(out *result, x *g.ResolvedUpdateStmt) {
	r.target(out, must(x.TableScan()))
	if from := must(x.FromScan()); !none(from) {
		r.scan(from)
	}
	r.influence(filter, must(x.WhereExpr()))
	r.items(out, must(x.UpdateItemList()))
}

func (r *resolved) merge(out *result, x *g.ResolvedMergeStmt) {
	r.target(out, must(x.TableScan()))
	r.scan(must(x.FromScan()))
	r.influence(join, must(x.MergeExpr()))
	for _, when := range must(x.WhenClauseList()) {
		r.influence(filter, must(when.MatchExpr()))
		r.items(out, must(when.UpdateItemList()))
		row := must(when.InsertRow())
		if none(row) {
			continue
		}
		values := must(row.ValueList())
		for i, c := range must(when.InsertColumnList()) {
			out.columns = append(out.columns, written{must(c.Name()), r.expr(must(values[i].Value()))})
		}
	}
	out.columns = merged(out.columns)
}

// merged has one entry for each column, however many branches write it.
func merged(in []written) []written {
	at := map[string]int{}
	var out []written
	for _, w := range in {
		k := strings.ToLower(w.name)
		if i, ok := at[k]; ok {
			out[i].v = choice(step{kind: identity}, out[i].v, w.v)
			continue
		}
		at[k] = len(out)
		out = append(out, w)
	}
	return out
}

// items reads the assignments of an UPDATE, those to fields of structs too.
func (r *resolved) items(out *result, items []*g.ResolvedUpdateItem) {
	for _, item := range items {
		set := must(item.SetValue())
		if none(set) {
			continue // a nested INSERT, UPDATE or DELETE of an array
		}
		out.columns = append(out.columns, written{pathOf(must(item.Target())), r.expr(must(set.Value()))})
	}
}

// pathOf is the path of a column or a field of one.
func pathOf(e g.ResolvedExprNode) string {
	switch x := e.(type) {
	case *g.ResolvedColumnRef:
		return must(must(x.Column()).Name())
	case *g.ResolvedGetStructField:
		inner := must(x.Expr())
		return pathOf(inner) + "." + fieldName(must(inner.Type()), must(x.FieldIdx()))
	}
	return ""
}

// typeName writes a type so that it can be read again.
func typeName(t g.Googlesql_TypeNode) string {
	if n, ok := t.(interface {
		TypeName(g.ProductMode) (string, error)
	}); ok {
		return must(n.TypeName(g.ProductModeProductExternal))
	}
	return "STRING"
}
