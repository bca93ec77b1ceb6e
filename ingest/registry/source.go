package registry

import (
	"context"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
)

const requestDeadline = time.Minute

// Source crawls a schema registry.
type Source struct{ cfg Config }

var (
	_ ingest.Source  = (*Source)(nil)
	_ ingest.Checker = (*Source)(nil)
)

// New returns a source. ErrInvalid names what the configuration lacks.
func New(cfg Config) (*Source, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Source{cfg: cfg}, nil
}

// Name is the configured name.
func (s *Source) Name() string { return s.cfg.Name }

// Crawl tells what the registry holds.
func (s *Source) Crawl(ctx context.Context, since ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
	return since, ctx.Err()
}

// Check says what the crawl lacks.
func (s *Source) Check(ctx context.Context) []graph.Finding { return nil }
