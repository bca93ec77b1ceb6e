// Package store keeps the catalog: what is, what was, who changed it and what
// is to be done about it, in one SQLite file or a PostgreSQL database.
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
// decisions really changed; so the same facts twice make no revision. What has
// no meaning for the catalog (cursors, plans' states, sessions, jobs) stands
// outside revisions.
//
// # Reading
//
// A Reader is bound to a principal's filter and a revision. Rows are never
// overwritten: each has the revision that began it and the one that ended it,
// so two reads of one Reader agree without holding a transaction open, and a
// read at a past revision never changes afterwards. Forget alone removes rows,
// those that ended before a revision, the floor; below it nothing is read. The filter is judged by
// the asset as it was at that revision: who owned it then sees it as of then.
//
// What is hidden is absent from every answer, and what names it goes too:
// edges to it, grants to it, tags that say they came down from it, the text of
// statements that read it or were not understood whole, plans that touch it,
// the reasons of other people's commits. A reader from whom nothing can be
// hidden (a clause without conditions) reads all of these as they stand.
//
// # The databases
//
// Both pass one suite, storetest; what differs stands behind database. Commits
// are in a line on both: a reader at revision N sees all that was committed up
// to N without holding a transaction open.
//
// On SQLite one connection writes and a pool reads (WAL), so that writers wait
// for each other in the program and SQLite never answers that it is busy;
// River works on the writer's handle for the same reason. A commit therefore
// holds up the queue for as long as it lasts: what takes long (network,
// analysis) is done before Commit, and the function only compares and writes.
//
// On PostgreSQL any number of programs share the database and its jobs. A
// commit takes an advisory lock, a job its turn and a program its lease by
// others; the fence of a job (TakeFence, HoldFence) keeps the catalog right
// where a lock was lost.
//
// An error whose cause is the database or its disk is ErrOutage and says what
// to do. Nothing that was acknowledged is lost, and the same Store works again
// once the cause is mended: TestKilledWhile… and `make crash` kill programs in
// the middle of commits, migrations, crawls and plans to hold that.
//
// Items are read and written through one description a table (see table)
// rather than ent's generated verbs: history is the same for all seven types,
// and rows go in a hundred to a statement. All else uses ent's client.
//
// # Search
//
// The index of the search (graph/search) is derived and never stored. It is
// built once after a start, by Warm or by the first who searches, some assets
// at a time; then it moves from revision to revision by the assets that differ,
// in either direction, since a reader may have begun just before a commit. Who
// searches while others move it is answered from where it stands until the
// first document changes. The past has indexes of its own, for two revisions.
//
// # Speed
//
// Measured by the benchmarks of this package on two cores of a server: 150,000
// rows a second are committed to an empty file, as many are read and compared
// by a crawl that changes nothing; an asset page with 200 columns takes 1 ms
// through a filter by owner. docs/benchmarks.md tells of searches.
package store
