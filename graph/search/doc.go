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
// # Ranking
//
// Ranking is staged, so that it can be told in words: exact name; near name,
// in which every word of the query stands, begins a word or is one edit away
// from one; structure (columns and container); description. Words that only
// begin so are not set behind whole ones: who types "order" means "orders"
// before "order_items_tmp". Within a stage the name with the fewest other words
// comes first, then what is used more, by orders of magnitude and up to a cap,
// then the alphabet. The usage of an asset that is only discoverable has no
// part: its place would tell it.
//
// # Speed
//
// No match is scored. A word of a query becomes a set of documents for each
// field, one bit a document; sets are intersected as a whole, counted for the
// total, and split into stages; what a filter shows is such a set too, kept
// for the filters that were used last and brought along with every change.
// The page is read from an order of all documents that holds for every query,
// so that hits are ranked only where they are shown. Totals and facets are
// exact: of a query that finds most of what there is, the rest is counted.
//
// Put takes the time of one document. Nothing is rebuilt: what a document
// leaves behind when it changes is swept away by the changes after it. See
// docs/benchmarks.md for figures.
package search
