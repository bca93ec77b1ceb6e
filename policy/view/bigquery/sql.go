package bigquery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/mask"
	"cadastre.dev/cadastre/policy/view"
)

// Dialect writes views in GoogleSQL. The zero value is ready.
//
// A view lists every leaf and never "*", so that a column which is added to
// its base is in no view. A struct is rebuilt from its visible fields, and a
// NULL struct stays NULL. An array is rebuilt in its order, and a NULL array
// is told from an empty one. The pads of each key domain are joined in once:
// where the key row is missing, the view has no rows.
type Dialect struct{}

var _ view.Dialect = Dialect{}

const (
	// maxText is BigQuery's limit of a view's text, in characters.
	maxText = 256_000
	// keyTable is the table of pads in the container of the keys.
	keyTable = "pads"
)

// Masks says whether a masking method has an expression for a column type.
func (Dialect) Masks(method, columnType string) bool {
	m, err := mask.ByName(method)
	if err != nil {
		return false
	}
	t, ok := mask.ParseType(columnType)
	return ok && m.Supports(mask.GoogleSQL, t)
}

// SQL writes a view. A name with a control character, two columns of one name,
// an effect that is neither allow nor mask, and a text longer than BigQuery
// takes are graph.ErrInvalid.
func (Dialect) SQL(def view.Definition) (string, error) {
	w := writer{def: def, aliases: newAliases(def.Fields), keys: map[string]string{}}
	if err := w.write(); err != nil {
		return "", fmt.Errorf("view over %s: %w", def.Base.Name, err)
	}
	text := w.out.String()
	if n := utf8.RuneCountInString(text); n > maxText {
		return "", fmt.Errorf("view over %s: the text has %d characters, more than %d: %w", def.Base.Name, n, maxText, graph.ErrInvalid)
	}
	return text, nil
}

// writer writes one view.
type writer struct {
	def     view.Definition
	aliases aliases
	// keys holds the alias of each joined key domain.
	keys map[string]string
	out  strings.Builder
}

func (w *writer) write() error {
	if len(w.def.Fields) == 0 {
		return fmt.Errorf("no visible column: %w", graph.ErrInvalid)
	}
	if err := w.header(); err != nil {
		return err
	}
	joins, err := w.joins()
	if err != nil {
		return err
	}
	base, err := quoteRef(w.def.Base)
	if err != nil {
		return err
	}
	columns, err := w.list(w.def.Fields, w.aliases.base(), 1)
	if err != nil {
		return err
	}
	w.out.WriteString("SELECT" + columns + "\nFROM " + base + " AS " + w.aliases.base() + joins + "\n")
	return nil
}

// joins gives each key domain an alias and joins its row. LIMIT keeps a row
// that was stored twice from doubling the view's.
func (w *writer) joins() (string, error) {
	if len(w.def.KeyIDs) == 0 {
		return "", nil
	}
	table, err := quoteRef(graph.BigQueryRef(w.def.Keys.Name, keyTable))
	if err != nil {
		return "", err
	}
	domains := make([]string, 0, len(w.def.KeyIDs))
	for d := range w.def.KeyIDs {
		domains = append(domains, d)
	}
	slices.Sort(domains)
	var b strings.Builder
	for i, d := range domains {
		id, err := quoteText(w.def.KeyIDs[d])
		if err != nil {
			return "", err
		}
		w.keys[d] = w.aliases.key(i + 1)
		b.WriteString("\nCROSS JOIN (SELECT ipad, opad FROM " + table + " WHERE id = " + id + " LIMIT 1) AS " + w.keys[d])
	}
	return b.String(), nil
}

// list writes fields as "expression AS name", one a line.
func (w *writer) list(fields []view.Field, parent string, depth int) (string, error) {
	var b strings.Builder
	seen := make(map[string]bool, len(fields))
	for i, f := range fields {
		if seen[strings.ToLower(f.Name)] {
			return "", fmt.Errorf("column %q: the name is there twice: %w", f.Path, graph.ErrInvalid)
		}
		seen[strings.ToLower(f.Name)] = true
		name, err := quoteName(f.Name)
		if err != nil {
			return "", err
		}
		expr, err := w.field(f, parent+"."+name, depth)
		if err != nil {
			return "", fmt.Errorf("column %q: %w", f.Path, err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n" + strings.Repeat("  ", depth) + expr + " AS " + name)
	}
	return b.String(), nil
}

// field writes what the view shows of the column at expr.
func (w *writer) field(f view.Field, expr string, depth int) (string, error) {
	repeated := f.Mode == graph.ModeRepeated
	switch {
	case f.IsRecord() && repeated:
		item, at := w.aliases.item(depth), w.aliases.at(depth)
		body, err := w.structure(f, item, depth)
		if err != nil {
			return "", err
		}
		return array(expr, body, item, at), nil
	case f.IsRecord():
		return w.structure(f, expr, depth)
	case f.Effect == graph.EffectAllow:
		return expr, nil
	case f.Effect == graph.EffectMask && repeated:
		return w.maskedArray(f, expr, depth)
	case f.Effect == graph.EffectMask:
		return w.masked(f, expr)
	}
	return "", fmt.Errorf("effect %q shows nothing: %w", f.Effect, graph.ErrInvalid)
}

// structure rebuilds a struct from its visible fields. Rebuilt alone, a NULL
// struct would become a struct of NULLs.
func (w *writer) structure(f view.Field, expr string, depth int) (string, error) {
	fields, err := w.list(f.Fields, expr, depth+1)
	if err != nil {
		return "", err
	}
	return "IF(" + expr + " IS NULL, NULL, STRUCT(" + fields + "))", nil
}

// array rebuilds an array in its order. Rebuilt alone, a NULL array would
// become an empty one.
func array(expr, body, item, at string) string {
	return "IF(" + expr + " IS NULL, NULL, ARRAY(SELECT " + body +
		" FROM UNNEST(" + expr + ") AS " + item + " WITH OFFSET AS " + at + " ORDER BY " + at + "))"
}

func (w *writer) masked(f view.Field, expr string) (string, error) {
	method, err := mask.ByName(f.Method)
	if err != nil {
		return "", err
	}
	t, ok := mask.ParseType(f.Type)
	if !ok {
		return "", fmt.Errorf("type %s: nothing masks it: %w", f.Type, graph.ErrInvalid)
	}
	if method.Keyed() && w.keys[f.Domain] == "" {
		return "", fmt.Errorf("key domain %q: no key row is named: %w", f.Domain, graph.ErrInvalid)
	}
	return method.SQL(mask.GoogleSQL, expr, t, mask.Params{Domain: f.Domain, KeyAlias: w.keys[f.Domain]})
}

// maskedArray masks each element, save that BigQuery refuses arrays of NULLs:
// what becomes NULL becomes so as a whole.
func (w *writer) maskedArray(f view.Field, expr string, depth int) (string, error) {
	if f.Method == (mask.Null{}).Name() {
		t, ok := mask.ParseType(f.Type)
		if !ok {
			return "", fmt.Errorf("type %s: nothing masks it: %w", f.Type, graph.ErrInvalid)
		}
		return "CAST(NULL AS ARRAY<" + string(t) + ">)", nil
	}
	item := w.aliases.item(depth)
	body, err := w.masked(f, item)
	if err != nil {
		return "", err
	}
	return array(expr, body, item, w.aliases.at(depth)), nil
}

// aliases names tables and array elements as no visible column is named, so
// that nothing can be taken for something else.
type aliases struct{ suffix string }

func newAliases(fields []view.Field) aliases {
	var a aliases
	for taken(fields, &a) {
		a.suffix += "_"
	}
	return a
}

func taken(fields []view.Field, a *aliases) bool {
	return slices.ContainsFunc(fields, func(f view.Field) bool {
		stem, ok := strings.CutSuffix(strings.ToLower(f.Name), a.suffix)
		stem = strings.TrimRight(stem, "0123456789")
		return (ok && slices.Contains([]string{"base", "key", "item", "at"}, stem)) || taken(f.Fields, a)
	})
}

func (a aliases) base() string          { return "base" + a.suffix }
func (a aliases) key(n int) string      { return "key" + strconv.Itoa(n) + a.suffix }
func (a aliases) item(depth int) string { return "item" + strconv.Itoa(depth) + a.suffix }
func (a aliases) at(depth int) string   { return "at" + strconv.Itoa(depth) + a.suffix }
