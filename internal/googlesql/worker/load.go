package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// scalarType is what a scalar type of a schema may look like. Types stand in
// statements as they are, so anything else is refused.
var scalarType = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// checkFields refuses a schema whose types are not plain names.
func checkFields(fields []field) error {
	if len(fields) == 0 {
		return &fault{kindInvalid, "a table needs at least one column"}
	}
	for _, f := range fields {
		if !scalarType.MatchString(f.Type) {
			return &fault{kindInvalid, fmt.Sprintf("column %s: type %q is not known", f.Name, f.Type)}
		}
		if len(f.Fields) > 0 || f.sqlType() == "STRUCT<>" {
			if err := checkFields(f.Fields); err != nil {
				return err
			}
		}
	}
	return nil
}

// createSQL is the statement that makes a table of these fields.
func createSQL(table string, fields []field) string {
	columns := make([]string, len(fields))
	for i, f := range fields {
		columns[i] = quote(f.Name) + " " + f.sqlType()
	}
	return "CREATE TABLE " + quote(table) + " (" + strings.Join(columns, ", ") + ")"
}

// loadSQL is the statement that appends rows to a table: the rows are its one
// parameter, a JSON array of arrays of cells, and each column is an expression
// that reads its cell. No value ever stands in the text.
func loadSQL(table string, fields []field) string {
	names := make([]string, len(fields))
	exprs := make([]string, len(fields))
	for i, f := range fields {
		names[i] = quote(f.Name)
		exprs[i] = reader{}.at(f, "row_", "["+strconv.Itoa(i)+"]")
	}
	return "INSERT INTO " + quote(table) + " (" + strings.Join(names, ", ") + ")\nSELECT " +
		strings.Join(exprs, ",\n") + "\nFROM UNNEST(JSON_QUERY_ARRAY(PARSE_JSON(@rows))) AS row_"
}

// reader writes the expression that reads one cell of JSON. depth numbers the
// aliases of nested arrays.
type reader struct{ depth int }

// at reads the cell that stands at path under the JSON value named json.
func (r reader) at(f field, json, path string) string {
	if strings.EqualFold(f.Mode, modeRepeated) {
		one := f
		one.Mode = modeNullable
		in := reader{r.depth + 1}
		element := "cell_" + strconv.Itoa(in.depth)
		offset := "at_" + strconv.Itoa(in.depth)
		kind := "SELECT "
		expr := in.at(one, element, "")
		return "IF(" + isArray(json, path) + ", ARRAY(" + kind + expr + " FROM UNNEST(JSON_QUERY_ARRAY(" + json + ", '$" + path + "')) AS " +
			element + " WITH OFFSET AS " + offset + " ORDER BY " + offset + "), NULL)"
	}
	if n := strings.ToUpper(f.Type); n == typeRecord || n == "STRUCT" {
		members := make([]string, len(f.Fields))
		for i, m := range f.Fields {
			members[i] = r.at(m, json, path+"["+strconv.Itoa(i)+"]") + " AS " + quote(m.Name)
		}
		return "IF(" + isArray(json, path) + ", STRUCT(" + strings.Join(members, ", ") + "), NULL)"
	}
	return convert(f.sqlType(), "JSON_VALUE("+json+", '$"+path+"')")
}

func isArray(json, path string) string {
	return "COALESCE(JSON_TYPE(" + json + path + ") = 'array', FALSE)"
}

// convert writes the expression that makes a scalar of a type from the text
// its cell holds.
func convert(sqlType, text string) string {
	switch sqlType {
	case "STRING":
		return text
	case "BYTES":
		return "FROM_BASE64(" + text + ")"
	case "JSON":
		return "PARSE_JSON(" + text + ")"
	case "GEOGRAPHY":
		return "ST_GEOGFROMTEXT(" + text + ")"
	case "NUMERIC", "BIGNUMERIC":
		// The executor casts a text that is no number to zero.
		return "IF(REGEXP_CONTAINS(" + text + ", r'^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$') OR " + text + " IS NULL, CAST(" +
			text + " AS " + sqlType + "), ERROR('error parsing a decimal'))"
	default:
		return "CAST(" + text + " AS " + sqlType + ")"
	}
}
