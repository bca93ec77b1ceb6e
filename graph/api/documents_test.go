package api_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/graphtest"
)

// appDocuments reads all that the web app asks.
func appDocuments(t *testing.T) *ast.QueryDocument {
	t.Helper()
	all := &ast.QueryDocument{}
	err := filepath.WalkDir("../../ui/src", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".graphql" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		doc, err := parser.ParseQuery(&ast.Source{Name: path, Input: string(text)})
		if err != nil {
			return err
		}
		all.Operations = append(all.Operations, doc.Operations...)
		all.Fragments = append(all.Fragments, doc.Fragments...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// alone writes an operation with just the fragments that it uses.
func alone(all *ast.QueryDocument, op *ast.OperationDefinition) string {
	doc := &ast.QueryDocument{Operations: ast.OperationList{op}}
	var use func(ast.SelectionSet)
	use = func(set ast.SelectionSet) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				use(s.SelectionSet)
			case *ast.InlineFragment:
				use(s.SelectionSet)
			case *ast.FragmentSpread:
				if f := all.Fragments.ForName(s.Name); f != nil && doc.Fragments.ForName(s.Name) == nil {
					doc.Fragments = append(doc.Fragments, f)
					use(f.SelectionSet)
				}
			}
		}
	}
	use(op.SelectionSet)
	var text strings.Builder
	formatter.NewFormatter(&text).FormatQueryDocument(doc)
	return text.String()
}

// example returns a value for a variable of the app.
func example(c graphtest.Company, name string, t *ast.Type) any {
	switch t.Name() {
	case "Ref":
		return c.Core.Column("email").String()
	case "Int":
		return map[string]int{"first": 100, "depth": 1, "limit": 500}[name]
	case "String":
		if t.Elem != nil {
			return []string{"user:olu@example.org"}
		}
		if name == "after" || name == "audience" || name == "remove" {
			return nil
		}
		return "customers"
	case "ID":
		return "t1"
	case "Boolean":
		return true
	case "Direction":
		return "BOTH"
	case "AnnotateInput":
		return []map[string]any{{"ref": c.Core.Column("email").String(), "attribute": graph.AttributeDescription, "value": "an address", "was": "the address that a customer confirmed"}}
	case "OwnInput":
		return []map[string]any{{"ref": c.Core.String(), "role": graph.OwnerTechnical, "principals": []string{"user:olu@example.org"}, "was": []string{"user:ana@example.org"}}}
	case "Revision":
		return 3
	case "TagInput":
		return []map[string]any{{"ref": c.Core.Column("email").String(), "label": graphtest.LabelEmail, "state": graph.TagConfirmed}}
	}
	return nil
}

// Law: whatever the app asks is valid and within the limits, also where the
// pages are as long as the app makes them.
func TestTheAppsDocumentsAreAnswered(t *testing.T) {
	t.Parallel()
	all := appDocuments(t)
	if len(all.Operations) == 0 {
		t.Fatal("the app asks nothing")
	}
	for _, op := range all.Operations {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			variables := map[string]any{}
			for _, v := range op.VariableDefinitions {
				variables[v.Variable] = example(f.company, v.Variable, v.Type)
			}
			for _, who := range []graph.Principal{graphtest.Olu(), graphtest.Uma()} {
				answer := ask(t, api.New(f.config(who)), alone(all, op), variables)
				var got struct {
					Errors []struct {
						Message    string
						Extensions struct{ Code string }
					}
				}
				if err := json.Unmarshal([]byte(answer), &got); err != nil {
					t.Fatal(err)
				}
				for _, e := range got.Errors {
					// There is no plan of that name, and not everybody may do
					// everything; that is an answer too.
					if e.Extensions.Code != "NOT_FOUND" && e.Extensions.Code != "DENIED" {
						t.Errorf("%s is told %s: %s", who.ID, e.Extensions.Code, e.Message)
					}
				}
			}
		})
	}
}
