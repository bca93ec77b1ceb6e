package gcp

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"cadastre.dev/cadastre/graph"
)

// Config says how Google's services are called. Its zero value uses the
// application default credentials.
type Config struct {
	// Token is a bearer token as it is. Defaults to none.
	Token string
	// Source gives bearer tokens that are renewed; it wins over Token.
	// Defaults to the application default credentials where Token is empty.
	Source oauth2.TokenSource
	// Scopes are asked for with application default credentials. Defaults to
	// "https://www.googleapis.com/auth/bigquery".
	Scopes []string
	// PerSecond limits the requests a second of each method. Defaults to 100,
	// BigQuery's own limit a user and method; negative means no limit.
	PerSecond float64
	// Attempts is how often a request is tried at most. Defaults to 6.
	Attempts int
	// Backoff is the pause before the second attempt; each further one is
	// twice as long, jittered by half. Defaults to 500 ms.
	Backoff time.Duration
	// MaxBackoff bounds a pause, also one that the service asks for. Defaults
	// to 30 s.
	MaxBackoff time.Duration
	// Transport sends the requests. Defaults to http.DefaultTransport.
	Transport http.RoundTripper
	// Logger is told of retries, never of tokens or bodies. Defaults to none.
	Logger *slog.Logger
}

// Client returns an HTTP client that signs requests, keeps to the quota and
// tries again what may succeed later. ErrDenied: there are no credentials.
func Client(ctx context.Context, cfg Config) (*http.Client, error) {
	cfg = cfg.withDefaults()
	tokens, err := cfg.tokens(ctx)
	if err != nil {
		return nil, err
	}
	signed := &oauth2.Transport{Source: tokens, Base: cfg.Transport}
	return &http.Client{Transport: newRetrier(cfg, signed)}, nil
}

const (
	scopeBigQuery     = "https://www.googleapis.com/auth/bigquery"
	defaultPerSecond  = 100
	defaultAttempts   = 6
	defaultBackoff    = 500 * time.Millisecond
	defaultMaxBackoff = 30 * time.Second
)

func (c Config) withDefaults() Config {
	if len(c.Scopes) == 0 {
		c.Scopes = []string{scopeBigQuery}
	}
	if c.PerSecond == 0 {
		c.PerSecond = defaultPerSecond
	}
	if c.Attempts <= 0 {
		c.Attempts = defaultAttempts
	}
	if c.Backoff <= 0 {
		c.Backoff = defaultBackoff
	}
	if c.MaxBackoff <= 0 {
		c.MaxBackoff = defaultMaxBackoff
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) tokens(ctx context.Context) (oauth2.TokenSource, error) {
	if c.Source != nil {
		return c.Source, nil
	}
	if c.Token != "" {
		return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: c.Token}), nil
	}
	found, err := google.FindDefaultCredentials(ctx, c.Scopes...)
	if err != nil {
		return nil, fmt.Errorf("find application default credentials: %w: set a token in the configuration or run `gcloud auth application-default login`: %w", err, graph.ErrDenied)
	}
	return found.TokenSource, nil
}
