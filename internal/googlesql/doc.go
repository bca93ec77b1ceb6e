// Package googlesql starts, watches and feeds the GoogleSQL worker, a separate
// program that holds Google's own SQL analyzer and an executor of GoogleSQL.
//
// It owns the worker's life: finding the program, starting it, one question at
// a time over JSON lines, a deadline and a memory cap for each, and a fresh
// process in place of one that died. [Pool] answers questions about statements
// and keeps no state between them; [Session] is one worker whose tables and
// rows live as long as its process.
//
// It does not own what lineage means (ingest/lineage does), nor the protocol's
// other end (internal/googlesql/worker, a module of its own, so that this
// program links none of the analyzer). Nothing here logs or keeps SQL text or
// rows.
//
// Any package may import it; it imports graph alone, for the error kinds.
package googlesql
