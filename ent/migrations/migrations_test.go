package migrations

import (
	"bytes"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"ariga.io/atlas/sql/migrate"
	gen "cadastre.dev/cadastre/ent/gen/migrate"
	"cadastre.dev/cadastre/internal/pgtest"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	_ "github.com/jackc/pgx/v5/stdlib"
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
	for folder, db := range map[string]dialect.Driver{
		"sqlite":   entsql.OpenDB(dialect.SQLite, openSQLite(t)),
		"postgres": entsql.OpenDB(dialect.Postgres, openPostgres(t)),
	} {
		dir, err := migrate.NewLocalDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		if err := diff(t, dir, db); errors.Is(err, migrate.ErrNoPlan) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		if !*update {
			t.Errorf("ent/schema and the migrations of %s differ: run go test ./ent/migrations -update -name what_changes", folder)
		}
	}
}

// diff plans the migration from what dir leads to, to what ent/schema says. It
// writes it into dir with -update, else nowhere.
func diff(t *testing.T, dir *migrate.LocalDir, db dialect.Driver) error {
	t.Helper()
	var target migrate.Dir = dir
	if !*update {
		target = copyDir(t, dir)
	}
	files, err := dir.Files()
	if err != nil {
		t.Fatal(err)
	}
	m, err := schema.NewMigrate(db,
		schema.WithDir(target), schema.WithMigrationMode(schema.ModeReplay), schema.WithErrNoPlan(true),
		schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithFormatter(formatter(t, len(files)+1)))
	if err != nil {
		t.Fatal(err)
	}
	return m.NamedDiff(t.Context(), *name, gen.Tables...)
}

func openSQLite(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "dev.db")+"?_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func openPostgres(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", pgtest.Start(t).Database(t))
	if err != nil {
		t.Fatal(err)
	}
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
	body := template.Must(template.New("body").Funcs(template.FuncMap{"bytewise": bytewise}).
		Parse("{{ range .Changes }}{{ with .Comment }}-- {{ . }}\n{{ end }}{{ bytewise .Cmd }};\n{{ end }}"))
	f, err := migrate.NewTemplateFormatter(path, body)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// bytewise makes every text of PostgreSQL sort by its bytes, whatever language
// the database was made for: pages and laws are in the order of bytes, which is
// SQLite's own.
func bytewise(statement string) string {
	return strings.ReplaceAll(statement, " character varying", ` character varying COLLATE "C"`)
}

func TestEmbeddedMigrationsMatchTheirSum(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func() ([]Migration, error){"sqlite": SQLite, "postgres": Postgres} {
		list, err := read()
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			t.Fatalf("no migrations of %s", name)
		}
		for i, m := range list {
			if m.Version != i+1 || len(m.Statements) == 0 {
				t.Errorf("%s: migration %s: version %d with %d statements", name, m.Name, m.Version, len(m.Statements))
			}
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
