package view

import "cadastre.dev/cadastre/graph"

// Dialect writes views in the SQL of a kind of warehouse. Its methods are pure
// and safe for concurrent use.
type Dialect interface {
	// Masks says whether a masking method fits a column type. Where it does
	// not, the column is left out.
	Masks(method, columnType string) bool
	// SQL writes the view. The same definition gives the same text. What
	// cannot be written safely is graph.ErrInvalid.
	SQL(Definition) (string, error)
	// Read returns what the text of a view says of itself, and false for a
	// text that SQL did not write. It is for people to compare with and
	// never decides what is shown.
	Read(sql string) (Reading, bool)
}

// Definition is a view in the abstract.
type Definition struct {
	View, Base graph.Ref
	Audience   string
	// Fields are the visible top-level columns in the order of the base; at
	// least one.
	Fields []Field
	// Keys is the container of the key rows; KeyIDs the row of each key
	// domain in Fields.
	Keys   graph.Ref
	KeyIDs map[string]string
}

// Field is a visible column. Only leaves bear an effect; a record is there for
// the fields that it holds, of which there is at least one.
type Field struct {
	Name string
	Path string
	Type string
	Mode graph.Mode
	// Effect of a leaf is graph.EffectAllow or graph.EffectMask.
	Effect graph.Effect
	// Method and Domain say how a masked leaf is masked.
	Method, Domain string
	// Fields are those of a record.
	Fields []Field
}

// IsRecord says whether the field holds fields.
func (f Field) IsRecord() bool { return len(f.Fields) > 0 }

// Reading is what a view's text says of itself.
type Reading struct {
	Base graph.Ref
	// Effects are those of its leaves by path.
	Effects map[string]graph.Effect
}
