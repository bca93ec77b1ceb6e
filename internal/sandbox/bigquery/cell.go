package bigquery

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/googlesql"
)

// fieldsOf turns a REST schema into the executor's fields. REQUIRED is kept
// out: the executor holds what was checked before.
func fieldsOf(schema *bq.TableSchema) []googlesql.Field {
	if schema == nil {
		return nil
	}
	return fields(schema.Fields)
}

func fields(rest []*bq.TableFieldSchema) []googlesql.Field {
	list := make([]googlesql.Field, len(rest))
	for i, f := range rest {
		list[i] = googlesql.Field{Name: f.Name, Type: legacyType(f.Type), Mode: f.Mode, Fields: fields(f.Fields)}
		if len(f.Fields) == 0 {
			list[i].Fields = nil
		}
		if f.Mode != "REPEATED" {
			list[i].Mode = "NULLABLE"
		}
	}
	return list
}

// schemaOf turns the executor's fields into a REST schema.
func schemaOf(list []googlesql.Field) *bq.TableSchema {
	return &bq.TableSchema{Fields: restFields(list)}
}

func restFields(list []googlesql.Field) []*bq.TableFieldSchema {
	rest := make([]*bq.TableFieldSchema, len(list))
	for i, f := range list {
		mode := f.Mode
		if mode == "" {
			mode = "NULLABLE"
		}
		rest[i] = &bq.TableFieldSchema{Name: f.Name, Type: f.Type, Mode: mode}
		if len(f.Fields) > 0 {
			rest[i].Fields = restFields(f.Fields)
		}
	}
	return rest
}

// legacyType is how the service names a type, whichever of its two names a
// caller used.
func legacyType(t string) string {
	switch t = strings.ToUpper(t); t {
	case "INT64":
		return "INTEGER"
	case "FLOAT64":
		return "FLOAT"
	case "BOOL":
		return "BOOLEAN"
	case "STRUCT":
		return "RECORD"
	}
	return t
}

// restRow writes a row as tabledata.list and query results do.
func restRow(list []googlesql.Field, row googlesql.Row, int64Timestamps bool) *bq.TableRow {
	cells := make([]*bq.TableCell, len(list))
	for i, f := range list {
		cells[i] = restCell(f, at(row, i), int64Timestamps)
	}
	return &bq.TableRow{F: cells}
}

func at(row []googlesql.Cell, i int) googlesql.Cell {
	if i < len(row) {
		return row[i]
	}
	return nil
}

// restCell wraps a value as {"v": ...}; a NULL is sent as such, and a NULL
// array is an empty one, as BigQuery stores no other.
func restCell(f googlesql.Field, cell googlesql.Cell, int64Timestamps bool) *bq.TableCell {
	if f.Mode == "REPEATED" {
		elements, _ := cell.([]any)
		one := f
		one.Mode = "NULLABLE"
		list := make([]any, len(elements))
		for i, e := range elements {
			list[i] = restCell(one, e, int64Timestamps)
		}
		return &bq.TableCell{V: list, ForceSendFields: []string{"V"}}
	}
	switch v := cell.(type) {
	case nil:
		return &bq.TableCell{NullFields: []string{"V"}}
	case []any:
		return &bq.TableCell{V: restRow(f.Fields, v, int64Timestamps)}
	case string:
		if f.Type == "TIMESTAMP" {
			v = restTimestamp(v, int64Timestamps)
		}
		return &bq.TableCell{V: v, ForceSendFields: []string{"V"}}
	}
	return &bq.TableCell{V: fmt.Sprint(cell), ForceSendFields: []string{"V"}}
}

// restTimestamp writes a moment as microseconds, or as BigQuery's seconds in
// floating point where the client did not ask for the former.
func restTimestamp(text string, int64Timestamps bool) string {
	moment, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	micros := moment.UnixMicro()
	if int64Timestamps {
		return strconv.FormatInt(micros, 10)
	}
	return strconv.FormatFloat(float64(micros)/1e6, 'E', -1, 64)
}

// rowOf reads a row as insertAll takes it: an object by field name. An unknown
// field, a value of the wrong form and a missing required field are errors
// that name the field, never the value.
func rowOf(rest []*bq.TableFieldSchema, object map[string]any, ignoreUnknown bool) (googlesql.Row, error) {
	byName := make(map[string]any, len(object))
	for name, value := range object {
		byName[strings.ToLower(name)] = value
	}
	row := make(googlesql.Row, len(rest))
	for i, f := range rest {
		key := strings.ToLower(f.Name)
		cell, err := cellOf(f, byName[key], ignoreUnknown)
		if err != nil {
			return nil, err
		}
		row[i] = cell
		delete(byName, key)
	}
	if !ignoreUnknown {
		for name := range byName {
			return nil, fmt.Errorf("no such field: %s", name)
		}
	}
	return row, nil
}

func cellOf(f *bq.TableFieldSchema, value any, ignoreUnknown bool) (googlesql.Cell, error) {
	if f.Mode == "REPEATED" {
		if value == nil {
			return []any{}, nil
		}
		list, ok := value.([]any)
		if !ok {
			return nil, fmt.Errorf("field %s is repeated: want an array", f.Name)
		}
		one := *f
		one.Mode = "REQUIRED"
		cells := make([]any, len(list))
		for i, v := range list {
			cell, err := cellOf(&one, v, ignoreUnknown)
			if err != nil {
				return nil, err
			}
			cells[i] = cell
		}
		return cells, nil
	}
	if value == nil {
		if f.Mode == "REQUIRED" {
			return nil, fmt.Errorf("missing required field: %s", f.Name)
		}
		return nil, nil
	}
	if legacyType(f.Type) == "RECORD" {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("field %s is a record: want an object", f.Name)
		}
		return rowOf(f.Fields, object, ignoreUnknown)
	}
	return scalarOf(f, value)
}

// scalarOf writes a JSON scalar in the executor's form.
func scalarOf(f *bq.TableFieldSchema, value any) (googlesql.Cell, error) {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case bool:
		text = strconv.FormatBool(v)
	case json.Number:
		text = v.String()
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		text = strconv.Itoa(v)
	case int64:
		text = strconv.FormatInt(v, 10)
	default:
		return nil, fmt.Errorf("field %s: want a scalar", f.Name)
	}
	wrong := fmt.Errorf("field %s: not a value of type %s", f.Name, f.Type)
	switch legacyType(f.Type) {
	case "INTEGER":
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return nil, wrong
		}
	case "FLOAT", "NUMERIC", "BIGNUMERIC":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || legacyType(f.Type) != "FLOAT" && (math.IsInf(n, 0) || math.IsNaN(n)) {
			return nil, wrong
		}
	case "BYTES":
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return nil, wrong
		}
	case "JSON":
		if !json.Valid([]byte(text)) {
			return nil, wrong
		}
	case "BOOLEAN":
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return nil, wrong
		}
		return strconv.FormatBool(b), nil
	case "TIMESTAMP":
		moment, ok := momentOf(text)
		if !ok {
			return nil, wrong
		}
		return moment.UTC().Format(time.RFC3339Nano), nil
	case "DATE":
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return nil, wrong
		}
	}
	return text, nil
}

// momentOf reads a timestamp in the forms that clients send.
func momentOf(text string) (time.Time, bool) {
	layouts := []string{
		time.RFC3339Nano, "2006-01-02 15:04:05.999999 UTC", "2006-01-02 15:04:05.999999999Z07:00",
		"2006-01-02T15:04:05.999999", "2006-01-02 15:04:05.999999", time.DateOnly,
	}
	for _, layout := range layouts {
		if moment, err := time.Parse(layout, text); err == nil {
			return moment, true
		}
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return time.UnixMicro(int64(seconds * 1e6)), true
	}
	return time.Time{}, false
}

// migrate brings rows of one schema into another that has more columns: by
// name, at every depth; what is new is NULL, or empty if it is repeated.
func migrate(was, now []googlesql.Field, rows []googlesql.Row) []googlesql.Row {
	moved := make([]googlesql.Row, len(rows))
	for i, row := range rows {
		moved[i] = migrateRow(was, now, row)
	}
	return moved
}

func migrateRow(was, now []googlesql.Field, row []googlesql.Cell) []googlesql.Cell {
	moved := make([]googlesql.Cell, len(now))
	for i, f := range now {
		if f.Mode == "REPEATED" {
			moved[i] = []any{}
		}
		for j, old := range was {
			if strings.EqualFold(old.Name, f.Name) {
				moved[i] = migrateCell(old, f, at(row, j))
			}
		}
	}
	return moved
}

func migrateCell(was, now googlesql.Field, cell googlesql.Cell) googlesql.Cell {
	list, nested := cell.([]any)
	if !nested || now.Type != "RECORD" {
		return cell
	}
	if now.Mode != "REPEATED" {
		return migrateRow(was.Fields, now.Fields, list)
	}
	one, oneWas := now, was
	one.Mode, oneWas.Mode = "NULLABLE", "NULLABLE"
	moved := make([]any, len(list))
	for i, e := range list {
		moved[i] = migrateCell(oneWas, one, e)
	}
	return moved
}
