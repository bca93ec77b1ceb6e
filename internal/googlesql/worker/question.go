package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// request is one text of SQL, a statement or a script, to be understood.
type request struct {
	SQL            string             `json:"sql"`
	Dialect        string             `json:"dialect"`
	DefaultProject string             `json:"default_project"`
	DefaultDataset string             `json:"default_dataset"`
	Schemas        map[string]columns `json:"schemas"`
	Routines       []routine          `json:"routines"`
}

// columns are the names (or dotted paths) and types of a table's columns in
// their order; in JSON one object.
type columns []column

type column struct{ name, typ string }

// routine is a function that the warehouse knows beside the built-in ones.
type routine struct {
	Name    string  `json:"name"`
	Returns string  `json:"returns"`
	Table   bool    `json:"table"`
	Columns columns `json:"columns"`
}

// UnmarshalJSON keeps the order of the object's keys. A type that is no text
// is read as its JSON: what a type cannot be read as becomes STRING later.
func (c *columns) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	open, err := dec.Token()
	if err != nil || open == nil {
		return err
	}
	if open != json.Delim('{') {
		return fmt.Errorf("a schema is an object of column names and types, not %v", open)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var typ any
		if err := dec.Decode(&typ); err != nil {
			return err
		}
		*c = append(*c, column{name: fmt.Sprint(key), typ: fmt.Sprint(typ)})
	}
	return nil
}
