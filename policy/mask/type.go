package mask

import (
	"slices"
	"strings"
)

// Type is a scalar type by GoogleSQL's own name, without parameters.
type Type string

// The scalar types that a masked column may have.
const (
	String     Type = "STRING"
	Bytes      Type = "BYTES"
	Int64      Type = "INT64"
	Float64    Type = "FLOAT64"
	Numeric    Type = "NUMERIC"
	BigNumeric Type = "BIGNUMERIC"
	Bool       Type = "BOOL"
	Date       Type = "DATE"
	Datetime   Type = "DATETIME"
	Time       Type = "TIME"
	Timestamp  Type = "TIMESTAMP"
	Geography  Type = "GEOGRAPHY"
	JSON       Type = "JSON"
	Interval   Type = "INTERVAL"
)

// Types returns the scalar types, in a fixed order.
func Types() []Type {
	return []Type{
		String, Bytes, Int64, Float64, Numeric, BigNumeric, Bool,
		Date, Datetime, Time, Timestamp, Geography, JSON, Interval,
	}
}

// ParseType reads a platform's spelling of a type: any case, BigQuery's older
// names (INTEGER, FLOAT, BOOLEAN), parameters in parentheses. Records, ranges
// and unknown names are not scalar types: ok is false, and nothing masks them.
func ParseType(platform string) (t Type, ok bool) {
	name, _, _ := strings.Cut(platform, "(")
	name = strings.ToUpper(strings.TrimSpace(name))
	switch name {
	case "INTEGER", "INT", "SMALLINT", "BIGINT", "TINYINT", "BYTEINT":
		return Int64, true
	case "FLOAT":
		return Float64, true
	case "BOOLEAN":
		return Bool, true
	case "DECIMAL":
		return Numeric, true
	case "BIGDECIMAL":
		return BigNumeric, true
	}
	t = Type(name)
	return t, slices.Contains(Types(), t)
}
