package bigquery

import (
	"context"
	"net/http"
	"strings"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/statement"
)

// work is a query that a call wants run.
type work struct {
	*call
	query     *bq.JobConfigurationQuery
	params    []googlesql.Param
	dryRun    bool
	labels    map[string]string
	reference *bq.JobReference
}

// execute runs a query and records it as a job, be it done or failed. It
// returns an error only where there is no job: the caller may not create one,
// its id is taken, or the statement's kind of SQL is not served.
func (w *Warehouse) execute(k work) (*job, error) {
	if err := w.mayRun(k); err != nil {
		return nil, err
	}
	began := w.now().UnixMilli()
	j := &job{meta: &bq.Job{
		Kind: "bigquery#job", UserEmail: k.who.Email, JobReference: w.referenceFor(k),
		Configuration: &bq.JobConfiguration{JobType: "QUERY", DryRun: k.dryRun, Labels: k.labels, Query: k.query},
		Status:        &bq.JobStatus{State: "DONE"},
		Statistics:    &bq.JobStatistics{CreationTime: began, StartTime: began, Query: &bq.JobStatistics2{}},
	}}
	ref := j.meta.JobReference
	j.meta.Id = ref.ProjectId + ":" + ref.Location + "." + ref.JobId
	j.meta.SelfLink = "https://bigquery.googleapis.com/bigquery/v2/projects/" + ref.ProjectId + "/jobs/" + ref.JobId
	if err := w.perform(k, j); err != nil {
		j.err = asAPIError(err)
		proto := &bq.ErrorProto{Reason: j.err.reason, Message: j.err.message, Location: j.err.location}
		j.meta.Status.ErrorResult, j.meta.Status.Errors = proto, []*bq.ErrorProto{proto}
	}
	j.meta.Statistics.EndTime = w.now().UnixMilli()
	j.meta.Statistics.ForceSendFields = []string{"TotalBytesProcessed"}
	if k.dryRun {
		return j, nil
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	j.meta.Etag, _ = w.store.stamp("job " + ref.JobId)
	return j, w.store.putJob(j)
}

func (w *Warehouse) mayRun(k work) error {
	if k.query.UseLegacySql == nil || *k.query.UseLegacySql {
		return invalid("The sandbox does not run legacy SQL, which is what the API defaults to: send useLegacySql false")
	}
	w.store.mu.RLock()
	defer w.store.mu.RUnlock()
	if !w.may(k.call, jobsCreate, k.project, nil) {
		return deniedProject(k.project, jobsCreate)
	}
	if k.reference != nil && k.reference.JobId != "" && w.store.jobs[jobKey(k.project, k.reference.JobId)] != nil {
		return duplicate("Job %s:%s", k.project, k.reference.JobId)
	}
	return nil
}

func (w *Warehouse) referenceFor(k work) *bq.JobReference {
	ref := &bq.JobReference{ProjectId: k.project, Location: "US"}
	if k.reference != nil {
		ref.JobId = k.reference.JobId
		if k.reference.Location != "" {
			ref.Location = k.reference.Location
		}
	}
	if ref.JobId == "" {
		ref.JobId = newJobID(w.now())
	}
	return ref
}

// perform prepares, runs and stores, and fills in the job's statistics.
func (w *Warehouse) perform(k work, j *job) error {
	request := request{who: k.who, project: k.project, dataset: k.query.DefaultDataset, sql: k.query.Query, params: k.params}
	if parsed, err := statement.Parse(k.query.Query); err == nil {
		request.forView = parsed.Kind == statement.CreateView
	}
	p, err := w.prepare(request)
	if err != nil {
		return err
	}
	stats := j.meta.Statistics.Query
	stats.StatementType, stats.ReferencedTables = string(p.kind), p.referenced
	j.result = true // of no rows, unless it is a SELECT
	if err := w.settle(k, j, p); err != nil {
		return err
	}
	ctx := k.Context()
	switch p.kind {
	case statement.Select:
		return w.performSelect(ctx, k, j, p)
	case statement.CreateTableAs:
		return w.performCreateTable(ctx, k, j, p)
	case statement.CreateView:
		return w.performCreateView(ctx, k, j, p)
	case statement.DropTable, statement.DropView:
		return w.performDrop(k, j, p)
	case statement.TruncateTable:
		return w.performWrite(k, j, p, googlesql.Result{Rows: []googlesql.Row{}, Affected: int64(len(p.targetTable.rows))})
	case statement.Insert, statement.Update, statement.Delete, statement.Merge:
	}
	if k.dryRun {
		_, err := w.engine.describe(ctx, p)
		return err
	}
	result, err := w.engine.run(ctx, p)
	if err != nil {
		return err
	}
	return w.performWrite(k, j, p, result)
}

// settle finds where the job runs: all that it names must be in one place.
func (w *Warehouse) settle(k work, j *job, p *prepared) error {
	names := p.referenced
	if p.target != nil {
		names = append([]*bq.TableReference{p.target}, names...)
	}
	location := ""
	if k.reference != nil {
		location = k.reference.Location
	}
	location, err := w.locate(names, location)
	if err != nil {
		return err
	}
	if location != "" {
		j.meta.JobReference.Location = location
		j.meta.Id = j.meta.JobReference.ProjectId + ":" + location + "." + j.meta.JobReference.JobId
	}
	return nil
}

// locate says in which place all the tables are, which is the given one if
// there is one. In BigQuery's words, what is elsewhere is not found.
func (w *Warehouse) locate(names []*bq.TableReference, location string) (string, error) {
	w.store.mu.RLock()
	defer w.store.mu.RUnlock()
	for _, name := range names {
		d := w.store.dataset(name.ProjectId, name.DatasetId)
		if d == nil {
			continue
		}
		if location != "" && !strings.EqualFold(d.meta.Location, location) {
			return "", notFound("Dataset %s:%s was not found in location %s", name.ProjectId, name.DatasetId, location)
		}
		location = d.meta.Location
	}
	return location, nil
}

func (w *Warehouse) performSelect(ctx context.Context, k work, j *job, p *prepared) error {
	if k.dryRun {
		fields, err := w.engine.describe(ctx, p)
		j.fields = fields
		j.meta.Statistics.Query.Schema = schemaOf(fields)
		return err
	}
	result, err := w.engine.run(ctx, p)
	if err != nil {
		return err
	}
	if to := k.query.DestinationTable; to != nil {
		return w.performDestination(k, j, to, result)
	}
	k.query.DestinationTable = &bq.TableReference{ProjectId: k.project, DatasetId: "_anonymous", TableId: "anon" + j.meta.JobReference.JobId}
	j.fields, j.rows = result.Schema, result.Rows
	return nil
}

// performDestination stores a result in the table that the job names, as its
// dispositions say.
func (w *Warehouse) performDestination(k work, j *job, to *bq.TableReference, result googlesql.Result) error {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	target := *k.call
	target.project, target.dataset, target.table = to.ProjectId, to.DatasetId, to.TableId
	d, t := w.store.table(to.ProjectId, to.DatasetId, to.TableId)
	want := tablesCreate
	if t != nil {
		want = tablesUpdateData
	}
	if !w.may(&target, want, to.ProjectId, d) {
		return deniedTable(to.ProjectId, to.DatasetId, to.TableId, want)
	}
	if d == nil {
		return notFound("Dataset %s:%s", to.ProjectId, to.DatasetId)
	}
	meta, rows := &bq.Table{TableReference: to, Schema: schemaOf(result.Schema)}, result.Rows
	switch {
	case t == nil && k.query.CreateDisposition == "CREATE_NEVER":
		return notFound("Table %s:%s.%s", to.ProjectId, to.DatasetId, to.TableId)
	case t != nil && t.meta.View != nil:
		return invalid("Cannot write to a view: %s", t.meta.Id)
	case t != nil && k.query.WriteDisposition == "WRITE_APPEND":
		copied := *t.meta
		meta, rows = &copied, append(append([]googlesql.Row{}, t.rows...), migrate(result.Schema, fieldsOf(t.meta.Schema), result.Rows)...)
	case t != nil && k.query.WriteDisposition != "WRITE_TRUNCATE" && len(t.rows) > 0:
		return duplicate("Table %s:%s.%s", to.ProjectId, to.DatasetId, to.TableId)
	}
	if rows == nil {
		rows = []googlesql.Row{}
	}
	j.fields, j.rows = result.Schema, result.Rows
	return w.writeTable(meta, rows, t == nil)
}

func (w *Warehouse) performCreateTable(ctx context.Context, k work, j *job, p *prepared) error {
	j.meta.Statistics.Query.DdlTargetTable = p.target
	if k.dryRun {
		fields, err := w.engine.describe(ctx, p)
		j.meta.Statistics.Query.Schema = schemaOf(fields)
		return err
	}
	result, err := w.engine.run(ctx, p)
	if err != nil {
		return err
	}
	rows := result.Rows
	if rows == nil {
		rows = []googlesql.Row{}
	}
	return w.performCreate(j, p, &bq.Table{TableReference: p.target, Schema: schemaOf(result.Schema)}, rows)
}

func (w *Warehouse) performCreateView(ctx context.Context, k work, j *job, p *prepared) error {
	j.meta.Statistics.Query.DdlTargetTable = p.target
	fields, err := w.engine.describe(ctx, p)
	if err != nil {
		return err
	}
	if k.dryRun {
		j.meta.Statistics.Query.Schema = schemaOf(fields)
		return nil
	}
	meta := &bq.Table{TableReference: p.target, Schema: schemaOf(fields), View: &bq.ViewDefinition{Query: p.parsed.Text[p.parsed.Body:]}}
	return w.performCreate(j, p, meta, []googlesql.Row{})
}

// performCreate stores what CREATE made, unless it is there already and the
// statement said to leave it then.
func (w *Warehouse) performCreate(j *job, p *prepared, meta *bq.Table, rows []googlesql.Row) error {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	_, there := w.store.table(p.target.ProjectId, p.target.DatasetId, p.target.TableId)
	stats := j.meta.Statistics.Query
	switch {
	case there != nil && p.parsed.IfNotExists:
		stats.DdlOperationPerformed = "SKIP"
		return nil
	case there != nil:
		stats.DdlOperationPerformed = "REPLACE"
	default:
		stats.DdlOperationPerformed = "CREATE"
	}
	return w.writeTable(meta, rows, true)
}

func (w *Warehouse) performDrop(k work, j *job, p *prepared) error {
	stats := j.meta.Statistics.Query
	stats.DdlTargetTable, stats.DdlOperationPerformed = p.target, "DROP"
	if p.targetTable == nil {
		stats.DdlOperationPerformed = "SKIP"
		return nil
	}
	if k.dryRun {
		return nil
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	return w.store.dropTable(p.target.ProjectId, p.target.DatasetId, p.target.TableId)
}

// performWrite stores the rows that a statement left in its target, provided
// that nobody wrote there meanwhile.
func (w *Warehouse) performWrite(k work, j *job, p *prepared, result googlesql.Result) error {
	if k.dryRun {
		return nil
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	_, now := w.store.table(p.target.ProjectId, p.target.DatasetId, p.target.TableId)
	if now == nil || now.version != p.targetTable.version {
		return &apiError{
			status: http.StatusBadRequest, reason: "invalidQuery",
			message: "Could not serialize access to table " + p.targetTable.meta.Id + " due to concurrent update",
		}
	}
	rows := result.Rows
	if rows == nil {
		rows = []googlesql.Row{}
	}
	meta := *now.meta
	j.meta.Statistics.Query.NumDmlAffectedRows = result.Affected
	j.meta.Statistics.Query.DmlStats = dmlStats(p.kind, result.Affected)
	return w.writeTable(&meta, rows, false)
}

func dmlStats(kind statement.Kind, affected int64) *bq.DmlStatistics {
	switch kind {
	case statement.Insert:
		return &bq.DmlStatistics{InsertedRowCount: affected}
	case statement.Delete, statement.TruncateTable:
		return &bq.DmlStatistics{DeletedRowCount: affected}
	default: // MERGE counts as UPDATE: the executor does not tell them apart
	}
	return &bq.DmlStatistics{UpdatedRowCount: affected}
}
