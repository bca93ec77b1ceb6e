package bigquery

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/journal"
)

// job is a job that has run: every job of the sandbox is done before its
// insertion is answered. Its result is kept in memory only, as BigQuery keeps
// it for a day only.
type job struct {
	meta   *bq.Job
	err    *apiError // why it failed, if it did
	fields []googlesql.Field
	rows   []googlesql.Row
	result bool // whether there is a result to be read
}

func jobKey(project, id string) string { return project + ":" + id }

func (s *store) addJob(j *job) {
	ref := j.meta.JobReference
	s.jobs[jobKey(ref.ProjectId, ref.JobId)] = j
	s.order = append(s.order, j)
	s.sorted = false
}

func (s *store) putJob(j *job) error {
	r, err := journal.Put("job", jobKey(j.meta.JobReference.ProjectId, j.meta.JobReference.JobId), j.meta)
	if err != nil {
		return err
	}
	if err := s.journal.Write(r); err != nil {
		return err
	}
	s.addJob(j)
	return nil
}

// newestFirst are all jobs in the order in which jobs.list answers them. The
// caller holds the write lock.
func (s *store) newestFirst() []*job {
	if !s.sorted {
		slices.SortStableFunc(s.order, func(a, b *job) int {
			if d := created(b.meta) - created(a.meta); d != 0 {
				return int(max(min(d, 1), -1))
			}
			return strings.Compare(a.meta.JobReference.JobId, b.meta.JobReference.JobId)
		})
		s.sorted = true
	}
	return s.order
}

func created(j *bq.Job) int64 {
	if j.Statistics == nil {
		return 0
	}
	return j.Statistics.CreationTime
}

// listJobs answers the caller's own jobs, or with allUsers those of everybody:
// whole to who may list all, without text and names to who may list.
func (w *Warehouse) listJobs(c *call) (any, error) {
	p, err := c.page()
	if err != nil {
		return nil, err
	}
	keep, err := jobFilter(c)
	if err != nil {
		return nil, err
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	all := c.param("allUsers") == "true"
	whole := w.may(c, jobsListAll, c.project, nil)
	if all && !whole && !w.may(c, jobsList, c.project, nil) {
		return nil, deniedProject(c.project, jobsList)
	}
	list := &bq.JobList{Kind: "bigquery#jobList"}
	passed := p.after == ""
	for _, j := range w.store.newestFirst() {
		ref := j.meta.JobReference
		if !passed {
			passed = ref.ProjectId == c.project && ref.JobId == p.after
			continue
		}
		own := w.mayJob(c, jobsList, j)
		if ref.ProjectId != c.project || !keep(j.meta) || !own && !all {
			continue
		}
		if len(list.Jobs) == p.size {
			if p.size > 0 {
				list.NextPageToken = token(list.Jobs[p.size-1].JobReference.JobId)
			}
			break
		}
		list.Jobs = append(list.Jobs, listed(j.meta, own || whole, c.param("projection") == "full"))
	}
	return list, nil
}

// mayJob asks on the ground that the job is the caller's own, if it is.
func (w *Warehouse) mayJob(c *call, want permission, j *job) bool {
	return strings.EqualFold(j.meta.UserEmail, c.who.Email) &&
		allowed(w.checks, ask{who: c.who, want: want, project: c.project, owner: j.meta.UserEmail, roles: w.roles})
}

// jobFilter reads the parameters that say which jobs are wanted.
func jobFilter(c *call) (func(*bq.Job) bool, error) {
	from, to := int64(0), int64(1)<<62
	for name, into := range map[string]*int64{"minCreationTime": &from, "maxCreationTime": &to} {
		if text := c.param(name); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, invalid("Invalid value for %s: %s", name, text)
			}
			*into = n
		}
	}
	states := c.URL.Query()["stateFilter"]
	parent := c.param("parentJobId")
	return func(j *bq.Job) bool {
		at := created(j)
		state := j.Status != nil && slices.ContainsFunc(states, func(s string) bool { return strings.EqualFold(s, j.Status.State) })
		mine := parent == "" || j.Statistics != nil && j.Statistics.ParentJobId == parent
		return at >= from && at <= to && (len(states) == 0 || state) && mine
	}, nil
}

// listed is a job as jobs.list answers it. Without full there is no
// configuration; another's job is answered without what it was about.
func listed(m *bq.Job, whole, full bool) *bq.JobListJobs {
	item := &bq.JobListJobs{Kind: "bigquery#job", Id: m.Id, JobReference: m.JobReference, Statistics: m.Statistics, Status: m.Status}
	if m.Status != nil {
		item.State, item.ErrorResult = m.Status.State, m.Status.ErrorResult
	}
	if !whole {
		item.Statistics = &bq.JobStatistics{CreationTime: created(m)}
		item.ErrorResult = nil
		item.Status = &bq.JobStatus{State: item.State}
		return item
	}
	item.UserEmail = m.UserEmail
	if full {
		item.Configuration = m.Configuration
	}
	return item
}

// openJob finds a job that the caller may see: his own, or any by a role.
func (w *Warehouse) openJob(c *call, resultOnly bool) (*job, error) {
	j := w.store.jobs[jobKey(c.project, c.job)]
	if j != nil && w.mayJob(c, jobsGet, j) {
		return j, nil
	}
	if !w.may(c, jobsGet, c.project, nil) || resultOnly {
		return nil, denied("Job %s:%s: User does not have bigquery.jobs.get permission for job %s:%s.", c.project, c.job, c.project, c.job)
	}
	if j == nil {
		return nil, notFound("Job %s:%s", c.project, c.job)
	}
	return j, nil
}

func (w *Warehouse) getJob(c *call) (any, error) {
	w.store.mu.RLock()
	defer w.store.mu.RUnlock()
	j, err := w.openJob(c, false)
	if err != nil {
		return nil, err
	}
	return j.meta, nil
}

// cancelJob answers the job as it is: it was done before it could be cancelled.
func (w *Warehouse) cancelJob(c *call) (any, error) {
	w.store.mu.RLock()
	defer w.store.mu.RUnlock()
	j, err := w.openJob(c, false)
	if err != nil {
		return nil, err
	}
	return &bq.JobCancelResponse{Kind: "bigquery#jobCancelResponse", Job: j.meta}, nil
}

// insertJob runs a query job. What is wrong with the statement stands in the
// job's status, as BigQuery has it; only a dry run answers it at once.
func (w *Warehouse) insertJob(c *call) (any, error) {
	meta := &bq.Job{}
	if err := c.read(meta); err != nil {
		return nil, err
	}
	if meta.Configuration == nil || meta.Configuration.Query == nil {
		return nil, invalid("The sandbox runs query jobs only: load, copy and extract are not served")
	}
	q := meta.Configuration.Query
	params, err := parameters(q.ParameterMode, q.QueryParameters)
	if err != nil {
		return nil, err
	}
	work := work{
		call: c, query: q, params: params, dryRun: meta.Configuration.DryRun, labels: meta.Configuration.Labels,
		reference: meta.JobReference,
	}
	j, err := w.execute(work)
	if err != nil {
		return nil, err
	}
	if j.err != nil && work.dryRun {
		return nil, j.err
	}
	return j.meta, nil
}

// query is the short way: insertion, waiting and the first page in one call.
// What is wrong with the statement is the call's error.
func (w *Warehouse) query(c *call) (any, error) {
	in := &bq.QueryRequest{}
	if err := c.read(in); err != nil {
		return nil, err
	}
	params, err := parameters(in.ParameterMode, in.QueryParameters)
	if err != nil {
		return nil, err
	}
	config := &bq.JobConfigurationQuery{
		Query: in.Query, DefaultDataset: in.DefaultDataset, UseLegacySql: in.UseLegacySql,
		ParameterMode: in.ParameterMode, QueryParameters: in.QueryParameters,
	}
	j, err := w.execute(work{
		call: c, query: config, params: params, dryRun: in.DryRun, labels: in.Labels,
		reference: &bq.JobReference{Location: in.Location},
	})
	if err != nil {
		return nil, err
	}
	if j.err != nil {
		return nil, j.err
	}
	size := len(j.rows)
	if in.MaxResults > 0 {
		size = int(min(in.MaxResults, int64(size)))
	}
	answer := &bq.QueryResponse{
		Kind: "bigquery#queryResponse", JobComplete: true, JobReference: j.meta.JobReference,
		Location: j.meta.JobReference.Location, Schema: schemaOf(j.fields), TotalRows: uint64(len(j.rows)), QueryId: j.meta.JobReference.JobId,
		CreationTime: created(j.meta), StartTime: created(j.meta), EndTime: j.meta.Statistics.EndTime,
		ForceSendFields: []string{"JobComplete", "TotalRows", "CacheHit", "TotalBytesProcessed"},
	}
	if d := j.meta.Statistics.Query.DmlStats; d != nil {
		answer.DmlStats, answer.NumDmlAffectedRows = d, j.meta.Statistics.Query.NumDmlAffectedRows
	}
	for _, row := range j.rows[:size] {
		answer.Rows = append(answer.Rows, restRow(j.fields, row, in.FormatOptions != nil && in.FormatOptions.UseInt64Timestamp))
	}
	if size < len(j.rows) {
		answer.PageToken = rowToken(size)
	}
	return answer, nil
}

// queryResults answers a page of the rows of the caller's own job; another's
// result is nobody's to read, whatever he may know of the job.
func (w *Warehouse) queryResults(c *call) (any, error) {
	w.store.mu.RLock()
	j, err := w.openJob(c, true)
	w.store.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	if j.err != nil {
		return nil, j.err
	}
	if !j.result {
		return nil, notFound("Results of job %s:%s: they have expired, or it was no query", c.project, c.job)
	}
	start, end, next, err := c.window(len(j.rows))
	if err != nil {
		return nil, err
	}
	answer := &bq.GetQueryResultsResponse{
		Kind: "bigquery#getQueryResultsResponse", JobComplete: true,
		JobReference: j.meta.JobReference, Schema: schemaOf(j.fields), TotalRows: uint64(len(j.rows)), PageToken: next,
		Etag: j.meta.Etag, NumDmlAffectedRows: j.meta.Statistics.Query.NumDmlAffectedRows,
		ForceSendFields: []string{"JobComplete", "TotalRows", "CacheHit", "TotalBytesProcessed"},
	}
	for _, row := range j.rows[start:end] {
		answer.Rows = append(answer.Rows, restRow(j.fields, row, c.param("formatOptions.useInt64Timestamp") == "true"))
	}
	return answer, nil
}

// parameters reads named scalar parameters, all that the executor takes.
func parameters(mode string, list []*bq.QueryParameter) ([]googlesql.Param, error) {
	params := make([]googlesql.Param, 0, len(list))
	for _, p := range list {
		if p.Name == "" || strings.EqualFold(mode, "POSITIONAL") || p.ParameterType == nil || p.ParameterValue == nil {
			return nil, invalid("The sandbox takes named scalar query parameters only")
		}
		param := googlesql.Param{Name: p.Name, Type: p.ParameterType.Type}
		if len(p.ParameterType.StructTypes) > 0 || p.ParameterType.ArrayType != nil {
			return nil, invalid("The sandbox takes named scalar query parameters only: @%s", p.Name)
		}
		data, err := json.Marshal(p.ParameterValue)
		if err != nil {
			return nil, invalid("Query parameter %s cannot be read", p.Name)
		}
		var value struct {
			Value *string `json:"value"`
		}
		if err := json.Unmarshal(data, &value); err == nil && value.Value != nil {
			field := &bq.TableFieldSchema{Name: "@" + p.Name, Type: p.ParameterType.Type}
			if param.Value, err = scalarOf(field, *value.Value); err != nil {
				return nil, invalid("Query parameter: %s", err)
			}
		}
		params = append(params, param)
	}
	return params, nil
}

// newJobID is a name that no other job has.
func newJobID(now time.Time) string {
	return "job_" + now.UTC().Format("20060102T150405") + "_" + rand.Text()[:12]
}
