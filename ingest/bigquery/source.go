package bigquery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/option"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/internal/gcp"
)

// Source crawls BigQuery. It is safe for concurrent use.
type Source struct {
	cfg     Config
	service *bq.Service
}

var (
	_ ingest.Source          = (*Source)(nil)
	_ ingest.Checker         = (*Source)(nil)
	_ ingest.StatementLister = (*Source)(nil)
)

// New returns a source. ErrInvalid names what the configuration lacks.
func New(cfg Config) (*Source, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	options := []option.ClientOption{option.WithHTTPClient(cfg.HTTPClient)}
	if cfg.Endpoint != "" {
		options = append(options, option.WithEndpoint(cfg.Endpoint))
	}
	service, err := bq.NewService(context.Background(), options...)
	if err != nil {
		return nil, fmt.Errorf("bigquery source %s: %w: %w", cfg.Name, err, graph.ErrInvalid)
	}
	return &Source{cfg: cfg, service: service}, nil
}

// Name is the configured name.
func (s *Source) Name() string { return s.cfg.Name }

// Crawl tells the datasets of the projects, each with its tables and the word
// that it was seen whole.
//
// A dataset that may not be read is a finding, and what is known of it stays;
// so is a table, which is then told as unchanged. A dataset or table that goes
// away between the list and the look is no longer there, and no error. A
// project that cannot be listed at all is a finding too, unless it is the only
// one: then the crawl fails.
func (s *Source) Crawl(ctx context.Context, since ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
	c := &crawl{source: s, emit: emit, was: readCursor(since, s.cfg), now: newCursor(s.cfg)}
	for _, project := range s.cfg.Projects {
		err := c.project(ctx, project)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if len(s.cfg.Projects) == 1 || errors.Is(err, errEmit) {
			return nil, err
		}
		c.problem(graph.BigQueryRef(project), err)
		c.keepProject(project)
	}
	if len(c.problems) == 0 {
		if err := c.tell(graph.ScopeDone{Scope: graph.Scope{Source: s.cfg.Name}}); err != nil {
			return nil, err
		}
	}
	cursor, err := c.now.bytes()
	if err != nil {
		return nil, err
	}
	return cursor, ingest.Partial(c.problems)
}

// errEmit marks an error of the receiver of facts, which ends a crawl.
var errEmit = errors.New("facts are not taken")

// crawl is one run.
type crawl struct {
	source   *Source
	emit     func(graph.Fact) error
	was, now *cursor
	problems []graph.Finding
}

func (c *crawl) tell(f graph.Fact) error {
	if err := c.emit(f); err != nil {
		return fmt.Errorf("%w: %w", errEmit, err)
	}
	return nil
}

func (c *crawl) problem(ref graph.Ref, err error) {
	code, do := ingest.Advice(err)
	c.problems = append(c.problems, graph.Finding{Ref: ref, Level: graph.FindingWarn, Code: code, What: err.Error(), Do: do})
}

func (c *crawl) project(ctx context.Context, project string) error {
	names, err := c.source.listDatasets(ctx, project)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.visit(ctx, project, name); err != nil {
			return err
		}
	}
	for _, key := range c.was.datasetsOf(project) {
		if _, name := splitDataset(key); c.source.cfg.takes(name) && !slices.Contains(names, name) {
			if err := c.visit(ctx, project, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// visit crawls one dataset. It returns only what must end the whole crawl;
// anything else becomes a finding.
func (c *crawl) visit(ctx context.Context, project, name string) error {
	err := c.dataset(ctx, project, name)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errEmit):
		return err
	}
	c.problem(graph.BigQueryRef(project, name), err)
	c.now.keep(c.was, datasetKey(project, name))
	return nil
}

func (c *crawl) dataset(ctx context.Context, project, name string) error {
	s, ref := c.source, graph.BigQueryRef(project, name)
	done := graph.ScopeDone{Scope: graph.Scope{Source: s.cfg.Name, Parent: ref}}
	meta, err := s.service.Datasets.Get(project, name).Context(ctx).Do()
	if err = gcp.Error(err); errors.Is(err, graph.ErrNotFound) {
		return c.tell(done)
	}
	if err != nil {
		return fmt.Errorf("crawl %s: get dataset (permission bigquery.datasets.get): %w", ref.Name, err)
	}
	listed, err := s.listTables(ctx, project, name)
	if errors.Is(err, graph.ErrNotFound) {
		return c.tell(done)
	}
	if err != nil {
		return fmt.Errorf("crawl %s: list tables (permission bigquery.tables.list): %w", ref.Name, err)
	}
	seen := s.datasetFact(ref, meta)
	if err := c.tell(seen); err != nil {
		return err
	}
	key, inherited := datasetKey(project, name), s.inherited(meta)
	was := c.was.tables(key, inherited.hash())
	now := c.now.dataset(key, inherited.hash())
	answers, err := s.getTables(ctx, project, name, listed, was)
	if err != nil {
		return err
	}
	for i, a := range answers {
		if err := c.table(listed[i], a, inherited, was, now); err != nil {
			return err
		}
	}
	return c.tell(done)
}

// table tells one table by what came of its get.
func (c *crawl) table(l listedTable, a answer, from inheritance, was, now map[string]seenTable) error {
	ref := graph.BigQueryRef(l.project, l.dataset, l.name)
	switch {
	case a.unchanged:
		now[l.name] = was[l.name]
		return c.tell(graph.AssetUnchanged{Ref: ref})
	case errors.Is(a.err, graph.ErrNotFound):
		return nil
	case a.err != nil:
		c.problem(ref, fmt.Errorf("crawl %s: get table (permission bigquery.tables.get): %w", ref.Name, a.err))
		if t, ok := was[l.name]; ok {
			now[l.name] = t
		}
		return c.tell(graph.AssetUnchanged{Ref: ref})
	}
	fact, err := c.source.tableFact(ref, a.table, from)
	if err != nil {
		c.problem(ref, err)
		return c.tell(graph.AssetUnchanged{Ref: ref})
	}
	if a.table.Etag != "" {
		now[l.name] = seenTable{ETag: a.table.Etag, Shard: l.shard}
	}
	return c.tell(fact)
}

// keepProject keeps what the last run knew of a project that this one could
// not list.
func (c *crawl) keepProject(project string) {
	for _, key := range c.was.datasetsOf(project) {
		c.now.keep(c.was, key)
	}
}
