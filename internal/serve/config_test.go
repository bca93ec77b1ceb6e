package serve

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
)

const whole = `
listen: 127.0.0.1:9000
data_dir: /var/lib/cadastre
sso: {issuer: "https://id.example", client_id: cadastre, client_secret: "env:SECRET"}
policy:
  roles: {auditor: [auditors@lumen.example]}
audiences:
  - {name: analysts, title: Analysts, groups: [analysts@lumen.example], purpose: analytics}
sources:
  - {name: warehouse, bigquery: {projects: [lumen-prod]}}
  - {name: registry, registry: {url: "http://127.0.0.1:8081", cluster: "kafka:9092", tables: {lumen.customers.v1: lumen-prod.raw.customers}}}
target: {project: lumen-prod, publisher: publisher@lumen.example, sources: [warehouse]}
`

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cadastre.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigIsReadWithItsDefaults(t *testing.T) {
	t.Parallel()
	c, err := LoadConfig(writeConfig(t, whole), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.URL != "http://127.0.0.1:9000" || c.Target.Prefix != "views" || c.SSO.GroupsClaim != "groups" {
		t.Errorf("defaults are not filled in: %+v", c)
	}
	if got := c.Sources[1].Registry.Tables["lumen.customers.v1"]; got != "lumen-prod.raw.customers" {
		t.Errorf("a key with dots was read as %q: %+v", got, c.Sources[1].Registry.Tables)
	}
}

func TestEnvironmentWinsOverTheFile(t *testing.T) {
	t.Parallel()
	c, err := LoadConfig(writeConfig(t, whole), []string{"CADASTRE_LISTEN=127.0.0.1:9100", "CADASTRE_SSO__CLIENT_ID=other", "HOME=/root", "CADASTRE_GOOGLESQL=/bin/x"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:9100" || c.SSO.ClientID != "other" {
		t.Errorf("got listen %q and client %q", c.Listen, c.SSO.ClientID)
	}
}

func TestFaultsOfAConfigurationAreToldAllAtOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		environ    []string
		want       []string
	}{
		{name: "broken YAML", text: "listen: [", want: []string{"cadastre.yaml", "yaml"}},
		{name: "unknown key", text: "lisen: 127.0.0.1:1", want: []string{"lisen"}},
		{name: "unknown nested key", text: "sso: {isuer: x}", want: []string{"isuer"}},
		{name: "unknown variable", environ: []string{"CADASTRE_LISEN=x"}, want: []string{"lisen"}},
		{name: "open address without TLS", text: "listen: 0.0.0.0:80", want: []string{"listen", "https://"}},
		{name: "issuer without client", text: "sso: {issuer: https://id.example}", want: []string{"sso", "client_id"}},
		{
			name: "several", text: "listen: nowhere\nlog_level: loud\naudiences: [{name: A-B}]\nsources: [{name: w}]",
			want: []string{"listen", "log_level", "audiences[0]", "purpose", "no groups", "sources[0]"},
		},
		{name: "twice the same audience", text: "audiences: [{name: a, groups: [g], purpose: p}, {name: a, groups: [g], purpose: p}]", want: []string{"used twice"}},
		{name: "target of an unknown source", text: "target: {sources: [nowhere]}", want: []string{`no source "nowhere"`}},
		{name: "half a visibility", text: "policy: {visibility: [{visibility: seen, where: {colour: [red]}}]}", want: []string{"policy.visibility[0]", "seen", "no groups", "colour"}},
		{name: "target without a publisher", text: "target: {project: p}", want: []string{"target.publisher"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadConfig(writeConfig(t, test.text), test.environ)
			if !errors.Is(err, graph.ErrInvalid) {
				t.Fatalf("got %v, want ErrInvalid", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not tell of %q: %v", want, err)
				}
			}
		})
	}
}

func TestSecretsAreReferencesAndNeverShown(t *testing.T) {
	t.Parallel()
	_, err := LoadConfig(writeConfig(t, "sso: {issuer: https://id.example, client_id: c, client_secret: hunter2}"), nil)
	if !errors.Is(err, graph.ErrInvalid) {
		t.Fatalf("a secret in plain text was taken: %v", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the secret: %v", err)
	}
}

func TestResolveSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CADASTRE_TEST_SECRET", "from the environment")
	for reference, want := range map[string]string{
		"": "", "env:CADASTRE_TEST_SECRET": "from the environment", "file:" + path: "from a file",
	} {
		got, err := resolveSecret(reference)
		if err != nil || got != want {
			t.Errorf("%q gave %q, %v", reference, got, err)
		}
	}
	for _, reference := range []string{"env:CADASTRE_NOT_SET", "file:/nowhere", "plain"} {
		if _, err := resolveSecret(reference); !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("%q gave %v, want ErrInvalid", reference, err)
		}
	}
}

func TestLocalPathNeverLeavesThisHost(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"/search?q=a": "/search?q=a", "": "/", "https://evil.example": "/", "//evil.example": "/",
		`/\evil.example`: "/", "search": "/", "javascript:alert(1)": "/",
	} {
		if got := localPath(to); got != want {
			t.Errorf("localPath(%q) = %q, want %q", to, got, want)
		}
	}
}
