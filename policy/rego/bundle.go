// Package rego owns the default policy bundle: the rules in Rego, one a file
// with the sentence that people are shown, and their data, the vocabulary of
// labels and the purposes.
//
// It holds no Go logic and evaluates nothing; policy does. Its tests stand
// beside the rules (*_test.rego) and in policy/cases. Only policy imports it.
package rego

import (
	"embed"
	"io/fs"
)

//go:embed column visibility action person data.json
var bundle embed.FS

// Bundle returns the default bundle's files.
func Bundle() fs.FS { return bundle }
