package main

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	g "github.com/goccy/go-googlesql"
)

// patience is how long a statement whose tables or functions are not known may
// be tried again and again, and maxTries how often.
const (
	patience = time.Second
	maxTries = 300
)

var errPatience = errors.New("it took too long to find out what the statement asks of unknown tables and functions")

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
	for _, s := range t.statements {
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

// text is a request's SQL as it was read.
type text struct {
	sql        string
	script     bool
	bare       bool // QUALIFY is a name in it
	template   bool // it was not read as it stands
	statements []statement
}

// statement is one statement of a text; syntax is nil where it could not be
// read by itself.
type statement struct {
	at     span
	sql    string
	kind   string
	syntax *syntax
	err    error
}

// read parses a text in the first of its readings that is grammatical.
func (e *engine) read(r request) (*text, error) {
	var first error
	for i, sql := range readings(r.SQL, r.Dialect) {
		t, err := e.readOne(sql)
		if err == nil {
			t.template = i > 0
			return t, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// readOne parses a text: as one statement if it is one, else as a script.
func (e *engine) readOne(sql string) (*text, error) {
	t := &text{sql: sql}
	if s, err := parseStatement(e.lang, sql); err == nil {
		t.statements = []statement{{at: span{0, len(sql)}, sql: sql, kind: s.kind, syntax: s}}
		return t, nil
	}
	lang := e.lang
	script, err := parseScript(lang, sql)
	if err != nil && strings.Contains(strings.ToLower(sql), "qualify") {
		var err2 error
		if script, err2 = parseScript(e.bareLang, sql); err2 == nil {
			lang, t.bare, err = e.bareLang, true, nil
		}
	}
	if err != nil {
		return nil, err
	}
	t.script = len(script.pieces) != 1
	for _, p := range script.pieces {
		st := statement{at: p.at, kind: p.kind, sql: asParameters(sql[p.at.start:p.at.end], script.vars)}
		st.syntax, st.err = parseStatement(lang, st.sql)
		t.statements = append(t.statements, st)
	}
	return t, nil
}

// asParameters turns a script's variables into parameters, which is what they
// are to a statement taken by itself.
func asParameters(sql string, vars map[string]bool) string {
	for v := range vars {
		named := regexp.MustCompile("(?i)(^|[^\\w.@`])" + regexp.QuoteMeta(v) + `\b`)
		sql = named.ReplaceAllString(sql, "${1}@"+v)
	}
	return sql
}

// control are the kinds of statement of a script that read and write no table.
var control = map[string]bool{
	"ASTVariableDeclaration": true, "ASTSingleAssignment": true, "ASTAssignmentFromStruct": true, "ASTParameterAssignment": true,
	"ASTSystemVariableAssignment": true, "ASTBeginStatement": true, "ASTCommitStatement": true, "ASTRollbackStatement": true,
	"ASTBreakStatement": true, "ASTContinueStatement": true, "ASTReturnStatement": true, "ASTRaiseStatement": true, "ASTAssertStatement": true,
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
	c := newCatalog(e, r)
	e.callbacks.now = c
	for _, s := range t.statements {
		if control[s.kind] && t.script {
			continue
		}
		c.unknown, c.deadline = names{}, time.Now().Add(patience)
		if t.template {
			c.unknown.add("template: read as what it is likely to become")
		}
		l := c.statement(t, s)
		out.Statements = append(out.Statements, statementAnswer{Start: s.at.start, End: s.at.end, Kind: strings.TrimPrefix(s.kind, "AST"), lineage: l})
	}
	out.lineage = c.whole(out.Statements)
	if len(out.Statements) == 1 {
		out.Statements = nil
	}
	runtime.KeepAlive(c)
	return out, nil
}

// whole puts the statements' lineage together; temporary tables are followed
// through and not listed.
func (c *catalog) whole(statements []statementAnswer) lineage {
	if len(statements) == 1 {
		return statements[0].lineage
	}
	out := newLineage(exact)
	inputs, outputs, unresolved := names{}, names{}, names{}
	influences := map[source]bool{}
	var failures []string
	for _, s := range statements {
		for _, n := range s.Inputs {
			inputs.add(n)
		}
		for _, n := range s.Outputs {
			if c.made[strings.ToLower(n)] == nil {
				outputs.add(n)
			}
		}
		for _, col := range s.Columns {
			if c.made[strings.ToLower(col.Output)] == nil {
				out.Columns = append(out.Columns, col)
			}
		}
		for _, n := range s.Unresolved {
			unresolved.add(n)
		}
		for _, i := range s.Influences {
			if !influences[i] {
				influences[i] = true
				out.Influences = append(out.Influences, i)
			}
		}
		if s.Error != "" {
			failures = append(failures, s.Error)
		}
		if s.Outcome != exact {
			out.Outcome = partial
		}
	}
	if len(statements) > 0 && !slices.ContainsFunc(statements, func(s statementAnswer) bool { return s.Outcome != failed }) {
		out.Outcome = failed
	}
	out.Inputs, out.Outputs, out.Unresolved = inputs.sorted(), outputs.sorted(), unresolved.sorted()
	out.Error = strings.Join(failures, " | ")
	return out
}

// statement finds the lineage of one statement, by the analyzer if it can be
// had to accept it, else by the syntax alone.
func (c *catalog) statement(t *text, s statement) lineage {
	if s.err != nil {
		l := newLineage(failed)
		l.Error = s.err.Error()
		return l
	}
	r, note, err := c.resolve(t, s)
	if err != nil {
		return c.bySyntax(s, err)
	}
	out := newLineage(exact)
	out.Inputs = r.tables.sorted()
	target := ""
	if r.target != "" {
		target = c.targetName(r)
		out.Outputs = []string{target}
	}
	for _, w := range r.columns {
		out.Columns = append(out.Columns, output{Output: target, Column: w.name, Sources: sourcesOf(w.v.collect())})
	}
	out.Influences = sourcesOf(r.influences)
	c.remember(r, target)
	if note != "" {
		c.unknown.add(note)
	}
	if len(c.unknown) > 0 {
		out.Outcome, out.Unresolved = partial, c.unknown.sorted()
	}
	return out
}

func (c *catalog) targetName(r *result) string {
	if r.temporary || c.made[strings.ToLower(r.target)] != nil {
		return r.target
	}
	return c.namer.full([]string{r.target})
}

// remember keeps what a statement made for those that follow it in a script.
func (c *catalog) remember(r *result, target string) {
	key := strings.ToLower(target)
	if made := c.made[key]; made != nil {
		for _, w := range r.columns {
			k := strings.ToLower(w.name)
			if old := made[k]; old != nil {
				made[k] = choice(step{kind: identity}, old, w.v)
			} else {
				made[k] = w.v
			}
		}
		return
	}
	if !strings.HasPrefix(r.kind, "CreateTable") && !strings.HasPrefix(r.kind, "CreateView") && !strings.HasPrefix(r.kind, "CreateMaterializedView") {
		return
	}
	defs := r.defined
	if len(defs) == 0 {
		for _, w := range r.columns {
			defs = append(defs, column{w.name, "STRING"})
		}
	}
	c.tables[key] = &table{name: target, shape: c.engine.shapeOf(defs)}
	if r.temporary {
		made := map[string]*value{}
		for _, w := range r.columns {
			made[strings.ToLower(w.name)] = w.v
		}
		c.made[key] = made
	}
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
	if len(out.Inputs) == 0 {
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
	if q := s.syntax.query; q.end > 0 && q.start > 0 {
		sql := s.sql[q.start:q.end]
		if syn, err2 := parseStatement(c.engine.lang, sql); err2 == nil {
			if r, _, err2 := (&attempt{catalog: c, sql: sql, syntax: syn}).run(t.bare); err2 == nil {
				if len(s.syntax.target) > 0 {
					r.target = strings.Join(s.syntax.target, ".")
				}
				return r, "statement: read by its query alone: " + err.Error(), nil
			}
		}
	}
	return nil, "", err
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
	for range maxTries {
		r, err := a.analyze(options, cat)
		if err == nil {
			return r, nil
		}
		if time.Now().After(a.deadline) {
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
	return nil, errPatience
}

// analyze asks the analyzer once, and reads the tree that it gives.
func (a *attempt) analyze(options *g.AnalyzerOptions, cat g.CatalogNode) (*result, error) {
	out, err := g.AnalyzeStatement(a.sql, options, cat, a.engine.types)
	a.engine.collect()
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
