// Package mask owns the masking methods: what each does to a value, which
// types it fits, and its expression in the SQL of every dialect.
//
// It also owns the arithmetic of the keyed method's pads, and a reference of
// BigQuery's native masking rules, against which warehouse answers are held.
// It does not decide which column is masked (policy does) and builds no views
// (policy/view does, and asks here for each leaf's expression). It never holds
// key material beyond the call of Pads.
//
// It imports graph and the standard library. policy, policy/view and
// internal/serve may import it.
package mask

import (
	"fmt"

	"cadastre.dev/cadastre/graph"
)

// Dialect names the SQL of a target.
type Dialect string

// The dialects that methods are written in.
const (
	// GoogleSQL is BigQuery's standard SQL.
	GoogleSQL Dialect = "googlesql"
)

// Dialects returns all dialects, in a fixed order.
func Dialects() []Dialect { return []Dialect{GoogleSQL} }

// Method turns a value into what an audience may see of it. Methods have no
// state and are safe for concurrent use.
//
// A method is asked about one scalar. Of a repeated column the caller masks
// each element, except with Null: BigQuery refuses arrays with NULL elements,
// so the whole array becomes NULL there. All other methods give NULL for NULL
// and only for NULL.
type Method interface {
	// Name is how decisions and policies call the method.
	Name() string
	// Keyed says whether the method needs Params.Domain and Params.KeyAlias.
	Keyed() bool
	// Supports says whether SQL has an expression for a type in a dialect.
	Supports(d Dialect, t Type) bool
	// Result is the type of the masked value for a column of type t.
	Result(t Type) Type
	// SQL returns the expression that masks expr, which must itself be a
	// trusted SQL expression of type t without side effects: it may be
	// evaluated more than once. What is not supported is graph.ErrInvalid,
	// and never an expression that shows more.
	SQL(d Dialect, expr string, t Type, p Params) (string, error)
	// Example returns what a masked value looks like, made from nothing but
	// the label and the type, for people to see before anything is built.
	Example(label string, t Type) string
}

// Params are what a keyed method needs beside the value. Other methods ignore
// them.
type Params struct {
	// Domain is the key domain of the decision, such as "email". Equal values
	// are equal after masking within a domain and unrelated across domains.
	// It also chooses the normalisation, so that two columns that join before
	// masking join after it.
	Domain string
	// KeyAlias is the alias of the joined one-row key table, whose columns
	// ipad and opad (BYTES) are the domain's pads as Pads makes them.
	KeyAlias string
}

// Methods returns every masking method, most protective first. To add one,
// write its file and name it here.
func Methods() []Method { return []Method{Null{}, Hash{}, Email{}} }

// ByName returns the method of a name, or graph.ErrInvalid: an unknown method
// masks nothing and must deny.
func ByName(name string) (Method, error) {
	for _, m := range Methods() {
		if m.Name() == name {
			return m, nil
		}
	}
	return nil, fmt.Errorf("masking method %q: unknown: %w", name, graph.ErrInvalid)
}

// Gap is a type for which a method has no expression in a dialect: a column
// of that type cannot be masked so and must be denied.
type Gap struct {
	Method  string
	Dialect Dialect
	Type    Type
}

// Gaps lists all that is not supported, so that nobody has to find out by an
// error while planning.
func Gaps() []Gap {
	var gaps []Gap
	for _, m := range Methods() {
		for _, d := range Dialects() {
			for _, t := range Types() {
				if !m.Supports(d, t) {
					gaps = append(gaps, Gap{Method: m.Name(), Dialect: d, Type: t})
				}
			}
		}
	}
	return gaps
}

// unsupported is the error of a method asked for what it does not claim.
func unsupported(m Method, d Dialect, t Type) error {
	return fmt.Errorf("masking method %s: no %s expression for type %q: %w", m.Name(), d, t, graph.ErrInvalid)
}
