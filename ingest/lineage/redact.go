package lineage

import "strings"

// Redact returns GoogleSQL without its literals and comments, which may hold
// personal data: every string and bytes literal becomes '?' in its own quotes,
// every number 0. Names, parameters and the shape of the text stay. A text
// that ends within a literal is cut there.
//
// Redacting twice changes nothing more.
func Redact(sql string) string {
	var b strings.Builder
	b.Grow(len(sql))
	l := lexer{text: sql}
	for l.next() {
		b.WriteString(l.kept())
	}
	return strings.TrimSpace(b.String())
}

// tokenKind is what a piece of SQL is. The set is closed: redaction must
// decide on each.
type tokenKind int

const (
	tokenSpace tokenKind = iota
	tokenComment
	tokenWord   // name or keyword
	tokenQuoted // name in backticks
	tokenNumber
	tokenString
	tokenSymbol
)

// lexer cuts GoogleSQL into tokens that together are the whole text. It never
// fails: what it cannot read as something else is a symbol.
type lexer struct {
	text string
	at   int

	kind  tokenKind
	token string
	// afterName says that the token touches a name before it.
	afterName bool
	// mark is a string's prefix and opening quotes, closed whether it ends.
	mark   string
	closed bool
}

// kept is what may be stored of the token.
func (l *lexer) kept() string {
	switch l.kind {
	case tokenComment:
		return l.blank()
	case tokenNumber:
		return "0"
	case tokenString:
		return l.mark + "?" + strings.TrimLeft(l.mark, "rRbB")
	case tokenQuoted:
		if !l.closed {
			return ""
		}
	case tokenSpace, tokenWord, tokenSymbol:
	}
	return l.token
}

// blank keeps a comment's place between what stands around it.
func (l *lexer) blank() string {
	if strings.Contains(l.token, "\n") {
		return "\n"
	}
	return " "
}

// next reads one token and says whether there was one.
func (l *lexer) next() bool {
	rest := l.text[l.at:]
	if rest == "" {
		return false
	}
	named := l.kind == tokenWord || l.kind == tokenQuoted
	l.kind, l.mark, l.closed = tokenSymbol, "", true
	n := 1
	switch c := rest[0]; {
	case isSpace(c):
		l.kind, n = tokenSpace, span(rest, isSpace)
	case c == '#' || strings.HasPrefix(rest, "--"):
		l.kind, n = tokenComment, lineEnd(rest)
	case strings.HasPrefix(rest, "/*"):
		l.kind, n = tokenComment, commentEnd(rest)
	case c == '`':
		l.kind = tokenQuoted
		n, l.closed = quotedEnd(rest, "`", 1)
	case c == '\'' || c == '"':
		l.kind, n = tokenString, l.stringEnd(rest, 0)
	case l.inPath(rest):
		l.kind, n = tokenWord, span(rest, isWord)
	case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]) && (!named || !isPart(rest[1:])):
		l.kind, n = tokenNumber, numberEnd(rest)
	case isWord(c):
		l.kind, n = tokenWord, span(rest, isWord)
		if n < len(rest) && (rest[n] == '\'' || rest[n] == '"') && isPrefix(rest[:n]) {
			l.kind, n = tokenString, l.stringEnd(rest, n)
		}
	case c == '@':
		// A parameter's name, or @@ of a system variable, belongs to it.
		l.kind, n = tokenWord, 1+span(rest[1:], func(c byte) bool { return c == '@' || isWord(c) })
	}
	l.token, l.afterName = rest[:n], named
	l.at += n
	return true
}

// inPath says whether digits that come next belong to a name and are no
// literal: after a dot that follows a name ("d.2024_t"), or after a dash within
// the first part of a path ("shop-123456.d.t"), as projects are called. What
// could be a number all the same is one.
func (l *lexer) inPath(rest string) bool {
	if !isDigit(rest[0]) || !l.afterName {
		return false
	}
	if l.token == "." {
		return isPart(rest)
	}
	n := span(rest, isWord)
	return l.token == "-" && n < len(rest) && rest[n] == '.' && isPart(rest[n+1:])
}

// isPart says whether a part of a path begins here, and not the fraction or
// exponent of a number.
func isPart(s string) bool {
	tail := s[span(s, isDigit):span(s, isWord)]
	if tail == "" {
		return false
	}
	return tail[0]|0x20 != 'e' || span(tail[1:], isDigit) < len(tail)-1
}

// stringEnd returns the length of the literal whose quotes begin at start.
func (l *lexer) stringEnd(rest string, start int) int {
	quote := rest[start : start+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(rest[start:], triple) {
		quote = triple
	}
	l.mark = rest[:start] + quote
	n, closed := quotedEnd(rest[start:], quote, len(quote))
	l.closed = closed
	return start + n
}

// quotedEnd returns the length of a quoted token and whether it ends. A
// backslash takes the next byte with it, in raw literals too.
func quotedEnd(s, quote string, from int) (int, bool) {
	for i := from; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case strings.HasPrefix(s[i:], quote):
			return i + len(quote), true
		}
	}
	return len(s), false
}

// numberEnd takes everything that could belong to a number, and letters that
// touch it: rather a name too few than a number too many.
func numberEnd(s string) int {
	i := span(s, func(c byte) bool { return isWord(c) || c == '.' })
	for i < len(s) && (s[i] == '+' || s[i] == '-') && i+1 < len(s) && isDigit(s[i+1]) && s[i-1]|0x20 == 'e' {
		i += 1 + span(s[i+1:], isWord)
	}
	return i
}

func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i + 1
	}
	return len(s)
}

func commentEnd(s string) int {
	if i := strings.Index(s[2:], "*/"); i >= 0 {
		return i + 4
	}
	return len(s)
}

func span(s string, is func(byte) bool) int {
	for i := range len(s) {
		if !is(s[i]) {
			return i
		}
	}
	return len(s)
}

func isPrefix(word string) bool {
	switch strings.ToLower(word) {
	case "r", "b", "rb", "br":
		return true
	}
	return false
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isWord(c byte) bool {
	return c == '_' || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}
