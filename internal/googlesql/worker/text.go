package main

import (
	"regexp"
	"strings"
)

var (
	jinjaBlock  = regexp.MustCompile(`(?s)\{%.*?%\}|\{#.*?#\}`)
	jinjaValue  = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	legacyTable = regexp.MustCompile(`(?i)(\b(?:from|join|,)\s+)\[([\w:.$@-]+)\]`)
	bareSetOp   = regexp.MustCompile(`(?i)\b(union|intersect|except)\s+(\(?\s*(?:select|with|\())`)
	dateParam   = regexp.MustCompile(`@\w*(date|day)\w*`)
)

// readable turns a text of any dialect into one that reads as GoogleSQL. Where
// a BigQuery text is GoogleSQL already it comes back as it is.
func readable(sql, dialect string) string {
	if isTexty(dialect) {
		sql = doubleQuoted(sql)
	}
	if strings.Contains(sql, "{{") || strings.Contains(sql, "{%") {
		sql = jinjaBlock.ReplaceAllStringFunc(sql, blank)
		sql = jinjaValue.ReplaceAllStringFunc(sql, nameLike)
	}
	if dialect == "bigquery" || dialect == "" {
		return legacyTable.ReplaceAllStringFunc(sql, func(m string) string {
			x := legacyTable.FindStringSubmatch(m)
			return x[1] + "`" + strings.Replace(x[2], ":", ".", 1) + "`"
		})
	}
	return bareSetOp.ReplaceAllString(sql, "$1 DISTINCT $2")
}

// nameLike is a name of as many bytes as the text, so that it may be a part of
// a longer one.
func nameLike(s string) string { return "j" + strings.Repeat("_", len(s)-1) }

// blank is as many spaces as the text has bytes, its lines kept.
func blank(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return ' '
	}, s)
}

// doubleQuoted turns "x" into `x` outside of texts and comments, byte for byte.
func doubleQuoted(sql string) string {
	b := []byte(sql)
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\'':
			for i++; i < len(b) && b[i] != '\''; i++ {
			}
		case b[i] == '-' && i+1 < len(b) && b[i+1] == '-':
			for i < len(b) && b[i] != '\n' {
				i++
			}
		case b[i] == '"':
			b[i] = '`'
		}
	}
	return string(b)
}
