// Package ingesttest is what every Source must satisfy, as one suite of tests.
//
// It owns the laws and a catalog in memory to run them against. It does not
// own any source's own rules. Tests alone may import it.
package ingesttest
