package company

import (
	"embed"
	"fmt"
	"time"

	bq "google.golang.org/api/bigquery/v2"
)

//go:embed sql/*.sql
var statements embed.FS

// sqlOf is the text of a statement by the name of its file. That a file lacks
// is a mistake of this package, which its tests would meet first.
func sqlOf(name string) string {
	text, err := statements.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// scheduled is a job that runs every night.
type scheduled struct {
	name, sql string
	to        *bq.TableReference // of a query with a destination
	kind      string
	reads     []*bq.TableReference
	failure   string
	by        string
	label     string
}

func schedule() []scheduled {
	service := Scheduler().Email
	customers, payments := ref(Raw, "customers"), ref(Raw, "payments")
	coreCustomers, corePayments := ref(Core, "customers"), ref(Core, "payments")
	nightly := "scheduled_query"
	return []scheduled{
		{"core_customers", sqlOf("core.customers"), coreCustomers, "SELECT", []*bq.TableReference{customers}, "", service, nightly},
		{"core_payments", sqlOf("core.payments"), corePayments, "SELECT", []*bq.TableReference{payments}, "", service, nightly},
		{"core_payments_merge", sqlOf("merge"), corePayments, "MERGE", []*bq.TableReference{payments, corePayments}, "", service, nightly},
		{
			"core_daily_consumption", sqlOf("core.daily_consumption"), ref(Core, "daily_consumption"), "CREATE_TABLE_AS_SELECT",
			[]*bq.TableReference{ref(Raw, "meter_readings"), customers},
			"", service, nightly,
		},
		{
			"core_customer_scores", sqlOf("core.customer_scores"), ref(Core, "customer_scores"), "CREATE_TABLE_AS_SELECT",
			[]*bq.TableReference{coreCustomers},
			"", service, nightly,
		},
		{
			"reporting_customer_value", sqlOf("reporting.customer_value"), ref(Reporting, "customer_value"), "SELECT",
			[]*bq.TableReference{coreCustomers, corePayments},
			"", service, nightly,
		},
		{
			"reporting_monthly_revenue", sqlOf("reporting.monthly_revenue"), ref(Reporting, "monthly_revenue"), "SELECT",
			[]*bq.TableReference{corePayments, coreCustomers},
			"", service, nightly,
		},
		{
			"reporting_broken", sqlOf("broken"), ref(Reporting, "customer_totals"), "", nil,
			"Syntax error: Expected \")\" but got keyword AS at [1:32]", service, nightly,
		},
		{"adhoc_segments", sqlOf("adhoc"), nil, "SELECT", []*bq.TableReference{coreCustomers}, "", Otto().Email, ""},
	}
}

// jobs are the runs of the last nights before now, half an hour after
// midnight and a minute apart.
func jobs(now time.Time) []*bq.Job {
	const nights = 3
	midnight := now.UTC().Truncate(24 * time.Hour)
	var list []*bq.Job
	for night := range nights {
		at := midnight.AddDate(0, 0, night-nights+1).Add(-24*time.Hour + 30*time.Minute)
		for i, s := range schedule() {
			list = append(list, s.run(at.Add(time.Duration(i)*time.Minute)))
		}
	}
	return list
}

func (s scheduled) run(at time.Time) *bq.Job {
	id := fmt.Sprintf("%s_%s", s.name, at.Format("20060102"))
	standard := false
	query := &bq.JobConfigurationQuery{Query: s.sql, UseLegacySql: &standard}
	if s.to != nil && (s.kind == "SELECT" || s.kind == "") {
		query.DestinationTable, query.WriteDisposition = s.to, "WRITE_TRUNCATE"
	}
	stats := &bq.JobStatistics2{StatementType: s.kind, ReferencedTables: s.reads}
	if s.kind == "CREATE_TABLE_AS_SELECT" {
		stats.DdlTargetTable, stats.DdlOperationPerformed = s.to, "REPLACE"
		query.DestinationTable = s.to
	}
	if s.kind == "MERGE" {
		query.DestinationTable = s.to
	}
	began := at.UnixMilli()
	job := &bq.Job{
		Kind: "bigquery#job", Id: Project + ":" + Location + "." + id, UserEmail: s.by,
		JobReference:  &bq.JobReference{ProjectId: Project, JobId: id, Location: Location},
		Configuration: &bq.JobConfiguration{JobType: "QUERY", Query: query},
		Statistics:    &bq.JobStatistics{CreationTime: began, StartTime: began + 200, EndTime: began + 4200, Query: stats},
		Status:        &bq.JobStatus{State: "DONE"},
	}
	if s.label != "" {
		job.Configuration.Labels = map[string]string{"data_source_id": s.label, "team": "data-platform"}
	}
	if s.failure != "" {
		proto := &bq.ErrorProto{Reason: "invalidQuery", Message: s.failure, Location: "query"}
		job.Status.ErrorResult, job.Status.Errors = proto, []*bq.ErrorProto{proto}
	}
	return job
}
