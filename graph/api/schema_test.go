package api_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// schema reads the schema as it is written.
func schema(t *testing.T) *ast.Schema {
	t.Helper()
	paths, err := filepath.Glob("schema/*.graphql")
	if err != nil {
		t.Fatal(err)
	}
	var sources []*ast.Source
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, &ast.Source{Name: path, Input: string(text)})
	}
	s, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Law: every type, field and value has a description, a sentence that ends
// with a full stop.
func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	check := func(name, description string) {
		if !strings.HasSuffix(strings.TrimSpace(description), ".") {
			t.Errorf("%s is described as %q", name, description)
		}
	}
	described := 0
	for name, d := range schema(t).Types {
		if d.BuiltIn {
			continue
		}
		if name != "Query" && name != "Mutation" {
			check(name, d.Description)
		}
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			check(name+"."+f.Name, f.Description)
			described++
		}
		for _, v := range d.EnumValues {
			check(name+"."+v.Name, v.Description)
		}
	}
	if described < 100 {
		t.Errorf("only %d fields were looked at", described)
	}
}

// Law: lists are never null and never hold null, so that a client need not
// tell an empty list from none.
func TestListsAreNeverNull(t *testing.T) {
	t.Parallel()
	for name, d := range schema(t).Types {
		if d.BuiltIn || d.Kind != ast.Object {
			continue
		}
		for _, f := range d.Fields {
			if f.Type.Elem != nil && !strings.HasPrefix(f.Name, "__") && (!f.Type.NonNull || !f.Type.Elem.NonNull) {
				t.Errorf("%s.%s is %s", name, f.Name, f.Type)
			}
		}
	}
}

// Law: a connection has edges with cursors and a pageInfo, so that all lists
// are paged in one way.
func TestConnectionsHaveOneShape(t *testing.T) {
	t.Parallel()
	s := schema(t)
	connections := 0
	for name, d := range s.Types {
		if !strings.HasSuffix(name, "Connection") && name != "SearchResult" {
			continue
		}
		connections++
		edges, info := d.Fields.ForName("edges"), d.Fields.ForName("pageInfo")
		if edges == nil || info == nil || info.Type.String() != "PageInfo!" {
			t.Errorf("%s lacks edges or pageInfo", name)
			continue
		}
		edge := s.Types[edges.Type.Name()]
		if edge.Fields.ForName("cursor") == nil || edge.Fields.ForName("node") == nil {
			t.Errorf("%s lacks cursor or node", edge.Name)
		}
	}
	if connections != 4 {
		t.Errorf("%d connections were looked at, want 4", connections)
	}
}
