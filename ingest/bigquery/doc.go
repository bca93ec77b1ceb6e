// Package bigquery crawls BigQuery: datasets, tables, views, their columns,
// labels, owners and grants, and the jobs that ran.
//
// It owns the reading of BigQuery's resources into facts and the rule by which
// an unchanged table is not read again. It does not own the analysis of SQL
// (ingest/lineage), publishing (policy/view/bigquery), credentials, retries
// and quotas (internal/gcp).
//
// It reads schemas by the raw REST client, because the other one drops parts of
// them. Only internal/serve and tests may import it.
package bigquery
