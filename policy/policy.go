// Package policy owns the decision engine over OPA: it loads and prepares a
// bundle of Rego, decides what each audience gets of each class of columns and
// why, makes the visibility filter of a principal and says who may do what.
//
// It does not own the masking methods (policy/mask), the views that follow
// from decisions (policy/view) or the catalog: all that it decides about is
// handed to it as values. It may import policy/mask and policy/rego, which lie
// below it; internal/serve imports it.
//
// A bundle answers three questions. Each is asked with data.config (Data),
// data.methods (the masking methods by name, with the types that they fit and
// their rank, most protective highest) and whatever data.json the bundle
// brings; data.vocabulary, data.purposes and data.roles have the meaning of
// the default bundle's.
//
//	data.cadastre.column.decision   of {audience, column: ColumnFacts}
//	  {effect, method, domain, rules: [{id, why}], overruled: [{id, why}]}
//	data.cadastre.visibility.filter of {principal: {id, name, groups, names}}
//	  {visible: [[{attribute, in}]], discoverable: [[{attribute, in}]]}
//	data.cadastre.action.answer     of {principal, action, asset, owners}
//	  {allow, rules: [{id, why}]}
//
// It fails closed. What is undefined, in error, of an unknown method or
// audience is denied, with a rule that says so.
package policy

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	opa "github.com/open-policy-agent/opa/v1/rego"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/rego"
)

// Config says which policy an Engine prepares and over which configuration.
type Config struct {
	// Bundle holds *.rego files and a data.json, at any depth; files named
	// *_test.rego are left out. Defaults to the embedded bundle.
	Bundle fs.FS
	// Data is the configuration that the rules read as data.config. Defaults
	// to none, under which nobody may see or do anything.
	Data Data
	// Logger hears of evaluations that went wrong. Defaults to discarding.
	Logger *slog.Logger
	// Timeout bounds one evaluation. Defaults to 5 seconds.
	Timeout time.Duration
}

// Data is what an installation says about its people: the part of a policy
// that is configuration and not rule.
type Data struct {
	// Audiences are those for whom views are made.
	Audiences []graph.Audience `json:"audiences" yaml:"audiences"`
	// Roles gives each role ("analyst", "owner", "auditor", "publisher",
	// "administrator", "break_glass") the groups that hold it.
	Roles map[string][]string `json:"roles" yaml:"roles"`
	// Domains gives each business domain (an asset's label "domain") the
	// groups that own its data.
	Domains map[string][]string `json:"domains" yaml:"domains"`
	// Containers gives each audience the containers of its views, which its
	// members see.
	Containers map[string][]graph.Ref `json:"containers" yaml:"containers"`
	// Visibility says what the members of groups see of the catalog beyond
	// what they own or have views of.
	Visibility []VisibilityGrant `json:"visibility" yaml:"visibility"`
}

// VisibilityGrant lets the members of some groups see or discover assets.
type VisibilityGrant struct {
	// Groups are those whose members are meant.
	Groups []string `json:"groups" yaml:"groups"`
	// Visibility is graph.Visible or graph.Discoverable.
	Visibility graph.Visibility `json:"visibility" yaml:"visibility"`
	// Where must hold of an asset; empty: of all.
	Where graph.Clause `json:"where" yaml:"where"`
}

// Engine is an immutable prepared policy. It is safe for concurrent use.
type Engine struct {
	data       Data
	vocabulary []Label
	reads      graph.Projection
	hash       string
	logger     *slog.Logger
	timeout    time.Duration

	column, filter, action opa.PreparedEvalQuery
}

// New loads, checks and prepares a policy. A bundle that does not parse, uses
// a forbidden builtin, or comes with faulty data is graph.ErrInvalid, and the
// error names the file and line.
func New(ctx context.Context, config Config) (*Engine, error) {
	if config.Bundle == nil {
		config.Bundle = rego.Bundle()
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Timeout == 0 {
		config.Timeout = 5 * time.Second
	}
	if err := config.Data.validate(); err != nil {
		return nil, fmt.Errorf("policy data: %w", err)
	}
	loaded, err := load(config.Bundle, config.Data)
	if err != nil {
		return nil, fmt.Errorf("load policy: %w", err)
	}
	e := &Engine{
		data:       config.Data,
		vocabulary: loaded.vocabulary,
		reads:      reads(loaded.compiler.Modules),
		hash:       loaded.hash,
		logger:     config.Logger,
		timeout:    config.Timeout,
	}
	for _, q := range []struct {
		prepared *opa.PreparedEvalQuery
		query    string
	}{
		{&e.column, "data.cadastre.column.decision"},
		{&e.filter, "data.cadastre.visibility.filter"},
		{&e.action, "data.cadastre.action.answer"},
	} {
		if *q.prepared, err = loaded.prepare(ctx, q.query); err != nil {
			return nil, fmt.Errorf("prepare policy: %s: %w", q.query, err)
		}
	}
	return e, nil
}

// Hash identifies the policy by its modules and data: two engines of one hash
// decide the same.
func (e *Engine) Hash() string { return e.hash }

// Reads names the attributes of a column that the policy looks at. The store
// groups columns by them.
func (e *Engine) Reads() graph.Projection { return slices.Clone(e.reads) }

// Class returns the access class of a column by the attributes that the policy
// reads: columns of one class have one decision for each audience.
func (e *Engine) Class(facts graph.ColumnFacts) graph.Class { return e.reads.Class(facts) }

// Audiences returns the configured audiences in the order of configuration.
func (e *Engine) Audiences() []graph.Audience { return slices.Clone(e.data.Audiences) }

// Vocabulary returns the labels that the policy knows, sorted by key.
func (e *Engine) Vocabulary() []Label { return slices.Clone(e.vocabulary) }

// eval answers a prepared query with its value, and nil where it is undefined.
func (e *Engine) eval(ctx context.Context, query opa.PreparedEvalQuery, input ast.Value) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // a short evaluation would not notice
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	results, err := query.Eval(ctx, opa.EvalParsedInput(input))
	if err != nil {
		return nil, err
	}
	if len(results) == 0 {
		return nil, nil
	}
	return results[0].Expressions[0].Value, nil
}
