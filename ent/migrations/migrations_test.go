package migrations

import (
	"bytes"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"text/template"

	"ariga.io/atlas/sql/migrate"
	gen "cadastre.dev/cadastre/ent/gen/migrate"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	_ "modernc.org/sqlite"
)

var (
	update = flag.Bool("update", false, "write the next migration")
	name   = flag.String("name", "change", "what the next migration is called")
)

// TestTheMigrationsLeadToTheSchema holds the files and ent/schema together;
// with -update it writes the file that is missing.
func TestTheMigrationsLeadToTheSchema(t *testing.T) {
	t.Parallel()
	dir, err := migrate.NewLocalDir("sqlite")
	if err != nil {
		t.Fatal(err)
	}
	if err := diff(t, dir); errors.Is(err, migrate.ErrNoPlan) {
		return
	} else if err != nil {
		t.Fatal(err)
	}
	if !*update {
		t.Error("ent/schema and the migrations differ: run go test ./ent/migrations -update -name what_changes")
	}
}

// diff plans the migration from what dir leads to, to what ent/schema says. It
// writes it into dir with -update, else nowhere.
func diff(t *testing.T, dir *migrate.LocalDir) error {
	t.Helper()
	db := openMemory(t)
	var target migrate.Dir = dir
	if !*update {
		target = copyDir(t, dir)
	}
	files, err := dir.Files()
	if err != nil {
		t.Fatal(err)
	}
	m, err := schema.NewMigrate(entsql.OpenDB(dialect.SQLite, db),
		schema.WithDir(target), schema.WithMigrationMode(schema.ModeReplay), schema.WithErrNoPlan(true),
		schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithFormatter(formatter(t, len(files)+1)))
	if err != nil {
		t.Fatal(err)
	}
	return m.NamedDiff(t.Context(), *name, gen.Tables...)
}

func openMemory(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "dev.db")+"?_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func copyDir(t *testing.T, from *migrate.LocalDir) *migrate.MemDir {
	t.Helper()
	to := &migrate.MemDir{}
	files, err := from.Files()
	if err != nil {
		t.Fatal(err)
	}
	if err := to.CopyFiles(files); err != nil {
		t.Fatal(err)
	}
	sum, err := to.Checksum()
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate.WriteSumFile(to, sum); err != nil {
		t.Fatal(err)
	}
	return to
}

// formatter names files by count, so that the version is a small number and
// the order of two branches is a conflict that people see.
func formatter(t *testing.T, version int) migrate.Formatter {
	t.Helper()
	path := template.Must(template.New("name").Parse(fmt.Sprintf("%04d_{{ .Name }}.sql", version)))
	body := template.Must(template.New("body").Parse("{{ range .Changes }}{{ with .Comment }}-- {{ . }}\n{{ end }}{{ .Cmd }};\n{{ end }}"))
	f, err := migrate.NewTemplateFormatter(path, body)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestEmbeddedMigrationsMatchTheirSum(t *testing.T) {
	t.Parallel()
	list, err := SQLite()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no migrations")
	}
	for i, m := range list {
		if m.Version != i+1 || len(m.Statements) == 0 {
			t.Errorf("migration %s: version %d with %d statements", m.Name, m.Version, len(m.Statements))
		}
	}
}

func TestAnEditedMigrationIsFound(t *testing.T) {
	t.Parallel()
	dir, err := open("sqlite")
	if err != nil {
		t.Fatal(err)
	}
	files, err := dir.Files()
	if err != nil {
		t.Fatal(err)
	}
	edited := bytes.Replace(files[0].Bytes(), []byte("NOT NULL"), []byte("NULL"), 1)
	if err := dir.WriteFile(files[0].Name(), edited); err != nil {
		t.Fatal(err)
	}
	if err := migrate.Validate(dir); !errors.Is(err, migrate.ErrChecksumMismatch) {
		t.Errorf("validate an edited file: %v, want a mismatch of sums", err)
	}
}
