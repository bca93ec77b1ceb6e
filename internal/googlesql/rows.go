package googlesql

// Field is one column of rows, in the words of BigQuery's REST resources.
type Field struct {
	// Name is the column's name.
	Name string `json:"name"`
	// Type is STRING, BYTES, INTEGER, FLOAT, BOOLEAN, NUMERIC, BIGNUMERIC,
	// TIMESTAMP, DATE, TIME, DATETIME, INTERVAL, GEOGRAPHY, JSON, RANGE or
	// RECORD. The GoogleSQL names (INT64, FLOAT64, BOOL, STRUCT) are
	// understood too, but never answered.
	Type string `json:"type"`
	// Mode is NULLABLE, REQUIRED or REPEATED. Defaults to NULLABLE.
	Mode string `json:"mode,omitempty"`
	// Fields are the fields of a RECORD.
	Fields []Field `json:"fields,omitempty"`
}

// Cell is one value of a row: nil for NULL, a string for a scalar, a []Cell
// for an array (its elements) and for a struct (its fields in their order);
// the Field says which of the two it is. A NULL array is answered as nil, an
// empty one as an empty []Cell.
//
// Scalars are written so: BOOLEAN true or false; INTEGER in decimal; FLOAT as
// Go's shortest form, or NaN, Infinity, -Infinity; NUMERIC and BIGNUMERIC in
// decimal without trailing zeros; BYTES in standard base64; DATE 2030-07-17;
// TIME 01:45:06.123456; DATETIME 2030-07-17T01:45:06.123456; TIMESTAMP
// 2030-07-17T01:45:06.123456Z, always UTC, fractions only where they are not
// zero; INTERVAL, GEOGRAPHY, RANGE and JSON as GoogleSQL prints them.
type Cell = any

// Row is the cells of a row in the order of the fields.
type Row = []Cell

// Param is a named query parameter of a scalar type.
type Param struct {
	// Name is the parameter's name without the @.
	Name string `json:"name"`
	// Type is the scalar's type, as in Field.
	Type string `json:"type"`
	// Value is nil for NULL or the scalar as a Cell writes it.
	Value Cell `json:"value"`
}

// Query is one statement for the executor.
type Query struct {
	// SQL is the statement's text.
	SQL string `json:"sql"`
	// Params are its named parameters.
	Params []Param `json:"params,omitempty"`
	// DefaultProject and DefaultDataset complete names of fewer parts.
	DefaultProject string `json:"default_project,omitempty"`
	DefaultDataset string `json:"default_dataset,omitempty"`
}

// Result is what a statement gave.
type Result struct {
	// Schema is the fields of the rows; empty for a statement without rows.
	Schema []Field `json:"schema"`
	// Rows are all rows of the result.
	Rows []Row `json:"rows"`
	// Affected counts the rows that INSERT, UPDATE, DELETE or MERGE changed.
	Affected int64 `json:"affected"`
}

// Description is what the analyzer knows of a statement before it runs.
type Description struct {
	// Kind is the statement's kind in the analyzer's words ("QueryStmt").
	Kind string `json:"kind"`
	// Schema is the fields of its rows; empty for a statement without rows.
	Schema []Field `json:"schema"`
	// Inputs and Outputs are the tables and views it names, full names,
	// sorted; views are not looked through.
	Inputs  []string `json:"inputs"`
	Outputs []string `json:"outputs"`
}
