package serve

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy"
)

// Config is all that an operator sets, from one YAML file and the environment.
// Keys that are not listed here are errors. A key a.b is CADASTRE_A__B in the
// environment, which wins over the file.
type Config struct {
	// Listen is the address to serve on. Defaults to 127.0.0.1:8080; another
	// than a loopback address needs url to begin with https://.
	Listen string `koanf:"listen"`
	// URL is where browsers reach the program. Defaults to http:// and Listen.
	URL string `koanf:"url"`
	// DataDir holds the database and the masking keys, where database does not
	// say otherwise. Defaults to ./cadastre-data.
	DataDir string `koanf:"data_dir"`
	// Database is where the catalog is kept.
	Database Database `koanf:"database"`
	// LogLevel is debug, info, warn or error. Defaults to info.
	LogLevel string `koanf:"log_level"`
	// LogFormat is text or json: one line or one JSON document an entry.
	// Defaults to text.
	LogFormat string `koanf:"log_format"`
	// TimeZone is that of the schedules, by its name, such as Europe/Berlin.
	// Defaults to UTC.
	TimeZone string `koanf:"time_zone"`
	// Metrics are the numbers for Prometheus.
	Metrics Metrics `koanf:"metrics"`
	// Traces are the spans for OpenTelemetry.
	Traces Traces `koanf:"traces"`
	// SSO is the identity provider. Without an issuer nobody can sign in, and
	// `serve` refuses to start.
	SSO SSO `koanf:"sso"`
	// Policy is who may do what: roles, groups, restrictions.
	Policy Policy `koanf:"policy"`
	// Audiences are the groups of people for whom views are made.
	Audiences []AudienceConfig `koanf:"audiences"`
	// Sources are what is crawled.
	Sources []SourceConfig `koanf:"sources"`
	// Target is where views are published; optional.
	Target Target `koanf:"target"`
	// Worker is the GoogleSQL worker.
	Worker Worker `koanf:"worker"`
	// Removal is how much of a source may end in one crawl before a person is
	// asked.
	Removal RemovalConfig `koanf:"removal"`
	// Push is the ingest API.
	Push PushConfig `koanf:"push"`
	// Audit is how the audit log is signed.
	Audit AuditConfig `koanf:"audit"`
	// History says how long what was is kept.
	History History `koanf:"history"`
}

// SSO is the OpenID Connect provider.
type SSO struct {
	// Issuer is its URL; discovery is at Issuer/.well-known/openid-configuration.
	Issuer string `koanf:"issuer"`
	// ClientID is this program's name there.
	ClientID string `koanf:"client_id"`
	// ClientSecret is env:NAME or file:PATH; empty for a public client.
	ClientSecret string `koanf:"client_secret"`
	// GroupsClaim is the claim that lists a person's groups. Defaults to groups.
	GroupsClaim string `koanf:"groups_claim"`
	// Scopes are asked for beside openid, profile and email.
	Scopes []string `koanf:"scopes"`

	secret string
}

// Policy says who is who for the rules of the policy.
type Policy struct {
	// Bundle is a folder of Rego that replaces the built-in one. Defaults to
	// the built-in one.
	Bundle string `koanf:"bundle"`
	// Roles gives roles to groups: role → groups.
	Roles map[string][]string `koanf:"roles"`
	// Domains gives domains to groups that answer for their data: the value
	// of the label "domain" → groups.
	Domains map[string][]string `koanf:"domains"`
	// Visibility says what the members of groups know of the catalog beyond
	// what they own or have views of. Defaults to nothing.
	Visibility []VisibilityConfig `koanf:"visibility"`
}

// VisibilityConfig lets the members of groups see or discover assets.
type VisibilityConfig struct {
	Groups []string `koanf:"groups"`
	// Visibility is visible or discoverable.
	Visibility string `koanf:"visibility"`
	// Where must hold of an asset: attribute (ref, namespace, kind, source,
	// parent, owner) → values, of which one suffices. Defaults to all assets.
	Where map[string][]string `koanf:"where"`
}

// AudienceConfig is a graph.Audience as it stands in the file.
type AudienceConfig struct {
	Name    string   `koanf:"name"`
	Title   string   `koanf:"title"`
	Groups  []string `koanf:"groups"`
	Purpose string   `koanf:"purpose"`
}

// SourceConfig is one source; exactly one of its platforms is set.
type SourceConfig struct {
	// Name is how assets and the audit log call it.
	Name string `koanf:"name"`
	// Schedule is when it is crawled: the five fields of cron, such as
	// "0 * * * *", or @hourly, @daily, @weekly, @monthly, or "@every 15m". A
	// moment that passed while nothing ran is made up for at the start.
	// Defaults to only when somebody asks.
	Schedule string          `koanf:"schedule"`
	BigQuery *BigQuerySource `koanf:"bigquery"`
	Registry *RegistrySource `koanf:"registry"`
	// Removal overrides the general removal for this source, key by key.
	Removal RemovalConfig `koanf:"removal"`
}

// BigQuerySource is a warehouse to crawl.
type BigQuerySource struct {
	// Projects are crawled, all datasets of each.
	Projects []string `koanf:"projects"`
	// Datasets are patterns of dataset names to include. Defaults to all.
	Datasets []string `koanf:"datasets"`
	// Exclude are patterns of dataset names to leave out.
	Exclude []string `koanf:"exclude"`
	// Endpoint replaces Google's, for a local warehouse.
	Endpoint string `koanf:"endpoint"`
	// Token is env:NAME or file:PATH of a bearer token. Defaults to Google's
	// application default credentials.
	Token string `koanf:"token"`
	// Owners says who is meant by a value of an owner label: value →
	// user:address or group:address. Other values are team:value.
	Owners map[string]string `koanf:"owners"`
}

// RegistrySource is a schema registry to crawl.
type RegistrySource struct {
	// URL is the registry's base address.
	URL string `koanf:"url"`
	// Cluster names the Kafka cluster in refs: kafka://<cluster>.
	Cluster string `koanf:"cluster"`
	// Topics are topics known beside those that subjects name.
	Topics []string `koanf:"topics"`
	// Tables says which table a topic is written to: topic → project.dataset.table.
	Tables map[string]string `koanf:"tables"`
	// Labels says what a tag of the registry means: tag → label. Defaults to
	// PII → user.
	Labels map[string]string `koanf:"labels"`
	// Owners says who is meant by an owner property's value, as for
	// BigQuerySource.
	Owners map[string]string `koanf:"owners"`
	// User and Password sign in; Password is env:NAME or file:PATH.
	User     string `koanf:"user"`
	Password string `koanf:"password"`
}

// Target is the warehouse in which views are published.
type Target struct {
	// Name is how plans call it. Defaults to warehouse.
	Name string `koanf:"name"`
	// Project holds the views and the masking keys. Empty: nothing is
	// published.
	Project string `koanf:"project"`
	// Sources are the names of the sources whose tables get views. Defaults
	// to all of the platform.
	Sources []string `koanf:"sources"`
	// Datasets are patterns of dataset names whose tables get views. Defaults
	// to all.
	Datasets []string `koanf:"datasets"`
	// Prefix begins the names of the view datasets. Defaults to views.
	Prefix string `koanf:"prefix"`
	// Home is the location whose view datasets bear no location in their
	// names. Defaults to EU.
	Home string `koanf:"home"`
	// Publisher is the address of the identity that writes. It owns the view
	// datasets.
	Publisher string `koanf:"publisher"`
	// Endpoint and Token are as for BigQuerySource, with the publisher's
	// identity.
	Endpoint string `koanf:"endpoint"`
	Token    string `koanf:"token"`
}

// Worker says how the GoogleSQL worker runs.
type Worker struct {
	// Path is the program. Defaults to cadastre-googlesql beside this one.
	Path string `koanf:"path"`
	// Processes run at once at most. Defaults to 2.
	Processes int `koanf:"processes"`
	// MemoryMiB is what one may take before it is replaced. Defaults to 1024.
	MemoryMiB int `koanf:"memory_mib"`
}

const environmentPrefix = "CADASTRE_"

// keySeparator joins nested keys. It is no dot, because topics and roles are
// keys too and have dots in them.
const keySeparator = "|"

// notConfiguration are variables with the program's prefix that tests and
// tools use and that configure nothing here.
var notConfiguration = []string{"CADASTRE_GOOGLESQL", "CADASTRE_CASES", "CADASTRE_AUTHORITY_SEED", "CADASTRE_AUTHORITY_TIME"}

// LoadConfig reads the file at path, or nothing where path is empty, and then
// the environment. All faults are told at once, each ErrInvalid.
func LoadConfig(path string, environ []string) (Config, error) {
	k := koanf.New(keySeparator)
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return Config{}, fmt.Errorf("read %s: %w: %w", path, err, graph.ErrInvalid)
		}
	}
	fromEnvironment := env.Provider(keySeparator, env.Opt{
		Prefix:      environmentPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(key, value string) (string, any) {
			if slices.Contains(notConfiguration, key) {
				return "", nil
			}
			key = strings.ToLower(strings.TrimPrefix(key, environmentPrefix))
			return strings.ReplaceAll(key, "__", keySeparator), value
		},
	})
	if err := k.Load(fromEnvironment, nil); err != nil {
		return Config{}, fmt.Errorf("read environment: %w: %w", err, graph.ErrInvalid)
	}
	var c Config
	err := k.UnmarshalWithConf("", &c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: &c, ErrorUnused: true, WeaklyTypedInput: true,
		DecodeHook: mapstructure.StringToSliceHookFunc(","), TagName: "koanf",
	}})
	if err != nil {
		return Config{}, fmt.Errorf("read %s: %w: %w", orDefault(path, "the environment"), tidyDecodeError(err), graph.ErrInvalid)
	}
	c = c.withDefaults()
	return c, c.Validate()
}

func (c Config) withDefaults() Config {
	c.Listen = orDefault(c.Listen, "127.0.0.1:8080")
	c.URL = strings.TrimSuffix(orDefault(c.URL, "http://"+c.Listen), "/")
	c.DataDir = orDefault(c.DataDir, "cadastre-data")
	c.LogLevel = orDefault(c.LogLevel, "info")
	c.SSO.GroupsClaim = orDefault(c.SSO.GroupsClaim, "groups")
	c.Target.Name = orDefault(c.Target.Name, "warehouse")
	c.Target.Prefix = orDefault(c.Target.Prefix, "views")
	c.Audit = c.Audit.withDefaults()
	return c.withOperateDefaults()
}

func orDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// Validate lists all that is wrong with the configuration. It looks at nothing
// outside it; secrets are resolved when they are needed.
func (c Config) Validate() error {
	var faults []error
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: "+format+": %w", append(append([]any{key}, args...), graph.ErrInvalid)...))
	}
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
		fault("listen", "%q is not host:port", c.Listen)
	case !isLoopback(host) && !strings.HasPrefix(c.URL, "https://"):
		fault("listen", "%q is not a loopback address, so url must begin with https://; put a proxy with a certificate in front", c.Listen)
	}
	if !isOrigin(c.URL) {
		fault("url", "%q is not a URL of http or https with a host alone", c.URL)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		fault("log_level", "%q is none of debug, info, warn, error", c.LogLevel)
	}
	if (c.SSO.Issuer == "") != (c.SSO.ClientID == "") {
		fault("sso", "issuer and client_id belong together")
	}
	secret(fault, "sso.client_secret", c.SSO.ClientSecret)
	secret(fault, "target.token", c.Target.Token)
	secret(fault, "database.url", c.Database.URL)
	if c.Target.Project != "" && c.Target.Publisher == "" {
		fault("target.publisher", "is empty; name the address that the views are published as")
	}
	c.Audit.validate(fault)
	c.validateAudiences(fault)
	c.validateSources(fault)
	c.validateVisibility(fault)
	c.Removal.validate(fault, "removal")
	c.Push.validate(fault)
	c.History.validate(fault)
	c.validateOperate(fault)
	return errors.Join(faults...)
}

func (c Config) validateAudiences(fault func(string, string, ...any)) {
	seen := map[string]bool{}
	for i, a := range c.Audiences {
		key := fmt.Sprintf("audiences[%d]", i)
		if !isIdentifier(a.Name) {
			fault(key, "name %q is not a word of a-z, 0-9 and _", a.Name)
		}
		if seen[a.Name] {
			fault(key, "name %q is used twice", a.Name)
		}
		seen[a.Name] = true
		if len(a.Groups) == 0 {
			fault(key, "%q has no groups, so nobody could read its views", a.Name)
		}
		if a.Purpose == "" {
			fault(key, "%q has no purpose", a.Name)
		}
	}
}

func (c Config) validateVisibility(fault func(string, string, ...any)) {
	for i, v := range c.Policy.Visibility {
		key := fmt.Sprintf("policy.visibility[%d]", i)
		if v.Visibility != string(graph.Visible) && v.Visibility != string(graph.Discoverable) {
			fault(key, "%q is neither visible nor discoverable", v.Visibility)
		}
		if len(v.Groups) == 0 {
			fault(key, "names no groups")
		}
		for attribute := range v.Where {
			if !slices.Contains(attributes, graph.Attribute(attribute)) {
				fault(key, "where: attribute %q is none of %v", attribute, attributes)
			}
		}
	}
}

var attributes = []graph.Attribute{
	graph.AttributeRef, graph.AttributeNamespace, graph.AttributeKind,
	graph.AttributeSource, graph.AttributeParent, graph.AttributeOwner,
}

// visibility is what the configuration says as the policy reads it, in an
// order that does not depend on how it was written.
func (c Config) visibility() []policy.VisibilityGrant {
	var out []policy.VisibilityGrant
	for _, v := range c.Policy.Visibility {
		grant := policy.VisibilityGrant{Groups: v.Groups, Visibility: graph.Visibility(v.Visibility), Where: graph.Clause{}}
		for _, attribute := range slices.Sorted(maps.Keys(v.Where)) {
			grant.Where = append(grant.Where, graph.Condition{Attribute: graph.Attribute(attribute), In: v.Where[attribute]})
		}
		out = append(out, grant)
	}
	return out
}

func (c Config) validateSources(fault func(string, string, ...any)) {
	seen := map[string]bool{}
	for i, s := range c.Sources {
		key := fmt.Sprintf("sources[%d]", i)
		if s.Name == "" || seen[s.Name] {
			fault(key, "name %q is empty or used twice", s.Name)
		}
		seen[s.Name] = true
		s.Removal.validate(fault, key+".removal")
		switch {
		case (s.BigQuery == nil) == (s.Registry == nil):
			fault(key, "%q needs exactly one of bigquery and registry", s.Name)
		case s.BigQuery != nil:
			if len(s.BigQuery.Projects) == 0 {
				fault(key+".bigquery.projects", "names no project")
			}
			secret(fault, key+".bigquery.token", s.BigQuery.Token)
		default:
			if u, err := url.Parse(s.Registry.URL); err != nil || u.Host == "" {
				fault(key+".registry.url", "%q is not a URL", s.Registry.URL)
			}
			secret(fault, key+".registry.password", s.Registry.Password)
		}
	}
	for _, name := range c.Target.Sources {
		if !seen[name] {
			fault("target.sources", "there is no source %q", name)
		}
	}
	for _, pattern := range c.Target.Datasets {
		if _, err := path.Match(pattern, ""); err != nil {
			fault("target.datasets", "%q is no pattern", pattern)
		}
	}
}

func secret(fault func(string, string, ...any), key, reference string) {
	if reference == "" || strings.HasPrefix(reference, "env:") || strings.HasPrefix(reference, "file:") {
		return
	}
	// The value is left out of the message: it may be the secret itself.
	fault(key, "is written as plain text; refer to it as env:NAME or file:PATH")
}

// resolveSecret returns what a reference stands for; empty for none.
func resolveSecret(reference string) (string, error) {
	if name, ok := strings.CutPrefix(reference, "env:"); ok {
		value, set := os.LookupEnv(name)
		if !set || value == "" {
			return "", fmt.Errorf("secret %s: the variable is not set: %w", reference, graph.ErrInvalid)
		}
		return value, nil
	}
	if path, ok := strings.CutPrefix(reference, "file:"); ok {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("secret %s: %w: %w", reference, err, graph.ErrInvalid)
		}
		return strings.TrimSpace(string(data)), nil
	}
	if reference != "" {
		return "", fmt.Errorf("secret: refer to it as env:NAME or file:PATH: %w", graph.ErrInvalid)
	}
	return "", nil
}

func (c Config) audiences() []graph.Audience {
	out := make([]graph.Audience, 0, len(c.Audiences))
	for _, a := range c.Audiences {
		out = append(out, graph.Audience{Name: a.Name, Title: orDefault(a.Title, a.Name), Groups: a.Groups, Purpose: a.Purpose})
	}
	return out
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// isOrigin says whether an address names a host of the web and nothing beside:
// pages are served from its root, and sign-ins come back there.
func isOrigin(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (address == "http://"+u.Host || address == "https://"+u.Host)
}

func isIdentifier(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_'
	})
}

// tidyDecodeError puts what the decoder says on one line, in our words.
func tidyDecodeError(err error) error {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' })
	text := strings.Join(strings.Fields(strings.Join(lines, "; ")), " ")
	return errors.New(strings.NewReplacer(
		"decoding failed due to the following error(s):; ", "",
		"'serve.Config' has invalid keys: ", "unknown keys: ",
		"' has invalid keys: ", "' has unknown keys: ",
	).Replace(text))
}
