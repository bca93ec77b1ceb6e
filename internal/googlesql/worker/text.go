package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	templateTag = regexp.MustCompile(`(?s)\{%-?\s*(\w+).*?%\}|\{#.*?#\}|\{\{.*?\}\}`)
	legacyTable = regexp.MustCompile(`(?i)(\b(?:from|join)\s+|,\s*)\[([\w.-]+:[\w:.$@-]+|[\w-]+\.[\w.$@-]+)\]`)
	bareSetOp   = regexp.MustCompile(`(?i)\b(union|intersect|except)\s+(\(?\s*(?:select|with|\())`)
	aboutDates  = regexp.MustCompile(`DATE|TIMESTAMP|parameter`)
	dateParam   = regexp.MustCompile(`@\w*(date|day)\w*`)
)

// readings are the texts that a text of a dialect may be meant as, the most
// literal first: the first that parses is it. Bytes keep their places, save
// behind a set operator that lacks its DISTINCT.
func readings(sql, dialect string) []string {
	if quotesNames(dialect) {
		sql = doubleQuoted(sql)
	}
	bigquery := saysDistinct(dialect)
	if !bigquery {
		sql = bareSetOp.ReplaceAllString(sql, "$1 DISTINCT $2")
	}
	out := []string{sql}
	if strings.Contains(sql, "{{") || strings.Contains(sql, "{%") || strings.Contains(sql, "{#") {
		sql = template(sql)
		out = append(out, sql)
	}
	if bigquery && legacyTable.MatchString(sql) {
		out = append(out, legacyTable.ReplaceAllStringFunc(sql, modernTable))
	}
	return out
}

// saysDistinct says whether a dialect's set operators always say whether they
// are DISTINCT.
func saysDistinct(dialect string) bool { return dialect == "bigquery" || dialect == "" }

// placeIn is where a place of a reading stands in the text that was asked
// about: before all that readings put in.
func placeIn(sql, dialect string, at int) int {
	if saysDistinct(dialect) {
		return at
	}
	added := 0
	for _, m := range bareSetOp.FindAllStringSubmatchIndex(sql, -1) {
		// The operator and what follows it stay; the space between grows.
		grown := len(" DISTINCT ") - (m[4] - m[3])
		if m[4]+added+grown > at {
			break
		}
		added += grown
	}
	return at - added
}

// quotesNames says whether a dialect's double quotes are around names.
func quotesNames(dialect string) bool {
	return !slices.Contains([]string{"", "bigquery", "mysql", "hive", "sparksql", "spark", "databricks"}, strings.ToLower(dialect))
}

// modernTable writes BigQuery's legacy [project:dataset.table] as GoogleSQL.
func modernTable(m string) string {
	x := legacyTable.FindStringSubmatch(m)
	return x[1] + "`" + strings.Replace(x[2], ":", ".", 1) + "`"
}

// template reads what a template's text is likely to become: of branches the
// last, of a loop its body once, of a value a name.
func template(sql string) string {
	b := []byte(sql)
	var branches []int // where the branch that may yet be dropped begins
	for _, m := range templateTag.FindAllStringSubmatchIndex(sql, -1) {
		word := ""
		if m[2] >= 0 {
			word = sql[m[2]:m[3]]
		}
		open := len(branches) > 0
		switch {
		case word == "if":
			branches = append(branches, m[1])
		case (word == "else" || word == "elif") && open:
			from := branches[len(branches)-1]
			copy(b[from:m[0]], blank(sql[from:m[0]]))
			branches[len(branches)-1] = m[1]
		case word == "endif" && open:
			branches = branches[:len(branches)-1]
		}
		if strings.HasPrefix(sql[m[0]:], "{{") {
			copy(b[m[0]:m[1]], nameLike(sql[m[0]:m[1]]))
		} else {
			copy(b[m[0]:m[1]], blank(sql[m[0]:m[1]]))
		}
	}
	return string(b)
}

// nameLike is a name of as many bytes as the text, so that it may be a part of
// a longer one.
func nameLike(s string) string { return "j" + strings.Repeat("_", len(s)-1) }

// placeholder is a name that nameLike made and that is part of no longer one:
// it stands for a value.
var placeholder = regexp.MustCompile(`^j_{3,}$`)

// valueLike is a parameter of as many bytes as the text, which takes whatever
// type its place wants; it is named by its place, as each is of its own type.
func valueLike(s string, at int) string {
	digits := strconv.Itoa(at)
	width := len(s) - len("@j")
	if len(digits) > width {
		digits = digits[len(digits)-width:]
	}
	return "@j" + strings.Repeat("0", width-len(digits)) + digits
}

// blank is as many spaces as the text has bytes, its lines kept.
func blank(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] != '\n' {
			b[i] = ' '
		}
	}
	return string(b)
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
