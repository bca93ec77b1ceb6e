package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// field is one column of rows in the words of BigQuery's REST resources.
type field struct {
	Name   string  `json:"name"`
	Type   string  `json:"type"`
	Mode   string  `json:"mode"`
	Fields []field `json:"fields,omitempty"`
}

const (
	modeNullable = "NULLABLE"
	modeRepeated = "REPEATED"
	typeRecord   = "RECORD"
)

// driverType is how the executor's driver describes a column's type.
type driverType struct {
	Name        string        `json:"name"`
	Kind        int           `json:"kind"`
	ElementType *driverType   `json:"elementType"`
	FieldTypes  []driverField `json:"fieldTypes"`
}

type driverField struct {
	Name string      `json:"name"`
	Type *driverType `json:"type"`
}

// restNames are the REST names of GoogleSQL's scalar types, as far as the two
// differ. BOOL and the floats have two spellings in GoogleSQL itself.
var restNames = map[string]string{
	"INT64": "INTEGER", "INT32": "INTEGER", "UINT32": "INTEGER", "UINT64": "INTEGER",
	"DOUBLE": "FLOAT", "FLOAT64": "FLOAT", "FLOAT32": "FLOAT",
	"BOOL": "BOOLEAN",
}

// sqlNames are the GoogleSQL names of the REST types, as far as they differ.
var sqlNames = map[string]string{
	"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", typeRecord: "STRUCT",
}

// fieldOf reads the driver's description of a column.
func fieldOf(name, databaseType string) (field, error) {
	var t driverType
	if err := json.Unmarshal([]byte(databaseType), &t); err != nil {
		return field{}, fmt.Errorf("read type of column %s: %w", name, err)
	}
	return t.field(name), nil
}

func (t *driverType) field(name string) field {
	f := field{Name: name, Mode: modeNullable}
	if t.ElementType != nil {
		f, t = t.ElementType.field(name), t.ElementType
		f.Mode = modeRepeated
		return f
	}
	if len(t.FieldTypes) > 0 || strings.HasPrefix(t.Name, "STRUCT") {
		f.Type = typeRecord
		for _, c := range t.FieldTypes {
			f.Fields = append(f.Fields, c.Type.field(c.Name))
		}
		return f
	}
	f.Type, _, _ = strings.Cut(t.Name, "<") // RANGE<DATE>
	f.Type, _, _ = strings.Cut(f.Type, "(")
	if rest, ok := restNames[f.Type]; ok {
		f.Type = rest
	}
	return f
}

// cellOf writes a value of the driver as a cell: nil stays nil; arrays and
// structs become arrays; BOOLEAN true or false; INTEGER decimal; FLOAT the
// shortest form that reads back, or NaN, Infinity, -Infinity; BYTES base64;
// DATE, TIME and DATETIME as ISO 8601 writes them; TIMESTAMP RFC 3339 in UTC
// with as many fractional digits as are not zero; the rest as GoogleSQL prints
// it.
func cellOf(v any, f field) (any, error) {
	if v == nil {
		return nil, nil
	}
	if f.Mode == modeRepeated {
		elements, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("column %s: an array came as %T", f.Name, v)
		}
		one := f
		one.Mode = modeNullable
		return cells(elements, func(int) field { return one })
	}
	if f.Type == typeRecord {
		members, ok := v.([]any)
		if !ok || len(members) != len(f.Fields) {
			return nil, fmt.Errorf("column %s: a struct of %d fields came as %T", f.Name, len(f.Fields), v)
		}
		return cells(members, func(i int) field { return f.Fields[i] })
	}
	return scalar(v, f)
}

func cells(vs []any, of func(int) field) ([]any, error) {
	out := make([]any, len(vs))
	for i, v := range vs {
		c, err := cellOf(v, of(i))
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

func scalar(v any, f field) (any, error) {
	switch x := v.(type) {
	case bool:
		return strconv.FormatBool(x), nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case float64:
		return float(x), nil
	case []byte:
		return string(x), nil
	case string:
		if f.Type == "TIMESTAMP" {
			return timestamp(x)
		}
		return x, nil
	default:
		return nil, fmt.Errorf("column %s: a %s came as %T", f.Name, f.Type, v)
	}
}

func float(x float64) string {
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "Infinity"
	case math.IsInf(x, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// timestamp reads the driver's canonical form and writes RFC 3339.
func timestamp(s string) (string, error) {
	t, err := time.Parse("2006-01-02 15:04:05.999999-07", s)
	if err != nil {
		return "", errors.New("read timestamp: it is in another form") // which would quote it
	}
	return t.UTC().Format("2006-01-02T15:04:05.999999Z"), nil
}

// sqlType writes the field's type for a statement of SQL.
func (f field) sqlType() string {
	t := strings.ToUpper(f.Type)
	if n, ok := sqlNames[t]; ok {
		t = n
	}
	if t == "STRUCT" {
		members := make([]string, len(f.Fields))
		for i, m := range f.Fields {
			members[i] = quote(m.Name) + " " + m.sqlType()
		}
		t = "STRUCT<" + strings.Join(members, ", ") + ">"
	}
	if strings.EqualFold(f.Mode, modeRepeated) {
		return "ARRAY<" + t + ">"
	}
	return t
}

// quote writes a name, or a dotted path, as one identifier.
func quote(name string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`", "\n", "\\n", "\r", "\\r").Replace(name) + "`"
}
