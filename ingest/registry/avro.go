package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// The bounds of what is read; beyond them a schema is invalid rather than a
// way to exhaust the crawler.
const (
	maxDepth   = 64
	maxColumns = 10_000
)

// node is a type of an Avro schema. Named types are shared and may contain
// themselves.
type node struct {
	// typ is "record", "array", "map", "union", or the name of a leaf's type:
	// its logical type where it has one.
	typ string
	// name is the full name of a record, enum or fixed.
	name   string
	doc    string
	tags   []string
	fields []field
	// inner is what an array or the values of a map consist of.
	inner use
	// branches are those of a union of more than one type, without null.
	branches []use
}

// use is a type where it stands: it may be null there.
type use struct {
	*node
	nullable bool
}

// field is a field of a record.
type field struct {
	name, doc string
	tags      []string
	use       use
}

// isRecord says whether the type has fields, itself or in a branch.
func (n *node) isRecord() bool {
	return n.typ == "record" || slices.ContainsFunc(n.branches, func(b use) bool { c, _ := b.content(); return c.isRecord() })
}

// content is the type itself, or what a list or map, or one of those within
// another, consists of; with the tags of all that it is within, and its own.
func (n *node) content() (*node, []string) {
	tags := n.tags
	for n.typ == "array" || n.typ == "map" {
		n = n.inner.node
		tags = union(tags, n.tags)
	}
	return n, tags
}

// bears are the tags of the values of a type where it stands: its own, and
// those of the branches of a union that have no fields to bear them.
func (n *node) bears() []string {
	tags := n.tags
	for _, b := range n.branches {
		if c, within := b.content(); !c.isRecord() {
			tags = union(tags, union(within, c.bears()))
		}
	}
	return tags
}

// avro reads one schema and those that it refers to. Named types are known to
// those read later.
type avro struct{ named map[string]*node }

func newAvro() *avro { return &avro{named: map[string]*node{}} }

// parse reads a schema. ErrInvalid says what is wrong and where.
func (a *avro) parse(text string) (use, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return use{}, invalid("not JSON: %v", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return use{}, invalid("something follows the schema")
	}
	return a.read(v, "", 0)
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("avro: "+format+": %w", append(args, graph.ErrInvalid)...)
}

// read reads a type within a namespace.
func (a *avro) read(v any, namespace string, depth int) (use, error) {
	if depth > maxDepth {
		return use{}, invalid("types are nested more than %d deep", maxDepth)
	}
	switch v := v.(type) {
	case string:
		return a.byName(v, namespace)
	case []any:
		return a.union(v, namespace, depth)
	case map[string]any:
		return a.object(v, namespace, depth)
	}
	return use{}, invalid("a type is a name, a list or an object, not %T", v)
}

func (a *avro) byName(name, namespace string) (use, error) {
	if isPrimitive(name) {
		return use{node: &node{typ: name}, nullable: name == "null"}, nil
	}
	if n, ok := a.named[fullName(name, namespace)]; ok {
		return use{node: n}, nil
	}
	if n, ok := a.named[name]; ok {
		return use{node: n}, nil
	}
	return use{}, invalid("type %q is not defined", name)
}

func isPrimitive(name string) bool {
	switch name {
	case "null", "boolean", "int", "long", "float", "double", "bytes", "string":
		return true
	}
	return false
}

// union reads a union. One type beside null is that type, nullable.
func (a *avro) union(list []any, namespace string, depth int) (use, error) {
	u := use{node: &node{typ: "union"}}
	for _, v := range list {
		b, err := a.read(v, namespace, depth+1)
		if err != nil {
			return use{}, err
		}
		u.nullable = u.nullable || b.nullable
		if b.typ != "null" {
			u.branches = append(u.branches, b)
		}
	}
	switch len(u.branches) {
	case 0:
		return use{node: &node{typ: "null"}, nullable: true}, nil
	case 1:
		return use{node: u.branches[0].node, nullable: u.nullable}, nil
	}
	return u, nil
}

func (a *avro) object(o map[string]any, namespace string, depth int) (use, error) {
	typ, ok := o["type"].(string)
	if !ok {
		if o["type"] == nil {
			return use{}, invalid("a type has no \"type\"")
		}
		inner, err := a.read(o["type"], namespace, depth+1)
		if err != nil {
			return use{}, err
		}
		return tagged(inner, tagsOf(o)), nil
	}
	switch typ {
	case "record", "error":
		return a.record(o, namespace, depth)
	case "enum", "fixed":
		n := &node{typ: typ, doc: text(o["doc"]), tags: tagsOf(o)}
		if logical := text(o["logicalType"]); logical != "" {
			n.typ = logical
		}
		if _, ok := o["symbols"].([]any); typ == "enum" && !ok {
			return use{}, invalid("enum %q has no symbols", text(o["name"]))
		}
		_, err := a.define(n, o, namespace)
		return use{node: n}, err
	case "array", "map":
		key := map[string]string{"array": "items", "map": "values"}[typ]
		if o[key] == nil {
			return use{}, invalid("%s has no %q", typ, key)
		}
		inner, err := a.read(o[key], namespace, depth+1)
		return use{node: &node{typ: typ, tags: tagsOf(o), inner: inner}}, err
	}
	u, err := a.byName(typ, namespace)
	if err != nil {
		return use{}, err
	}
	if logical := text(o["logicalType"]); logical != "" && isPrimitive(typ) {
		u.node = &node{typ: logical}
	}
	return tagged(u, tagsOf(o)), nil
}

// tagged returns u with further tags, leaving the shared type as it is.
func tagged(u use, tags []string) use {
	if len(tags) > 0 {
		own := *u.node
		own.tags = union(own.tags, tags)
		u.node = &own
	}
	return u
}

func (a *avro) record(o map[string]any, namespace string, depth int) (use, error) {
	n := &node{typ: "record", doc: text(o["doc"]), tags: tagsOf(o)}
	namespace, err := a.define(n, o, namespace)
	if err != nil {
		return use{}, err
	}
	fields, ok := o["fields"].([]any)
	if !ok {
		return use{}, invalid("record %s has no list of fields", n.name)
	}
	seen := map[string]bool{}
	for _, v := range fields {
		f, err := a.field(v, namespace, depth)
		if err != nil {
			return use{}, fmt.Errorf("record %s: %w", n.name, err)
		}
		if seen[strings.ToLower(f.name)] {
			return use{}, invalid("record %s has two fields %q", n.name, f.name)
		}
		seen[strings.ToLower(f.name)] = true
		n.fields = append(n.fields, f)
	}
	return use{node: n}, nil
}

func (a *avro) field(v any, namespace string, depth int) (field, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return field{}, invalid("a field is an object, not %T", v)
	}
	f := field{name: text(o["name"]), doc: text(o["doc"]), tags: tagsOf(o)}
	if !isName.MatchString(f.name) {
		return field{}, invalid("field %q: not a name", f.name)
	}
	if o["type"] == nil {
		return field{}, invalid("field %q has no type", f.name)
	}
	var err error
	if f.use, err = a.read(o["type"], namespace, depth+1); err != nil {
		return field{}, fmt.Errorf("field %s: %w", f.name, err)
	}
	return f, nil
}

// isName matches what Avro allows as a name.
var isName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// define makes a named type known and returns the namespace of what is in it.
func (a *avro) define(n *node, o map[string]any, namespace string) (string, error) {
	if own, ok := o["namespace"].(string); ok {
		namespace = own
	}
	n.name = fullName(text(o["name"]), namespace)
	for part := range strings.SplitSeq(n.name, ".") {
		if !isName.MatchString(part) {
			return "", invalid("%s %q: not a name", n.typ, n.name)
		}
	}
	if _, twice := a.named[n.name]; twice {
		return "", invalid("type %s is defined twice", n.name)
	}
	a.named[n.name] = n
	dot := strings.LastIndexByte(n.name, '.')
	return n.name[:max(dot, 0)], nil
}

func fullName(name, namespace string) string {
	if strings.Contains(name, ".") || namespace == "" {
		return name
	}
	return namespace + "." + name
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// tagsOf reads the tags that stand within a schema.
func tagsOf(o map[string]any) []string {
	var tags []string
	list, _ := o["confluent:tags"].([]any)
	for _, v := range list {
		if t := text(v); t != "" {
			tags = append(tags, t)
		}
	}
	return tags
}

// union returns the strings of both, sorted, each once.
func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// compactJSON writes a schema without the spacing of its author.
func compactJSON(schema string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(schema)) != nil {
		return schema
	}
	return b.String()
}
