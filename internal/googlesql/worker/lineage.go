package main

import (
	"cmp"
	"slices"
	"strings"
)

// The outcomes.
const (
	exact   = "exact"
	partial = "partial"
	failed  = "failed"
)

// source is one column that an output or a statement draws on.
type source struct {
	Asset    string `json:"asset"`
	Column   string `json:"column"`
	Kind     string `json:"kind"`
	Function string `json:"function,omitempty"`
	Masking  bool   `json:"masking,omitempty"`
}

// output is one column of a statement's result.
type output struct {
	Output  string   `json:"output"`
	Column  string   `json:"column"`
	Sources []source `json:"sources"`
}

// lineage is what is known of one statement, or of a whole text.
type lineage struct {
	Outcome    string   `json:"outcome"`
	Inputs     []string `json:"inputs"`
	Outputs    []string `json:"outputs"`
	Columns    []output `json:"columns"`
	Influences []source `json:"influences,omitempty"`
	Unresolved []string `json:"unresolved,omitempty"`
	Error      string   `json:"error,omitempty"`
}

// statementAnswer is one statement of a script.
type statementAnswer struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Kind  string `json:"kind,omitempty"`
	lineage
}

// textAnswer is what is known of a whole text.
type textAnswer struct {
	Parsed bool `json:"parsed"`
	lineage
	Statements []statementAnswer `json:"statements,omitempty"`
}

// namesAnswer is what the syntax alone tells.
type namesAnswer struct {
	Parsed    bool     `json:"parsed"`
	Error     string   `json:"error,omitempty"`
	Tables    []string `json:"tables"`
	Functions []string `json:"functions,omitempty"`
}

func newLineage(outcome string) lineage {
	return lineage{Outcome: outcome, Inputs: []string{}, Outputs: []string{}, Columns: []output{}}
}

// names is a set of names that differ in more than case; the first spelling is
// kept.
type names map[string]string

func (n names) add(name string) {
	if _, ok := n[strings.ToLower(name)]; !ok {
		n[strings.ToLower(name)] = name
	}
}

func (n names) sorted() []string {
	out := make([]string, 0, len(n))
	for _, v := range n {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

// sourcesOf writes the leaves of a value, sorted.
func sourcesOf(m map[leaf]how) []source {
	out := make([]source, 0, len(m))
	for l, h := range m {
		out = append(out, source{Asset: l.asset, Column: l.column, Kind: h.kind.String(), Function: h.function, Masking: h.masking})
	}
	slices.SortFunc(out, func(a, b source) int {
		return cmp.Or(strings.Compare(a.Asset, b.Asset), strings.Compare(a.Column, b.Column), strings.Compare(a.Kind, b.Kind))
	})
	return out
}
