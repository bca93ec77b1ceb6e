package bigquery

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/lineage"
	"cadastre.dev/cadastre/internal/gcp"
)

// overlap is how far a listing goes back behind the newest job of the last
// one: a job that was running then is listed when it is done. BigQuery ends a
// job after six hours.
const overlap = 6 * time.Hour

// jobCursor is the creation time of the newest listed job by project, in Unix
// milliseconds.
type jobCursor struct {
	Version int              `json:"version"`
	Newest  map[string]int64 `json:"newest"`
}

// Statements tells the query jobs that wrote a table since the cursor. Jobs of
// one text and destination are one statement, told as the latest of them ran;
// children of a script are told by their script. Jobs that failed, that wrote
// nothing that stays, or that define a view (whose definition the crawl tells)
// are passed over. A project whose jobs may not be listed is a finding.
func (s *Source) Statements(ctx context.Context, since ingest.Cursor, emit func(graph.Statement) error) (ingest.Cursor, error) {
	var last jobCursor
	if json.Unmarshal(since, &last) != nil || last.Version != cursorVersion {
		last = jobCursor{}
	}
	next := jobCursor{Version: cursorVersion, Newest: map[string]int64{}}
	var problems []graph.Finding
	for _, project := range s.cfg.Projects {
		l := listing{source: s.cfg.Name, project: project, newest: last.Newest[project], statements: map[string]ran{}, scripts: map[string]bool{}}
		err := s.listJobs(ctx, &l)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			code, do := ingest.Advice(err)
			problems = append(problems, graph.Finding{Ref: graph.BigQueryRef(project), Level: graph.FindingWarn, Code: code, What: err.Error(), Do: do})
			l.newest = last.Newest[project]
		default:
			for _, statement := range l.sorted() {
				if err := emit(statement); err != nil {
					return nil, err
				}
			}
		}
		if l.newest > 0 {
			next.Newest[project] = l.newest
		}
	}
	cursor, err := json.Marshal(next)
	if err != nil {
		return nil, fmt.Errorf("write cursor: %w", err)
	}
	return cursor, ingest.Partial(problems)
}

// listJobs fills l. The whole project is listed before anything is told,
// because BigQuery lists the newest first and a script after its children.
func (s *Source) listJobs(ctx context.Context, l *listing) error {
	call := s.service.Jobs.List(l.project).AllUsers(true).Projection("full").StateFilter("done").MaxResults(pageSize).Context(ctx)
	switch from := s.cfg.Now().Add(-s.cfg.Lookback).UnixMilli(); {
	case l.newest > 0:
		call.MinCreationTime(uint64(max(l.newest-overlap.Milliseconds(), 0)))
	case s.cfg.Lookback > 0:
		call.MinCreationTime(uint64(max(from, 0)))
	}
	err := call.Pages(ctx, func(page *bq.JobList) error {
		for _, j := range page.Jobs {
			l.take(j)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("crawl project %s: list jobs (permission bigquery.jobs.listAll): %w", l.project, gcp.Error(err))
	}
	return nil
}

// listing collects the jobs of one project.
type listing struct {
	source     string
	project    string
	newest     int64
	statements map[string]ran // by ID
	children   []ran
	scripts    map[string]bool // jobs that are scripts
}

// ran is a statement with the run that was the latest of it.
type ran struct {
	statement graph.Statement
	at        int64
	job       string
	script    string // of which it was a part
}

func (r ran) compare(other ran) int {
	return cmp.Or(cmp.Compare(r.at, other.at), cmp.Compare(r.job, other.job))
}

func (l *listing) take(j *bq.JobListJobs) {
	if j.Statistics == nil || j.JobReference == nil {
		return
	}
	l.newest = max(l.newest, j.Statistics.CreationTime)
	if !wrote(j) {
		return
	}
	q := j.Configuration.Query
	r := ran{at: j.Statistics.CreationTime, job: j.JobReference.JobId, script: j.Statistics.ParentJobId}
	r.statement = graph.Statement{
		Source: l.source, Because: graph.EvidenceJob, Dialect: lineage.DialectBigQuery,
		Project: l.project, SQL: q.Query, Author: j.UserEmail, Target: target(j),
	}
	if q.DefaultDataset != nil {
		r.statement.Project = cmp.Or(q.DefaultDataset.ProjectId, l.project)
		r.statement.Dataset = q.DefaultDataset.DatasetId
	}
	if q.UseLegacySql != nil && *q.UseLegacySql && !strings.HasPrefix(strings.TrimSpace(q.Query), "#") {
		r.statement.SQL = legacyMark + q.Query
	}
	if statementType(j) == "SCRIPT" {
		l.scripts[r.job] = true
	}
	r.statement.ID = lineage.JobID(r.statement)
	if r.script != "" {
		l.children = append(l.children, r)
		return
	}
	l.put(r)
}

func (l *listing) put(r ran) {
	if known, ok := l.statements[r.statement.ID]; !ok || r.compare(known) > 0 {
		l.statements[r.statement.ID] = r
	}
}

// sorted returns the statements in the order in which they last ran.
func (l *listing) sorted() []graph.Statement {
	for _, child := range l.children {
		if !l.scripts[child.script] {
			l.put(child)
		}
	}
	runs := make([]ran, 0, len(l.statements))
	for _, r := range l.statements {
		runs = append(runs, r)
	}
	slices.SortFunc(runs, ran.compare)
	out := make([]graph.Statement, len(runs))
	for i, r := range runs {
		out[i] = r.statement
	}
	return out
}

// wrote says whether the job is one that put rows into a table that stays.
func wrote(j *bq.JobListJobs) bool {
	if j.Configuration == nil || j.Configuration.Query == nil || j.Configuration.DryRun || j.Configuration.Query.Query == "" {
		return false
	}
	if j.Status != nil && j.Status.ErrorResult != nil {
		return false
	}
	switch statementType(j) {
	case "SCRIPT":
		return true
	case "", "SELECT", "INSERT", "MERGE", "UPDATE", "CREATE_TABLE_AS_SELECT":
		return !target(j).IsZero()
	}
	return false
}

func statementType(j *bq.JobListJobs) string {
	if j.Statistics.Query == nil {
		return ""
	}
	return j.Statistics.Query.StatementType
}

// target is the table that the job wrote; zero for a temporary one.
func target(j *bq.JobListJobs) graph.Ref {
	t := j.Configuration.Query.DestinationTable
	if j.Statistics.Query != nil && j.Statistics.Query.DdlTargetTable != nil {
		t = j.Statistics.Query.DdlTargetTable
	}
	if t == nil || strings.HasPrefix(t.DatasetId, "_") || t.TableId == "" {
		return graph.Ref{}
	}
	return tableRef(t)
}

// withoutDecorator strips the partition that a job addressed.
func withoutDecorator(table string) string {
	name, _, _ := strings.Cut(table, "$")
	return name
}
