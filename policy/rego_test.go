package policy

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"cadastre.dev/cadastre/policy/rego"
)

// minCoverage is how much of the bundle its own tests must reach, in percent.
const minCoverage = 95

// The bundle's own tests pass and reach nearly all of it.
func TestBundleTests(t *testing.T) {
	t.Parallel()
	_, data, err := read(rego.Bundle())
	if err != nil {
		t.Fatal(err)
	}
	if err := addConfig(data, Data{}); err != nil {
		t.Fatal(err)
	}
	rules, tests := parseBundle(t)
	modules := maps.Clone(rules)
	maps.Copy(modules, tests)
	store := inmem.NewFromObject(data)
	ctx, coverage, failed, ran := t.Context(), cover.New(), 0, 0
	err = storage.Txn(ctx, store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		results, err := tester.NewRunner().SetStore(store).SetModules(modules).
			SetCoverageQueryTracer(coverage).RaiseBuiltinErrors(true).SetTimeout(time.Minute).RunTests(ctx, txn)
		if err != nil {
			return err
		}
		for r := range results {
			ran++
			if !r.Pass() {
				failed++
				t.Errorf("%s: %s %v", r.Location, r.Name, r.Error)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if ran < 10 {
		t.Errorf("only %d tests ran", ran)
	}
	report := coverage.Report(rules)
	t.Logf("%d tests reach %.1f%% of the bundle", ran, report.Coverage)
	if report.Coverage < minCoverage && failed == 0 {
		for name, file := range report.Files {
			if len(file.NotCovered) > 0 {
				t.Logf("%s: not covered: %v", name, file.NotCovered)
			}
		}
		t.Errorf("the tests reach %.1f%% of the bundle, want %d%%", report.Coverage, minCoverage)
	}
}

// parseBundle parses all of the embedded bundle, rules and tests apart.
func parseBundle(t *testing.T) (rules, tests map[string]*ast.Module) {
	t.Helper()
	rules, tests = map[string]*ast.Module{}, map[string]*ast.Module{}
	options := ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1}
	err := fs.WalkDir(rego.Bundle(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".rego" {
			return err
		}
		content, err := fs.ReadFile(rego.Bundle(), name)
		if err != nil {
			return err
		}
		module, err := ast.ParseModuleWithOpts(name, string(content), options)
		if err != nil {
			return err
		}
		if strings.HasSuffix(name, "_test.rego") {
			tests[name] = module
		} else {
			rules[name] = module
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rules, tests
}

// ruleIDs returns the identifiers of all rules that speak to people.
func ruleIDs(t *testing.T) []string {
	t.Helper()
	rules, _ := parseBundle(t)
	var ids []string
	for _, module := range rules {
		for _, a := range module.Annotations {
			if id, ok := a.Custom["id"].(string); ok {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// The bundle is written as OPA's formatter writes it.
func TestBundleIsFormatted(t *testing.T) {
	t.Parallel()
	rules, tests := parseBundle(t)
	for _, modules := range []map[string]*ast.Module{rules, tests} {
		for name := range modules {
			content, err := fs.ReadFile(rego.Bundle(), name)
			if err != nil {
				t.Fatal(err)
			}
			want, err := format.SourceWithOpts(name, content, format.Opts{RegoVersion: ast.RegoV1})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(content)); diff != "" {
				t.Errorf("%s (-formatted +is):\n%s", name, diff)
			}
		}
	}
}

// Every rule that a person may be told of has a title, a whole sentence and an
// identifier of its own, and stands in a file that is called like it.
func TestEveryRuleSpeaksInASentence(t *testing.T) {
	t.Parallel()
	rules, _ := parseBundle(t)
	seen := map[string]string{}
	for name, module := range rules {
		for _, a := range module.Annotations {
			id, ok := a.Custom["id"].(string)
			if !ok {
				continue
			}
			if other, twice := seen[id]; twice {
				t.Errorf("%s and %s are both %s", name, other, id)
			}
			seen[id] = name
			if a.Title == "" || !strings.HasSuffix(a.Description, ".") || strings.ToUpper(a.Description[:1]) != a.Description[:1] {
				t.Errorf("%s: %s: title %q, description %q: want a title and a sentence", name, id, a.Title, a.Description)
			}
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d rules speak", len(seen))
	}
}
