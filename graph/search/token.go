package search

import (
	"strings"
	"unicode"
)

// Span is a part of a text in Unicode code points, end exclusive.
type Span struct{ Start, End int }

// token is a word of an identifier or text, in lower case, with its place.
type token struct {
	text string
	span Span
}

// tokens splits identifiers and prose alike: at everything that is neither
// letter nor digit, where lower case turns to upper ("meterReading"), before
// the last of several capitals ("HTTPServer"), and between letters and digits.
func tokens(s string) []token {
	runes := []rune(s)
	var out []token
	start := -1
	for i, r := range runes {
		word := unicode.IsLetter(r) || unicode.IsDigit(r)
		if start >= 0 && (!word || breaks(runes, i)) {
			out = append(out, newToken(runes, start, i))
			start = -1
		}
		if word && start < 0 {
			start = i
		}
	}
	if start >= 0 {
		out = append(out, newToken(runes, start, len(runes)))
	}
	return out
}

func newToken(runes []rune, start, end int) token {
	return token{strings.ToLower(string(runes[start:end])), Span{start, end}}
}

// breaks says whether a new word begins at i, which follows a letter or digit.
func breaks(runes []rune, i int) bool {
	before, here := runes[i-1], runes[i]
	switch {
	case unicode.IsDigit(before) != unicode.IsDigit(here):
		return true
	case unicode.IsLower(before) && unicode.IsUpper(here):
		return true
	case unicode.IsUpper(before) && unicode.IsUpper(here):
		return i+1 < len(runes) && unicode.IsLower(runes[i+1])
	}
	return false
}

// words returns the texts of the tokens.
func words(s string) []string {
	var out []string
	for _, t := range tokens(s) {
		out = append(out, t.text)
	}
	return out
}

// oneEdit says whether a can be turned into b by one insertion, deletion,
// replacement, or swap of neighbours.
func oneEdit(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(y)-len(x) > 1 {
		return false
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	if len(x) < len(y) {
		return string(x[i:]) == string(y[i+1:])
	}
	if i == len(x) {
		return false
	}
	if string(x[i+1:]) == string(y[i+1:]) {
		return true
	}
	return i+1 < len(x) && x[i] == y[i+1] && x[i+1] == y[i] && string(x[i+2:]) == string(y[i+2:])
}
