// Package shape holds the GraphQL types that no type of graph fits, and how
// scalars are written.
//
// It owns shapes and their conversion from the words of graph, and no
// behaviour: resolvers (package api) fill them. It stands apart from api
// because generated code imports it. It imports graph and its pure packages;
// graph/api, graph/api/gen and internal/serve may import it.
package shape

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"cadastre.dev/cadastre/graph"
)

// MarshalRef writes a ref as a string, and the zero Ref as null.
func MarshalRef(r graph.Ref) graphql.Marshaler {
	if r.IsZero() {
		return graphql.Null
	}
	return graphql.MarshalString(r.String())
}

// UnmarshalRef reads a ref; anything but its one spelling is graph.ErrInvalid.
func UnmarshalRef(v any) (graph.Ref, error) {
	s, ok := v.(string)
	if !ok {
		return graph.Ref{}, fmt.Errorf("ref: want a string: %w", graph.ErrInvalid)
	}
	return graph.ParseRef(s)
}

// MarshalRevision writes a revision as a number.
func MarshalRevision(r graph.Revision) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, strconv.FormatInt(int64(r), 10)) })
}

// UnmarshalRevision reads a whole number that is not negative.
func UnmarshalRevision(v any) (graph.Revision, error) {
	n, err := graphql.UnmarshalInt64(v)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("revision: want a whole number from 0: %w", graph.ErrInvalid)
	}
	return graph.Revision(n), nil
}

// MarshalTime writes a time in UTC by RFC 3339, and the zero time as null.
func MarshalTime(t time.Time) graphql.Marshaler { return graphql.MarshalTime(t) }

// UnmarshalTime reads a time by RFC 3339; anything else is graph.ErrInvalid.
func UnmarshalTime(v any) (time.Time, error) {
	t, err := graphql.UnmarshalTime(v)
	if err != nil {
		return time.Time{}, fmt.Errorf("time: want RFC 3339, such as 2026-03-03T12:00:00Z: %w", graph.ErrInvalid)
	}
	return t, nil
}

// Direction says which way lineage is followed.
type Direction string

// The directions.
const (
	Up   Direction = "UP"
	Down Direction = "DOWN"
	Both Direction = "BOTH"
)

// MarshalGQL writes the direction.
func (d Direction) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(d))) }

// UnmarshalGQL reads a direction; another word is graph.ErrInvalid.
func (d *Direction) UnmarshalGQL(v any) error {
	s, _ := v.(string)
	switch Direction(s) {
	case Up, Down, Both:
		*d = Direction(s)
		return nil
	}
	return fmt.Errorf("direction: want UP, DOWN or BOTH: %w", graph.ErrInvalid)
}
