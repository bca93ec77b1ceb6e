package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Guesses are bounded: a statement is worth so many shapes tried.
const maxGuessed = 12

// guess is something whose shape is not known and may be tried otherwise.
type guess struct {
	shape *shape
	table *table // nil for what a function gives
}

func (g guess) changed() {
	if g.table != nil {
		g.table.object = nil
	}
}

// scalars are the types that a text is tried as where an error names none.
var scalars = []string{"INT64", "BOOL", "DATE", "TIMESTAMP", "ARRAY<STRING>"}

var (
	typeNames  = regexp.MustCompile(`\b(INT64|FLOAT64|BOOL|DATETIME|DATE|TIMESTAMP|TIME|BYTES|NUMERIC|BIGNUMERIC|JSON)\b`)
	wantsStar  = regexp.MustCompile(`^Dot-star is not supported for type`)
	wantsArray = regexp.MustCompile(`Subscript access using|does not support accessing`)
	wantsType  = regexp.MustCompile(`o matching signature|ncompatible types|does not coerce|Invalid type for argument|Invalid cast|which has type STRING|should return type BOOL`)
)

// search tries other shapes for whatever is not known, one at a time, and keeps
// the first that lets the analyzer come further in the text: first for what
// stands where the error is, then for the rest.
func (a *attempt) search(message string, analyze func() error) bool {
	tries := a.triesFor(message)
	if tries == nil {
		return false
	}
	reached := progress(message)
	for _, g := range a.guesses(a.offset(message)) {
		for _, try := range tries(g.shape) {
			if a.spent() {
				return false
			}
			before := *g.shape
			before.fields = slices.Clone(g.shape.fields)
			try()
			g.changed()
			err := analyze()
			if err == nil || progress(plain(err)) > reached {
				return true
			}
			*g.shape = before
			g.changed()
		}
	}
	return false
}

// triesFor are the changes that may help against an error.
func (a *attempt) triesFor(message string) func(*shape) []func() {
	field := ""
	for _, p := range []*regexp.Regexp{fieldOfType, fieldOfStruct} {
		if m := p.FindStringSubmatch(message); m != nil {
			field = bare(m[1])
		}
	}
	switch {
	case wantsStar.MatchString(message):
		return func(s *shape) []func() { return fieldTries(s, star) }
	case field != "":
		return func(s *shape) []func() { return fieldTries(s, field) }
	case notArray.MatchString(message), wantsArray.MatchString(message):
		return func(s *shape) []func() {
			if s.array {
				return nil
			}
			return []func(){func() { s.array = true }}
		}
	case wantsType.MatchString(message):
		types := typesFor(message)
		return func(s *shape) []func() { return scalarTries(s, types) }
	}
	return nil
}

// typesFor are the types that an error names as wanted or as met, without the
// text that an unknown column already is.
func typesFor(message string) []string {
	message, _, _ = strings.Cut(message, " [at ")
	var out []string
	for _, m := range typeNames.FindAllString(message, -1) {
		if m != "STRING" && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	if strings.Contains(message, "ARRAY") {
		out = append(out, "ARRAY<STRING>")
	}
	if len(out) == 0 {
		return scalars
	}
	return out[:min(len(out), 2)]
}

func fieldTries(s *shape, name string) []func() {
	if s.field(name) != nil || s.fixed != "" {
		return nil
	}
	out := []func(){func() { s.grow(name) }}
	if !s.array {
		out = append(out, func() { s.grow(name); s.array = true })
	}
	return out
}

func scalarTries(s *shape, types []string) []func() {
	if s.fixed != "" || len(s.fields) > 0 {
		return nil
	}
	var out []func()
	for _, t := range types {
		out = append(out, func() { s.fixed = t })
	}
	return out
}

// nearby is how many bytes after an error what is meant is likely to stand in.
const nearby = 300

// guesses are all shapes that may be tried: first those named behind a byte of
// the text, in that order; then functions' and tables'.
func (a *attempt) guesses(at int) []guess {
	var out []guess
	for _, name := range sortedKeys(a.guessed) {
		s := a.guessed[name]
		s.name = name[strings.LastIndexByte(name, '.')+1:]
		out = append(out, guess{shape: s})
	}
	for _, key := range sortedKeys(a.tables) {
		t := a.tables[key]
		for _, s := range t.shape.fields {
			if s.grows {
				out = append(out, guess{s, t})
			}
		}
	}
	for i := 0; i < len(out) && len(out) < 20*maxGuessed; i++ {
		for _, s := range out[i].shape.fields {
			if s.grows {
				out = append(out, guess{s, out[i].table})
			}
		}
	}
	near := strings.ToLower(a.sql[min(at, len(a.sql)):min(at+nearby, len(a.sql))])
	place := func(g guess) int {
		if i := strings.Index(near, strings.ToLower(g.shape.name)); i >= 0 {
			return i
		}
		return nearby
	}
	slices.SortStableFunc(out, func(x, y guess) int { return place(x) - place(y) })
	return out[:min(len(out), maxGuessed)]
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// progress is how far into the text an error stands: a later one means that
// what came before is resolved.
func progress(message string) int {
	m := position.FindStringSubmatch(message)
	if m == nil {
		return -1
	}
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	return line*100000 + column
}
