package bigquery_test

import (
	"fmt"
	"regexp"
	"strings"
)

// structure reads the text of a view for itself, knowing nothing of how it was
// written: it returns for every leaf whether it is a bare path ("bare") or any
// other expression ("masked"), by the path of its output names.
func structure(sql string) (map[string]string, error) {
	p := &reader{tokens: tokensOf(sql), leaves: map[string]string{}, aliases: map[string]string{}}
	if err := p.expect("SELECT"); err != nil {
		return nil, err
	}
	if err := p.items("", "FROM"); err != nil {
		return nil, err
	}
	return p.leaves, nil
}

var tokenPattern = regexp.MustCompile("--[^\n]*|`(?:[^`\\\\]|\\\\.)*`|r?'(?:[^'\\\\]|\\\\.)*'|[A-Za-z_][A-Za-z_0-9]*|[0-9]+|\\S")

// tokensOf splits a text and drops its comments.
func tokensOf(sql string) []string {
	var tokens []string
	for _, t := range tokenPattern.FindAllString(sql, -1) {
		if !strings.HasPrefix(t, "--") {
			tokens = append(tokens, t)
		}
	}
	return tokens
}

type reader struct {
	tokens []string
	leaves map[string]string
	// aliases are what array elements are called.
	aliases map[string]string
}

func (p *reader) expect(want ...string) error {
	for _, w := range want {
		if len(p.tokens) == 0 || p.tokens[0] != w {
			return fmt.Errorf("want %q at %q", w, strings.Join(p.tokens[:min(len(p.tokens), 12)], " "))
		}
		p.tokens = p.tokens[1:]
	}
	return nil
}

// items reads "expression AS `name`" up to a token that ends the list.
func (p *reader) items(prefix, end string) error {
	for {
		expr, name, err := p.item()
		if err != nil {
			return err
		}
		if err := p.leaf(prefix+name, expr); err != nil {
			return err
		}
		if len(p.tokens) == 0 {
			return fmt.Errorf("the list does not end with %q", end)
		}
		if p.tokens[0] == end {
			return nil
		}
		if err := p.expect(","); err != nil {
			return err
		}
	}
}

// item takes the tokens of one expression, with its name.
func (p *reader) item() (expr []string, name string, err error) {
	depth := 0
	for i, t := range p.tokens {
		switch {
		case t == "(":
			depth++
		case t == ")":
			depth--
		case t == "AS" && depth == 0 && i+1 < len(p.tokens):
			expr, name = p.tokens[:i], strings.Trim(p.tokens[i+1], "`")
			p.tokens = p.tokens[i+2:]
			return expr, name, nil
		}
	}
	return nil, "", fmt.Errorf("an expression without a name")
}

// leaf judges an expression: a rebuilt record is looked into, everything else
// is a leaf.
func (p *reader) leaf(path string, expr []string) error {
	if isPath(expr) {
		p.leaves[path] = "bare"
		return nil
	}
	guarded, inner, ok := guard(expr)
	switch {
	case ok && isPath(guarded) && inner[0] == "STRUCT":
		return p.inside(path+".", inner[2:])
	case ok && isPath(guarded) && inner[0] == "ARRAY":
		body := inner[3 : len(inner)-1] // after ARRAY ( SELECT
		from := indexAtDepth(body, "FROM")
		if from < 0 {
			return fmt.Errorf("%s: an array without FROM", path)
		}
		if err := p.order(body[from:]); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if _, record, ok := guard(body[:from]); ok && record[0] == "STRUCT" {
			return p.inside(path+"[].", record[2:])
		}
		return p.leaf(path, body[:from])
	}
	p.leaves[path] = "masked"
	return nil
}

// order reads "FROM UNNEST(path) AS x WITH OFFSET AS o ORDER BY o".
func (p *reader) order(clause []string) error {
	tail := clause[len(clause)-9:]
	want := []string{"AS", tail[1], "WITH", "OFFSET", "AS", tail[5], "ORDER", "BY", tail[5]}
	if clause[1] != "UNNEST" || strings.Join(tail, " ") != strings.Join(want, " ") {
		return fmt.Errorf("an array out of order: %s", strings.Join(clause, " "))
	}
	return nil
}

// inside reads the fields of a STRUCT( … ).
func (p *reader) inside(prefix string, tokens []string) error {
	inner := &reader{tokens: tokens, leaves: p.leaves}
	return inner.items(prefix, ")")
}

// guard takes IF(x IS NULL, NULL, y) apart.
func guard(expr []string) (guarded, inner []string, ok bool) {
	if len(expr) < 8 || expr[0] != "IF" {
		return nil, nil, false
	}
	for i := 2; i+4 < len(expr); i++ {
		if strings.Join(expr[i:i+5], " ") == "IS NULL , NULL ," {
			return expr[2:i], expr[i+5 : len(expr)-1], true
		}
	}
	return nil, nil, false
}

// isPath says whether an expression is nothing but names and dots.
func isPath(expr []string) bool {
	for i, t := range expr {
		name := t[0] == '`' || regexp.MustCompile(`^[A-Za-z_]`).MatchString(t)
		if (i%2 == 0) != name || (i%2 == 1 && t != ".") {
			return false
		}
	}
	return len(expr)%2 == 1
}

func indexAtDepth(tokens []string, want string) int {
	depth := 0
	for i, t := range tokens {
		switch {
		case t == "(":
			depth++
		case t == ")":
			depth--
		case t == want && depth == 0:
			return i
		}
	}
	return -1
}
