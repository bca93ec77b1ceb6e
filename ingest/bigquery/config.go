package bigquery

import (
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"time"

	"cadastre.dev/cadastre/graph"
)

// Config says what of BigQuery is crawled.
type Config struct {
	// Name is the source's name. Required.
	Name string
	// Projects are crawled, in this order. Required.
	Projects []string
	// Datasets are patterns ("raw*") of dataset names to crawl. Defaults to
	// all.
	Datasets []string
	// Exclude are patterns of dataset names to leave out; it wins. Defaults
	// to none.
	Exclude []string
	// Endpoint replaces Google's, for a local warehouse. Defaults to Google's.
	Endpoint string
	// OwnerLabels are the labels whose values name owners, the first one the
	// most telling. Defaults to owner, owner1, owner2 and team.
	OwnerLabels []string
	// Owners says who is meant by a label's value: value → "user:…" or
	// "group:…", because labels cannot hold an address. A value that is not
	// here is "team:value". Defaults to none.
	Owners map[string]string
	// Concurrency is how many tables are read at once. Defaults to 16.
	Concurrency int
	// Lookback is how far back jobs are listed at a first run. Defaults to
	// 180 days, which is as long as BigQuery keeps them; negative means no
	// bound.
	Lookback time.Duration
	// HTTPClient sends the requests; see gcp.Client. Required.
	HTTPClient *http.Client
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Logger is told of what is passed over. Defaults to none.
	Logger *slog.Logger
}

const (
	defaultConcurrency = 16
	defaultLookback    = 180 * 24 * time.Hour
)

func (c Config) withDefaults() (Config, error) {
	if c.Name == "" || len(c.Projects) == 0 || c.HTTPClient == nil {
		return c, fmt.Errorf("bigquery source %q: needs a name, a project and a client: %w", c.Name, graph.ErrInvalid)
	}
	for _, pattern := range slices.Concat(c.Datasets, c.Exclude) {
		if _, err := path.Match(pattern, ""); err != nil {
			return c, fmt.Errorf("bigquery source %s: pattern %q: %w: %w", c.Name, pattern, err, graph.ErrInvalid)
		}
	}
	if c.OwnerLabels == nil {
		c.OwnerLabels = []string{"owner", "owner1", "owner2", "team"}
	}
	if c.Concurrency <= 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.Lookback == 0 {
		c.Lookback = defaultLookback
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// takes says whether the dataset of that name is to be crawled.
func (c Config) takes(dataset string) bool {
	is := func(pattern string) bool { ok, err := path.Match(pattern, dataset); return ok && err == nil }
	if slices.ContainsFunc(c.Exclude, is) {
		return false
	}
	return len(c.Datasets) == 0 || slices.ContainsFunc(c.Datasets, is)
}
