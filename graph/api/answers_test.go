package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/graphtest"
)

var update = flag.Bool("update", false, "write the answers of the stories anew")

// person returns somebody of the small company by first name; anybody else is
// not signed in.
func person(name string) graph.Principal {
	return map[string]graph.Principal{
		"ana": graphtest.Ana(), "olu": graphtest.Olu(), "uma": graphtest.Uma(), "pat": graphtest.Pat(),
	}[name]
}

// post sends a body to the API and returns the answer.
func post(t *testing.T, h http.Handler, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// ask sends a document with variables and returns the answer as indented JSON.
func ask(t *testing.T, h http.Handler, document string, variables map[string]any) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, post(t, h, string(body)).Body.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String()) + "\n"
}

// stories reads testdata/*.txtar. Each holds documents, asked one after the
// other of one catalog, and their answers: "1.olu.graphql" is asked by Olu and
// answered by "1.olu.json". A document "$ID" stands for the ID of the plan
// that the story made.
func stories(t *testing.T) map[string]*txtar.Archive {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	out := map[string]*txtar.Archive{}
	for _, path := range paths {
		if out[path], err = txtar.ParseFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestStories(t *testing.T) {
	t.Parallel()
	for path, story := range stories(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			tell(t, path, story)
		})
	}
}

func tell(t *testing.T, path string, story *txtar.Archive) {
	f := newFake()
	got := &txtar.Archive{Comment: story.Comment}
	for _, file := range story.Files {
		name, isDocument := strings.CutSuffix(file.Name, ".graphql")
		if !isDocument {
			continue
		}
		_, who, _ := strings.Cut(name, ".")
		document := string(file.Data)
		if len(f.plans) > 0 {
			document = strings.ReplaceAll(document, "$ID", f.plans[0].ID)
		}
		answer := ask(t, api.New(f.config(person(who))), document, nil)
		got.Files = append(got.Files, file, txtar.File{Name: name + ".json", Data: []byte(answer)})
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(txtar.Format(story)), string(txtar.Format(got))); diff != "" {
		t.Errorf("the answers differ; look at them and write them with -update (-want +got):\n%s", diff)
	}
}

// Law: every query and mutation of the schema is asked in a story.
func TestStoriesAskEverything(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	for path, story := range stories(t) {
		for _, file := range story.Files {
			if !strings.HasSuffix(file.Name, ".graphql") {
				continue
			}
			document, err := parser.ParseQuery(&ast.Source{Name: path, Input: string(file.Data)})
			if err != nil {
				t.Fatal(err)
			}
			for _, operation := range document.Operations {
				for _, selection := range operation.SelectionSet {
					asked[string(operation.Operation)+" "+selection.(*ast.Field).Name] = true
				}
			}
		}
	}
	var missing []string
	schema := schema(t)
	for operation, root := range map[string]*ast.Definition{"query": schema.Query, "mutation": schema.Mutation} {
		for _, field := range root.Fields {
			if !asked[operation+" "+field.Name] && !strings.HasPrefix(field.Name, "__") {
				missing = append(missing, operation+" "+field.Name)
			}
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("no story asks %s", strings.Join(missing, ", "))
	}
}
