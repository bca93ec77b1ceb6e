package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	g "github.com/goccy/go-googlesql"
	"github.com/goccy/googlesqlite"
)

// loadChunk is how many rows one statement appends. Each row is parsed once
// for each of its cells, so nothing is gained by more.
const loadChunk = 500

// statementQuestion is one statement for the executor.
type statementQuestion struct {
	SQL            string      `json:"sql"`
	Params         []parameter `json:"params"`
	DefaultProject string      `json:"default_project"`
	DefaultDataset string      `json:"default_dataset"`
}

// parameter is a named query parameter of a scalar type.
type parameter struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Value *string `json:"value"`
}

// tableQuestion names a table or a view, and what to make of it.
type tableQuestion struct {
	Table          string            `json:"table"`
	SQL            string            `json:"sql"`
	Schema         []field           `json:"schema"`
	Rows           []json.RawMessage `json:"rows"`
	DefaultProject string            `json:"default_project"`
	DefaultDataset string            `json:"default_dataset"`
}

// rowsAnswer is what a statement gave.
type rowsAnswer struct {
	Schema   []field `json:"schema"`
	Rows     [][]any `json:"rows"`
	Affected int64   `json:"affected"`
}

// descriptionAnswer is what is known of a statement before it runs.
type descriptionAnswer struct {
	Kind    string   `json:"kind"`
	Schema  []field  `json:"schema"`
	Inputs  []string `json:"inputs"`
	Outputs []string `json:"outputs"`
}

// executor is a database in memory with one connection, so that all that a
// session has made is seen by all its statements.
type executor struct {
	lang *g.LanguageOptions
	conn *sql.Conn
}

func (k *worker) executor() (*executor, error) {
	if k.session != nil {
		return k.session, nil
	}
	lang, err := newLanguage(true)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("googlesqlite", ":memory:")
	if err != nil {
		return nil, fmt.Errorf("open executor: %w", err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, fmt.Errorf("open executor: %w", err)
	}
	k.session = &executor{lang: lang, conn: conn}
	return k.session, nil
}

// execute runs one statement, or a script whose last statement's rows count.
func (k *worker) execute(q statementQuestion) (rowsAnswer, error) {
	x, err := k.executor()
	if err != nil {
		return rowsAnswer{}, err
	}
	p, err := x.prepare(q)
	if err != nil {
		return rowsAnswer{}, err
	}
	if query, rest, ok := splitMerge(q.SQL, p.syntax); ok {
		return x.merge(q, query, rest)
	}
	if !p.query {
		return x.change(p)
	}
	return x.read(p, true)
}

// mergeTable is where the rows of a MERGE's query stand while it runs.
const mergeTable = "cadastre_merge_source"

// splitMerge takes the query out of a MERGE and puts a table in its place.
func splitMerge(sql string, s *syntax) (query, rest string, ok bool) {
	if s.source.end == 0 {
		return "", "", false
	}
	before := strings.TrimRight(sql[:s.source.start], " \t\r\n")
	after := strings.TrimLeft(sql[s.source.end:], " \t\r\n")
	if !strings.HasSuffix(before, "(") || !strings.HasPrefix(after, ")") {
		return "", "", false
	}
	return sql[s.source.start:s.source.end], before[:len(before)-1] + quote(mergeTable) + " " + after[1:], true
}

// merge runs a MERGE in two steps, as the driver wants a table to merge from.
// Both see the same rows: nothing else runs in between.
func (x *executor) merge(q statementQuestion, query, rest string) (rowsAnswer, error) {
	step := func(sql string) (rowsAnswer, error) {
		part := q
		part.SQL = sql
		p, err := x.prepare(part)
		if err != nil {
			return rowsAnswer{}, err
		}
		return x.change(p)
	}
	if _, err := step("CREATE TABLE " + quote(mergeTable) + " AS " + query); err != nil {
		return rowsAnswer{}, err
	}
	out, err := step(rest)
	if _, dropErr := step("DROP TABLE " + quote(mergeTable)); dropErr != nil && err == nil {
		err = dropErr
	}
	return out, err
}

// describe finds the schema of a query's rows without reading any of them; of
// another statement it checks no more than the syntax and the query in it.
func (k *worker) describe(q statementQuestion) (descriptionAnswer, error) {
	x, err := k.executor()
	if err != nil {
		return descriptionAnswer{}, err
	}
	p, err := x.prepare(q)
	if err != nil {
		return descriptionAnswer{}, err
	}
	d := descriptionAnswer{Kind: strings.TrimPrefix(p.syntax.kind, "AST"), Schema: []field{}, Inputs: []string{}, Outputs: []string{}}
	n := namer{project: q.DefaultProject, dataset: q.DefaultDataset}
	d.Inputs, d.Outputs = p.syntax.tables(n)
	sort.Strings(d.Inputs)
	if p.syntax.query.end == 0 {
		return d, nil
	}
	if !p.query {
		q.SQL = q.SQL[p.syntax.query.start:p.syntax.query.end]
		if p, err = x.prepare(q); err != nil {
			return d, err
		}
	}
	r, err := x.read(p, false)
	if err != nil {
		return d, err
	}
	d.Schema = r.Schema
	return d, nil
}

// prepared is a statement ready for the driver.
type prepared struct {
	sql    string
	args   []any
	syntax *syntax
	query  bool // it answers with rows
}

// prepare sets the default names, and turns each parameter into a cast of a
// text to its type, as the driver infers types but takes none.
func (x *executor) prepare(q statementQuestion) (prepared, error) {
	if err := x.defaults(q.DefaultProject, q.DefaultDataset); err != nil {
		return prepared{}, err
	}
	s, err := parseStatement(x.lang, q.SQL)
	p := prepared{sql: q.SQL, syntax: s, query: err == nil && s.kind == "ASTQueryStatement"}
	if err != nil {
		if p.syntax, err = parseScript(x.lang, q.SQL); err != nil {
			return p, refuse(err)
		}
		n := len(p.syntax.pieces)
		p.query = n > 0 && p.syntax.pieces[n-1].kind == "ASTQueryStatement"
	}
	if err := p.syntax.allowed(); err != nil {
		return p, err
	}
	if p.syntax.kind == "ASTMergeStatement" && p.syntax.source.end == 0 && len(p.syntax.params) > 0 {
		// The driver would read each as NULL.
		return p, &fault{kindInvalid, "query parameters of a MERGE are supported in the query that it uses alone"}
	}
	return p, p.bind(q.Params)
}

// allowed refuses what the executor would reach into the network for: to write
// rows to a bucket, or to read a raster from an address.
func (s *syntax) allowed() error {
	export := s.kind == "ASTExportDataStatement" || slices.ContainsFunc(s.pieces, func(p piece) bool { return p.kind == "ASTExportDataStatement" })
	if export {
		return &fault{kindInvalid, "EXPORT DATA is not supported here"}
	}
	for _, c := range s.calls {
		if strings.EqualFold(c.path[len(c.path)-1], "ST_REGIONSTATS") {
			return &fault{kindInvalid, "ST_REGIONSTATS is not supported here"}
		}
	}
	return nil
}

func (p *prepared) bind(params []parameter) error {
	byName := map[string]parameter{}
	for _, v := range params {
		byName[strings.ToLower(v.Name)] = v
		if !scalarType.MatchString(v.Type) {
			return &fault{kindInvalid, fmt.Sprintf("parameter %s: type %q is no scalar type", v.Name, v.Type)}
		}
	}
	at := append([]span(nil), p.syntax.params...)
	sort.Slice(at, func(i, j int) bool { return at[i].start > at[j].start })
	used := map[string]bool{}
	for _, s := range at {
		text := p.sql[s.start:s.end]
		name := strings.ToLower(strings.Trim(strings.TrimPrefix(text, "@"), "` \t\n"))
		v, ok := byName[name]
		if !ok {
			return &fault{kindInvalid, fmt.Sprintf("Query parameter '%s' not found", name)}
		}
		p.sql = p.sql[:s.start] + convert(field{Type: v.Type}.sqlType(), "CAST("+text+" AS STRING)") + p.sql[s.end:]
		if used[name] {
			continue
		}
		used[name] = true
		if v.Value == nil {
			p.args = append(p.args, sql.Named(name, nil))
		} else {
			p.args = append(p.args, sql.Named(name, *v.Value))
		}
	}
	return nil
}

// defaults says what completes a name of fewer than three parts.
func (x *executor) defaults(project, dataset string) error {
	path := []string{}
	if project != "" {
		path = append(path, project)
		if dataset != "" {
			path = append(path, dataset)
		}
	}
	return x.conn.Raw(func(c any) error {
		d, ok := c.(*googlesqlite.Conn)
		if !ok {
			return errors.New("the executor's driver is another one")
		}
		d.SetMaxNamePath(3)
		return d.SetNamePath(path)
	})
}

// change runs a statement that answers with a count.
func (x *executor) change(p prepared) (rowsAnswer, error) {
	r, err := x.conn.ExecContext(context.Background(), p.sql, p.args...)
	if err != nil {
		return rowsAnswer{}, refuseRun(err)
	}
	out := rowsAnswer{Schema: []field{}, Rows: [][]any{}}
	if r != nil {
		if n, err := r.RowsAffected(); err == nil {
			out.Affected = n
		}
	}
	return out, nil
}

// read runs a query, and reads its rows unless only their schema is wanted.
func (x *executor) read(p prepared, rows bool) (rowsAnswer, error) {
	out := rowsAnswer{Schema: []field{}, Rows: [][]any{}}
	r, err := x.conn.QueryContext(context.Background(), p.sql, p.args...)
	if err != nil {
		return out, refuseRun(err)
	}
	defer r.Close()
	types, err := r.ColumnTypes()
	if err != nil {
		return out, refuseRun(err)
	}
	for _, t := range types {
		f, err := fieldOf(t.Name(), t.DatabaseTypeName())
		if err != nil {
			return out, err
		}
		out.Schema = append(out.Schema, f)
	}
	nameAnonymous(out.Schema)
	if !rows {
		return out, nil
	}
	for r.Next() {
		row, err := scanRow(r, out.Schema)
		if err != nil {
			return out, err
		}
		out.Rows = append(out.Rows, row)
	}
	if err := r.Err(); err != nil {
		return out, refuseRow(err)
	}
	return out, nil
}

// nameAnonymous names the columns without one as BigQuery does: f0_, f1_, ...
func nameAnonymous(schema []field) {
	n := 0
	for i, f := range schema {
		if strings.HasPrefix(f.Name, "$col") || f.Name == "" {
			schema[i].Name = "f" + strconv.Itoa(n) + "_"
			n++
		}
	}
}

func scanRow(r *sql.Rows, schema []field) ([]any, error) {
	values := make([]any, len(schema))
	into := make([]any, len(schema))
	for i := range values {
		into[i] = &values[i]
	}
	if err := r.Scan(into...); err != nil {
		return nil, refuseRow(err)
	}
	return cells(values, func(i int) field { return schema[i] })
}
