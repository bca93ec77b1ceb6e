package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "cadastre.dev/cadastre"

// file is one Go source of the tree.
type file struct {
	// path is relative to the root of the tree, pkg its folder.
	path, pkg string
	isTest    bool
	generated bool
	worker    bool
	lines     int
	ast       *ast.File
	imports   []string
}

// tree is every Go source below the root.
type tree struct {
	fset  *token.FileSet
	files []file
}

func loadTree(t *testing.T) tree {
	t.Helper()
	root := moduleRoot(t)
	out := tree{fset: token.NewFileSet()}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && isForeign(d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := loadFile(out.fset, root, p)
		if err != nil {
			return err
		}
		out.files = append(out.files, f)
		return nil
	})
	if err != nil {
		t.Fatalf("read the tree: %v", err)
	}
	return out
}

func isForeign(dir string) bool {
	return dir == "node_modules" || dir == "testdata" || dir == "bin" || (strings.HasPrefix(dir, ".") && dir != ".")
}

func loadFile(fset *token.FileSet, root, p string) (file, error) {
	src, err := os.ReadFile(p)
	if err != nil {
		return file{}, err
	}
	parsed, err := parser.ParseFile(fset, p, src, parser.ParseComments)
	if err != nil {
		return file{}, err
	}
	rel, err := filepath.Rel(root, p)
	if err != nil {
		return file{}, err
	}
	rel = filepath.ToSlash(rel)
	f := file{
		path: rel, pkg: path.Dir(rel), isTest: strings.HasSuffix(rel, "_test.go"),
		generated: ast.IsGenerated(parsed),
		worker:    strings.HasPrefix(rel, "internal/googlesql/worker/"),
		lines:     strings.Count(string(src), "\n"),
		ast:       parsed,
	}
	for _, i := range parsed.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, name)
	}
	return f, nil
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the working folder")
		}
		dir = filepath.Dir(dir)
	}
}
