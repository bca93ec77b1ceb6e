package main

import (
	"fmt"
	"strings"

	g "github.com/goccy/go-googlesql"
)

// catalog is what one request knows and has come to assume of the warehouse.
type catalog struct {
	engine    *engine
	namer     namer
	defs      map[string]columns // known columns by lower-case full name
	routines  map[string]routine
	tables    map[string]*table           // those asked for so far, and those a script made
	found     map[string]string           // a path as written, lower case → key of tables
	guessed   map[string]*shape           // what unknown functions give
	functions map[string]*definedFunction // that the script defines
	made      map[string]map[string]*value
	loose     bool  // known tables too may have more columns than we know
	budget          // of the statement at hand
	keep      []any // what the analyzer holds pointers into
	unknown   names // what could not be resolved, in words
}

// table is a table as the analyzer sees it.
type table struct {
	name    string
	shape   *shape
	assumed bool // its columns are those that were asked of it
	noStar  bool
	object  *g.SimpleTable // nil when the shape has changed since
}

// star is the name of the column that stands for all columns of a table that
// nothing is known of.
const star = "*"

func newCatalog(e *engine, r request) *catalog {
	c := &catalog{
		engine: e, namer: namer{r.DefaultProject, r.DefaultDataset},
		defs: make(map[string]columns, len(r.Schemas)), routines: map[string]routine{},
		tables: map[string]*table{}, found: map[string]string{}, guessed: map[string]*shape{},
		functions: map[string]*definedFunction{}, made: map[string]map[string]*value{}, unknown: names{},
		loose: r.Dialect != "" && r.Dialect != "bigquery" && r.Dialect != "ansi",
	}
	for name, defs := range r.Schemas {
		c.defs[strings.ToLower(name)] = defs
	}
	for _, f := range r.Routines {
		c.routines[strings.ToLower(f.Name)] = f
	}
	return c
}

// table gives the table that a path names; one that is not known is assumed,
// with the columns that the statement comes to ask of it.
func (c *catalog) table(path []string) *table {
	name := c.namer.full(path)
	if whole := strings.Join(path, "."); c.defs[strings.ToLower(whole)] != nil || c.tables[strings.ToLower(whole)] != nil {
		name = whole
	}
	key := strings.ToLower(name)
	c.found[strings.ToLower(strings.Join(path, "."))] = key
	if t := c.tables[key]; t != nil {
		return t
	}
	t := &table{name: name}
	if defs := c.schemaFor(key); len(defs) > 0 {
		t.shape = c.engine.shapeOf(defs)
	} else {
		t.shape, t.assumed = &shape{}, true
	}
	c.tables[key] = t
	return t
}

// schemaFor gives the known columns of a table; a wildcard table has those of
// the last table, by name, that it covers.
func (c *catalog) schemaFor(key string) columns {
	if defs, ok := c.defs[key]; ok {
		return defs
	}
	prefix, wild := strings.CutSuffix(key, "*")
	if !wild {
		return nil
	}
	last := ""
	for name := range c.defs {
		if strings.HasPrefix(name, prefix) && name > last {
			last = name
		}
	}
	return c.defs[last]
}

// pseudo are the columns that BigQuery adds to partitioned and wildcard tables.
var pseudo = []column{{"_TABLE_SUFFIX", "STRING"}, {"_PARTITIONTIME", "TIMESTAMP"}, {"_PARTITIONDATE", "DATE"}}

// objectFor makes the analyzer's own object of a table.
func (c *catalog) objectFor(t *table) *g.SimpleTable {
	if t.assumed {
		c.unknown.add("table " + t.name + ": its columns are not known")
	}
	if t.object != nil {
		return t.object
	}
	o := must(g.NewSimpleTable(t.name, 0))
	check(o.SetFullName(t.name))
	seen := map[string]bool{}
	add := func(name, typ string, hidden bool) {
		if k := strings.ToLower(name); !seen[k] {
			seen[k] = true
			check(o.AddColumn2(must(g.NewSimpleColumn(t.name, name, c.engine.typeOrText(typ), hidden, true)), false))
		}
	}
	for _, f := range t.shape.fields {
		add(f.name, f.sql(), false)
	}
	if t.assumed && !t.noStar {
		add(star, "STRING", false)
	}
	for _, p := range pseudo {
		add(p.name, p.typ, true)
	}
	t.object = o
	return o
}

// function gives a function that is not built in: one that the script defines,
// one the warehouse is known to have, or else one that is assumed to give
// whatever its caller needs.
func (c *catalog) function(path []string) *g.Function {
	name := strings.ToLower(strings.Join(path, "."))
	if d := c.functions[name]; d != nil {
		return d.function
	}
	if r, ok := c.routines[strings.ToLower(c.namer.full(path))]; ok && r.Returns != "" {
		return c.engine.unknownFunction(path, c.engine.nearestType(r.Returns))
	}
	c.unknown.add("function " + strings.Join(path, ".") + ": it is not known")
	s := c.guessed[name]
	if s == nil {
		s = &shape{grows: true}
		c.guessed[name] = s
	}
	return c.engine.unknownFunction(path, s.sql())
}

// tableFunction gives a table function, with the columns that it is known or
// assumed to have.
func (c *catalog) tableFunction(path []string) *g.TableValuedFunction {
	name := strings.Join(path, ".")
	c.unknown.add("table function " + name + ": what it reads is not known")
	key := "()" + strings.ToLower(name)
	c.found[strings.ToLower(name)] = key
	t := c.tables[key]
	if t == nil {
		t = &table{name: name, shape: &shape{}, assumed: true}
		if r, ok := c.routines[strings.ToLower(c.namer.full(path))]; ok && len(r.Columns) > 0 {
			t.shape, t.assumed = c.engine.shapeOf(r.Columns), false
		}
		c.tables[key] = t
	}
	var cols []*g.TVFSchemaColumn
	for _, f := range t.shape.fields {
		cols = append(cols, &g.TVFSchemaColumn{Name: f.name, Type_: c.engine.typeOrText(f.sql())})
	}
	if t.assumed {
		cols = append(cols, &g.TVFSchemaColumn{Name: star, Type_: c.engine.typ("STRING")})
	}
	relation := must(g.NewTVFRelation(cols))
	result := must(g.NewFunctionArgumentTypeRelationWithSchema(relation, false))
	var signatures []*g.FunctionSignature
	var args []*g.FunctionArgumentType
	for range maxArguments {
		signatures = append(signatures, must(g.NewFunctionSignature3(result, args, 0)))
		args = append(args, must(g.NewFunctionArgumentType4(g.SignatureArgumentKindArgTypeArbitrary, 1)))
	}
	f := must(g.NewFixedOutputSchemaTVF3(path, signatures, relation, nil))
	c.keep = append(c.keep, f)
	return f.TableValuedFunction
}

// definedFunction is a function that the text itself defines in SQL.
type definedFunction struct {
	function  *g.Function
	arguments []string
	body      g.ResolvedExprNode // nil where it is not SQL, or has open types
}

// define keeps a function for the statements that follow. One whose types are
// only known where it is called stays an unknown function.
func (c *catalog) define(x *g.ResolvedCreateFunctionStmt) {
	path := must(x.NamePath())
	signature := must(x.Signature())
	returns, err := x.ReturnType()
	if err != nil || none(returns) || must(signature.IsTemplated()) {
		return
	}
	d := &definedFunction{arguments: must(x.ArgumentNameList())}
	if body, err := x.FunctionExpression(); err == nil && !none(body) {
		d.body = body
	}
	mode := g.FunctionEnums_ModeScalar
	if must(x.IsAggregate()) {
		mode = g.FunctionEnums_ModeAggregate
	}
	// The second signature takes what unknown tables give in place of the
	// declared types.
	result := must(g.NewFunctionArgumentType3(returns, 1))
	var args []*g.FunctionArgumentType
	for range d.arguments {
		args = append(args, must(g.NewFunctionArgumentType4(g.SignatureArgumentKindArgTypeArbitrary, 1)))
	}
	loose := must(g.NewFunctionSignature3(result, args, 0))
	d.function = must(g.NewFunction(path, userGroup, mode, []*g.FunctionSignature{signature, loose}, nil))
	c.functions[strings.ToLower(strings.Join(path, "."))] = d
	c.keep = append(c.keep, x, signature)
}

// defined hands the body of a function that the text defines to read.
func (c *catalog) defined(f *g.Function, read func([]string, g.ResolvedExprNode) *value) *value {
	d := c.functions[strings.ToLower(strings.Join(must(f.FunctionNamePath()), "."))]
	if d == nil || d.body == nil {
		return nil
	}
	return read(d.arguments, d.body)
}

// callbacks is what the analyzer asks for names. It answers with the catalog of
// the request at hand. A panic must not cross back into the analyzer.
type callbacks struct {
	g.CatalogCallbackDefaults
	now *catalog
}

func (*callbacks) FullName() (string, error) { return "warehouse", nil }

func (k *callbacks) FindTable(path []string, _ *g.FindOptions) (t g.TableNode, err error) {
	defer caught(&err)
	return k.now.objectFor(k.now.table(path)), nil
}

func (k *callbacks) FindFunction(path []string, _ *g.FindOptions) (f *g.Function, err error) {
	defer caught(&err)
	return k.now.function(path), nil
}

func (k *callbacks) FindTableValuedFunction(path []string, _ *g.FindOptions) (f *g.TableValuedFunction, err error) {
	defer caught(&err)
	return k.now.tableFunction(path), nil
}

func (k *callbacks) FindType(path []string, _ *g.FindOptions) (g.Googlesql_TypeNode, error) {
	if t, ok := aliases[strings.ToUpper(path[len(path)-1])]; ok && len(path) == 1 {
		return k.now.engine.typ(t), nil
	}
	return nil, notFound("Type", path)
}

func (*callbacks) FindModel(path []string, _ *g.FindOptions) (g.ModelNode, error) {
	return nil, notFound("Model", path)
}

func (*callbacks) FindConnection(path []string, _ *g.FindOptions) (g.ConnectionNode, error) {
	return nil, notFound("Connection", path)
}

func (*callbacks) FindProcedure(path []string, _ *g.FindOptions) (*g.Procedure, error) {
	return nil, notFound("Procedure", path)
}

func (*callbacks) FindPropertyGraph2(path []string, _ *g.FindOptions) (g.PropertyGraphNode, error) {
	return nil, notFound("Property graph", path)
}

func (*callbacks) FindSequence(path []string, _ *g.FindOptions) (g.SequenceNode, error) {
	return nil, notFound("Sequence", path)
}

func caught(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("catalog: %v", r)
	}
}
