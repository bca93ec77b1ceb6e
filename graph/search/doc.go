// Package search finds assets by name, column, container and description, in
// an index held in memory and derived from the store.
//
// It owns the tokenizer, the index, ranking, highlights and facets. It does
// not own what is in the catalog or who may see it: documents are put in, and
// a graph.Filter comes with each query and is applied to hits, counts, facets
// and highlights alike, and to what a misspelt word may stand for. It imports
// graph and the standard library; the store, the API and internal/serve may
// import it.
//
// Ranking is staged, so that it can be told in words: exact name, name,
// structure (columns and container), description. Within a stage the name with
// the fewest other words comes first, then the alphabet. Usage has no part yet.
package search
