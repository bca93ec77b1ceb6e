// Package statement reads just enough of a GoogleSQL statement to authorise
// it: what kind it is, what it writes, and where its text names tables.
//
// It owns the places of names in a text and their replacement. It does not own
// the grammar: what it passes on is parsed and checked by GoogleSQL itself. It
// may miss a name only at the price of an error later, never of an access: the
// sandbox replaces each name it found by a secret one after checking access,
// and a name left as it was exists nowhere in the executor.
//
// Only packages below internal/sandbox may import it.
package statement

import (
	"errors"
	"fmt"
	"strings"
)

// Kind is what a statement does, in BigQuery's words for statementType.
type Kind string

// The kinds that the sandbox runs. The set is closed: any other statement is
// refused by Parse.
const (
	Select        Kind = "SELECT"
	Insert        Kind = "INSERT"
	Update        Kind = "UPDATE"
	Delete        Kind = "DELETE"
	Merge         Kind = "MERGE"
	CreateView    Kind = "CREATE_VIEW"
	CreateTableAs Kind = "CREATE_TABLE_AS_SELECT"
	DropTable     Kind = "DROP_TABLE"
	DropView      Kind = "DROP_VIEW"
	TruncateTable Kind = "TRUNCATE_TABLE"
)

// ErrUnsupported marks a statement that BigQuery would run and the sandbox
// does not.
var ErrUnsupported = errors.New("statement not supported by the sandbox")

// Ref is a place where the text names a table.
type Ref struct {
	// Parts are the name's parts as written, one to four of them.
	Parts []string
	// Start and End are the bytes of the name in the text.
	Start, End int
	// Aliased says that the text gives the table another name right after.
	Aliased bool
}

// Name is the last part, by which the rest of the text speaks of the table
// unless it is aliased.
func (r Ref) Name() string { return r.Parts[len(r.Parts)-1] }

// Statement is what was read of one statement.
type Statement struct {
	// Kind is what it does.
	Kind Kind
	// Text is the statement without what follows its last token.
	Text string
	// Target is what it writes, creates or drops; nil for a SELECT.
	Target *Ref
	// Refs are the tables it reads, in the order of the text. The target is
	// not among them.
	Refs []Ref
	// Body is where the query of a CREATE begins in the text; 0 otherwise.
	Body int
	// OrReplace, IfNotExists and IfExists are the words of CREATE and DROP.
	OrReplace, IfNotExists, IfExists bool
}

// Parse reads one statement. It fails on a text that is empty, that is not
// closed somewhere, that holds several statements, or whose kind is unknown
// (ErrUnsupported).
func Parse(text string) (Statement, error) {
	tokens, err := lex(text)
	if err != nil {
		return Statement{}, fmt.Errorf("syntax error: %w", err)
	}
	for len(tokens) > 0 && tokens[len(tokens)-1].is(";") {
		tokens = tokens[:len(tokens)-1]
	}
	if len(tokens) == 0 {
		return Statement{}, errors.New("syntax error: unexpected end of statement")
	}
	for _, t := range tokens {
		if t.is(";") {
			return Statement{}, fmt.Errorf("script of several statements: %w", ErrUnsupported)
		}
	}
	p := &parser{tokens: tokens, ctes: map[string]bool{}, aliases: map[string]bool{}, named: map[string]bool{}}
	p.out.Text = text[:tokens[len(tokens)-1].end]
	p.text = p.out.Text
	if err := p.head(); err != nil {
		return Statement{}, err
	}
	p.names()
	p.level(false)
	p.settle()
	return p.out, nil
}

// Rewrite returns the text from byte `from` on with each named table replaced
// by what name returns for it; an empty string leaves the name as it is. A
// table that the text does not alias gets its own name as alias, so that the
// rest of the text still knows it; a target is replaced without one.
func (s Statement) Rewrite(from int, name func(Ref) string) string {
	refs := s.Refs
	if s.Target != nil && s.Target.Start >= from {
		refs = append([]Ref{*s.Target}, refs...)
	}
	var out strings.Builder
	at := from
	for i, ref := range refs {
		if ref.Start < at {
			continue
		}
		replacement := name(ref)
		if replacement == "" {
			continue
		}
		out.WriteString(s.Text[at:ref.Start])
		out.WriteString(replacement)
		target := i == 0 && s.Target != nil && ref.Start == s.Target.Start
		if !ref.Aliased && (!target || s.Kind != Insert) {
			out.WriteString(" AS " + Quote(ref.Name()))
		}
		at = ref.End
	}
	out.WriteString(s.Text[at:])
	return out.String()
}

// Quote writes an identifier so that GoogleSQL reads it as just that name.
func Quote(name string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`", "\n", "\\n").Replace(name) + "`"
}

func (t token) is(text string) bool {
	return (t.kind == word || t.kind == mark) && t.text == text
}
