package main

import (
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// attempt is one statement on its way through the analyzer. What the analyzer
// refuses says what the statement asks of tables and functions that are not
// known; the catalog is changed to give it, and the analyzer asked again.
type attempt struct {
	*catalog
	sql     string
	syntax  *syntax
	patient bool // types too are searched for: functions take anything already
}

// rule is an error of the analyzer and what it asks for. It gives false when it
// changed nothing, so that asking again would be in vain.
type rule struct {
	pattern *regexp.Regexp
	repair  func(a *attempt, match []string, at int) bool
}

// rules are tried in this order; the first whose pattern fits decides.
func rules() []rule {
	return []rule{
		{regexp.MustCompile("^Unrecognized name: ([^;\\[]+?)(?:; Did you mean| \\[at|$)"), (*attempt).unrecognized},
		{regexp.MustCompile(`^Name (\S+) not found inside (.+?)(?:; Did you mean| \[at|$)`), (*attempt).notInside},
		{regexp.MustCompile(`(?i)^Column (\S+) is not present in(?: table)? (\S+)`), (*attempt).notPresent},
		{regexp.MustCompile(`^Column (\S+) in USING clause not found on (left|right) side`), (*attempt).notInUsing},
		{regexp.MustCompile(`^Column (\S+) in SELECT \* (?:EXCEPT|REPLACE) list does not exist`), (*attempt).notInStar},
		{regexp.MustCompile(`^UNNEST cannot be applied on a table: (.+?)(?: \[at|$)`), (*attempt).noTable},
		{regexp.MustCompile(`references (?:column )?(\S+) which is neither grouped nor aggregated`), (*attempt).notGrouped},
		{regexp.MustCompile(`^Inserted row has wrong column count; Has (\d+), expected`), (*attempt).wrongCount},
		{fieldOfType, (*attempt).noField},
		{fieldOfStruct, (*attempt).noField},
		{notArray, (*attempt).notAnArray},
	}
}

var (
	position      = regexp.MustCompile(`\[at (\d+):(\d+)\]`)
	fieldOfType   = regexp.MustCompile(`^Cannot access field (\S+) on a value with type`)
	fieldOfStruct = regexp.MustCompile(`^Field name (\S+) does not exist in STRUCT`)
	notArray      = regexp.MustCompile(`^Values referenced in (UNNEST|FROM clause) must be arrays`)
)

// repair changes the catalog as the message asks and says whether it did.
func (a *attempt) repair(message string) bool {
	at := a.offset(message)
	for _, r := range a.engine.rules {
		if m := r.pattern.FindStringSubmatch(message); m != nil {
			return r.repair(a, m, at)
		}
	}
	return false
}

// offset is the byte that a message points at.
func (a *attempt) offset(message string) int {
	m := position.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	line, _ := strconv.Atoi(m[1])
	col, _ := strconv.Atoi(m[2])
	return byteOffset(a.sql, line, col)
}

// byteOffset turns the analyzer's line and column, which counts characters and
// tabs to the next eighth, into a byte.
func byteOffset(sql string, line, column int) int {
	start := 0
	for range line - 1 {
		i := strings.IndexByte(sql[start:], '\n')
		if i < 0 {
			break
		}
		start += i + 1
	}
	at := 1
	for i, r := range sql[start:] {
		if at >= column {
			return start + i
		}
		at++
		if r == '\t' {
			at += 7 - (at-2)%8
		}
	}
	return len(sql)
}

// tableOf is the table behind a name in FROM if columns may be added to it.
func (a *attempt) tableOf(r tableRef) *table {
	key, ok := a.found[r.key()]
	if !ok {
		return nil
	}
	t := a.tables[key]
	if t == nil || !t.assumed && !a.loose {
		return nil
	}
	return t
}

// refs are all names of tables whose columns expressions may use.
func (a *attempt) refs() []tableRef { return slices.Concat(a.syntax.refs, a.syntax.into) }

// around are the names in FROM of the queries around a byte, innermost first.
func (a *attempt) around(at int) []tableRef {
	var out []tableRef
	for _, r := range a.refs() {
		if r.in.has(at) && !a.syntax.ctes[r.key()] {
			out = append(out, r)
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		return out[i].in.end-out[i].in.start < out[j].in.end-out[j].in.start
	})
	return out
}

// add gives a table one more assumed column.
func (a *attempt) add(t *table, name string) bool {
	if t == nil || t.shape.field(name) != nil {
		return false
	}
	t.shape.grow(name)
	a.growAlike(t, name)
	if !t.assumed {
		a.unknown.add("column " + name + " of table " + t.name + ": its schema does not have it")
	}
	t.object = nil
	return true
}

// addToFirst adds a column to the first of these tables that takes it.
func (a *attempt) addToFirst(refs []tableRef, name string, assumed bool) bool {
	for _, r := range refs {
		if t := a.tableOf(r); t != nil && (t.assumed || !assumed) && a.add(t, name) {
			return true
		}
	}
	return false
}

func bare(name string) string { return strings.ReplaceAll(name, "`", "") }

func (a *attempt) unrecognized(m []string, at int) bool {
	first, _, _ := strings.Cut(bare(m[1]), ".")
	if placeholder.MatchString(first) && strings.HasPrefix(a.sql[at:], first) {
		return a.rewrite(a.sql[:at] + valueLike(first, at) + a.sql[at+len(first):])
	}
	return a.addToFirst(a.around(at), first, true) || a.addToFirst(a.refs(), first, true) || a.addToFunction(first)
}

func (a *attempt) notInside(m []string, at int) bool {
	name, alias := bare(m[1]), bare(m[2])
	called := func(r tableRef) bool { return !strings.EqualFold(r.alias, alias) }
	return a.addToFirst(slices.DeleteFunc(a.around(at), called), name, false) || a.addToFirst(a.refs(), name, true) || a.addToFunction(name)
}

// addToFunction gives a column to the first table function that lacks it.
func (a *attempt) addToFunction(name string) bool {
	for _, path := range a.syntax.tvfs {
		if t := a.tables["()"+strings.ToLower(strings.Join(path, "."))]; t != nil && t.assumed && a.add(t, name) {
			return true
		}
	}
	return false
}

func (a *attempt) notPresent(m []string, _ int) bool {
	name, in := bare(m[1]), strings.ToLower(bare(m[2]))
	if a.addToFirst(a.refs(), name, false) {
		return true
	}
	for _, key := range sortedKeys(a.tables) {
		t := a.tables[key]
		if strings.HasSuffix(key, in) && (t.assumed || a.loose) && a.add(t, name) {
			return true
		}
	}
	return false
}

func (a *attempt) notInUsing(m []string, at int) bool {
	refs := a.around(at)
	sort.SliceStable(refs, func(i, j int) bool { return refs[i].at.start < refs[j].at.start })
	if m[2] == "right" {
		slices.Reverse(refs)
	}
	return a.addToFirst(refs, bare(m[1]), false)
}

// notInStar is a column that a star leaves out or replaces.
func (a *attempt) notInStar(m []string, at int) bool {
	return a.addToFirst(a.around(at), bare(m[1]), true)
}

// noTable is an array that was taken for a table, as no table is known to have
// such a column.
func (a *attempt) noTable(m []string, at int) bool {
	path := strings.Split(bare(m[1]), ".")
	for _, r := range a.around(at) {
		t := a.tableOf(r)
		if t == nil || !t.assumed || t.shape.field(path[0]) != nil {
			continue
		}
		if c := growColumn(t, path); c != nil {
			c.array = true
			delete(a.tables, a.found[strings.ToLower(strings.Join(path, "."))])
			return true
		}
	}
	return false
}

// notGrouped is a column that GROUP BY lacks. BigQuery would refuse the
// statement, but what the column is made from is plain: any value of its group
// stands for it, and the statement is read on.
func (a *attempt) notGrouped(_ []string, at int) bool {
	end := at
	for end < len(a.sql) && pathByte(a.sql[end]) {
		end++
	}
	if end == at {
		return false
	}
	path := a.sql[at:end]
	name := ""
	if wholeItem.MatchString(a.sql[end:]) && afterItem.MatchString(a.sql[:at]) {
		name = " AS " + path[strings.LastIndexByte(path, '.')+1:]
	}
	sql := a.sql[:at] + "ANY_VALUE(" + path + ")" + name + a.sql[end:]
	if !a.rewrite(sql) {
		return false
	}
	a.unknown.add("column " + path + ": it is neither grouped nor aggregated")
	return true
}

// rewrite goes on with another text of the statement, if it is grammatical.
func (a *attempt) rewrite(sql string) bool {
	s, err := parseStatement(a.engine.lang, sql)
	if err != nil {
		return false
	}
	a.sql, a.syntax = sql, s
	return true
}

// A path that is all of a SELECT's item, and so names the output.
var (
	wholeItem = regexp.MustCompile(`(?i)^\s*(,|from\b)`)
	afterItem = regexp.MustCompile(`(?i)(,|\bselect|\bdistinct)\s*$`)
)

// pathByte says whether a byte may stand in a dotted path.
func pathByte(b byte) bool {
	return b == '.' || b == '_' || b == '`' || b == '$' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// wrongCount is an INSERT without a list of columns into a table that is not
// known: it gets as many as there are values, named by their position.
func (a *attempt) wrongCount(m []string, _ int) bool {
	n, err := strconv.Atoi(m[1])
	if err != nil || len(a.syntax.target) == 0 {
		return false
	}
	t := a.table(a.syntax.target)
	if !t.assumed || len(t.shape.fields) > 0 {
		return false
	}
	for i := range n {
		t.shape.grow("_" + strconv.Itoa(i))
	}
	t.noStar, t.object = true, nil
	return true
}

// noField asks for a field of a column, or of what an unknown function gives.
func (a *attempt) noField(m []string, at int) bool {
	field := bare(m[1])
	path := pathAround(a.sql, at)
	for i := len(path) - 1; i > 0; i-- {
		if strings.EqualFold(path[i], field) && a.growPath(path[:i+1]) {
			return true
		}
	}
	if s := a.guessed[calledBefore(a.sql, at)]; s != nil && s.field(field) == nil {
		s.grow(field)
		return true
	}
	return false
}

// growPath makes the fields of a path below whichever assumed column it is that
// one of its names is.
func (a *attempt) growPath(path []string) bool {
	for start := range path[:len(path)-1] {
		for _, r := range a.refs() {
			t := a.tableOf(r)
			if t == nil {
				continue
			}
			s := t.shape.field(path[start])
			if s == nil || !s.grows {
				continue
			}
			changed := a.growAlike(t, path[start])
			for _, name := range path[start+1:] {
				changed = changed || s.field(name) == nil
				s = s.grow(name)
			}
			if changed {
				t.object = nil
				return true
			}
		}
	}
	return false
}

func (a *attempt) notAnArray(_ []string, at int) bool {
	path := pathAround(a.sql, at)
	for start := len(path) - 1; start >= 0; start-- {
		for _, r := range a.refs() {
			t := a.tableOf(r)
			if t == nil {
				continue
			}
			s := t.shape.field(path[start])
			if s == nil || !s.grows {
				continue
			}
			for _, name := range path[start+1:] {
				s = s.grow(name)
			}
			if !s.array {
				s.array, t.object = true, nil
				return true
			}
		}
	}
	if s := a.guessed[strings.ToLower(strings.Join(path, "."))]; s != nil && !s.array {
		s.array = true
		return true
	}
	return false
}

var pathParts = regexp.MustCompile("[\\w$]+|`[^`]*`")

// pathAround are the names of the dotted path around a byte.
func pathAround(sql string, at int) []string {
	start, end := at, at
	for start > 0 && pathByte(sql[start-1]) {
		start--
	}
	for end < len(sql) && pathByte(sql[end]) {
		end++
	}
	out := pathParts.FindAllString(sql[start:end], -1)
	for i := range out {
		out[i] = strings.Trim(out[i], "`")
	}
	return out
}

// calledBefore is the name, in lower case, of the function whose call ends just
// before a byte, as in `f(x).field`.
func calledBefore(sql string, at int) string {
	i := min(at, len(sql))
	for i > 0 && strings.IndexByte(". \n", sql[i-1]) >= 0 {
		i--
	}
	depth := 0
	for i--; i >= 0; i-- {
		switch sql[i] {
		case ')':
			depth++
		case '(':
			depth--
		}
		if depth <= 0 {
			break
		}
	}
	if i <= 0 || sql[i] != '(' {
		return ""
	}
	return strings.ToLower(strings.Join(pathAround(sql, i-1), "."))
}
