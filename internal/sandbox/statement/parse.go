package statement

import (
	"fmt"
	"slices"
	"strings"
)

// parser walks the tokens once. Each parenthesis is a level of its own, which
// knows whether it stands in a list of tables.
type parser struct {
	text    string
	tokens  []token
	at      int
	ctes    map[string]bool
	aliases map[string]bool // by which tables before this place are known
	named   map[string]bool // which the text gives with its own words, anywhere
	out     Statement
}

func (p *parser) peek(ahead int) token {
	if i := p.at + ahead; i >= 0 && i < len(p.tokens) {
		return p.tokens[i]
	}
	return token{kind: mark}
}

func (p *parser) accept(words ...string) bool {
	for i, w := range words {
		if !p.peek(i).is(w) {
			return false
		}
	}
	p.at += len(words)
	return true
}

// head reads the kind and the target.
func (p *parser) head() error {
	first := p.peek(0)
	switch {
	case first.is("SELECT"), first.is("WITH"), first.is("FROM"), first.is("("):
		p.out.Kind = Select
		return nil
	case p.accept("INSERT"):
		p.accept("INTO")
		return p.target(Insert)
	case p.accept("UPDATE"):
		return p.target(Update)
	case p.accept("DELETE"):
		p.accept("FROM")
		return p.target(Delete)
	case p.accept("MERGE"):
		p.accept("INTO")
		return p.target(Merge)
	case p.accept("TRUNCATE", "TABLE"):
		return p.target(TruncateTable)
	case p.accept("DROP", "TABLE"):
		p.out.IfExists = p.accept("IF", "EXISTS")
		return p.target(DropTable)
	case p.accept("DROP", "VIEW"):
		p.out.IfExists = p.accept("IF", "EXISTS")
		return p.target(DropView)
	case p.accept("CREATE"):
		return p.create()
	}
	if first.kind != word {
		return fmt.Errorf("syntax error: unexpected %q at byte %d", p.text[first.start:first.end], first.start)
	}
	return fmt.Errorf("%s: %w", first.text, ErrUnsupported)
}

func (p *parser) create() error {
	p.out.OrReplace = p.accept("OR", "REPLACE")
	kind := CreateView
	switch {
	case p.accept("VIEW"):
	case p.accept("TABLE"):
		kind = CreateTableAs
	default:
		return fmt.Errorf("CREATE %s: %w", p.peek(0).text, ErrUnsupported)
	}
	p.out.IfNotExists = p.accept("IF", "NOT", "EXISTS")
	if err := p.target(kind); err != nil {
		return err
	}
	if p.peek(0).is("(") {
		return fmt.Errorf("CREATE with a list of columns: %w", ErrUnsupported)
	}
	for depth := 0; p.at < len(p.tokens); p.at++ {
		t := p.peek(0)
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case depth == 0 && t.is("AS"):
			p.at++
			p.out.Body = p.peek(0).start
			if p.at >= len(p.tokens) {
				return fmt.Errorf("syntax error: expected a query after AS")
			}
			return nil
		}
	}
	return fmt.Errorf("%s without AS: %w", strings.ReplaceAll(string(kind), "_", " "), ErrUnsupported)
}

func (p *parser) target(kind Kind) error {
	p.out.Kind = kind
	ref, ok := p.path()
	if !ok {
		return fmt.Errorf("syntax error: expected the name of a table at byte %d", p.peek(0).start)
	}
	switch kind {
	case Update, Delete, Merge:
		ref.Aliased = p.alias(ref)
	default: // no alias may follow
	}
	p.out.Target = &ref
	return nil
}

// names collects the names that WITH gives, wherever in the text: a name of
// one part that WITH gives anywhere is never a table. Should it still be meant
// as one, it is found nowhere, and the statement fails.
func (p *parser) names() {
	for i := 1; i+2 < len(p.tokens); i++ {
		before, name := p.tokens[i-1], p.tokens[i]
		if !before.is("WITH") && !before.is("RECURSIVE") && !before.is(",") {
			continue
		}
		if (name.kind == word || name.kind == quoted) && p.tokens[i+1].is("AS") && p.tokens[i+2].is("(") {
			p.ctes[fold(p.nameOf(name))] = true
		}
	}
}

// settle takes out what turned out to be an array of a table that is named
// further on, as in `SELECT (SELECT MAX(x) FROM c.items) FROM d.t AS c`.
func (p *parser) settle() {
	p.out.Refs = slices.DeleteFunc(p.out.Refs, func(r Ref) bool {
		return len(r.Parts) > 1 && p.named[fold(r.Parts[0])]
	})
}

// level reads up to the parenthesis that closes it. expect says that a table
// may stand at its very beginning, as in `FROM (a JOIN b ...)`.
func (p *parser) level(expect bool) {
	inFrom := expect
	opener := p.peek(-2) // the word before the parenthesis: a function's name
	for p.at < len(p.tokens) {
		t := p.peek(0)
		if expect && p.table() {
			expect = false
			continue
		}
		switch {
		case t.is(")"), t.is("]"):
			p.at++
			return
		case t.is("("), t.is("["):
			p.at++
			p.level(expect && t.is("("))
			if inFrom {
				p.alias(Ref{})
			}
			expect = false
			continue
		case t.is("FROM"):
			expect = !opener.is("EXTRACT") && !p.peek(-1).is("DISTINCT")
			inFrom = inFrom || expect
		case t.is("JOIN"), t.is("USING") && p.out.Kind == Merge && !inFrom:
			expect, inFrom = true, true
		case t.is(","):
			expect = inFrom
		case t.kind == word && endsFrom(t.text):
			expect, inFrom = false, false
		case t.kind == mark && t.text == "|" && p.peek(1).is(">"):
			expect, inFrom = false, false
		default:
			expect = false
		}
		p.at++
	}
}

// table reads a table where one is expected; false if there is none here.
func (p *parser) table() bool {
	first := p.peek(0)
	if first.kind == word && (reserved(first.text) || first.text == "UNNEST" || first.text == "LATERAL") {
		return false
	}
	ref, ok := p.path()
	if !ok {
		return false
	}
	if p.peek(0).is("(") { // a table function
		return true
	}
	known := p.aliases[fold(ref.Parts[0])]
	ref.Aliased = p.alias(ref)
	if len(ref.Parts) == 1 && p.ctes[fold(ref.Parts[0])] {
		return true
	}
	if len(ref.Parts) > 1 && known { // an array of a table already named
		return true
	}
	p.out.Refs = append(p.out.Refs, ref)
	return true
}

// alias reads `AS x` or `x` after a table and remembers how the text will call
// it; it says whether there was one.
func (p *parser) alias(ref Ref) bool {
	explicit := p.accept("AS")
	t := p.peek(0)
	if t.kind == quoted || t.kind == word && !reserved(t.text) && (explicit || !followsTable(t.text)) {
		p.at++
		p.aliases[fold(p.nameOf(t))] = true
		p.named[fold(p.nameOf(t))] = true
		return true
	}
	if len(ref.Parts) > 0 {
		p.aliases[fold(ref.Name())] = true
	}
	return false
}

// path reads a dotted name. A project may bear dashes without quotes, and one
// pair of quotes may span several parts.
func (p *parser) path() (Ref, bool) {
	t := p.peek(0)
	if t.kind != quoted && (t.kind != word || reserved(t.text)) {
		return Ref{}, false
	}
	ref := Ref{Start: t.start}
	for {
		t = p.peek(0)
		switch t.kind {
		case quoted:
			ref.Parts = append(ref.Parts, strings.Split(t.text, ".")...)
			p.at++
		case word:
			start := t.start
			p.at++
			for p.dashed() {
				p.at += 2
			}
			ref.Parts = append(ref.Parts, p.text[start:p.peek(-1).end])
		default: // what follows a dot is looked at before the dot is taken
		}
		ref.End = p.peek(-1).end
		next := p.peek(1)
		if !p.peek(0).is(".") || next.kind != quoted && next.kind != word {
			return ref, len(ref.Parts) <= 5 && !slices.Contains(ref.Parts, "")
		}
		p.at++
	}
}

// dashed says whether `-x` follows the last token without a space.
func (p *parser) dashed() bool {
	last, dash, next := p.peek(-1), p.peek(0), p.peek(1)
	return dash.is("-") && dash.start == last.end && next.start == dash.end &&
		(next.kind == word || next.kind == literal && next.text != "")
}

func (p *parser) nameOf(t token) string {
	if t.kind == quoted {
		return t.text
	}
	return p.text[t.start:t.end]
}

func fold(name string) string { return strings.ToLower(name) }

// endsFrom says whether a word ends the list of tables it stands after.
func endsFrom(w string) bool {
	switch w {
	case "SELECT", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT", "UNION", "INTERSECT",
		"EXCEPT", "SET", "WHEN", "VALUES":
		return true
	}
	return false
}

// followsTable says whether a word that is not reserved still is no alias when
// it stands right after a table.
func followsTable(w string) bool {
	switch w {
	case "PIVOT", "UNPIVOT", "TABLESAMPLE", "OFFSET", "VALUES", "MATCH_RECOGNIZE":
		return true
	}
	return false
}

// reserved says whether GoogleSQL reserves the word, so that it names nothing
// without quotes.
func reserved(w string) bool {
	_, found := slices.BinarySearch(reservedWords, w)
	return found
}

// reservedWords are GoogleSQL's reserved keywords, sorted.
var reservedWords = []string{
	"ALL", "AND", "ANY", "ARRAY", "AS", "ASC", "ASSERT_ROWS_MODIFIED", "AT", "BETWEEN", "BY", "CASE", "CAST",
	"COLLATE", "CONTAINS", "CREATE", "CROSS", "CUBE", "CURRENT", "DEFAULT", "DEFINE", "DESC", "DISTINCT", "ELSE",
	"END", "ENUM", "ESCAPE", "EXCEPT", "EXCLUDE", "EXISTS", "EXTRACT", "FALSE", "FETCH", "FOLLOWING", "FOR", "FROM",
	"FULL", "GROUP", "GROUPING", "GROUPS", "HASH", "HAVING", "IF", "IGNORE", "IN", "INNER", "INTERSECT", "INTERVAL",
	"INTO", "IS", "JOIN", "LATERAL", "LEFT", "LIKE", "LIMIT", "LOOKUP", "MERGE", "NATURAL", "NEW", "NO", "NOT",
	"NULL", "NULLS", "OF", "ON", "OR", "ORDER", "OUTER", "OVER", "PARTITION", "PRECEDING", "PROTO", "QUALIFY",
	"RANGE", "RECURSIVE", "RESPECT", "RIGHT", "ROLLUP", "ROWS", "SELECT", "SET", "SOME", "STRUCT", "TABLESAMPLE",
	"THEN", "TO", "TREAT", "TRUE", "UNBOUNDED", "UNION", "UNNEST", "USING", "WHEN", "WHERE", "WINDOW", "WITH",
	"WITHIN",
}
