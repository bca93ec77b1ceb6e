package main

import "strings"

// foresee gives unknown tables the columns that the syntax shows are asked of
// them, so that the analyzer need not be asked once for each. Only what cannot
// be meant otherwise is foreseen; the rest comes up as the analyzer's errors.
func (a *attempt) foresee() {
	for _, s := range a.syntax.scopes {
		a.foreseeScope(s)
	}
}

func (a *attempt) foreseeScope(s *scope) {
	byAlias := map[string]*table{}
	for _, r := range s.refs {
		if a.syntax.ctes[r.key()] || a.syntax.correlated(r) {
			byAlias[strings.ToLower(r.alias)] = nil
			continue
		}
		byAlias[strings.ToLower(r.alias)] = a.table(r.path)
	}
	only := a.only(s, byAlias)
	for _, path := range s.paths {
		t, rest := owner(byAlias, only, s, path)
		if t == nil {
			continue
		}
		// A short name may be an output's, or of an element that is unnested.
		certain := len(path) > len(rest) || !s.aliases[strings.ToLower(path[0])] && (!s.unnests || len(path) > 1)
		if certain {
			growColumn(t, rest)
		}
	}
	for _, path := range s.arrays {
		if t, rest := owner(byAlias, only, s, path); t != nil {
			if c := growColumn(t, rest); c != nil && c.fixed == "" {
				c.array = true
			}
		}
	}
	for _, r := range s.refs {
		if t := byAlias[strings.ToLower(r.path[0])]; t != nil && t.assumed && len(r.path) > 1 && a.syntax.correlated(r) {
			if c := growColumn(t, r.path[1:]); c != nil {
				c.array = true
			}
		}
	}
	a.foreseeUsing(s, byAlias)
}

// only is the one table that a name without qualifier must be of: the single
// one of a FROM, if names from around it cannot be meant.
func (a *attempt) only(s *scope, byAlias map[string]*table) *table {
	if s.correlated || s.derived {
		return nil
	}
	var only *table
	tables := 0
	for _, r := range s.refs {
		if a.syntax.correlated(r) {
			return nil // its fields are names too
		}
		tables++
		only = byAlias[strings.ToLower(r.alias)]
	}
	if tables != 1 {
		return nil
	}
	return only
}

// owner is the assumed table that a path is of, and the path from there.
func owner(byAlias map[string]*table, only *table, s *scope, path []string) (*table, []string) {
	if t, ok := byAlias[strings.ToLower(path[0])]; ok {
		if t != nil && t.assumed && len(path) > 1 {
			return t, path[1:]
		}
		return nil, nil
	}
	if only != nil && only.assumed {
		return only, path
	}
	return nil, nil
}

// growColumn makes the column and the fields that a path names. It gives nil
// where something of the path is known to be otherwise.
func growColumn(t *table, path []string) *shape {
	at := t.shape
	for _, name := range path {
		if at != t.shape && (at.fixed != "" || at.array) {
			return nil
		}
		at = at.grow(name)
	}
	t.object = nil
	return at
}

// growAlike makes all fields that the text reads of a column, once it is known
// to be a column of an assumed table: of many the analyzer would ask one by
// one.
func (a *attempt) growAlike(t *table, column string) bool {
	root := t.shape.field(column)
	if root == nil || !root.grows {
		return false
	}
	before := root.sql()
	below := func(path []string) []string {
		for i := range min(2, len(path)) {
			if strings.EqualFold(path[i], column) {
				return path[i:]
			}
		}
		return nil
	}
	for _, s := range a.syntax.scopes {
		for _, path := range s.paths {
			if rest := below(path); len(rest) > 1 {
				growColumn(t, rest)
			}
		}
		for _, path := range s.arrays {
			if rest := below(path); len(rest) > 0 {
				if c := growColumn(t, rest); c != nil && c.fixed == "" && len(c.fields) == 0 {
					c.array = true
				}
			}
		}
	}
	t.object = nil
	return root.sql() != before
}

// foreseeUsing gives a key of USING to the table right of it, and to the left
// one where there is just one.
func (a *attempt) foreseeUsing(s *scope, byAlias map[string]*table) {
	if s.derived || s.unnests {
		return
	}
	for _, key := range s.using {
		for i := max(0, key.refs-2); i < key.refs; i++ {
			if i == key.refs-2 && key.refs != 2 {
				continue
			}
			if t := byAlias[strings.ToLower(s.refs[i].alias)]; t != nil && t.assumed {
				growColumn(t, []string{key.name})
			}
		}
	}
}
