// Package graphtest builds values of graph for the tests of other packages:
// columns from a short description, a small company with everything in it
// once, an estate of any size, and random snapshots for laws.
//
// It owns made-up metadata and nothing that runs. It imports graph and the
// standard library; tests and conformance suites may import it.
package graphtest
