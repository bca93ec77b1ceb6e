package registry

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Config says which registry is crawled and how its words are read.
type Config struct {
	// Name is the source's name. Required.
	Name string
	// URL is the registry's base address. Required.
	URL string
	// Cluster names the Kafka cluster in refs: kafka://<cluster>. Defaults to
	// the registry's host and port.
	Cluster string
	// User and Password sign in by basic authentication; Token by bearer,
	// which wins. Defaults to none.
	User, Password, Token string
	// Topics are topics known beside those that subjects name. Defaults to
	// none.
	Topics []string
	// Tables says which table a topic is written to, topic →
	// project.dataset.table, where no connector is there to ask. Defaults to
	// none.
	Tables map[string]string
	// Labels says what a tag of the registry means here: tag → label. Tags
	// that are written as labels ("user.contact.email") need no entry.
	// Defaults to PII → user.
	Labels map[string]string
	// OwnerProperties are the metadata properties that name owners. Defaults
	// to owner, owner_team and team.
	OwnerProperties []string
	// Owners says who is meant by the value of such a property: value →
	// "user:…" or "group:…". Another value is a user where it is an address,
	// else "team:value". Defaults to none.
	Owners map[string]string
	// HTTPClient sends the requests. Defaults to one with a deadline of a
	// minute a request.
	HTTPClient *http.Client
	// Logger is told of what is passed over. Defaults to none.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Name == "" {
		return c, fmt.Errorf("registry source: no name: %w", graph.ErrInvalid)
	}
	base, err := url.Parse(c.URL)
	if err != nil || base.Host == "" {
		return c, fmt.Errorf("registry source %s: %q is no URL: %w", c.Name, c.URL, graph.ErrInvalid)
	}
	c.URL = strings.TrimSuffix(c.URL, "/")
	if c.Cluster == "" {
		c.Cluster = base.Host
	}
	if c.Labels == nil {
		c.Labels = map[string]string{"PII": "user"}
	}
	if c.OwnerProperties == nil {
		c.OwnerProperties = []string{"owner", "owner_team", "team"}
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{Timeout: requestDeadline}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	for topic, table := range c.Tables {
		if parts := strings.Split(table, "."); len(parts) != 3 || slices.Contains(parts, "") {
			return c, fmt.Errorf("registry source %s: table %q of topic %q: want project.dataset.table: %w", c.Name, table, topic, graph.ErrInvalid)
		}
	}
	return c, nil
}
