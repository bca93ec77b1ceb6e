// Package ingest is the way of facts into the catalog: a Source tells what it
// sees, and Run turns that into a delta and commits it.
//
// It owns the words Source and Cursor, the optional powers of a source, and
// Run. It does not own any platform (each is a package below), nor lineage
// (ingest/lineage), nor storage: where the catalog is kept is behind the small
// interface Catalog, which internal/serve fills.
//
// It imports graph alone. The packages of the sources, ingesttest and
// internal/serve may import it.
package ingest
