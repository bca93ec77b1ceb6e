package policy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	opa "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/mask"
)

// loaded is a compiled bundle with its data.
type loaded struct {
	compiler   *ast.Compiler
	store      storage.Store
	vocabulary []Label
	hash       string
}

func load(bundle fs.FS, config Data) (*loaded, error) {
	sources, data, err := read(bundle)
	if err != nil {
		return nil, err
	}
	modules := make(map[string]*ast.Module, len(sources))
	options := ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		module, err := ast.ParseModuleWithOpts(name, sources[name], options)
		if err != nil {
			faults = append(faults, fmt.Errorf("%w: %w", err, graph.ErrInvalid))
			continue
		}
		modules[name] = module
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithStrict(true)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, fmt.Errorf("%w: %w", compiler.Errors, graph.ErrInvalid)
	}
	if err := config.fits(data); err != nil {
		return nil, err
	}
	if err := addConfig(data, config); err != nil {
		return nil, err
	}
	vocabulary, err := parseVocabulary(data["vocabulary"])
	if err != nil {
		return nil, err
	}
	sum, err := digest(sources, data)
	if err != nil {
		return nil, err
	}
	return &loaded{compiler: compiler, store: inmem.NewFromObjectWithOpts(data, inmem.OptReturnASTValuesOnRead(true)), vocabulary: vocabulary, hash: sum}, nil
}

// read collects the bundle's rules and data. Several data files must not name
// one top-level key twice.
func read(bundle fs.FS) (sources map[string]string, data map[string]any, err error) {
	sources, data = map[string]string{}, map[string]any{}
	err = fs.WalkDir(bundle, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		switch {
		case strings.HasSuffix(name, "_test.rego"):
			return nil
		case path.Ext(name) != ".rego" && path.Base(name) != "data.json":
			return nil
		}
		content, err := fs.ReadFile(bundle, name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".rego" {
			sources[name] = string(content)
			return nil
		}
		return readData(name, content, data)
	})
	if err == nil && len(sources) == 0 {
		err = fmt.Errorf("no rules found: %w", graph.ErrInvalid)
	}
	return sources, data, err
}

func readData(name string, content []byte, into map[string]any) error {
	var data map[string]any
	if err := json.Unmarshal(content, &data); err != nil {
		return fmt.Errorf("%s: %w: %w", name, err, graph.ErrInvalid)
	}
	for key, value := range data {
		if _, twice := into[key]; twice || key == "config" || key == "methods" || key == "cadastre" {
			return fmt.Errorf("%s: data.%s is defined elsewhere: %w", name, key, graph.ErrInvalid)
		}
		into[key] = value
	}
	return nil
}

// addConfig lays the installation's configuration and the masking methods,
// ranked most protective highest, into the data that rules read.
func addConfig(data map[string]any, config Data) error {
	visibility := slices.Clone(config.Visibility)
	for i, v := range visibility {
		visibility[i].Where = append(graph.Clause{}, v.Where...) // none is the clause that always holds
	}
	audiences := make(map[string]graph.Audience, len(config.Audiences))
	for _, a := range config.Audiences {
		audiences[a.Name] = a
	}
	type method struct {
		Rank  int         `json:"rank"`
		Types []mask.Type `json:"types"`
	}
	methods := map[string]method{}
	all := mask.Methods()
	for i, m := range all {
		fits := slices.DeleteFunc(mask.Types(), func(t mask.Type) bool { return !supports(m, t) })
		methods[m.Name()] = method{Rank: len(all) - i, Types: fits}
	}
	encoded, err := json.Marshal(map[string]any{
		"config": map[string]any{
			"audiences":  audiences,
			"roles":      orEmpty(config.Roles),
			"domains":    orEmpty(config.Domains),
			"containers": orEmpty(config.Containers),
			"visibility": append([]VisibilityGrant{}, visibility...),
		},
		"methods": methods,
	})
	if err != nil {
		return err
	}
	var added map[string]any
	if err := json.Unmarshal(encoded, &added); err != nil {
		return err
	}
	maps.Copy(data, added)
	return nil
}

func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// supports says whether a method has an expression for a type in every
// dialect, so that a decision can be carried out wherever the column lies.
func supports(m mask.Method, t mask.Type) bool {
	return !slices.ContainsFunc(mask.Dialects(), func(d mask.Dialect) bool { return !m.Supports(d, t) })
}

// capabilities are OPA's without whatever reaches out of the process or
// answers differently from one time to the next: a decision must follow from
// the policy and the facts alone.
func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool {
		return b.Nondeterministic || b.Name == "http.send" || b.Name == "opa.runtime" ||
			strings.HasPrefix(b.Name, "net.lookup") || strings.HasPrefix(b.Name, "rand.")
	})
	c.AllowNet = []string{}
	return c
}

func digest(sources map[string]string, data map[string]any) (string, error) {
	encoded, err := json.Marshal([]any{sources, data})
	if err != nil {
		return "", fmt.Errorf("hash policy: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:]), nil
}

func (l *loaded) prepare(ctx context.Context, query string) (opa.PreparedEvalQuery, error) {
	return opa.New(
		opa.Query(query),
		opa.Compiler(l.compiler),
		opa.Store(l.store),
		opa.StrictBuiltinErrors(true),
	).PrepareForEval(ctx)
}

// Label is an entry of the vocabulary: a category that a tag may name.
type Label struct {
	// Key is what tags bear, "user.contact.email".
	Key string `json:"-"`
	// Title and Description are for people.
	Title       string `json:"title"`
	Description string `json:"description"`
	// Sensitivity is the group by which rules treat the label, "contact".
	Sensitivity string `json:"sensitivity"`
	// Domain is the key domain in which its values join once hashed; empty
	// where they are never hashed.
	Domain string `json:"domain"`
	// Special says that the law sets the category apart (GDPR, Articles 9
	// and 10).
	Special bool `json:"special"`
}

// parseVocabulary reads data.vocabulary. A bundle without one knows no label.
func parseVocabulary(data any) ([]Label, error) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	var byKey map[string]Label
	if err := json.Unmarshal(encoded, &byKey); err != nil {
		return nil, fmt.Errorf("data.vocabulary: %w: %w", err, graph.ErrInvalid)
	}
	labels := make([]Label, 0, len(byKey))
	for key, label := range byKey {
		label.Key = key
		labels = append(labels, label)
	}
	slices.SortFunc(labels, func(a, b Label) int { return cmp.Compare(a.Key, b.Key) })
	return labels, nil
}
