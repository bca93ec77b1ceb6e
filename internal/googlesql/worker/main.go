// Command cadastre-googlesql answers questions about GoogleSQL, one line of
// JSON for each line of JSON, until its standard input ends.
//
// It owns the only use of Google's analyzer and of the executor over SQLite,
// in a module and a process of their own, so that the main program neither
// links them nor shares their fate: the process may be killed at any time. It
// does not own its own supervision (internal/googlesql does), nor what lineage
// means to the catalog. Nothing may import it, and it imports nothing of ours.
// It writes no log: what it is given may be personal data.
//
// A question is {"id": text, "op": text, "question": object}; its answer is
// {"id": text, "result": object}, or {"id": text, "error": {"kind", "message"}}
// where kind is "protocol" (the line or the op is not understood), "invalid"
// (the statement is refused; nothing changed) or "internal" (a fault of the
// worker). Answers come in the order of the questions. The ops:
//
//	version   {} → {protocol, analyzer, executor}
//	parse     {sql, dialect, default_project, default_dataset}
//	          → {parsed, error, tables, functions}
//	analyze   the same and {schemas: {table: {column: type}}, routines}
//	          → {parsed, outcome, inputs, outputs, columns, influences,
//	             unresolved, error, statements}
//	exec      {sql, params: [{name, type, value}], default_project,
//	          default_dataset} → {schema, rows, affected}
//	describe  the same → {kind, schema, inputs, outputs}; nothing is run
//	create    {table, schema} → {}; replaces what has the name
//	load      {table, schema, rows} → {}; all rows or none
//	view      {table, sql, default_project, default_dataset} → {}
//	drop      {table} → {}; also when there is none
//
// Cells of rows, in and out, are null, a string for a scalar, an array of
// cells for an array and for a struct (its fields in order); see cell.go. Two
// limits of the executor show: NaN is NULL in it; and a MERGE does not tell how
// many rows it changed, and takes parameters in the query it uses alone.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := serve(os.Stdin, os.Stdout, newWorker()); err != nil {
		fmt.Fprintln(os.Stderr, "cadastre-googlesql:", err)
		os.Exit(1)
	}
}
