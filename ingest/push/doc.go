// Package push reads the facts that services push, as docs/push.md describes
// them, and turns them into facts of the graph.
//
// It owns the form of a batch, its limits, and what is told of one that makes
// no sense: where, what, and what to do. It does not own who may push, nor
// what becomes of a batch; internal/serve answers requests with it.
//
// It imports graph and ingest. internal/serve alone imports it.
package push
