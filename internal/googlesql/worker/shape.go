package main

import (
	"regexp"
	"strings"
)

// shape is the type of a column as far as it is known: fixed, or grown field by
// field as a statement asks for more.
type shape struct {
	name   string
	fixed  string // a GoogleSQL type; empty while nothing is known
	fields []*shape
	array  bool
	grows  bool // assumed, and so may change
}

func (s *shape) field(name string) *shape {
	for _, f := range s.fields {
		if strings.EqualFold(f.name, name) {
			return f
		}
	}
	return nil
}

// grow gives the field of a name, a new assumed one where there is none.
func (s *shape) grow(name string) *shape {
	if f := s.field(name); f != nil {
		return f
	}
	f := &shape{name: name, grows: true}
	s.fields = append(s.fields, f)
	return f
}

// shrink takes the newest field away again.
func (s *shape) shrink() { s.fields = s.fields[:len(s.fields)-1] }

// sql writes the type; what nothing is known of is a text.
func (s *shape) sql() string {
	t := s.fixed
	if len(s.fields) > 0 {
		fields := make([]string, len(s.fields))
		for i, f := range s.fields {
			fields[i] = quote(f.name) + " " + f.sql()
		}
		t = "STRUCT<" + strings.Join(fields, ", ") + ">"
	} else if t == "" {
		t = "STRING"
	}
	if s.array {
		return "ARRAY<" + t + ">"
	}
	return t
}

// aliases are the names that other dialects, and BigQuery's own REST API, give
// to GoogleSQL's types.
var aliases = map[string]string{
	"INT": "INT64", "INTEGER": "INT64", "BIGINT": "INT64", "SMALLINT": "INT64", "TINYINT": "INT64", "BYTEINT": "INT64", "LONG": "INT64",
	"NUMBER": "NUMERIC", "DECIMAL": "NUMERIC", "DEC": "NUMERIC", "BIGDECIMAL": "BIGNUMERIC",
	"DOUBLE": "FLOAT64", "FLOAT": "FLOAT64", "REAL": "FLOAT64", "BOOLEAN": "BOOL",
	"VARCHAR": "STRING", "NVARCHAR": "STRING", "CHAR": "STRING", "TEXT": "STRING", "BINARY": "BYTES",
}

// untyped are the names for a struct whose fields are not told.
var untyped = map[string]bool{"STRUCT": true, "RECORD": true, "OBJECT": true, "VARIANT": true}

var inParens = regexp.MustCompile(`\(.*`)

// nearestType is the GoogleSQL type nearest to a name in any dialect.
func (e *engine) nearestType(name string) string {
	t := strings.TrimSpace(name)
	if e.typ(t) != nil {
		return t
	}
	bare := strings.ToUpper(inParens.ReplaceAllString(t, ""))
	first, _, _ := strings.Cut(bare, " ")
	if alias, ok := aliases[first]; ok {
		return alias
	}
	if strings.HasPrefix(first, "TIMESTAMP") {
		return "TIMESTAMP"
	}
	if e.typ(bare) != nil {
		return bare
	}
	return "STRING"
}

// shapeOf reads a table's columns; dotted names become fields of structs.
func (e *engine) shapeOf(defs columns) *shape {
	root := &shape{}
	for _, d := range defs {
		at := root
		for _, part := range strings.Split(d.name, ".") {
			if f := at.field(part); f != nil {
				at = f
				continue
			}
			at = at.grow(part)
			at.grows = false
		}
		if untyped[strings.ToUpper(d.typ)] {
			at.grows = true
		} else {
			at.fixed = e.nearestType(d.typ)
		}
	}
	return root
}
