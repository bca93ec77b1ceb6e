package bigquery

import (
	"fmt"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// quoteName writes an identifier of GoogleSQL. A back quote would end it and a
// backslash begin an escape; BigQuery has no names with either.
func quoteName(name string) (string, error) {
	if err := checkText(name); err != nil {
		return "", fmt.Errorf("name %q: %w", name, err)
	}
	if strings.ContainsAny(name, "`\\") {
		return "", fmt.Errorf("name %q: a back quote or backslash: %w", name, graph.ErrInvalid)
	}
	return "`" + name + "`", nil
}

// quoteRef writes the path of a table, project and container.
func quoteRef(ref graph.Ref) (string, error) {
	project, dataset, table := split(ref)
	quoted := make([]string, 3)
	for i, p := range []string{project, dataset, table} {
		q, err := quoteName(p)
		if err != nil {
			return "", fmt.Errorf("table %q: %w", ref.Name, err)
		}
		quoted[i] = q
	}
	return strings.Join(quoted, "."), nil
}

// quoteText writes a string literal.
func quoteText(text string) (string, error) {
	if err := checkText(text); err != nil {
		return "", fmt.Errorf("text %q: %w", text, err)
	}
	return "'" + escapes.Replace(text) + "'", nil
}

var escapes = strings.NewReplacer("\\", "\\\\", "'", "\\'")

// checkText refuses what could end a line, and with it a comment, or hide in
// one.
func checkText(text string) error {
	if text == "" {
		return fmt.Errorf("empty: %w", graph.ErrInvalid)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 }) || strings.ToValidUTF8(text, "") != text {
		return fmt.Errorf("a control character: %w", graph.ErrInvalid)
	}
	return nil
}

func cutLast(name string) (before, after string, ok bool) {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return name, "", false
	}
	return name[:dot], name[dot+1:], true
}

// split returns the project, dataset and table of a ref; a container has no
// table.
func split(ref graph.Ref) (project, dataset, table string) {
	container := ref.Name
	if parent := ref.Parent(); !parent.IsZero() {
		container, table = parent.Name, ref.Base()
	}
	project, dataset, _ = cutLast(container)
	return project, dataset, table
}
