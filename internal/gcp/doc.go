// Package gcp is how Google's services are called: credentials, retries with
// backoff, quotas, and what their errors mean.
//
// It owns the HTTP client that the two bigquery packages share, and Error,
// which turns Google's errors into the kinds of graph. It does not own any
// call of a service.
//
// It imports graph alone of ours. ingest/bigquery, policy/view/bigquery and
// internal/serve may import it.
package gcp
