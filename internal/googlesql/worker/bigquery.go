package main

import g "github.com/goccy/go-googlesql"

// own is a function of BigQuery's that GoogleSQL does not have itself.
type own struct {
	name        string
	returns     string // empty: the type of its first argument
	least, most int    // arguments
	aggregate   bool
}

// ownFunctions are those that lineage needs to know: what masks, what chooses,
// and what would otherwise be taken for a function of the warehouse.
var ownFunctions = []own{
	{name: "MAX_BY", least: 2, most: 2, aggregate: true},
	{name: "MIN_BY", least: 2, most: 2, aggregate: true},
	{name: "DLP_KEY_CHAIN", returns: "STRING", least: 2, most: 2},
	{name: "DLP_DETERMINISTIC_ENCRYPT", returns: "STRING", least: 3, most: 4},
	{name: "DLP_DETERMINISTIC_DECRYPT", returns: "STRING", least: 3, most: 4},
	{name: "SEARCH", returns: "BOOL", least: 2, most: 2},
	{name: "CONTAINS_SUBSTR", returns: "BOOL", least: 2, most: 2},
	{name: "TEXT_ANALYZE", returns: "ARRAY<STRING>", least: 1, most: 3},
	{name: "BAG_OF_WORDS", returns: "ARRAY<STRUCT<term STRING, count INT64>>", least: 1, most: 1},
}

// bigqueryGroup marks them among Google's own.
const bigqueryGroup = "bigquery"

// addOwn puts BigQuery's own functions beside those built into GoogleSQL.
func (e *engine) addOwn(c *g.SimpleCatalog) {
	for _, o := range ownFunctions {
		mode := g.FunctionEnums_ModeScalar
		if o.aggregate {
			mode = g.FunctionEnums_ModeAggregate
		}
		f := must(g.NewFunction([]string{o.name}, bigqueryGroup, mode, e.signatures(o), nil))
		check(c.AddFunction(f))
		e.own = append(e.own, f)
	}
}

func (e *engine) signatures(o own) []*g.FunctionSignature {
	first := must(g.NewFunctionArgumentType4(g.SignatureArgumentKindArgTypeAny1, 1))
	result := first
	if o.returns != "" {
		result = must(g.NewFunctionArgumentType3(e.typ(o.returns), 1))
	}
	var out []*g.FunctionSignature
	args := []*g.FunctionArgumentType{first}
	for {
		if len(args) >= o.least {
			out = append(out, must(g.NewFunctionSignature3(result, args, 0)))
		}
		if len(args) == o.most {
			return out
		}
		args = append(args, must(g.NewFunctionArgumentType4(g.SignatureArgumentKindArgTypeArbitrary, 1)))
	}
}
