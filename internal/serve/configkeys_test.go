package serve

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"

	"cadastre.dev/cadastre/internal/sandbox"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// everyKey gives a value to each key that config.go documents.
const everyKey = `
listen: 127.0.0.1:9000
url: https://catalog.lumen.example
data_dir: /var/lib/cadastre
database: {url: "env:DATABASE_URL", keys: /etc/cadastre/keys}
log_level: debug
log_format: json
time_zone: Europe/Berlin
metrics: {listen: "0.0.0.0:9464", token: "env:M"}
traces: {endpoint: "http://127.0.0.1:4318", token: "env:T", percent: 50}
sso: {issuer: "https://id.example", client_id: c, client_secret: "env:SECRET", groups_claim: roles, scopes: [groups, offline]}
policy:
  bundle: /etc/cadastre/policy
  roles: {auditor: [auditors@lumen.example]}
  domains: {customer: [owners@lumen.example]}
  visibility: [{groups: [all@lumen.example], visibility: discoverable, where: {kind: [topic]}}]
audiences: [{name: analysts, title: Analysts, groups: [analysts@lumen.example], purpose: analytics}]
sources:
  - {name: warehouse, schedule: "15 3 * * *", bigquery: {projects: [p], datasets: ["raw*"], exclude: [tmp], endpoint: "http://127.0.0.1:1", token: "file:/t", owners: {otto: "user:otto@lumen.example"}}, removal: {threshold: 0.3, least: 7}}
  - {name: registry, schedule: "@every 15m", registry: {url: "http://127.0.0.1:2", cluster: "kafka:9092", topics: [a.b], tables: {a.b: p.raw.a}, labels: {PII: user}, owners: {otto: "user:otto@lumen.example"}, user: u, password: "env:P"}, removal: {threshold: 1, least: 2}}
target: {name: w, project: p, sources: [warehouse], datasets: [raw], prefix: v, home: US, publisher: pub@lumen.example, endpoint: "http://127.0.0.1:1", token: "file:/t"}
worker: {path: /usr/bin/w, processes: 3, memory_mib: 512}
removal: {threshold: 0.5, least: 9}
push: {max_mib: 8, max_facts: 500, keep_keys_days: 3}
audit: {key: "env:AUDIT", name: lumen/audit, events: 50, every: 10m, break_glass: 15m}
history: {keep_days: 90}
`

// emptyKeys are those of a struct that hold nothing.
func emptyKeys(v reflect.Value, at string) (empty []string) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		return emptyKeys(v.Elem(), at)
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			empty = append(empty, emptyKeys(v.Index(i), fmt.Sprintf("%s[%d]", at, i))...)
		}
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if key := v.Type().Field(i).Tag.Get("koanf"); key != "" {
				empty = append(empty, emptyKeys(v.Field(i), at+"."+key)...)
			}
		}
	}
	if v.IsZero() {
		empty = append(empty, at)
	}
	return empty
}

func TestEachKeyIsReadFromTheFile(t *testing.T) {
	t.Parallel()
	c, err := LoadConfig(writeConfig(t, everyKey), nil)
	if err != nil {
		t.Fatal(err)
	}
	if empty := emptyKeys(reflect.ValueOf(c), ""); len(empty) > 0 {
		t.Errorf("the file gives these keys a value, and they have none: %v", empty)
	}
}

// scalars are the keys of the configuration that hold one value or a list of
// words and lie in no list: the environment can set each of them.
func scalars(typ reflect.Type, at string) (keys []string) {
	for i := range typ.NumField() {
		field := typ.Field(i)
		key := field.Tag.Get("koanf")
		if key == "" {
			continue
		}
		key = strings.TrimPrefix(at+"."+key, ".")
		switch {
		case field.Type.Kind() == reflect.Struct:
			keys = append(keys, scalars(field.Type, key)...)
		case field.Type.Kind() == reflect.String, field.Type.Kind() == reflect.Int, field.Type.Kind() == reflect.Float64, field.Type == reflect.TypeFor[[]string]():
			keys = append(keys, key)
		}
	}
	return keys
}

// What the environment says is what the file would say: a key a.b is
// CADASTRE_A__B.
func TestEachScalarKeyIsReadFromTheEnvironment(t *testing.T) {
	t.Parallel()
	all := scalars(reflect.TypeFor[Config](), "")
	if len(all) < 20 || !slices.Contains(all, "sso.groups_claim") {
		t.Fatalf("the keys are %v", all)
	}
	var document map[string]any
	if err := yaml.Unmarshal([]byte(everyKey), &document); err != nil {
		t.Fatal(err)
	}
	for _, key := range all {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			value := any(document)
			for part := range strings.SplitSeq(key, ".") {
				value = value.(map[string]any)[part]
			}
			text := strings.NewReplacer("[", "", "]", "", " ", ",").Replace(fmt.Sprint(value))
			bare := writeConfig(t, without(t, key))
			name := environmentPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "__"))
			got, err := LoadConfig(bare, []string{name + "=" + text})
			if err != nil {
				t.Fatal(err)
			}
			want, err := LoadConfig(writeConfig(t, everyKey), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(SSO{})); diff != "" {
				t.Errorf("%s (-file +environment):\n%s", name, diff)
			}
		})
	}
}

// without is everyKey but for one key.
func without(t *testing.T, key string) string {
	t.Helper()
	var document map[string]any
	if err := yaml.Unmarshal([]byte(everyKey), &document); err != nil {
		t.Fatal(err)
	}
	at := document
	parts := strings.Split(key, ".")
	for _, part := range parts[:len(parts)-1] {
		at = at[part].(map[string]any)
	}
	if _, ok := at[parts[len(parts)-1]]; !ok {
		t.Fatalf("there is no key %s", key)
	}
	delete(at, parts[len(parts)-1])
	text, err := yaml.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// docs/cli.md leaves the keys to config.go: each has a sentence there.
func TestEachKeyIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	if err != nil || !strings.Contains(string(page), "internal/serve/config.go") || !strings.Contains(string(page), environmentPrefix+"A__B") {
		t.Errorf("docs/cli.md does not tell where keys are documented and how they are set: %v", err)
	}
	var source strings.Builder
	files, err := filepath.Glob("config*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	for _, name := range []string{"Config", "SSO", "Policy", "BigQuerySource", "RegistrySource", "Target", "Worker", "Metrics", "Traces"} {
		_, body, ok := strings.Cut(source.String(), "type "+name+" struct {")
		if !ok {
			t.Errorf("there is no %s", name)
			continue
		}
		body, _, _ = strings.Cut(body, "\n}")
		told := false
		for line := range strings.SplitSeq(body, "\n") {
			comment := strings.HasPrefix(strings.TrimSpace(line), "//")
			// Fields below one comment are told of together.
			if strings.Contains(line, "koanf:") && !told {
				t.Errorf("%s: a key without a sentence: %s", name, strings.TrimSpace(line))
			}
			told = comment || told && strings.Contains(line, "koanf:")
		}
	}
}

// The demo's document says what it means to: read back, it is the
// configuration that all of it stands in.
func TestTheDemosDocumentIsReadBackWhole(t *testing.T) {
	t.Parallel()
	at := sandbox.Addresses{BigQuery: "http://127.0.0.1:4040/bigquery/v2/", Registry: "http://127.0.0.1:4040/registry", Issuer: "http://127.0.0.1:4040/identity"}
	document := demoDocument(demoState{Listen: "127.0.0.1:8080"}, at, t.TempDir(), "file:/crawler", "file:/publisher")
	text, err := yaml.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	c, err := LoadConfig(writeConfig(t, string(text)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.URL != "http://127.0.0.1:8080" || c.SSO.Issuer != at.Issuer || c.SSO.ClientID != company.ClientID || len(c.Audiences) != 2 {
		t.Errorf("read back: %+v", c)
	}
	if len(c.Sources) != 2 || c.Sources[0].BigQuery.Endpoint != at.BigQuery || len(c.Sources[1].Registry.Tables) != 4 {
		t.Errorf("the sources read back: %+v", c.Sources)
	}
	if c.Target.Token == c.Sources[0].BigQuery.Token || c.Target.Publisher != company.Publisher().Email {
		t.Errorf("who writes is who reads: %+v", c.Target)
	}
	if got := c.visibility(); len(got) != len(c.Policy.Visibility) || got[0].Groups[0] != company.DataOwners {
		t.Errorf("visibility read back: %+v", got)
	}
	if _, ok := c.viewContainers()["analysts"]; !ok || len(c.viewContainers()) != 2 {
		t.Errorf("the containers of views are %v", c.viewContainers())
	}
}

// A public address is a web address of a host, and nothing beside.
func TestTheURLIsAWebAddressOfAHost(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"http://127.0.0.1:8080": true, "https://catalog.lumen.example": true, "https://catalog.lumen.example/": true,
		"https://catalog.lumen.example/app": false, "catalog.lumen.example": false, "//catalog.lumen.example": false,
		"ftp://catalog.lumen.example": false, "https://catalog.lumen.example?x=1": false, "https://catalog.lumen.example#x": false,
		"https://user@catalog.lumen.example": false, "https://": false, "https://a b": false,
	} {
		_, err := LoadConfig(writeConfig(t, ""), []string{"CADASTRE_URL=" + address})
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// A pattern that cannot be read matches nothing; it is a fault, not an empty
// target.
func TestAPatternThatCannotBeReadIsAFault(t *testing.T) {
	t.Parallel()
	_, err := LoadConfig(writeConfig(t, "target: {datasets: ['raw[']}"), nil)
	if err == nil || !strings.Contains(err.Error(), "target.datasets") {
		t.Errorf("got %v", err)
	}
	if _, err := LoadConfig(writeConfig(t, "target: {datasets: ['raw[0-9]', 'a*']}"), nil); err != nil {
		t.Error(err)
	}
}
