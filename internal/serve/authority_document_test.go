package serve

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"cadastre.dev/cadastre/graph"
)

// apiSchema reads the schema of the API as it stands in its files, so that a
// field that is added there is asked for here from that day on.
func apiSchema(t *testing.T) *ast.Schema {
	t.Helper()
	files, err := filepath.Glob("../../graph/api/schema/*.graphql")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no schema: %v", err)
	}
	var sources []*ast.Source
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, &ast.Source{Name: name, Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// writer draws documents of the whole schema.
type writer struct {
	*court
	schema *ast.Schema
	// cursors are those of earlier answers, and of somebody else's.
	cursors []string
	ids     []string
	// fond are things that are asked for more than others: what the principal
	// sees leads further.
	fond []*thing
	// atOnce is how many root fields a document has at most.
	atOnce int
	// without are the root fields that are left out, as "Mutation.plan".
	without []string
}

// texts draw the arguments that are texts and numbers, by where they stand:
// as Type.field.argument, Input.field, or *.argument for all of that name.
func (w *writer) texts() map[string]func() string {
	audience := func() string { return one(w, "analysts", "fraud", "nobody") }
	label := func() string {
		return one(w, "user.contact.email", "user.name", "user.financial", graph.LabelNone, "no.such.label")
	}
	source := func() string { return one(w, "warehouse", "lake", "streams", "boards", "tracker", "clock", "none") }
	owner := func() string {
		return one(w, "user:p0@corp.example", "group:g0@corp.example", "team:"+one(w, w.things...).owner)
	}
	return map[string]func() string{
		"*.after":                   w.cursor,
		"*.first":                   func() string { return one(w, "1", "2", "3", "7", "25", "200", "0") },
		"*.depth":                   func() string { return one(w, "1", "1", "2", "3", "9", "0") },
		"*.limit":                   func() string { return one(w, "200", "200", "1", "2", "5", "0") },
		"*.audience":                audience,
		"Mutation.plan.audiences":   audience,
		"Query.plan.id":             w.id,
		"*.id":                      w.id,
		"Query.search.query":        w.sought,
		"Mutation.crawl.source":     source,
		"SearchFilter.kinds":        func() string { return string(one(w, w.things...).asset.Kind) },
		"SearchFilter.sources":      source,
		"SearchFilter.owners":       owner,
		"SearchFilter.labels":       label,
		"AuditFilter.actor":         func() string { return one(w, "p1@corp.example", "p0@corp.example", "service:cadastre") },
		"AuditFilter.action":        func() string { return one(w, "read", "commit", "plan", "refused") },
		"AuditFilter.object":        func() string { return one(w, w.ref(), w.id()) },
		"TagInput.label":            label,
		"TagInput.state":            func() string { return one(w, "confirmed", "rejected", "withdrawn", "guessed") },
		"*.reason":                  func() string { return one(w, "", "a reason") },
		"Query.runs.source":         source,
		"Mutation.crawl.remove":     func() string { return one(w, "", "abcd", "none") },
		"AnnotateInput.attribute":   func() string { return one(w, "title", "description", "description", "name") },
		"AnnotateInput.value":       func() string { return one(w, "", "Said anew", "Said of "+one(w, w.things...).body) },
		"AnnotateInput.was":         func() string { return one(w, "", "", w.saying(one(w, w.things...).body)) },
		"OwnInput.role":             func() string { return one(w, "accountable", "technical", "idle") },
		"OwnInput.principals":       owner,
		"OwnInput.was":              owner,
		"*.sources":                 source,
		"Mutation.createToken.name": func() string { return one(w, "loader", "No Name") },
		"Mutation.createToken.days": func() string { return one(w, "30", "0") },
		"Mutation.revokeToken.id":   func() string { return one(w, append(tokenIDs(), "none")...) },
	}
}

// scalars draw the arguments that say by their type what they are.
func (w *writer) scalars() map[string]func() string {
	return map[string]func() string{
		"Ref":      w.ref,
		"Boolean":  func() string { return one(w, "true", "true", "false") },
		"Revision": func() string { return one(w, "1", "2", "3", "4", "0", "99") },
		"Time": func() string {
			return one(w, "2026-03-03T12:01:30Z", "2026-03-03T12:03:00Z", "2026-03-03T13:00:00Z", "1999-01-01T00:00:00Z")
		},
	}
}

// ref draws what exists, whether it may be known or not, and what does not.
func (w *writer) ref() string {
	t := one(w, w.things...)
	if len(w.fond) > 0 && w.IntN(4) > 0 {
		t = one(w, w.fond...)
	}
	ref := t.asset.Ref
	switch w.IntN(8) {
	case 0:
		ref.Name = w.typo(ref.Name)
	case 1, 2, 3:
		if len(t.columns) > 0 {
			ref = one(w, t.columns...).Ref
		}
	case 4:
		ref = ref.Column(one(w, "id", "place", "email_"+one(w, w.things...).column, "none"))
	case 5:
		return one(w, clock(0).Ref.String(), ref.String(), "bigquery/p", "no ref")
	}
	return ref.String()
}

func (w *writer) cursor() string {
	own := base64.RawURLEncoding.EncodeToString([]byte(strconv.Quote(w.id())))
	return one(w, append(w.cursors, "", "none", own)...)
}

func (w *writer) id() string { return one(w, append(w.ids, "none")...) }

// sought is what is searched for: any word, or the name of what is asked for
// more than others.
func (w *writer) sought() string {
	if len(w.fond) > 0 && w.IntN(3) == 0 {
		return one(w, w.fond...).name
	}
	return w.anyWord()
}

// owning names other owners for those who count at the end.
func (w *writer) owning() string {
	t, role := one(w, append(w.fond, w.things[0])...), one(w, graph.OwnerAccountable, graph.OwnerTechnical)
	was := []string{}
	var owners []graph.Owner
	for _, i := range w.account.last() {
		if o, ok := i.(graph.Owner); ok && o.Asset == t.asset.Ref && o.Role == role {
			owners = append(owners, o)
		}
	}
	for _, p := range graph.Principals(owners) {
		was = append(was, strconv.Quote(p))
	}
	slices.Sort(was) // what a snapshot holds comes in no order
	return fmt.Sprintf("{ref: %q, role: %q, principals: [%q], was: [%s]}", t.asset.Ref, role, w.texts()["OwnInput.principals"](), strings.Join(was, ", "))
}

// saying is what somebody says of a thing with a body.
func (w *writer) saying(body string) string { return one(w, "Title ", "It is ", "Said of ") + body }

// moment draws of when a query asks: mostly of now.
func (w *writer) moment(word string) string {
	if word != "query" || w.IntN(4) > 0 {
		return word
	}
	if w.IntN(3) == 0 {
		return fmt.Sprintf("query @asOf(time: %q)", w.scalars()["Time"]())
	}
	return "query @asOf(revision: " + one(w, "1", "2", "3", "4", "3", "4", "0", "99") + ")"
}

// whole draws an operation of one root field.
func (w *writer) whole(word string, root *ast.Definition, f *ast.FieldDefinition) string {
	var b strings.Builder
	b.WriteString(w.moment(word) + " { f: ")
	w.field(&b, root, f, 1)
	b.WriteString(" }")
	return b.String()
}

// document draws an operation: a few root fields with all that they lead to.
func (w *writer) document() string {
	root, n, word := w.schema.Query, 1+w.IntN(w.atOnce), "query"
	if w.IntN(5) == 0 {
		root, n, word = w.schema.Mutation, 1, "mutation"
	}
	var b strings.Builder
	b.WriteString(w.moment(word) + " {")
	for i := range n {
		f := one(w, w.asked(root)...)
		fmt.Fprintf(&b, " f%d: ", i)
		w.field(&b, root, f, 1)
	}
	b.WriteString(" }")
	return b.String()
}

// asked are the fields of a type that are asked for at all.
func (w *writer) asked(of *ast.Definition) []*ast.FieldDefinition {
	var out []*ast.FieldDefinition
	for _, f := range of.Fields {
		if !strings.HasPrefix(f.Name, "__") && !slices.Contains(w.without, of.Name+"."+f.Name) {
			out = append(out, f)
		}
	}
	return out
}

// maxDepth bounds types that lead back to themselves; the API allows 12.
const maxDepth = 9

func (w *writer) field(b *strings.Builder, of *ast.Definition, f *ast.FieldDefinition, depth int) {
	b.WriteString(f.Name)
	w.arguments(b, of, f)
	typ := w.schema.Types[f.Type.Name()]
	if typ.Kind != ast.Object && typ.Kind != ast.Interface && typ.Kind != ast.Union {
		return
	}
	b.WriteString(" { __typename")
	for _, sub := range w.asked(typ) {
		composite := w.schema.Types[sub.Type.Name()].IsCompositeType()
		if w.IntN(7) == 0 || composite && depth+1 >= maxDepth {
			continue
		}
		b.WriteByte(' ')
		w.field(b, typ, sub, depth+1)
	}
	b.WriteString(" }")
}

func (w *writer) arguments(b *strings.Builder, of *ast.Definition, f *ast.FieldDefinition) {
	var out []string
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil || w.IntN(3) > 0 {
			out = append(out, a.Name+": "+w.value(a.Type, of.Name+"."+f.Name+"."+a.Name, a.Name))
		}
	}
	if len(out) > 0 {
		b.WriteString("(" + strings.Join(out, ", ") + ")")
	}
}

// value draws a literal of a type.
func (w *writer) value(typ *ast.Type, at, name string) string {
	if typ.Elem != nil {
		values := []string{}
		for range w.IntN(3) {
			values = append(values, w.value(typ.Elem, at, name))
		}
		return "[" + strings.Join(values, ", ") + "]"
	}
	def := w.schema.Types[typ.Name()]
	switch def.Kind {
	case ast.Enum:
		return one(w, def.EnumValues...).Name
	case ast.InputObject:
		if def.Name == "OwnInput" && w.IntN(3) > 0 {
			return w.owning()
		}
		var fields []string
		for _, f := range def.Fields {
			if f.Type.NonNull && f.DefaultValue == nil || w.IntN(4) == 0 {
				fields = append(fields, f.Name+": "+w.value(f.Type, def.Name+"."+f.Name, f.Name))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	default: // scalars are drawn below; nothing else is an argument
	}
	for _, draw := range []func() string{w.texts()[at], w.texts()["*."+name], w.scalars()[def.Name]} {
		if draw == nil {
			continue
		}
		if def.Name == "Int" || def.Name == "Float" || def.Name == "Boolean" || def.Name == "Revision" {
			return draw()
		}
		return strconv.Quote(draw())
	}
	w.t.Fatalf("%s: no value of %s can be drawn; add a generator under %q to texts in authority_document_test.go, or one of the whole type to scalars", at, def.Name, at)
	return ""
}

// opened are the cursors and whatever else of an answer is written in base64,
// read.
func opened(body string) []string {
	var out []string
	for _, text := range regexp.MustCompile(`[A-Za-z0-9_-]{8,}`).FindAllString(body, -1) {
		if data, err := base64.RawURLEncoding.DecodeString(text); err == nil {
			out = append(out, string(data))
		}
	}
	return out
}

// cursorsOf are the cursors of an answer.
func cursorsOf(body string) []string {
	var out []string
	for _, found := range regexp.MustCompile(`"(?:cursor|endCursor)":\s*"([^"]*)"`).FindAllStringSubmatch(body, -1) {
		out = append(out, found[1])
	}
	return out
}

// coverage counts how often each field was answered: one that leads on, with
// something; one that does not, also with nothing.
type coverage map[string]int

// count goes through an answer beside the document it answers.
func (c coverage) count(schema *ast.Schema, document, body string) error {
	doc, faults := gqlparser.LoadQueryWithRules(schema, document, nil)
	if len(faults) > 0 {
		return fmt.Errorf("%s\n%w", document, faults)
	}
	var reply struct{ Data map[string]any }
	if err := json.Unmarshal([]byte(body), &reply); err != nil {
		return err
	}
	for _, op := range doc.Operations {
		c.walk(op.SelectionSet, reply.Data)
	}
	return nil
}

func (c coverage) walk(set ast.SelectionSet, value any) {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			c.walk(set, v)
		}
	case map[string]any:
		for _, s := range set {
			f := s.(*ast.Field)
			v := value[f.Alias]
			if list, isList := v.([]any); len(f.SelectionSet) > 0 && (v == nil || isList && len(list) == 0) {
				continue
			}
			c[f.ObjectDefinition.Name+"."+f.Name]++
			c.walk(f.SelectionSet, v)
		}
	}
}

// missing are the fields of the schema that no answer held.
func (c coverage) missing(schema *ast.Schema, except map[string]string) []string {
	var out []string
	for _, def := range schema.Types {
		if def.BuiltIn || def.Kind != ast.Object {
			continue
		}
		for _, f := range def.Fields {
			name := def.Name + "." + f.Name
			if !strings.HasPrefix(f.Name, "__") && c[name] == 0 && except[name] == "" {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}
