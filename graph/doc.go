// Package graph is the hub: the words of the catalog graph and the pure rules
// between them.
//
// It owns the nouns that every other package shares (Ref, Asset, Column, Edge,
// Owner, Tag, Grant, Fact, Change, Delta, Revision, Principal, Audience,
// Filter, Decision, Plan, Step, Finding, the lineage result model and the
// kinds of error) and Diff, which turns what is known and what was seen into
// what is different. It does not own storage, sources, policy or transport.
//
// It imports the standard library only. Everything may import it.
//
// One column's way through the program, in the order of the files to read:
//
//	source → facts → delta → revision → tags → decisions → plan → apply → audit
package graph
