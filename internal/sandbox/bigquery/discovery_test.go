package bigquery_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// discovery is what is used of Google's description of the service.
type discovery struct {
	Schemas   map[string]*jsonSchema `json:"schemas"`
	Resources map[string]struct {
		Methods map[string]struct {
			ID         string `json:"id"`
			HTTPMethod string `json:"httpMethod"`
			FlatPath   string `json:"flatPath"`
			Path       string `json:"path"`
			Response   struct {
				Ref string `json:"$ref"`
			} `json:"response"`
		} `json:"methods"`
	} `json:"resources"`
	routes []discoveryRoute
}

type discoveryRoute struct {
	verb     string
	path     *regexp.Regexp
	id       string
	response string
}

type jsonSchema struct {
	Ref        string                 `json:"$ref"`
	Type       string                 `json:"type"`
	Items      *jsonSchema            `json:"items"`
	Properties map[string]*jsonSchema `json:"properties"`
	Additional *jsonSchema            `json:"additionalProperties"`
}

// published reads the description once. It comes with the Go client's module.
var published = sync.OnceValues(func() (*discovery, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		return nil, fmt.Errorf("find the client's module: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "bigquery", "v2", "bigquery-api.json"))
	if err != nil {
		return nil, err
	}
	d := &discovery{}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, err
	}
	parameter := regexp.MustCompile(`\\\{[^}]*\\\}`)
	for _, resource := range d.Resources {
		for _, m := range resource.Methods {
			path := m.FlatPath
			if path == "" {
				path = m.Path
			}
			pattern := "^/bigquery/v2/" + parameter.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$"
			d.routes = append(d.routes, discoveryRoute{m.HTTPMethod, regexp.MustCompile(pattern), m.ID, m.Response.Ref})
		}
	}
	return d, nil
})

// held checks every answer of a handler against Google's description: no
// unknown member, no member of another type.
func held(t *testing.T, next http.Handler) http.Handler {
	t.Helper()
	d, err := published()
	if err != nil {
		t.Skipf("holds answers to the published description: %v", err)
	}
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, in)
		for _, fault := range d.faults(in, recorder) {
			t.Errorf("%s %s: %s", in.Method, in.URL.Path, fault)
		}
		for name, values := range recorder.Header() {
			out.Header()[name] = values
		}
		out.WriteHeader(recorder.Code)
		_, _ = out.Write(recorder.Body.Bytes())
	})
}

func (d *discovery) faults(in *http.Request, answer *httptest.ResponseRecorder) []string {
	if answer.Code == http.StatusNoContent || answer.Code == http.StatusNotModified {
		if answer.Body.Len() > 0 {
			return []string{"a body where there is none"}
		}
		return nil
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(answer.Body.Bytes()))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return []string{"not JSON: " + err.Error()}
	}
	if answer.Code >= 400 {
		return errorFaults(answer.Code, value)
	}
	for _, r := range d.routes {
		if r.verb == in.Method && r.path.MatchString(in.URL.Path) {
			if r.response == "" {
				return []string{r.id + " answers no body"}
			}
			return d.check(r.response, value, d.Schemas[r.response])
		}
	}
	return []string{"not a method of the service"}
}

// errorFaults checks the form of an error.
func errorFaults(code int, value any) []string {
	body, _ := value.(map[string]any)
	e, _ := body["error"].(map[string]any)
	list, _ := e["errors"].([]any)
	if fmt.Sprint(e["code"]) != fmt.Sprint(code) || e["message"] == "" || e["status"] == "" || len(list) == 0 {
		return []string{fmt.Sprintf("not an error of the service: %v", value)}
	}
	return nil
}

// check walks a value beside its schema.
func (d *discovery) check(path string, value any, schema *jsonSchema) []string {
	if schema.Ref != "" {
		schema = d.Schemas[schema.Ref]
	}
	if value == nil && path != "" && schema.Type != "any" {
		return []string{path + " is null"}
	}
	wrong := []string{fmt.Sprintf("%s is %T, want %s", path, value, schema.Type)}
	switch schema.Type {
	case "object":
		object, ok := value.(map[string]any)
		if !ok {
			return wrong
		}
		var faults []string
		for name, member := range object {
			inner := schema.Properties[name]
			if inner == nil {
				inner = schema.Additional
			}
			if inner == nil {
				faults = append(faults, path+"."+name+" is unknown")
				continue
			}
			faults = append(faults, d.check(path+"."+name, member, inner)...)
		}
		return faults
	case "array":
		list, ok := value.([]any)
		if !ok {
			return wrong
		}
		var faults []string
		for i, member := range list {
			faults = append(faults, d.check(fmt.Sprintf("%s[%d]", path, i), member, schema.Items)...)
		}
		return faults
	case "string":
		if _, ok := value.(string); !ok {
			return wrong
		}
	case "boolean":
		if _, ok := value.(bool); !ok {
			return wrong
		}
	case "integer", "number":
		if _, ok := value.(json.Number); !ok {
			return wrong
		}
	}
	return nil
}

// TestHeldNotices holds that the check itself sees what it is for.
func TestHeldNotices(t *testing.T) {
	t.Parallel()
	d, err := published()
	if err != nil {
		t.Skip(err)
	}
	tests := []struct{ name, body string }{
		{"an unknown member", `{"kind":"bigquery#dataset","colour":"red"}`},
		{"a number for a string", `{"creationTime":1}`},
		{"an unknown member deep inside", `{"access":[{"role":"READER","why":"x"}]}`},
		{"a word for an array", `{"access":"x"}`},
		{"a word for a truth", `{"isCaseInsensitive":"yes"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answer := httptest.NewRecorder()
			_, _ = answer.WriteString(tt.body)
			in := httptest.NewRequest(http.MethodGet, "/bigquery/v2/projects/p/datasets/d", nil)
			if faults := d.faults(in, answer); len(faults) != 1 {
				t.Errorf("got %q", faults)
			}
		})
	}
}
