// Package migrations holds the versioned SQL that brings a database from one
// shape of the tables to the next, a folder a dialect.
//
// It owns the files and their sum, not how they are applied; ent/store does
// that and alone imports it. The files are generated from ent/schema, and a
// test holds the two together:
//
//	go test ./ent/migrations -update -name what_changes
//
// A file that was released is never edited: its sum would not match.
package migrations

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"

	"ariga.io/atlas/sql/migrate"
)

//go:embed sqlite postgres
var files embed.FS

// Migration is one step from a version of the tables to the next.
type Migration struct {
	// Version counts from 1 without gaps.
	Version int
	// Name is the file's.
	Name string
	// Statements are run in order, in one transaction.
	Statements []string
}

// SQLite returns the migrations of SQLite in order. An error means that the
// program was built from files that do not match their sum.
func SQLite() ([]Migration, error) { return list("sqlite") }

// Postgres returns the migrations of PostgreSQL, as SQLite does. The two count
// their versions apart.
func Postgres() ([]Migration, error) { return list("postgres") }

func list(folder string) ([]Migration, error) {
	dir, err := open(folder)
	if err != nil {
		return nil, err
	}
	if err := migrate.Validate(dir); err != nil {
		return nil, fmt.Errorf("validate migrations of %s: %w", folder, err)
	}
	list, err := dir.Files()
	if err != nil {
		return nil, fmt.Errorf("list migrations of %s: %w", folder, err)
	}
	out := make([]Migration, 0, len(list))
	for i, f := range list {
		version, err := strconv.Atoi(f.Version())
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s: want version %04d", f.Name(), i+1)
		}
		statements, err := f.Stmts()
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", f.Name(), err)
		}
		out = append(out, Migration{Version: version, Name: f.Name(), Statements: statements})
	}
	return out, nil
}

// open copies the embedded folder into the form that atlas reads.
func open(folder string) (*migrate.MemDir, error) {
	dir := &migrate.MemDir{}
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return nil, fmt.Errorf("read migrations of %s: %w", folder, err)
	}
	for _, e := range entries {
		data, err := fs.ReadFile(files, folder+"/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("read migrations of %s: %w", folder, err)
		}
		if err := dir.WriteFile(e.Name(), data); err != nil {
			return nil, fmt.Errorf("read migrations of %s: %w", folder, err)
		}
	}
	return dir, nil
}
