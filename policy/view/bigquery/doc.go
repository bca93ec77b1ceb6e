// Package bigquery publishes views in BigQuery: it writes their SQL (Dialect)
// and reads, writes and reads back what a plan names (Target).
//
// It owns the text of a view, with its explicit list of every leaf and its
// rebuilt structs and arrays; the access entries of datasets that make an
// authorized dataset or a reader; and the table of key pads. It does not
// decide, plan or mask, and it never holds a key longer than it takes to put
// the pads in their row.
//
// The service is called through the raw client of API version 2, because the
// higher one drops what it does not know when a resource is written back.
//
// It imports graph, policy/view and policy/mask. internal/serve may import it.
package bigquery
