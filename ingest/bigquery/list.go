package bigquery

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"

	"golang.org/x/sync/errgroup"
	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/gcp"
)

// pageSize is how many entries a list call asks for, as many as the service
// gives at once.
const pageSize = 1000

func (s *Source) listDatasets(ctx context.Context, project string) ([]string, error) {
	var names []string
	err := s.service.Datasets.List(project).MaxResults(pageSize).Context(ctx).Pages(ctx, func(page *bq.DatasetList) error {
		for _, d := range page.Datasets {
			if d.DatasetReference != nil && s.cfg.takes(d.DatasetReference.DatasetId) {
				names = append(names, d.DatasetReference.DatasetId)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("crawl project %s: list datasets (permission bigquery.datasets.get): %w", project, gcp.Error(err))
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// listedTable is a table, or the newest shard of one.
type listedTable struct {
	project, dataset string
	// name is the asset's, "events_*" for shards.
	name string
	// shard is the table that is read for it; empty where that is name.
	shard string
}

func (l listedTable) readName() string { return cmp.Or(l.shard, l.name) }

// shardName matches tables that hold one day of a larger one.
var shardName = regexp.MustCompile(`^(.+_)(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$`)

// assetName returns under which name the table stands in the catalog.
func assetName(table string) string {
	if m := shardName.FindStringSubmatch(table); m != nil {
		return m[1] + "*"
	}
	return table
}

// listTables returns the tables of a dataset sorted by name, shards as one.
func (s *Source) listTables(ctx context.Context, project, dataset string) ([]listedTable, error) {
	byName := map[string]listedTable{}
	err := s.service.Tables.List(project, dataset).MaxResults(pageSize).Context(ctx).Pages(ctx, func(page *bq.TableList) error {
		for _, t := range page.Tables {
			if t.TableReference == nil {
				continue
			}
			l := listedTable{project: project, dataset: dataset, name: t.TableReference.TableId}
			if name := assetName(l.name); name != l.name && t.Type == "TABLE" {
				l.name, l.shard = name, l.name
				if newest, ok := byName[name]; ok && newest.shard > l.shard {
					continue
				}
			}
			byName[l.name] = l
		}
		return nil
	})
	if err != nil {
		return nil, gcp.Error(err)
	}
	listed := make([]listedTable, 0, len(byName))
	for _, l := range byName {
		listed = append(listed, l)
	}
	slices.SortFunc(listed, func(a, b listedTable) int { return cmp.Compare(a.name, b.name) })
	return listed, nil
}

// answer is what came of reading one table.
type answer struct {
	table     *bq.Table
	unchanged bool
	err       error
}

// getTables reads the tables, several at once, in the order given; a table
// whose etag is known is read only if it changed. The error is the end of ctx.
func (s *Source) getTables(ctx context.Context, project, dataset string, listed []listedTable, was map[string]seenTable) ([]answer, error) {
	answers := make([]answer, len(listed))
	var group errgroup.Group
	group.SetLimit(s.cfg.Concurrency)
	for i, l := range listed {
		group.Go(func() error {
			call := s.service.Tables.Get(project, dataset, l.readName()).Context(ctx)
			if known, ok := was[l.name]; ok && known.Shard == l.shard {
				call.IfNoneMatch(known.ETag)
			}
			table, err := call.Do()
			if gcp.IsUnchanged(err) {
				answers[i] = answer{unchanged: true}
				return nil
			}
			answers[i] = answer{table: table, err: gcp.Error(err)}
			return nil
		})
	}
	_ = group.Wait()
	return answers, context.Cause(ctx)
}

// tableRef returns how a table is called in the catalog: without a partition
// decorator, and shards by their common name.
func tableRef(t *bq.TableReference) graph.Ref {
	return graph.BigQueryRef(t.ProjectId, t.DatasetId, assetName(withoutDecorator(t.TableId)))
}
