package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// text is a request's SQL as it was read.
type text struct {
	sql        string
	script     bool
	bare       bool       // QUALIFY is a name in it
	template   bool       // it was not read as it stands
	refs       []tableRef // of a script, names in its control statements too
	ctes       map[string]bool
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
	t.script, t.refs, t.ctes = len(script.pieces) != 1 || script.conditional(), script.refs, script.ctes
	for _, p := range script.pieces {
		st := statement{at: p.at, kind: p.kind, sql: asParameters(sql[p.at.start:p.at.end], script.vars)}
		st.syntax, st.err = parseStatement(lang, st.sql)
		t.statements = append(t.statements, st)
	}
	return t, nil
}

// conditional says whether a script reads tables outside of its statements, to
// decide whether or for which rows they run.
func (s *syntax) conditional() bool {
	return slices.ContainsFunc(s.refs, func(r tableRef) bool {
		return !slices.ContainsFunc(s.pieces, func(p piece) bool { return p.at.start <= r.at.start && r.at.end <= p.at.end })
	})
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

// whole puts the statements' lineage together; temporary tables are followed
// through and not listed.
func (c *catalog) whole(t *text, statements []statementAnswer) lineage {
	if len(statements) == 1 && !t.script {
		return statements[0].lineage
	}
	out := newLineage(exact)
	inputs, outputs, unresolved := c.controlled(t, statements), names{}, names{}
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
	for _, w := range named(r.columns) {
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

// controlled are the tables that a script reads in its conditions, loops and
// assignments, which are no statements of their own.
func (c *catalog) controlled(t *text, statements []statementAnswer) names {
	out := names{}
	for _, r := range t.refs {
		own := slices.ContainsFunc(statements, func(s statementAnswer) bool { return s.Start <= r.at.start && r.at.end <= s.End })
		name := c.namer.full(r.path)
		if t.script && !own && c.made[r.key()] == nil && !t.ctes[r.key()] {
			out.add(name)
		}
	}
	return out
}

// targetName is the full name of what a statement writes; a temporary table has
// no more than its own.
func (c *catalog) targetName(r *result) string {
	if r.temporary || c.made[strings.ToLower(r.target)] != nil {
		return r.target
	}
	return c.namer.full([]string{r.target})
}

// named gives the columns without a name those that BigQuery gives them.
func named(columns []written) []written {
	n := 0
	for i, w := range columns {
		if strings.HasPrefix(w.name, "$") || w.name == "" {
			columns[i].name = "f" + strconv.Itoa(n) + "_"
			n++
		}
	}
	return columns
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
