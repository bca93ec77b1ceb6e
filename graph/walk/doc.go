// Package walk answers what something is made from and what is made from it,
// over the edges of one revision held in memory as compressed arrays, and
// carries tags down them.
//
// It owns adjacency, walking with limits, and propagation; all of it is pure.
// It does not own where edges come from or who may see what: visibility is
// handed in with each question. It imports graph and the standard library; the
// store, the API and internal/serve may import it.
package walk
