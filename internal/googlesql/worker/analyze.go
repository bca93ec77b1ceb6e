package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	g "github.com/goccy/go-googlesql"
)

// A statement whose tables or functions are not known is analyzed again and
// again. What it is worth is counted in analyses and in bytes of SQL analyzed,
// not in time, so that the answer is the same on a busy machine; patience is
// for what nobody foresaw.
const (
	maxAnalyses = 80
	maxBytes    = 900_000
	minAnalyses = 8
	patience    = 5 * time.Second
)

var errPatience = errors.New("it takes too much to find out what the statement asks of unknown tables and functions")

// budget is how many more analyses a statement is worth.
type budget struct {
	analyses int
	until    time.Time
}

// newBudget is the worth of a statement after others of its script have used
// some of what the script is worth.
func newBudget(sql string, used int) budget {
	n := min(maxAnalyses, maxBytes/max(1, len(sql)))
	n = max(minAnalyses, n-used)
	return budget{analyses: n, until: time.Now().Add(patience)}
}

func (b budget) spent() bool { return b.analyses <= 0 || time.Now().After(b.until) }

func (k *worker) analyzer() (*engine, error) {
	if k.engine == nil {
		e, err := newEngine()
		if err != nil {
			return nil, err
		}
		k.engine = e
	}
	return k.engine, nil
}

// parse tells which tables and functions a text names.
func (k *worker) parse(r request) (namesAnswer, error) {
	out := namesAnswer{Tables: []string{}}
	e, err := k.analyzer()
	if err != nil {
		return out, err
	}
	t, err := e.read(r)
	if err != nil {
		out.Error = err.Error()
		return out, nil
	}
	out.Parsed = true
	tables, functions := names{}, names{}
	n := namer{r.DefaultProject, r.DefaultDataset}
	for _, r := range t.refs {
		if t.script && !t.ctes[r.key()] {
			tables.add(n.full(r.path))
		}
	}
	for _, s := range t.statements {
		if s.syntax == nil {
			continue // a control statement
		}
		in, target := s.syntax.tables(n)
		for _, name := range append(in, target...) {
			tables.add(name)
		}
		for _, c := range s.syntax.calls {
			if len(c.path) > 1 {
				functions.add(strings.Join(c.path, "."))
			}
		}
		for _, path := range s.syntax.tvfs {
			functions.add(strings.Join(path, "."))
		}
	}
	out.Tables, out.Functions = tables.sorted(), functions.sorted()
	return out, nil
}

// analyze finds the lineage of a text.
func (k *worker) analyze(r request) (textAnswer, error) {
	out := textAnswer{lineage: newLineage(failed)}
	e, err := k.analyzer()
	if err != nil {
		return out, err
	}
	t, err := e.read(r)
	if err != nil {
		out.Error = err.Error()
		return out, nil
	}
	out.Parsed = true
	if len(t.statements) == 0 {
		out.Error = "there is no statement in it"
		return out, nil
	}
	c := newCatalog(e, r)
	e.callbacks.now = c
	used := 0
	for _, s := range t.statements {
		if control[s.kind] && t.script {
			continue
		}
		c.unknown, c.budget = names{}, newBudget(s.sql, used)
		if t.template {
			c.unknown.add("text: it is no GoogleSQL as it stands, and was read as what it is likely to mean")
		}
		before := c.analyses
		l := c.statement(t, s)
		used += before - c.analyses
		out.Statements = append(out.Statements, statementAnswer{Start: s.at.start, End: s.at.end, Kind: strings.TrimPrefix(s.kind, "AST"), lineage: l})
	}
	out.lineage = c.whole(t, out.Statements)
	for i, s := range out.Statements {
		out.Statements[i].Start, out.Statements[i].End = placeIn(r.SQL, r.Dialect, s.Start), placeIn(r.SQL, r.Dialect, s.End)
	}
	if !t.script {
		out.Statements = nil
	}
	runtime.KeepAlive(c)
	return out, nil
}

// bySyntax is what the syntax alone tells of a statement that the analyzer
// refused: its tables.
func (c *catalog) bySyntax(s statement, why error) lineage {
	out := newLineage(partial)
	for _, r := range s.syntax.refs {
		key, seen := c.found[r.key()]
		if s.syntax.ctes[r.key()] || !seen && s.syntax.correlated(r) {
			continue
		}
		name := c.namer.full(r.path)
		if t := c.tables[key]; seen && t != nil {
			name = t.name
		}
		if c.made[strings.ToLower(name)] == nil && !slices.Contains(out.Inputs, name) {
			out.Inputs = append(out.Inputs, name)
		}
	}
	slices.Sort(out.Inputs)
	if len(s.syntax.target) > 0 {
		out.Outputs = []string{c.namer.full(s.syntax.target)}
	}
	if len(out.Inputs) == 0 && len(out.Outputs) == 0 {
		out.Outcome = failed
	}
	out.Error = why.Error()
	out.Unresolved = append(c.unknown.sorted(), "columns: "+why.Error())
	return out
}

// resolve has the analyzer read a statement, and says what had to be bent for
// it: its types, its parameters, or all of it but its query.
func (c *catalog) resolve(t *text, s statement) (*result, string, error) {
	a := &attempt{catalog: c, sql: s.sql, syntax: s.syntax}
	r, note, err := a.run(t.bare)
	if err == nil {
		return r, note, nil
	}
	if aboutDates.MatchString(err.Error()) && dateParam.MatchString(s.sql) {
		sql := dateParam.ReplaceAllString(s.sql, "CAST($0 AS DATE)")
		if syn, err2 := parseStatement(c.engine.lang, sql); err2 == nil {
			if r, note, err2 := (&attempt{catalog: c, sql: sql, syntax: syn}).run(t.bare); err2 == nil {
				return r, note, nil
			}
		}
	}
	if q := s.syntax.query; q.end > 0 && q.start > 0 && len(s.syntax.into) == 0 {
		sql := s.sql[q.start:q.end]
		if syn, err2 := parseStatement(c.engine.lang, sql); err2 == nil {
			if r, _, err2 := (&attempt{catalog: c, sql: sql, syntax: syn}).run(t.bare); err2 == nil {
				r.retarget(s.syntax)
				return r, "statement: read by its query alone: " + err.Error(), nil
			}
		}
	}
	return nil, "", err
}

// retarget makes what a query gives what its statement writes.
func (r *result) retarget(s *syntax) {
	if len(s.target) > 0 {
		r.target = strings.Join(s.target, ".")
	}
	if len(s.columns) == len(r.columns) {
		for i, name := range s.columns {
			r.columns[i].name = name
		}
	}
}

// run asks the analyzer, first as strictly as BigQuery is and then with
// functions that take arguments of any type, and repairs the catalog between.
func (a *attempt) run(bareQualify bool) (*result, string, error) {
	a.foresee()
	r, first := a.within(a.engine.strict, bareQualify)
	if first == nil {
		return r, "", nil
	}
	if errors.Is(first, errPatience) {
		return nil, "", first
	}
	a.patient = true
	r, err := a.within(a.engine.lenientCatalog(), bareQualify)
	if err != nil {
		return nil, "", first
	}
	return r, "types: read leniently: " + first.Error(), nil
}

func (a *attempt) within(cat g.CatalogNode, bareQualify bool) (*result, error) {
	options := a.engine.options
	if bareQualify {
		options = a.engine.bareOptions
	}
	check(options.SetParameterMode(a.parameterMode()))
	for {
		r, err := a.analyze(options, cat)
		if err == nil {
			return r, nil
		}
		if a.spent() {
			return nil, fmt.Errorf("%w: %s", errPatience, plain(err))
		}
		message := plain(err)
		repaired := a.repair(message) || (a.patient || !wantsType.MatchString(message)) && a.search(message, func() error {
			_, err := a.analyze(options, cat)
			return err
		})
		if !repaired {
			return nil, errors.New(message)
		}
	}
}

// parameterMode says whether the statement's parameters are told apart by name
// or by place; BigQuery does not let one statement have both.
func (a *attempt) parameterMode() g.ParameterMode {
	for _, p := range a.syntax.params {
		if a.sql[p.start:p.end] == "?" {
			return g.ParameterModeParameterPositional
		}
	}
	return g.ParameterModeParameterNamed
}

// analyze asks the analyzer once, and reads the tree that it gives.
func (a *attempt) analyze(options *g.AnalyzerOptions, cat g.CatalogNode) (*result, error) {
	out, err := g.AnalyzeStatement(a.sql, options, cat, a.engine.types)
	a.engine.collect()
	a.analyses--
	if err != nil {
		return nil, err
	}
	r := newResolved(a.catalog).statement(must(out.ResolvedStatement()))
	runtime.KeepAlive(out)
	if len(a.functions) > 0 {
		a.keep = append(a.keep, out) // the bodies of functions are read later
	}
	return r, nil
}
