// Package ingesttest is what every Source must satisfy, as one suite of tests.
//
// It owns the laws (Conformance) and a catalog in memory to run sources
// against (Catalog). It does not own any source's own rules.
//
// Tests alone may import it.
package ingesttest
