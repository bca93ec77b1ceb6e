package main

import (
	"errors"
	"reflect"
	"runtime"
	"strings"

	g "github.com/goccy/go-googlesql"
)

// span is a range of bytes of the statement's text.
type span struct{ start, end int }

func (s span) has(at int) bool { return s.start <= at && at <= s.end }

// tableRef is a name in a FROM clause, or the target of a statement.
type tableRef struct {
	path  []string
	alias string
	at    span
	in    span // the SELECT that it stands in, or the whole text
}

// key is the path as it is written, for comparing.
func (r tableRef) key() string { return strings.ToLower(strings.Join(r.path, ".")) }

// call is a function called by name.
type call struct {
	path []string
	at   span // the whole call
}

// piece is one statement of a script.
type piece struct {
	at   span
	kind string
}

// syntax is what the grammar alone tells of a text.
type syntax struct {
	kind    string // "ASTQueryStatement"; empty for a script
	refs    []tableRef
	ctes    map[string]bool // names of common table expressions, lower case
	calls   []call
	tvfs    [][]string
	params  []span // @name and ?, each as a whole
	pieces  []piece
	vars    map[string]bool // declared variables of a script, as written
	query   span            // the first query in the text
	scopes  []*scope
	target  []string   // the table that a statement writes
	columns []string   // that an INSERT lists
	into    []tableRef // the same where expressions may name its columns
	source  span       // the query that a MERGE reads, without its parentheses
}

// scope is one SELECT: the names in its FROM, and the paths that its
// expressions use.
type scope struct {
	at         span
	refs       []tableRef
	derived    bool // its FROM has a subquery or a function
	unnests    bool // its FROM has an UNNEST
	correlated bool // it stands in an expression and may use names from around it
	aliases    map[string]bool
	paths      [][]string
	arrays     [][]string // paths that are unnested
	using      []usingKey
}

// usingKey is a column in a USING clause, and how many names of the FROM come
// before the clause.
type usingKey struct {
	name string
	refs int
}

// parseStatement reads one statement.
func parseStatement(lang *g.LanguageOptions, sql string) (*syntax, error) {
	out, err := g.ParseStatement(sql, must(g.NewParserOptions2(nil, nil, lang)))
	if err != nil {
		return nil, errors.New(plain(err))
	}
	root := must(out.Statement())
	s := newSyntax()
	s.kind = kindOf(root)
	s.walk(root, &scope{at: span{0, len(sql)}})
	s.target = targetOf(root)
	s.columns = insertColumns(root)
	s.into = intoOf(root, s.target, span{0, len(sql)})
	s.source = mergeSource(root)
	runtime.KeepAlive(out)
	return s, nil
}

// writing are the kinds of statement whose first name is the table written.
var writing = map[string]bool{
	"ASTInsertStatement": true, "ASTUpdateStatement": true, "ASTDeleteStatement": true, "ASTMergeStatement": true,
	"ASTTruncateStatement": true, "ASTCreateTableStatement": true, "ASTCreateViewStatement": true,
	"ASTCreateMaterializedViewStatement": true, "ASTCreateExternalTableStatement": true, "ASTCreateSnapshotTableStatement": true,
	"ASTDropStatement": true, "ASTAlterTableStatement": true, "ASTAlterViewStatement": true,
}

// targetOf is the path of the table that a statement writes, if it does.
func targetOf(root g.ASTNode) []string {
	if !writing[kindOf(root)] {
		return nil
	}
	for _, c := range children(root) {
		if path, ok := c.(*g.ASTPathExpression); ok {
			return must(path.ToIdentifierVector())
		}
	}
	return nil
}

// insertColumns are the columns that an INSERT lists.
func insertColumns(root g.ASTNode) []string {
	if kindOf(root) != "ASTInsertStatement" {
		return nil
	}
	var out []string
	for _, c := range children(root) {
		list, ok := c.(*g.ASTColumnList)
		if !ok {
			continue
		}
		for _, n := range children(list) {
			if id, ok := n.(*g.ASTIdentifier); ok {
				out = append(out, must(id.GetAsString()))
			}
		}
	}
	return out
}

// intoOf is the target of an UPDATE, DELETE or MERGE as a name that its
// expressions use.
func intoOf(root g.ASTNode, target []string, whole span) []tableRef {
	switch root.(type) {
	case *g.ASTUpdateStatement, *g.ASTDeleteStatement, *g.ASTMergeStatement:
	default:
		return nil
	}
	if len(target) == 0 {
		return nil
	}
	r := tableRef{path: target, alias: target[len(target)-1], at: whole, in: whole}
	for _, c := range children(root) {
		if alias, ok := c.(*g.ASTAlias); ok {
			r.alias = must(alias.GetAsString())
		}
	}
	return []tableRef{r}
}

// mergeSource is the subquery that a MERGE uses, if it uses one.
func mergeSource(root g.ASTNode) span {
	if kindOf(root) != "ASTMergeStatement" {
		return span{}
	}
	for _, c := range children(root) {
		if sub, ok := c.(*g.ASTTableSubquery); ok {
			return spanOf(must(sub.Subquery()))
		}
	}
	return span{}
}

// parseScript reads a script and finds its single statements, those inside
// blocks, branches and loops included.
func parseScript(lang *g.LanguageOptions, sql string) (*syntax, error) {
	out, err := g.ParseScript(sql, must(g.NewParserOptions2(nil, nil, lang)), &g.ErrorMessageOptions{Mode: g.ErrorMessageModeErrorMessageOneLine, Stability: g.ErrorMessageStabilityProduction})
	if err != nil {
		return nil, errors.New(plain(err))
	}
	root := must(out.Script())
	s := newSyntax()
	s.walk(root, &scope{at: span{0, len(sql)}})
	s.split(root)
	runtime.KeepAlive(out)
	return s, nil
}

func newSyntax() *syntax {
	return &syntax{ctes: map[string]bool{}, vars: map[string]bool{}}
}

// walk gathers what stands below n; in is the innermost SELECT around it.
func (s *syntax) walk(n g.ASTNode, in *scope) {
	switch x := n.(type) {
	case *g.ASTSelect:
		in = &scope{at: spanOf(x), aliases: map[string]bool{}, correlated: in.correlated}
		s.scopes = append(s.scopes, in)
	case *g.ASTExpressionSubquery:
		in = &scope{at: in.at, correlated: true}
	case *g.ASTTableSubquery:
		in.derived = true
		in = &scope{at: in.at}
	case *g.ASTQuery:
		if s.query.end == 0 {
			s.query = spanOf(x)
		}
	case *g.ASTTablePathExpression:
		s.table(x, in)
		return
	case *g.ASTAliasedQuery:
		s.ctes[strings.ToLower(must(must(x.Alias()).GetAsString()))] = true
	case *g.ASTFunctionCall:
		s.calls = append(s.calls, call{path: must(must(x.Function()).ToIdentifierVector()), at: spanOf(x)})
		for _, c := range children(n)[1:] {
			s.walk(c, in)
		}
		return
	case *g.ASTTVF:
		in.derived = true
		s.tvfs = append(s.tvfs, must(must(x.Name()).ToIdentifierVector()))
	case *g.ASTParameterExpr:
		s.params = append(s.params, spanOf(x))
	case *g.ASTVariableDeclaration:
		s.declare(x)
	case *g.ASTSelectColumn:
		if alias, err := x.Alias(); err == nil && !none(alias) {
			in.alias(must(alias.GetAsString()))
		}
	case *g.ASTUsingClause:
		for _, key := range children(x) {
			if id, ok := key.(*g.ASTIdentifier); ok {
				in.using = append(in.using, usingKey{must(id.GetAsString()), len(in.refs)})
			}
		}
		return
	case *g.ASTPathExpression:
		in.paths = append(in.paths, must(x.ToIdentifierVector()))
		return
	case *g.ASTSimpleType, *g.ASTLambda:
		return // its names are types, or its own
	}
	for _, c := range children(n) {
		s.walk(c, in)
	}
}

func (c *scope) alias(name string) {
	if c.aliases != nil {
		c.aliases[strings.ToLower(name)] = true
	}
}

// table notes a name in FROM and the alias that it is called by, or an UNNEST.
func (s *syntax) table(x *g.ASTTablePathExpression, in *scope) {
	path, err := x.PathExpr()
	if err != nil || none(path) {
		in.unnests = true
		for _, c := range children(x) {
			s.unnested(c, in)
		}
		return
	}
	r := tableRef{path: must(path.ToIdentifierVector()), at: spanOf(x), in: in.at}
	if alias, err := x.Alias(); err == nil && !none(alias) {
		r.alias = must(alias.GetAsString())
	} else {
		last := r.path[len(r.path)-1]
		r.alias = last[strings.LastIndexByte(last, '.')+1:]
	}
	s.refs = append(s.refs, r)
	in.refs = append(in.refs, r)
	for _, c := range children(x) {
		if _, ok := c.(*g.ASTPathExpression); !ok {
			s.walk(c, in)
		}
	}
}

// unnested reads an UNNEST; a plain path in it is an array.
func (s *syntax) unnested(n g.ASTNode, in *scope) {
	path, ok := n.(*g.ASTPathExpression)
	if ok {
		in.arrays = append(in.arrays, must(path.ToIdentifierVector()))
		return
	}
	if _, ok := n.(*g.ASTUnnestExpression); !ok {
		if _, ok := n.(*g.ASTExpressionWithOptAlias); !ok {
			s.walk(n, in)
			return
		}
	}
	for _, c := range children(n) {
		s.unnested(c, in)
	}
}

func (s *syntax) declare(x *g.ASTVariableDeclaration) {
	for _, c := range children(x) {
		names, ok := c.(*g.ASTIdentifierList)
		if !ok {
			continue
		}
		for _, n := range children(names) {
			if id, ok := n.(*g.ASTIdentifier); ok {
				s.vars[must(id.GetAsString())] = true
			}
		}
	}
}

// split finds the innermost statements below n and says whether there is one.
func (s *syntax) split(n g.ASTNode) bool {
	found := false
	for _, c := range children(n) {
		if !must(c.IsStatement()) {
			found = s.split(c) || found
			continue
		}
		found = true
		if !s.split(c) {
			s.pieces = append(s.pieces, piece{at: spanOf(c), kind: kindOf(c)})
		}
	}
	return found
}

// children are the nodes right below n.
func children(n g.ASTNode) []g.ASTNode {
	count := must(n.NumChildren())
	out := make([]g.ASTNode, 0, count)
	for i := range count {
		if c, err := n.Child(i); err == nil && !none(c) {
			out = append(out, c)
		}
	}
	return out
}

func spanOf(n g.ASTNode) span {
	r := must(n.GetParseLocationRange())
	return span{int(must(must(r.Start()).GetByteOffset())), int(must(must(r.End()).GetByteOffset()))}
}

// kindOf is the name of a node's type in the grammar.
func kindOf(n g.ASTNode) string {
	return reflect.TypeOf(n).Elem().Name()
}

// none says whether the bindings gave nothing, which they do both as a nil
// interface and as a nil pointer in one.
func none(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// plain is the message of an error of the analyzer without its status code.
func plain(err error) string { return plainText(err.Error()) }

func plainText(msg string) string {
	for _, code := range []string{"INVALID_ARGUMENT: ", "UNIMPLEMENTED: ", "NOT_FOUND: ", "OUT_OF_RANGE: "} {
		if i := strings.LastIndex(msg, code); i >= 0 {
			msg = msg[i+len(code):]
		}
	}
	return msg
}
