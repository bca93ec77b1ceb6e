package bigquery

import (
	"slices"
	"strconv"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/statement"
)

func isInformationSchema(part string) bool { return strings.EqualFold(part, "INFORMATION_SCHEMA") }

// scope is what an INFORMATION_SCHEMA view is asked about: one dataset, or all
// of a project in one location.
type scope struct {
	project, dataset, location string
}

// metadataView is one of the views, made of what the caller may see.
type metadataView struct {
	fields []googlesql.Field
	rows   func(*preparation, scope) []googlesql.Row
}

// informationSchema makes the rows of a metadata view for this one statement
// and returns the executor's name for them.
func (p *preparation) informationSchema(before, after []string) (string, error) {
	s, err := p.scopeOf(before)
	if err != nil {
		return "", err
	}
	if len(after) != 1 {
		return "", invalidQuery("Invalid INFORMATION_SCHEMA name")
	}
	view, known := metadataViews()[strings.ToUpper(after[0])]
	if !known {
		return "", invalidQuery("Unrecognized name or not served by the sandbox: INFORMATION_SCHEMA.%s", after[0])
	}
	if strings.HasPrefix(strings.ToUpper(after[0]), "JOBS") {
		if s.dataset != "" {
			return "", invalidQuery("INFORMATION_SCHEMA.%s needs a region qualifier", after[0])
		}
		if !allowed(p.checks, ask{who: p.who, want: jobsListAll, project: s.project, roles: p.roles}) {
			return "", deniedProject(s.project, jobsListAll)
		}
	}
	name := p.engine.fresh()
	p.out.sources[name] = source{name: name, fields: view.fields, rows: view.rows(p, s)}
	return statement.Quote(name), nil
}

// scopeOf reads the qualifier: `region-x`, a dataset, either after a project,
// or nothing, which means the default dataset.
func (p *preparation) scopeOf(parts []string) (scope, error) {
	s := scope{project: p.project}
	if len(parts) == 2 {
		s.project, parts = parts[0], parts[1:]
	}
	switch {
	case len(parts) == 0 && p.dataset != nil && p.dataset.DatasetId != "":
		s.dataset = p.dataset.DatasetId
		if p.dataset.ProjectId != "" {
			s.project = p.dataset.ProjectId
		}
	case len(parts) != 1:
		return scope{}, invalidQuery("INFORMATION_SCHEMA needs a dataset or a region qualifier")
	case strings.HasPrefix(strings.ToLower(parts[0]), "region-"):
		s.location = parts[0][len("region-"):]
		return s, nil
	default:
		s.dataset = parts[0]
	}
	d := p.store.dataset(s.project, s.dataset)
	if !p.knows(d, s.project, tablesList) {
		return scope{}, deniedDataset(s.project, s.dataset, tablesList)
	}
	if d == nil {
		return scope{}, notFound("Dataset %s:%s", s.project, s.dataset)
	}
	return s, nil
}

func (p *preparation) knows(d *dataset, project string, want permission) bool {
	a := ask{who: p.who, want: want, project: project, roles: p.roles}
	if d != nil {
		a.dataset = d.access
	}
	return allowed(p.checks, a)
}

// inScope walks the datasets of a scope that the caller may know.
func (p *preparation) inScope(s scope, want permission, f func(*dataset)) {
	for _, key := range p.store.datasetNames() {
		d := p.store.datasets[key]
		ref := d.meta.DatasetReference
		wanted := ref.ProjectId == s.project && (s.dataset == "" || ref.DatasetId == s.dataset) &&
			(s.location == "" || strings.EqualFold(d.meta.Location, s.location))
		if wanted && p.knows(d, s.project, want) {
			f(d)
		}
	}
}

func (p *preparation) tablesInScope(s scope, f func(*bq.Table)) {
	p.inScope(s, tablesGet, func(d *dataset) {
		for _, name := range d.tableNames() {
			f(d.tables[name].meta)
		}
	})
}

// metadataViews are the views that the sandbox serves, with the columns that a
// crawler reads of each.
func metadataViews() map[string]metadataView {
	jobs := metadataView{jobFields(), jobRows}
	return map[string]metadataView{
		"SCHEMATA": {stringFields("catalog_name", "schema_name", "location", "ddl"), schemataRows},
		"TABLES": {append(stringFields("table_catalog", "table_schema", "table_name", "table_type", "is_insertable_into"),
			googlesql.Field{Name: "creation_time", Type: "TIMESTAMP"}), tableRows},
		"VIEWS": {stringFields("table_catalog", "table_schema", "table_name", "view_definition", "check_option",
			"use_standard_sql"), viewRows},
		"COLUMNS": {append(stringFields("table_catalog", "table_schema", "table_name", "column_name", "is_nullable", "data_type"),
			googlesql.Field{Name: "ordinal_position", Type: "INTEGER"}), columnRows},
		"COLUMN_FIELD_PATHS": {append(stringFields("table_catalog", "table_schema", "table_name", "column_name", "field_path",
			"data_type", "description"), googlesql.Field{Name: "policy_tags", Type: "STRING", Mode: "REPEATED"}), fieldPathRows},
		"JOBS":            jobs,
		"JOBS_BY_PROJECT": jobs,
	}
}

func stringFields(names ...string) []googlesql.Field {
	fields := make([]googlesql.Field, len(names))
	for i, name := range names {
		fields[i] = googlesql.Field{Name: name, Type: "STRING"}
	}
	return fields
}

func schemataRows(p *preparation, s scope) []googlesql.Row {
	var rows []googlesql.Row
	p.inScope(s, datasetsGet, func(d *dataset) {
		ref := d.meta.DatasetReference
		rows = append(rows, googlesql.Row{ref.ProjectId, ref.DatasetId, d.meta.Location, nil})
	})
	return rows
}

func tableRows(p *preparation, s scope) []googlesql.Row {
	var rows []googlesql.Row
	p.tablesInScope(s, func(m *bq.Table) {
		kind, insertable := "BASE TABLE", "YES"
		switch m.Type {
		case "VIEW", "MATERIALIZED_VIEW", "EXTERNAL", "SNAPSHOT":
			kind, insertable = strings.ReplaceAll(m.Type, "_", " "), "NO"
		}
		ref := m.TableReference
		rows = append(rows, googlesql.Row{ref.ProjectId, ref.DatasetId, ref.TableId, kind, insertable, moment(m.CreationTime)})
	})
	return rows
}

func viewRows(p *preparation, s scope) []googlesql.Row {
	var rows []googlesql.Row
	p.tablesInScope(s, func(m *bq.Table) {
		if m.View == nil {
			return
		}
		standard := "YES"
		if m.View.UseLegacySql {
			standard = "NO"
		}
		ref := m.TableReference
		rows = append(rows, googlesql.Row{ref.ProjectId, ref.DatasetId, ref.TableId, m.View.Query, nil, standard})
	})
	return rows
}

func columnRows(p *preparation, s scope) []googlesql.Row {
	var rows []googlesql.Row
	p.tablesInScope(s, func(m *bq.Table) {
		if m.Schema == nil {
			return
		}
		ref := m.TableReference
		for i, f := range m.Schema.Fields {
			nullable := "YES"
			if f.Mode == "REQUIRED" {
				nullable = "NO"
			}
			rows = append(rows, googlesql.Row{ref.ProjectId, ref.DatasetId, ref.TableId, f.Name, nullable, sqlType(f), strconv.Itoa(i + 1)})
		}
	})
	return rows
}

func fieldPathRows(p *preparation, s scope) []googlesql.Row {
	var rows []googlesql.Row
	p.tablesInScope(s, func(m *bq.Table) {
		ref := m.TableReference
		var walk func(column, path string, fields []*bq.TableFieldSchema)
		walk = func(column, path string, fields []*bq.TableFieldSchema) {
			for _, f := range fields {
				top := column
				if top == "" {
					top = f.Name
				}
				tags := []any{}
				if f.PolicyTags != nil {
					for _, tag := range f.PolicyTags.Names {
						tags = append(tags, tag)
					}
				}
				var description any
				if f.Description != "" {
					description = f.Description
				}
				rows = append(rows, googlesql.Row{ref.ProjectId, ref.DatasetId, ref.TableId, top, path + f.Name, sqlType(f), description, tags})
				walk(top, path+f.Name+".", f.Fields)
			}
		}
		if m.Schema != nil {
			walk("", "", m.Schema.Fields)
		}
	})
	return rows
}

// sqlType writes a type as GoogleSQL spells it.
func sqlType(f *bq.TableFieldSchema) string {
	name := legacyType(f.Type)
	switch name {
	case "INTEGER":
		name = "INT64"
	case "FLOAT":
		name = "FLOAT64"
	case "BOOLEAN":
		name = "BOOL"
	case "RECORD":
		inner := make([]string, len(f.Fields))
		for i, child := range f.Fields {
			inner[i] = child.Name + " " + sqlType(child)
		}
		name = "STRUCT<" + strings.Join(inner, ", ") + ">"
	}
	if f.Mode == "REPEATED" {
		return "ARRAY<" + name + ">"
	}
	return name
}

func moment(millis int64) any {
	if millis == 0 {
		return nil
	}
	return time.UnixMilli(millis).UTC().Format(time.RFC3339Nano)
}

func jobFields() []googlesql.Field {
	table := stringFields("project_id", "dataset_id", "table_id")
	return slices.Concat(
		[]googlesql.Field{{Name: "creation_time", Type: "TIMESTAMP"}, {Name: "start_time", Type: "TIMESTAMP"}, {Name: "end_time", Type: "TIMESTAMP"}},
		stringFields("project_id", "job_id", "user_email", "job_type", "statement_type", "state", "query"),
		[]googlesql.Field{
			{Name: "cache_hit", Type: "BOOLEAN"},
			{Name: "destination_table", Type: "RECORD", Fields: table},
			{Name: "referenced_tables", Type: "RECORD", Mode: "REPEATED", Fields: table},
			{Name: "labels", Type: "RECORD", Mode: "REPEATED", Fields: stringFields("key", "value")},
			{Name: "error_result", Type: "RECORD", Fields: stringFields("reason", "location", "message")},
		})
}

func jobRows(p *preparation, s scope) []googlesql.Row {
	var rows []googlesql.Row
	for _, j := range p.store.newestFirst() {
		ref := j.meta.JobReference
		if ref.ProjectId != s.project || !strings.EqualFold(ref.Location, s.location) {
			continue
		}
		rows = append(rows, jobRow(j.meta))
	}
	return rows
}

func jobRow(m *bq.Job) googlesql.Row {
	var kind, query, state, jobType, destination, failure any
	var start, end int64
	referenced, labels := []any{}, []any{}
	if st := m.Statistics; st != nil {
		start, end = st.StartTime, st.EndTime
		if st.Query != nil {
			kind = st.Query.StatementType
			for _, t := range st.Query.ReferencedTables {
				referenced = append(referenced, []any{t.ProjectId, t.DatasetId, t.TableId})
			}
		}
	}
	if c := m.Configuration; c != nil {
		jobType = c.JobType
		for _, key := range sortedKeys(c.Labels) {
			labels = append(labels, []any{key, c.Labels[key]})
		}
		if c.Query != nil {
			query = c.Query.Query
			if to := c.Query.DestinationTable; to != nil {
				destination = []any{to.ProjectId, to.DatasetId, to.TableId}
			}
		}
	}
	if m.Status != nil {
		state = m.Status.State
		if e := m.Status.ErrorResult; e != nil {
			failure = []any{e.Reason, e.Location, e.Message}
		}
	}
	return googlesql.Row{
		moment(created(m)), moment(start), moment(end), m.JobReference.ProjectId, m.JobReference.JobId,
		m.UserEmail, jobType, kind, state, query, "false", destination, referenced, labels, failure,
	}
}
