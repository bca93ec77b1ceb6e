package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
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
	var out []token
	each(s, func(word string, span Span) { out = append(out, token{strings.ToLower(word), span}) })
	return out
}

// each gives the words of a text as they stand there. Of most texts bytes are
// letters, and nothing is copied.
func each(s string, emit func(word string, span Span)) {
	if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		split([]byte(s), func(start, end int) { emit(s[start:end], Span{start, end}) })
		return
	}
	runes := []rune(s)
	split(runes, func(start, end int) { emit(string(runes[start:end]), Span{start, end}) })
}

// split finds the words among letters.
func split[T byte | rune](letters []T, emit func(start, end int)) {
	start := -1
	for i, l := range letters {
		r := rune(l)
		word := unicode.IsLetter(r) || unicode.IsDigit(r)
		if start >= 0 && (!word || breaks(letters, i)) {
			emit(start, i)
			start = -1
		}
		if word && start < 0 {
			start = i
		}
	}
	if start >= 0 {
		emit(start, len(letters))
	}
}

// breaks says whether a new word begins at i, which follows a letter or digit.
func breaks[T byte | rune](letters []T, i int) bool {
	before, here := rune(letters[i-1]), rune(letters[i])
	switch {
	case unicode.IsDigit(before) != unicode.IsDigit(here):
		return true
	case unicode.IsLower(before) && unicode.IsUpper(here):
		return true
	case unicode.IsUpper(before) && unicode.IsUpper(here):
		return i+1 < len(letters) && unicode.IsLower(rune(letters[i+1]))
	}
	return false
}

// words returns the texts of the tokens.
func words(s string) []string {
	var out []string
	each(s, func(word string, _ Span) { out = append(out, strings.ToLower(word)) })
	return out
}

// oneEdit says whether a can be turned into b by one insertion, deletion,
// replacement, or swap of neighbours. It allocates nothing, for it is asked of
// every word of the index.
func oneEdit(a, b string) bool {
	if d := len(a) - len(b); d > utf8.UTFMax || -d > utf8.UTFMax {
		return false
	}
	a, b = trimCommon(a, b)
	x, y := utf8.RuneCountInString(a), utf8.RuneCountInString(b)
	switch {
	case x+y == 1, x == 1 && y == 1:
		return true
	case x == 2 && y == 2:
		first, n := utf8.DecodeRuneInString(a)
		last, m := utf8.DecodeLastRuneInString(b)
		return first == last && a[n:] == b[:len(b)-m]
	}
	return false
}

// trimCommon takes off what both begin with and then what both end with.
func trimCommon(a, b string) (string, string) {
	for len(a) > 0 && len(b) > 0 {
		if a[0]|b[0] < utf8.RuneSelf {
			if a[0] != b[0] {
				break
			}
			a, b = a[1:], b[1:]
			continue
		}
		x, n := utf8.DecodeRuneInString(a)
		if y, _ := utf8.DecodeRuneInString(b); x != y {
			break
		}
		a, b = a[n:], b[n:]
	}
	for len(a) > 0 && len(b) > 0 {
		if last, other := a[len(a)-1], b[len(b)-1]; last|other < utf8.RuneSelf {
			if last != other {
				break
			}
			a, b = a[:len(a)-1], b[:len(b)-1]
			continue
		}
		x, n := utf8.DecodeLastRuneInString(a)
		if y, _ := utf8.DecodeLastRuneInString(b); x != y {
			break
		}
		a, b = a[:len(a)-n], b[:len(b)-n]
	}
	return a, b
}
