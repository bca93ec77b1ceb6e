package mask

import "slices"

// Null shows nothing but that the column exists: a NULL of its type. It fits
// every scalar type. Of a repeated column the whole array becomes NULL.
type Null struct{}

// Name returns "null".
func (Null) Name() string { return "null" }

// Keyed is false.
func (Null) Keyed() bool { return false }

// Supports every scalar type.
func (Null) Supports(d Dialect, t Type) bool {
	return d == GoogleSQL && slices.Contains(Types(), t)
}

// Result keeps the type.
func (Null) Result(t Type) Type { return t }

// SQL returns a typed NULL; the expression is not read at all.
func (m Null) SQL(d Dialect, _ string, t Type, _ Params) (string, error) {
	if !m.Supports(d, t) {
		return "", unsupported(m, d, t)
	}
	return "CAST(NULL AS " + string(t) + ")", nil
}

// Example returns "NULL".
func (Null) Example(string, Type) string { return "NULL" }
