package archtest

import (
	"slices"
	"strings"
	"testing"
)

// own says what each of our packages may import of our own packages. A pattern
// that ends in "/..." means the folder and all below it. Everything a package
// may import stands in the first entry that matches it.
//
// The order is the house: the hub, the spokes, the leaves, the rim.
var own = []struct {
	pkg string
	may []string
}{
	{"graph", nil},
	{"graph/walk", []string{"graph"}},
	{"graph/search", []string{"graph"}},
	{"graph/audit", []string{"graph"}},
	{"graph/graphtest", []string{"graph"}},
	{"graph/api/...", []string{"graph", "graph/walk", "graph/search", "graph/audit", "graph/api/..."}},

	{"ent/schema", nil},
	{"ent/gen/...", []string{"ent/gen/...", "ent/schema"}},
	{"ent/migrations/...", []string{"ent/migrations/...", "ent/gen/..."}},
	{"ent/store/storetest", []string{"graph", "graph/walk", "graph/search", "graph/audit", "graph/graphtest", "ent/store"}},
	{"ent/store", []string{"graph", "graph/walk", "graph/search", "graph/audit", "ent/gen/...", "ent/migrations/..."}},
	{"ent", nil},

	{"ingest/ingesttest", []string{"graph", "ingest"}},
	{"ingest/lineage/bigquery", []string{"graph", "ingest/lineage", "internal/googlesql"}},
	{"ingest/lineage", []string{"graph"}},
	{"ingest/bigquery", []string{"graph", "ingest", "ingest/lineage", "internal/gcp"}},
	{"ingest/push", []string{"graph", "ingest"}},
	{"ingest/registry", []string{"graph", "ingest", "ingest/lineage"}},
	{"ingest", []string{"graph"}},

	{"policy/rego", nil},
	{"policy/mask", []string{"graph"}},
	{"policy/view/viewtest", []string{"graph", "policy/view"}},
	{"policy/view/bigquery", []string{"graph", "policy/view", "policy/mask", "internal/gcp"}},
	{"policy/view", []string{"graph", "policy/mask"}},
	{"policy", []string{"graph", "policy/rego", "policy/mask"}},

	{"internal/googlesql", []string{"graph"}},
	{"internal/gcp", []string{"graph"}},
	{"internal/sandbox/...", []string{"internal/sandbox/...", "internal/googlesql"}},
	{"internal/archtest", nil},
	{"internal/pgtest", nil},
	{"internal/crashtest", nil},
	{"ui", nil},

	{"tools/...", nil},
	{"internal/serve/...", []string{"..."}},
	{"cmd/...", []string{"..."}},
}

// testsMay are ours that tests may import wherever they stand: builders, the
// conformance suites, and the sandbox in place of a warehouse.
var testsMay = []string{"graph/graphtest", "internal/sandbox/...", "internal/googlesql", "internal/pgtest", "internal/crashtest", "ent/store/storetest", "ingest/ingesttest", "policy/view/viewtest"}

// owners says who alone may import a large foreign package. Tests may too:
// they stand in for the other side.
var owners = []struct {
	foreign string
	by      []string
}{
	{"entgo.io/", []string{"ent/..."}},
	{"ariga.io/", []string{"ent/..."}},
	{"github.com/open-policy-agent/", []string{"policy"}},
	{"github.com/99designs/gqlgen", []string{"graph/api/..."}},
	{"github.com/vektah/gqlparser", []string{"graph/api/..."}},
	{"github.com/coreos/go-oidc", []string{"internal/serve/..."}},
	{"github.com/alexedwards/scs", []string{"internal/serve/..."}},
	{"github.com/riverqueue/", []string{"ent/store", "internal/serve/..."}},
	{"github.com/robfig/cron", []string{"internal/serve"}},
	{"github.com/prometheus/", []string{"internal/serve/watch"}},
	{"go.opentelemetry.io/", []string{"internal/serve/watch"}},
	{"github.com/zitadel/", []string{"internal/sandbox/..."}},
	{"github.com/twmb/franz-go", []string{"ingest/kafka", "ingest/registry"}},
	{"cloud.google.com/go/bigquery", []string{"internal/gcp", "ingest/bigquery", "policy/view/bigquery", "internal/serve/..."}},
	{"google.golang.org/api", []string{"internal/gcp", "ingest/bigquery", "policy/view/bigquery", "internal/serve/...", "internal/sandbox/..."}},
	{"modernc.org/", []string{"ent/store", "internal/sandbox/..."}},
	{"github.com/jackc/pgx", []string{"ent/store"}},
	{"github.com/alecthomas/kong", []string{"cmd/..."}},
	{"github.com/knadh/koanf", []string{"internal/serve/..."}},
	{"github.com/schollz/progressbar", []string{"cmd/..."}},
	{"github.com/goccy/", nil},
}

// hub are the packages that import the standard library alone, save for what
// is named.
var hub = map[string][]string{
	"graph": nil, "graph/walk": nil, "graph/search": nil, "graph/graphtest": nil,
	"graph/audit":        {"golang.org/x/mod"},
	"internal/googlesql": nil,
}

func TestImportsRunDownhill(t *testing.T) {
	t.Parallel()
	for _, f := range loadTree(t).files {
		if f.worker {
			continue
		}
		may, known := allowed(f.pkg)
		if !known {
			t.Errorf("%s: package %s is in no room of the house: add it to the law, with a decision record", f.path, f.pkg)
			continue
		}
		for _, imported := range ours(f.imports) {
			if imported == f.pkg || matchesAny(may, imported) || (f.isTest && (matchesAny(testsMay, imported) || strings.HasPrefix(f.pkg+"/", imported+"/"))) {
				continue
			}
			t.Errorf("%s: %s must not import %s", f.path, f.pkg, imported)
		}
	}
}

func TestForeignPackagesHaveOneOwner(t *testing.T) {
	t.Parallel()
	for _, f := range loadTree(t).files {
		if f.worker || f.isTest {
			continue
		}
		for _, imported := range f.imports {
			for _, o := range owners {
				if strings.HasPrefix(imported, o.foreign) && !matchesAny(o.by, f.pkg) {
					t.Errorf("%s: %s is owned by %v", f.path, imported, o.by)
				}
			}
		}
	}
}

func TestHubImportsTheStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	for _, f := range loadTree(t).files {
		extra, isHub := hub[f.pkg]
		if !isHub || f.isTest {
			continue
		}
		for _, imported := range f.imports {
			if !isStandard(imported) && !strings.HasPrefix(imported, module) && !slices.ContainsFunc(extra, func(e string) bool { return strings.HasPrefix(imported, e) }) {
				t.Errorf("%s: the hub imports %s", f.path, imported)
			}
		}
	}
}

func TestWorkerImportsNothingOfOurs(t *testing.T) {
	t.Parallel()
	for _, f := range loadTree(t).files {
		if !f.worker {
			continue
		}
		for _, imported := range ours(f.imports) {
			if !strings.HasPrefix(imported, "internal/googlesql/worker") {
				t.Errorf("%s imports %s", f.path, imported)
			}
		}
	}
}

func TestGeneratedCodeStandsInItsTwoFolders(t *testing.T) {
	t.Parallel()
	for _, f := range loadTree(t).files {
		inPlace := strings.HasPrefix(f.path, "ent/gen/") || strings.HasPrefix(f.path, "graph/api/gen/")
		if f.generated && !inPlace {
			t.Errorf("%s is generated and stands outside ent/gen and graph/api/gen", f.path)
		}
		if strings.HasSuffix(f.path, "prelude.resolvers.go") {
			t.Errorf("%s: a bound type is named like one of GraphQL's own; rename it", f.path)
		}
	}
}

func allowed(pkg string) (may []string, known bool) {
	for _, rule := range own {
		if matches(rule.pkg, pkg) {
			return rule.may, true
		}
	}
	return nil, false
}

func ours(imports []string) []string {
	var out []string
	for _, i := range imports {
		if rest, ok := strings.CutPrefix(i, module+"/"); ok {
			out = append(out, rest)
		}
	}
	return out
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}

func matches(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	folder, below := strings.CutSuffix(pattern, "/...")
	return pkg == folder || (below && strings.HasPrefix(pkg, folder+"/"))
}

func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}
