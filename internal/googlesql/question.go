package googlesql

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Column is one column of a table as the analyzer should see it.
type Column struct {
	// Name is the column's name, or a dotted path where the source knows
	// nested fields one by one ("contact.email").
	Name string
	// Type is a GoogleSQL type ("STRUCT<a INT64>", "ARRAY<STRING>"), or a name
	// of another dialect, read as its nearest GoogleSQL type.
	Type string
}

// Schema is the columns of a table in their order. In JSON it is an object
// whose keys are the names and whose values are the types, order kept.
type Schema []Column

// MarshalJSON writes the columns as one object in their order.
func (s Schema) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(c.Name)
		if err != nil {
			return nil, fmt.Errorf("write schema: column name: %w", err)
		}
		typ, err := json.Marshal(c.Type)
		if err != nil {
			return nil, fmt.Errorf("write schema: column type: %w", err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(typ)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads an object of names and types and keeps its order, which
// a Go map would lose and `SELECT *` needs.
func (s *Schema) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	open, err := dec.Token()
	if err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	*s = nil
	if open == nil {
		return nil
	}
	if open != json.Delim('{') {
		return errors.New("read schema: want an object of column names and types")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("read schema: %w", err)
		}
		name, _ := key.(string)
		var typ string
		if err := dec.Decode(&typ); err != nil {
			return fmt.Errorf("read schema: type of column %q: %w", name, err)
		}
		*s = append(*s, Column{Name: name, Type: typ})
	}
	return nil
}

// Routine is a function that the warehouse knows beside the built-in ones.
type Routine struct {
	// Name is the full dotted name, as "project.dataset.function".
	Name string `json:"name"`
	// Returns is the GoogleSQL type of its result; empty when it is not known.
	Returns string `json:"returns,omitempty"`
	// Table says that it is a table function; Columns are then its columns.
	Table   bool   `json:"table,omitempty"`
	Columns Schema `json:"columns,omitempty"`
}

// Request is one text of SQL, a statement or a script, to be understood.
type Request struct {
	// SQL is the text.
	SQL string `json:"sql"`
	// Dialect is the dialect's lower-case name. Defaults to "bigquery".
	Dialect string `json:"dialect,omitempty"`
	// DefaultProject and DefaultDataset complete names of fewer parts.
	DefaultProject string `json:"default_project,omitempty"`
	DefaultDataset string `json:"default_dataset,omitempty"`
	// Schemas are the known tables by full name ("project.dataset.table").
	// A table that the text names and that is not here, or has no column, is
	// assumed to have the columns asked of it, and the outcome is partial.
	Schemas map[string]Schema `json:"schemas,omitempty"`
	// Routines are the known functions of the warehouse.
	Routines []Routine `json:"routines,omitempty"`
}
