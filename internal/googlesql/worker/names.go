package main

import (
	"slices"
	"sort"
	"strings"
)

// namer completes and cleans the names of tables.
type namer struct{ project, dataset string }

// full is the full name of a table as its path is written: quotes gone, a
// partition decorator ($20200101) or a snapshot's (@-3600000) cut off, missing
// parts filled in.
func (n namer) full(path []string) string {
	parts := strings.Split(strings.Join(path, "."), ".")
	for i := range parts {
		parts[i] = strings.Trim(parts[i], "`\"[]")
	}
	last := len(parts) - 1
	if i := strings.LastIndexAny(parts[last], "$@"); i > 0 {
		parts[last] = parts[last][:i]
	}
	if len(parts) == 1 && n.dataset != "" {
		parts = append([]string{n.dataset}, parts...)
	}
	information := len(parts) >= 2 && strings.EqualFold(parts[len(parts)-2], "INFORMATION_SCHEMA")
	short := len(parts) == 2 || len(parts) == 3 && information
	if short && n.project != "" {
		parts = append([]string{n.project}, parts...)
	}
	return strings.Join(parts, ".")
}

// correlated says whether a name in FROM is an array of another table there
// (`FROM t, t.items`) and no table.
func (s *syntax) correlated(r tableRef) bool {
	if len(r.path) < 2 || strings.Contains(r.path[0], ".") {
		return false
	}
	return slices.ContainsFunc(s.refs, func(o tableRef) bool { return strings.EqualFold(o.alias, r.path[0]) })
}

// tables are the full names of what the text reads and writes, sorted, as far
// as the syntax alone can tell.
func (s *syntax) tables(n namer) (inputs, outputs []string) {
	inputs, outputs = []string{}, []string{}
	if len(s.target) > 0 {
		outputs = append(outputs, n.full(s.target))
	}
	seen := map[string]bool{}
	for _, r := range s.refs {
		name := n.full(r.path)
		if s.ctes[r.key()] || s.correlated(r) || seen[strings.ToLower(name)] {
			continue
		}
		seen[strings.ToLower(name)] = true
		inputs = append(inputs, name)
	}
	sort.Strings(inputs)
	return inputs, outputs
}
