package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
)

// Source crawls a schema registry. It is safe for concurrent use.
type Source struct {
	cfg  Config
	host string
}

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
	base, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("registry source %s: %w: %w", cfg.Name, err, graph.ErrInvalid)
	}
	return &Source{cfg: cfg, host: base.Host}, nil
}

// Name is the configured name.
func (s *Source) Name() string { return s.cfg.Name }

// Crawl tells the newest version of every subject, the topics that they
// describe, and the edges between their columns. It reads everything at each
// run, in one call where the registry allows that.
//
// A subject whose schema is invalid is a finding; it and its topic stay as
// they are known.
func (s *Source) Crawl(ctx context.Context, _ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
	versions, broken, err := s.latest(ctx)
	if err != nil {
		return nil, fmt.Errorf("registry %s: %w", s.host, err)
	}
	c := &crawl{source: s, known: map[string]version{}, topics: map[string]*topic{}}
	for _, v := range versions {
		c.known[versionKey(v.Subject, v.Version)] = v
	}
	for _, name := range s.topics() {
		c.topic(name)
	}
	for _, v := range versions {
		if err := c.subject(ctx, v); err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			c.broken(v.Subject, err)
		}
	}
	for _, subject := range slices.Sorted(maps.Keys(broken)) {
		c.broken(subject, broken[subject])
	}
	for _, f := range c.facts() {
		if err := emit(f); err != nil {
			return nil, err
		}
	}
	if !c.unsure {
		if err := emit(graph.ScopeDone{Scope: graph.Scope{Source: s.cfg.Name}}); err != nil {
			return nil, err
		}
	}
	return ingest.Cursor{}, ingest.Partial(c.problems)
}

// Check asks the registry for one page of subjects.
func (s *Source) Check(ctx context.Context) []graph.Finding {
	var subjects []string
	err := s.get(ctx, "/subjects", url.Values{"subjectPrefix": {allContexts}, "limit": {"1"}}, &subjects)
	if err == nil {
		return nil
	}
	code, do := ingest.Advice(err)
	if errors.Is(err, graph.ErrNotFound) {
		do = "check that the address is a schema registry's, with its path"
	}
	return []graph.Finding{{
		Ref:   graph.Ref{Namespace: "schemaregistry://" + s.host, Name: "subjects"},
		Level: graph.FindingBlock, Code: code, Do: do,
		What: fmt.Sprintf("source %s: nothing of the registry %s is crawled: %v", s.cfg.Name, s.host, err),
	}}
}

func versionKey(subject string, version int) string {
	return subject + "\x1f" + strconv.Itoa(version)
}
