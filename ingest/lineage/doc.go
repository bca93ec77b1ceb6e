// Package lineage turns SQL into edges between columns.
//
// It owns the Analyzer interface, Edges (what an analysis means in the catalog),
// Redact (what is kept of a job's text), the identity of statements, and
// Update, which brings the statements and edges of a source up to date. It
// does not own any dialect: each is a package below; nor where SQL comes from:
// the sources list it; nor the walk over edges, which is graph/walk.
//
// It imports graph alone. Its dialects, the sources and internal/serve may
// import it.
package lineage
