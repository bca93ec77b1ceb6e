package statement

import (
	"fmt"
	"strings"
)

// kind says what a token is. The set is closed: everything that is no word, no
// literal and no name is one mark of punctuation.
type kind int

const (
	word    kind = iota // an identifier or a keyword
	quoted              // an identifier in back-quotes
	literal             // a string, bytes or number
	mark                // one byte of punctuation
)

// token is one word of the text, at text[start:end].
type token struct {
	kind       kind
	text       string // upper case for a word, the inside for a quoted name
	start, end int
}

// lex splits a text into tokens, leaving out white space and comments. It
// fails only where a literal, a quoted name or a comment is not closed.
func lex(text string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			i++
		case c == '#' || strings.HasPrefix(text[i:], "--"):
			i = lineEnd(text, i)
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i+2:], "*/")
			if end < 0 {
				return nil, fmt.Errorf("unclosed comment at byte %d", i)
			}
			i += end + 4
		case c == '`':
			end := strings.IndexByte(text[i+1:], '`')
			if end < 0 {
				return nil, fmt.Errorf("unclosed identifier at byte %d", i)
			}
			tokens = append(tokens, token{quoted, text[i+1 : i+1+end], i, i + end + 2})
			i += end + 2
		case c == '"' || c == '\'':
			end, err := stringEnd(text, i)
			if err != nil {
				return nil, err
			}
			tokens = append(tokens, token{literal, "", i, end})
			i = end
		case c >= '0' && c <= '9':
			end := numberEnd(text, i)
			tokens = append(tokens, token{literal, text[i:end], i, end})
			i = end
		case isLetter(c):
			end := i + 1
			for end < len(text) && (isLetter(text[end]) || isDigit(text[end])) {
				end++
			}
			if prefix := strings.ToUpper(text[i:end]); end < len(text) && (text[end] == '"' || text[end] == '\'') &&
				(prefix == "R" || prefix == "B" || prefix == "RB" || prefix == "BR") {
				stop, err := stringEnd(text, end)
				if err != nil {
					return nil, err
				}
				tokens = append(tokens, token{literal, "", i, stop})
				i = stop
				continue
			}
			tokens = append(tokens, token{word, strings.ToUpper(text[i:end]), i, end})
			i = end
		default:
			tokens = append(tokens, token{mark, string(c), i, i + 1})
			i++
		}
	}
	return tokens, nil
}

func lineEnd(text string, i int) int {
	if end := strings.IndexByte(text[i:], '\n'); end >= 0 {
		return i + end + 1
	}
	return len(text)
}

// stringEnd returns where the literal that opens at i ends. In a raw literal a
// backslash still keeps a quote from closing it, as in GoogleSQL.
func stringEnd(text string, i int) (int, error) {
	quote := text[i : i+1]
	if strings.HasPrefix(text[i:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	for j := i + len(quote); j < len(text); {
		switch {
		case text[j] == '\\':
			j += 2
		case strings.HasPrefix(text[j:], quote):
			return j + len(quote), nil
		default:
			j++
		}
	}
	return 0, fmt.Errorf("unclosed string literal at byte %d", i)
}

// numberEnd takes letters too (0xff, 1e9), and a dot only before a digit, so
// that `1.e` of no known text cannot swallow a path.
func numberEnd(text string, i int) int {
	for i < len(text) {
		c := text[i]
		dot := c == '.' && i+1 < len(text) && isDigit(text[i+1])
		if !isDigit(c) && !isLetter(c) && !dot {
			break
		}
		i++
	}
	return i
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
