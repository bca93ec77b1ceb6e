// Package store keeps the catalog: what is, what was, who changed it and what
// is to be done about it, in one SQLite file.
//
// It owns the tables of ent/schema and River's, Commit (the only way to write)
// and Reader (the only way to read), the audit log's place on disk, the jobs'
// queue, the sessions' rows and the indexes that follow from the store. It
// does not own what a commit means, who may see what (a graph.Filter says so)
// nor what a job does. internal/serve imports it, and nobody else but tests.
//
// # Writing
//
// Commit runs a function in one write transaction. Items, history, audit event
// and due jobs stand or fall together. A revision is given only where items or
// decisions really changed; so the same facts twice make no revision.
//
// # Reading
//
// A Reader is bound to a principal's filter and a revision. Rows are never
// overwritten: each has the revision that began it and the one that ended it,
// so two reads of one Reader agree without holding a transaction open, and a
// read at a past revision never changes afterwards.
//
// What hides: an asset that the filter hides is absent from every answer. What
// names it goes too: edges to it, grants to it, tags that came down from it,
// the text of statements that read it.
package store
