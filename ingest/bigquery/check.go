package bigquery

import (
	"context"
	"fmt"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/internal/gcp"
)

// Check tries one call of each sort that a crawl makes in each project, and
// tells which permission is missing and what that costs.
func (s *Source) Check(ctx context.Context) []graph.Finding {
	var findings []graph.Finding
	for _, project := range s.cfg.Projects {
		for _, t := range s.trials(ctx, project) {
			if err := gcp.Error(t.err); err != nil {
				code, do := ingest.Advice(err)
				findings = append(findings, graph.Finding{
					Ref: graph.BigQueryRef(project), Level: t.level, Code: code,
					What: fmt.Sprintf("source %s, project %s: %s: %v", s.cfg.Name, project, t.cost, err),
					Do:   fmt.Sprintf("grant %s to the crawler's identity; if it has it: %s", t.role, do),
				})
			}
		}
	}
	return findings
}

// trial is one thing that was tried.
type trial struct {
	err   error
	level graph.FindingLevel
	// cost is what does not work without it, role what would give it.
	cost, role string
}

func (s *Source) trials(ctx context.Context, project string) []trial {
	names, err := s.listDatasets(ctx, project)
	if err != nil {
		return []trial{{err, graph.FindingBlock, "nothing of the project is crawled", "roles/bigquery.metadataViewer on the project"}}
	}
	var trials []trial
	if len(names) > 0 {
		_, err := s.service.Datasets.Get(project, names[0]).Context(ctx).Do()
		trials = append(trials, trial{err, graph.FindingBlock, "dataset " + names[0] + " is not crawled, nor is who may read it known", "roles/bigquery.metadataViewer on the project"})
		_, err = s.listTables(ctx, project, names[0])
		trials = append(trials, trial{err, graph.FindingBlock, "tables of " + names[0] + " are not crawled", "roles/bigquery.metadataViewer on the project"})
	}
	_, err = s.service.Jobs.List(project).AllUsers(true).Projection("full").MaxResults(1).Context(ctx).Do()
	return append(trials, trial{err, graph.FindingWarn, "there is no lineage from jobs, only from views", "roles/bigquery.resourceViewer on the project"})
}
