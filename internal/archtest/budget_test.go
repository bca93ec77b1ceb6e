package archtest

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The budgets. A function longer than maxFunc is an exception, of which there
// may be one in a hundred.
const (
	maxFileLines  = 500
	maxFuncLines  = 80
	maxMethods    = 7
	minTestToCode = 1.1
)

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, f := range loadTree(t).files {
		if !f.generated && f.lines > maxFileLines {
			t.Errorf("%s has %d lines, more than %d", f.path, f.lines, maxFileLines)
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	t.Parallel()
	tr := loadTree(t)
	functions, long := 0, []string(nil)
	for _, f := range tr.files {
		if f.generated || f.isTest {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			functions++
			if n := tr.fset.Position(fn.End()).Line - tr.fset.Position(fn.Pos()).Line + 1; n > maxFuncLines {
				long = append(long, tr.fset.Position(fn.Pos()).String())
			}
		}
	}
	if len(long)*100 > functions {
		t.Errorf("%d of %d functions have more than %d lines, at most one in a hundred may: %s", len(long), functions, maxFuncLines, strings.Join(long, ", "))
	}
}

func TestInterfacesAreSmall(t *testing.T) {
	t.Parallel()
	tr := loadTree(t)
	for _, f := range tr.files {
		if f.generated {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok && i.Methods.NumFields() > maxMethods {
				t.Errorf("%s: an interface of %d methods, more than %d", tr.fset.Position(i.Pos()), i.Methods.NumFields(), maxMethods)
			}
			return true
		})
	}
}

func TestPackagesAndExportedNamesAreDocumented(t *testing.T) {
	t.Parallel()
	tr := loadTree(t)
	documented := map[string]bool{}
	for _, f := range tr.files {
		if f.isTest || f.generated {
			continue
		}
		documented[f.pkg] = documented[f.pkg] || f.ast.Doc != nil
		for _, d := range f.ast.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: %s has no doc comment", tr.fset.Position(d.Pos()), name)
			}
		}
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

func undocumented(d ast.Decl) []string {
	var names []string
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && isExportedReceiver(d) {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() && s.Doc == nil && d.Doc == nil && s.Comment == nil {
						names = append(names, n.Name)
					}
				}
			}
		}
	}
	return names
}

func isExportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if index, ok := typ.(*ast.IndexExpr); ok {
		typ = index.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

func TestNoInitAndNoMutablePackageVariable(t *testing.T) {
	t.Parallel()
	tr := loadTree(t)
	variables := map[string]bool{}
	for _, f := range tr.files {
		if f.generated || f.isTest {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init()", tr.fset.Position(fn.Pos()))
			}
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, s := range g.Specs {
					for _, n := range s.(*ast.ValueSpec).Names {
						variables[f.pkg+"."+n.Name] = true
					}
				}
			}
		}
	}
	for _, f := range tr.files {
		if f.generated || f.isTest {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			a, ok := n.(*ast.AssignStmt)
			if !ok || a.Tok == token.DEFINE {
				return true
			}
			for _, left := range a.Lhs {
				if id, ok := root(left).(*ast.Ident); ok && id.Obj != nil && id.Obj.Kind == ast.Var && variables[f.pkg+"."+id.Name] && isPackageLevel(f.ast, id) {
					t.Errorf("%s: assigns to the package variable %s", tr.fset.Position(a.Pos()), id.Name)
				}
			}
			return true
		})
	}
}

// root returns x of x.y[z].
func root(e ast.Expr) ast.Expr {
	for {
		switch x := e.(type) {
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return e
		}
	}
}

func isPackageLevel(f *ast.File, id *ast.Ident) bool {
	return f.Scope.Lookup(id.Name) == id.Obj
}

func TestThereIsMoreTestThanCode(t *testing.T) {
	t.Parallel()
	code, tests := 0, 0
	for _, f := range loadTree(t).files {
		switch {
		case f.generated || strings.HasPrefix(f.path, "ent/schema/"):
		case f.isTest || strings.HasSuffix(f.pkg, "test"):
			tests += f.lines
		default:
			code += f.lines
		}
	}
	rules, stories := writtenBeside(t)
	code, tests = code+rules, tests+stories
	ratio := float64(tests) / float64(code)
	t.Logf("%d lines of test to %d of code: %.2f", tests, code, ratio)
	if ratio < minTestToCode {
		t.Errorf("%d lines of test to %d of code: %.2f, want at least %.2f", tests, code, ratio, minTestToCode)
	}
}

// writtenBeside counts what is written by hand in other languages than Go: the
// rules of the policy as code; their tests, the stories and the cases as tests.
func writtenBeside(t *testing.T) (rules, stories int) {
	t.Helper()
	root := moduleRoot(t)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "node_modules" || d.Name() == "bin" || d.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		isTest := strings.HasSuffix(p, "_test.rego") || strings.HasSuffix(p, ".txtar") || strings.Contains(filepath.ToSlash(p), "policy/cases/")
		if !isTest && !strings.HasSuffix(p, ".rego") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if lines := strings.Count(string(text), "\n"); isTest {
			stories += lines
		} else {
			rules += lines
		}
		return nil
	})
	if err != nil {
		t.Fatalf("read the tree: %v", err)
	}
	return rules, stories
}
