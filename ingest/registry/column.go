package registry

import (
	"regexp"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// The columns that stand for a message's key, and for a value that is no
// record. Connectors use names of the operator's choice; these cannot be
// mistaken for a field.
const (
	keyColumn   = "__key"
	valueColumn = "__value"
)

// schemaColumn is a column with the tags that its schema declares, in the
// registry's words.
type schemaColumn struct {
	graph.Column
	// leaf says that it bears values.
	leaf bool
	tags []string
}

// columnsOf returns the columns of a schema within an asset, parents before
// their children. Root is the column that holds them all; empty: the fields of
// a record stand at the top, and anything else is valueColumn.
func columnsOf(asset graph.Ref, root string, schema use, rules []tagRule) ([]schemaColumn, error) {
	f := flattener{asset: asset, rules: rules, open: map[*node]bool{}, seen: map[string]int{}}
	if root == "" && schema.isRecord() {
		err := f.fields(nil, schema.node, nil)
		return f.marked(), err
	}
	if root == "" {
		root = valueColumn
	}
	err := f.column(nil, "", field{name: root, use: schema}, nil)
	return f.marked(), err
}

type flattener struct {
	asset   graph.Ref
	rules   []tagRule
	open    map[*node]bool // records that the present one is within
	seen    map[string]int // where the columns are, by path without case
	columns []schemaColumn
	// visits counts the fields looked at, of which many can be one column.
	visits int
}

// maxVisits bounds them: records in unions in records multiply.
const maxVisits = 4 * maxColumns

// marked returns the columns, parents before their children and those that
// have none marked as leaves: a record that has no fields, or only those that
// it stands within, bears its values itself.
func (f *flattener) marked() []schemaColumn {
	parents := make(map[string]bool, len(f.columns))
	for _, c := range f.columns {
		parents[graph.ParentPath(c.Ref.Path)] = true
	}
	for i := range f.columns {
		f.columns[i].leaf = !parents[f.columns[i].Ref.Path]
	}
	return f.columns
}

// fields adds the fields of a record, or of all records of a union; two with
// one name are one column, which has the type of the first, the tags and the
// fields of both. Records in a list or map of a union count as its own: there
// is no name to put them under.
func (f *flattener) fields(parent *graph.Column, n *node, inherited []string) error {
	if n.typ != "record" {
		for _, b := range n.branches {
			if c, tags := b.content(); c.isRecord() {
				if err := f.fields(parent, c, union(inherited, tags)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if f.open[n] {
		return nil // It contains itself: the path to here says so.
	}
	f.open[n] = true
	defer delete(f.open, n)
	inherited = union(inherited, union(n.tags, f.declared(n.name)))
	for _, field := range n.fields {
		if err := f.column(parent, n.name, field, inherited); err != nil {
			return err
		}
	}
	return nil
}

func (f *flattener) column(parent *graph.Column, record string, field field, inherited []string) error {
	path := field.name
	if parent != nil {
		path = graph.ChildPath(*parent, field.name)
	}
	if f.visits++; f.visits > maxVisits || len(f.columns) >= maxColumns || len(f.open) > maxDepth {
		return invalid("more than %d columns, or nested more than %d deep", maxColumns, maxDepth)
	}
	tags := union(inherited, field.tags)
	if record != "" {
		tags = union(tags, f.declared(record+"."+field.name))
	}
	u, mode := field.use, graph.ModeRequired
	for u.typ == "array" {
		tags, mode = union(tags, u.tags), graph.ModeRepeated
		u = u.inner
	}
	tags = union(tags, u.bears())
	switch {
	case u.typ == "map":
		mode = graph.ModeRepeated
	case u.nullable && mode == graph.ModeRequired:
		mode = graph.ModeNullable
	}
	c := graph.Column{Ref: f.asset.Column(path), Position: len(f.columns), Type: u.typ, Mode: mode, Description: field.doc}
	if c.Description == "" {
		c.Description = u.doc
	}
	if u.isRecord() || u.typ == "map" {
		c.Type = recordType
	}
	c = f.put(c, tags)
	if u.typ == "map" {
		return f.entries(c, u.node, tags)
	}
	return f.fields(&c, u.node, tags)
}

const recordType = "RECORD"

// put adds a column, or the tags to the one that has its path already, and
// returns the column that is there then.
func (f *flattener) put(c graph.Column, tags []string) graph.Column {
	key := strings.ToLower(c.Ref.Path)
	if at, ok := f.seen[key]; ok {
		known := &f.columns[at]
		known.tags = union(known.tags, tags)
		if c.Type == recordType {
			known.Type = recordType // as in a union of a value and a record
		}
		return known.Column
	}
	f.seen[key] = len(f.columns)
	f.columns = append(f.columns, schemaColumn{Column: c, tags: tags})
	return c
}

// entries adds the columns of a map: its keys and its values.
func (f *flattener) entries(parent graph.Column, n *node, tags []string) error {
	key := field{name: "key", use: use{node: &node{typ: "string"}}}
	if err := f.column(&parent, "", key, tags); err != nil {
		return err
	}
	return f.column(&parent, "", field{name: "value", use: n.inner}, tags)
}

// declared returns the tags that stand beside the schema for a full name.
func (f *flattener) declared(name string) []string {
	var tags []string
	for _, r := range f.rules {
		if r.path.MatchString(name) {
			tags = union(tags, r.tags)
		}
	}
	return tags
}

// tagRule gives tags to all fields that a path matches.
type tagRule struct {
	path *regexp.Regexp
	tags []string
}

// tagRules reads the tags of a schema's metadata. In a path "?" is one
// character, "*" any of one name and "**" any of several.
func tagRules(tags map[string][]string) []tagRule {
	var rules []tagRule
	for path, list := range tags {
		var b strings.Builder
		b.WriteByte('^')
		for i := 0; i < len(path); i++ {
			switch {
			case strings.HasPrefix(path[i:], "**"):
				b.WriteString(".*")
				i++
			case path[i] == '*':
				b.WriteString(`[^.]*`)
			case path[i] == '?':
				b.WriteString(`[^.]`)
			default:
				b.WriteString(regexp.QuoteMeta(path[i : i+1]))
			}
		}
		b.WriteByte('$')
		// Bytes that are no text match nothing, as in the registry.
		if re, err := regexp.Compile(b.String()); err == nil {
			rules = append(rules, tagRule{path: re, tags: list})
		}
	}
	return rules
}
