package main

import (
	"fmt"
	"runtime"
	"strings"

	g "github.com/goccy/go-googlesql"
)

// Caches that grow with what is asked are emptied at these sizes.
const (
	maxTypes     = 20000
	maxFunctions = 2000
)

// engine is the analyzer with its options and catalogs. The catalog that
// answers for the tables and functions of the request at hand is changed with
// each request.
type engine struct {
	lang        *g.LanguageOptions
	bareLang    *g.LanguageOptions // in which QUALIFY is a name
	options     *g.AnalyzerOptions
	bareOptions *g.AnalyzerOptions
	types       *g.TypeFactory
	builtin     *g.SimpleCatalog
	callbacks   *callbacks
	asked       *g.Catalog
	strict      *g.MultiCatalog
	lenient     *g.MultiCatalog // made when it is first needed
	known       map[string]g.Googlesql_TypeNode
	functions   map[string]*g.Function
	own         []*g.Function // what the catalogs hold pointers to
	rules       []rule
	analyses    int
}

func newEngine() (*engine, error) {
	lang, err := newLanguage(true)
	if err != nil {
		return nil, err
	}
	bare, err := newLanguage(false)
	if err != nil {
		return nil, err
	}
	e := &engine{lang: lang, bareLang: bare, callbacks: &callbacks{}, known: map[string]g.Googlesql_TypeNode{}, functions: map[string]*g.Function{}, rules: rules()}
	e.types = must(g.NewTypeFactory())
	e.builtin = must(g.NewSimpleCatalog("builtin", nil))
	check(e.builtin.AddBuiltinFunctionsAndTypes(&g.BuiltinFunctionOptions{LanguageOptions: lang}))
	e.options, e.bareOptions = newOptions(lang), newOptions(bare)
	e.addOwn(e.builtin)
	e.asked = must(g.NewCatalogFromImpl(e.callbacks))
	e.strict = must(g.NewMultiCatalogCreate("strict", []g.CatalogNode{e.builtin, e.asked}))
	return e, nil
}

// collectEvery is how many analyses pass between forced collections. What the
// analyzer makes is freed by finalizers, and the collector's pacing knows
// nothing of its size: without this the memory climbs without end.
const collectEvery = 20

// collect counts one analysis.
func (e *engine) collect() {
	if e.analyses++; e.analyses%collectEvery == 0 {
		runtime.GC()
	}
}

func newOptions(lang *g.LanguageOptions) *g.AnalyzerOptions {
	o := must(g.NewAnalyzerOptions2())
	check(o.SetLanguage(lang))
	check(o.SetPruneUnusedColumns(true))
	check(o.SetAllowUndeclaredParameters(true))
	// Rewritten they would be joins and unions whose columns can no longer be
	// told apart.
	check(o.EnableRewrite(g.ResolvedASTRewriteRewritePivot, false))
	check(o.EnableRewrite(g.ResolvedASTRewriteRewriteUnpivot, false))
	check(o.EnableRewrite(g.ResolvedASTRewriteRewriteMultiwayUnnest, false))
	return o
}

// typ is a type by its name, nil where there is none of that name.
func (e *engine) typ(name string) g.Googlesql_TypeNode {
	if t, ok := e.known[name]; ok {
		return t
	}
	t, err := g.AnalyzeType(name, e.options, e.builtin, e.types)
	if err != nil {
		t = nil
	}
	if len(e.known) > maxTypes {
		clear(e.known)
	}
	e.known[name] = t
	return t
}

// maxArguments is how many arguments an unknown function may have.
const maxArguments = 16

// unknownFunction is a function of the name that takes anything and gives one
// type.
func (e *engine) unknownFunction(path []string, returns string) *g.Function {
	key := strings.ToLower(strings.Join(path, ".")) + "\x00" + returns
	if f, ok := e.functions[key]; ok {
		return f
	}
	result := must(g.NewFunctionArgumentType3(e.typeOrText(returns), 1))
	var signatures []*g.FunctionSignature
	var args []*g.FunctionArgumentType
	for range maxArguments {
		signatures = append(signatures, must(g.NewFunctionSignature3(result, args, 0)))
		args = append(args, must(g.NewFunctionArgumentType4(g.SignatureArgumentKindArgTypeArbitrary, 1)))
	}
	f := must(g.NewFunction(path, userGroup, g.FunctionEnums_ModeScalar, signatures, nil))
	if len(e.functions) > maxFunctions {
		clear(e.functions)
	}
	e.functions[key] = f
	return f
}

func (e *engine) typeOrText(name string) g.Googlesql_TypeNode {
	if t := e.typ(name); t != nil {
		return t
	}
	return e.typ("STRING")
}

// booleans and numbers are the functions and operators whose result has that
// type whatever they are given.
var (
	booleans = nameSet("$equal $not_equal $less $less_or_equal $greater $greater_or_equal $between $in $like $and $or $not $is_null " +
		"$is_distinct_from $is_not_distinct_from $is_true $is_false")
	numbers = nameSet("$add $subtract $multiply $divide $unary_minus sum avg round abs")
	wide    = nameSet("coalesce concat $in $and $or $case_no_value $case_with_value")
)

func nameSet(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

// lenientCatalog is a catalog whose built-in functions also take arguments of
// any type: SQL that only mixes types has lineage all the same.
func (e *engine) lenientCatalog() *g.MultiCatalog {
	if e.lenient != nil {
		return e.lenient
	}
	c := must(g.NewSimpleCatalog("lenient", nil))
	check(c.AddBuiltinFunctionsAndTypes(&g.BuiltinFunctionOptions{LanguageOptions: e.lang}))
	e.addOwn(c)
	e.loosenAll(c)
	e.lenient = must(g.NewMultiCatalogCreate("lenient", []g.CatalogNode{c, e.asked}))
	return e.lenient
}

// loosenAll reaches the functions of two words (AEAD.ENCRYPT) as well, which
// stand in catalogs of their own.
func (e *engine) loosenAll(c *g.SimpleCatalog) {
	for _, f := range must(c.Functions()) {
		e.loosen(f)
	}
	for _, sub := range must(c.Catalogs()) {
		if s, ok := sub.(*g.SimpleCatalog); ok {
			e.loosenAll(s)
		}
	}
}

func (e *engine) loosen(f *g.Function) {
	name := must(f.Name())
	result := must(g.NewFunctionArgumentType3(e.looseType(f, name), 1))
	most := 6
	if wide[name] {
		most = 40
	}
	var args []*g.FunctionArgumentType
	for range most {
		if err := f.AddSignature(must(g.NewFunctionSignature3(result, args, 0))); err != nil {
			return // the function's kind allows no more
		}
		args = append(args, must(g.NewFunctionArgumentType4(g.SignatureArgumentKindArgTypeArbitrary, 1)))
	}
}

// looseType is what a function gives when its arguments are of other types.
func (e *engine) looseType(f *g.Function, name string) g.Googlesql_TypeNode {
	switch {
	case booleans[name]:
		return e.typ("BOOL")
	case numbers[name]:
		return e.typ("FLOAT64")
	case must(f.NumSignatures()) > 0:
		r := must(must(f.GetSignature(0)).ResultType())
		if must(r.Kind()) == g.SignatureArgumentKindArgTypeFixed {
			if t, err := r.Type(); err == nil && !none(t) {
				return t
			}
		}
	}
	return e.typ("STRING")
}

// notFound is how a callback says that there is nothing of that name. The
// inherited answer, nothing and no error, would trap the analyzer.
func notFound(what string, path []string) error {
	return fmt.Errorf("%s not found: %s", what, strings.Join(path, "."))
}
