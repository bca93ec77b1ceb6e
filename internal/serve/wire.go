package serve

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	bigquerysource "cadastre.dev/cadastre/ingest/bigquery"
	bigquerylineage "cadastre.dev/cadastre/ingest/lineage/bigquery"
	"cadastre.dev/cadastre/ingest/registry"
	"cadastre.dev/cadastre/internal/gcp"
	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/policy"
)

// crawled is a configured source with what the UI shows of it.
type crawled struct {
	name, platform string
	source         ingest.Source
}

// wire makes every part and hands each what it needs: the literal list of what
// the program is made of.
func (a *App) wire(ctx context.Context) error {
	var err error
	if a.store, err = a.config.openStore(ctx, store.Config{Logger: a.logger, Now: a.now, Observer: storeObserver{a.watch}}); err != nil {
		return err
	}
	if a.policy, err = policy.New(ctx, a.policyConfig()); err != nil {
		return fmt.Errorf("prepare the policy: %w", err)
	}
	if err := a.wireWorker(); err != nil {
		return err
	}
	for _, s := range a.config.Sources {
		c, err := a.wireSource(ctx, s)
		if err != nil {
			return fmt.Errorf("source %s: %w", s.Name, err)
		}
		a.sources = append(a.sources, c)
	}
	if a.config.Target.Project != "" {
		if a.target, err = a.wireTarget(ctx); err != nil {
			return fmt.Errorf("target %s: %w", a.config.Target.Name, err)
		}
	}
	return nil
}

func (a *App) policyConfig() policy.Config {
	config := policy.Config{Logger: a.logger, Data: policy.Data{
		Audiences: a.config.audiences(), Roles: a.config.Policy.Roles, Domains: a.config.Policy.Domains,
		Containers: a.config.viewContainers(), Visibility: a.config.visibility(),
	}}
	if a.config.Policy.Bundle != "" {
		config.Bundle = os.DirFS(a.config.Policy.Bundle)
	}
	return config
}

// wireWorker starts nothing: processes start with the first question. Where
// there is no worker the program says so, and lineage stays unanalyzed.
func (a *App) wireWorker() error {
	config := googlesql.Config{
		Path: a.config.Worker.Path, Workers: a.config.Worker.Processes,
		MemoryLimit: int64(a.config.Worker.MemoryMiB) << 20, Logger: a.logger,
	}
	if _, a.workerErr = googlesql.Locate(config.Path); a.workerErr == nil {
		pool, err := googlesql.NewPool(config)
		if err != nil {
			return fmt.Errorf("prepare the GoogleSQL worker: %w", err)
		}
		a.worker, a.analyzer = pool, bigquerylineage.New(pool)
		return nil
	}
	a.logger.Warn("no GoogleSQL worker: lineage stays unanalyzed", "err", a.workerErr)
	a.analyzer = bigquerylineage.None(a.workerErr)
	return nil
}

// wireSource makes one source of its configuration: a line for each platform.
func (a *App) wireSource(ctx context.Context, s SourceConfig) (crawled, error) {
	switch {
	case s.BigQuery != nil:
		source, err := a.wireBigQuery(ctx, s.Name, s.BigQuery)
		return crawled{s.Name, "bigquery", source}, err
	case s.Registry != nil:
		source, err := a.wireRegistry(s.Name, s.Registry)
		return crawled{s.Name, "registry", source}, err
	}
	return crawled{}, fmt.Errorf("no platform is configured: %w", graph.ErrInvalid)
}

func (a *App) wireBigQuery(ctx context.Context, name string, c *BigQuerySource) (ingest.Source, error) {
	token, err := resolveSecret(c.Token)
	if err != nil {
		return nil, err
	}
	client, err := gcp.Client(ctx, gcp.Config{Token: token, PerSecond: quotaOf(c.Endpoint), Logger: a.logger})
	if err != nil {
		return nil, err
	}
	return bigquerysource.New(bigquerysource.Config{
		Name: name, Projects: c.Projects, Datasets: c.Datasets, Exclude: c.Exclude, Endpoint: c.Endpoint,
		Owners: c.Owners, HTTPClient: client, Now: a.now, Logger: a.logger,
	})
}

func (a *App) wireRegistry(name string, c *RegistrySource) (ingest.Source, error) {
	password, err := resolveSecret(c.Password)
	if err != nil {
		return nil, err
	}
	return registry.New(registry.Config{
		Name: name, URL: c.URL, Cluster: c.Cluster, User: c.User, Password: password,
		Topics: c.Topics, Tables: c.Tables, Labels: c.Labels, Owners: c.Owners, Logger: a.logger,
	})
}

// quotaOf is how many requests a second a warehouse takes: BigQuery's own
// limit, and none for one on this machine.
func quotaOf(endpoint string) float64 {
	if u, err := url.Parse(endpoint); err == nil && isLoopback(u.Hostname()) {
		return -1
	}
	return 0
}
