// Package bigquery is the sandbox's warehouse: the part of BigQuery's REST
// service, version 2, that Cadastre and its demo use, answered as BigQuery
// answers it.
//
// It owns datasets, tables, views, rows and jobs, the access decision (one
// list of named checks in access.go), paging, etags, INFORMATION_SCHEMA and
// injectable faults. Queries run on rows in the executor of
// internal/googlesql; the executor sees only tables that the caller was found
// to have access to, under names that no query text can guess.
//
// It does not own who exists (internal/sandbox/directory) or what survives a
// restart beyond handing it to internal/sandbox/journal. It shares no code
// with the rest of Cadastre.
//
// Only internal/sandbox and the packages below it may import it.
package bigquery

import bq "google.golang.org/api/bigquery/v2"

// Seed is what an empty warehouse is filled with.
type Seed struct {
	// Datasets are REST resources with their access entries.
	Datasets []*bq.Dataset
	// Tables are REST resources of tables and views; one without a schema is
	// served without a schema.
	Tables []*bq.Table
	// Rows are the rows of tables by "project.dataset.table": each an object
	// by field name, as tabledata.insertAll takes them.
	Rows map[string][]map[string]any
	// Jobs are REST resources of jobs that have run before.
	Jobs []*bq.Job
}

// Fault makes calls go wrong on purpose, to show what a client makes of it.
type Fault struct {
	// Method is the API method, as "bigquery.tables.list"; "" means any.
	Method string
	// Project, Dataset and Table narrow the fault to a resource; "" means any.
	Project, Dataset, Table string
	// Times is how many calls go wrong. Defaults to all of them.
	Times int
	// Status is the HTTP status: 403, 404, 412, 429, 500 or 503. 0 answers as
	// usual, after the delay.
	Status int
	// Reason is BigQuery's word for it. Defaults to the usual one of the
	// status ("accessDenied", "rateLimitExceeded", "backendError", ...).
	Reason string
	// Message is the text of the error. Defaults to a text naming the fault.
	Message string
	// RetryAfter is sent as a header, in whole seconds, if positive.
	RetryAfter int
	// DelayMilliseconds is how long the answer waits first.
	DelayMilliseconds int
}
