package archtest

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logKeys is the one list of keys under which things stand in the log.
// docs/runbook.md says what each means.
var logKeys = []string{
	"actor", "addr", "attempt", "count", "dur", "err", "field", "job", "method", "path", "ref", "request", "revision", "running", "source", "state", "status",
}

// logVerbs are the methods of slog.Logger, with the number of arguments before
// the first key.
var logVerbs = map[string]int{
	"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "DebugContext": 2, "InfoContext": 2, "WarnContext": 2, "ErrorContext": 2, "Log": 3, "With": 0,
}

func TestTheLogHasOneListOfKeys(t *testing.T) {
	t.Parallel()
	tr := loadTree(t)
	seen := 0
	for _, f := range tr.files {
		if f.isTest || f.generated || f.worker {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			for _, key := range keysOf(call) {
				seen++
				if !slices.Contains(logKeys, key) {
					t.Errorf("%s: the log's key %q is none of %q", tr.fset.Position(call.Pos()), key, logKeys)
				}
			}
			return true
		})
	}
	if seen < 30 {
		t.Errorf("only %d keys were found: the test does not see how the log is written", seen)
	}
	page, err := os.ReadFile(filepath.Join(moduleRoot(t), "docs", "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range logKeys {
		if !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("docs/runbook.md does not say what the log's key %q means", key)
		}
	}
}

// keysOf returns the keys that a call hands to a logger; none where it is no
// such call.
func keysOf(call *ast.CallExpr) (keys []string) {
	verb, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	skip, ok := logVerbs[verb.Sel.Name]
	if !ok || !isLogger(verb.X) {
		return nil
	}
	for i := skip; i+1 < len(call.Args); i += 2 {
		literal, ok := call.Args[i].(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		if key, err := strconv.Unquote(literal.Value); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// isLogger says whether an expression is called as loggers are.
func isLogger(e ast.Expr) bool {
	name := ""
	switch e := e.(type) {
	case *ast.Ident:
		name = e.Name
	case *ast.SelectorExpr:
		name = e.Sel.Name
	}
	return slices.Contains([]string{"log", "logger", "Logger", "slog"}, name)
}
