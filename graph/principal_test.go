package graph_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	asset := graph.Asset{Ref: table, Kind: graph.KindTable, Source: "warehouse", Parent: dataset}
	owners := []string{"user:ana@example.org"}
	is := func(a graph.Attribute, in ...string) graph.Condition { return graph.Condition{Attribute: a, In: in} }
	for _, tt := range []struct {
		name   string
		filter graph.Filter
		want   graph.Visibility
	}{
		{"the zero filter hides everything", graph.Filter{}, graph.Hidden},
		{"an empty clause holds for everything", graph.Everything(), graph.Visible},
		{"a condition without values holds for nothing", graph.Filter{Visible: []graph.Clause{{is(graph.AttributeKind)}}}, graph.Hidden},
		{"an unknown attribute holds for nothing", graph.Filter{Visible: []graph.Clause{{is("colour", "red")}}}, graph.Hidden},
		{"by ref", graph.Filter{Visible: []graph.Clause{{is(graph.AttributeRef, "x/y", table.String())}}}, graph.Visible},
		{"by another ref", graph.Filter{Visible: []graph.Clause{{is(graph.AttributeRef, other.String())}}}, graph.Hidden},
		{"by namespace", graph.Filter{Visible: []graph.Clause{{is(graph.AttributeNamespace, "bigquery")}}}, graph.Visible},
		{"by kind", graph.Filter{Visible: []graph.Clause{{is(graph.AttributeKind, "table")}}}, graph.Visible},
		{"by source", graph.Filter{Visible: []graph.Clause{{is(graph.AttributeSource, "warehouse")}}}, graph.Visible},
		{"by container", graph.Filter{Visible: []graph.Clause{{is(graph.AttributeParent, dataset.String())}}}, graph.Visible},
		{"by owner", graph.Filter{Visible: []graph.Clause{{is(graph.AttributeOwner, "group:g", "user:ana@example.org")}}}, graph.Visible},
		{"by an owner it has not", graph.Filter{Visible: []graph.Clause{{is(graph.AttributeOwner, "user:bob@example.org")}}}, graph.Hidden},
		{
			"all conditions of a clause must hold",
			graph.Filter{Visible: []graph.Clause{{is(graph.AttributeKind, "table"), is(graph.AttributeSource, "registry")}}},
			graph.Hidden,
		},
		{
			"any clause suffices",
			graph.Filter{Visible: []graph.Clause{{is(graph.AttributeKind, "topic")}, {is(graph.AttributeSource, "warehouse")}}},
			graph.Visible,
		},
		{
			"discoverable where no clause of visible holds",
			graph.Filter{Visible: []graph.Clause{{is(graph.AttributeKind, "topic")}}, Discoverable: []graph.Clause{{}}},
			graph.Discoverable,
		},
		{
			"visible where both hold",
			graph.Filter{Visible: []graph.Clause{{}}, Discoverable: []graph.Clause{{}}},
			graph.Visible,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.filter.Of(asset, owners); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestPrincipals(t *testing.T) {
	t.Parallel()
	ana := graph.Principal{ID: "ana@example.org", Groups: []string{"analysts", "berlin"}}
	if diff := cmp.Diff([]string{"user:ana@example.org", "group:analysts", "group:berlin"}, ana.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		name   string
		groups []string
		want   bool
	}{
		{name: "no group"},
		{name: "a foreign group", groups: []string{"fraud"}},
		{name: "one of them", groups: []string{"fraud", "berlin"}, want: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := ana.In(tt.groups...); got != tt.want {
				t.Errorf("In(%v) = %v", tt.groups, got)
			}
			if got := (graph.Audience{Groups: tt.groups}).Has(ana); got != tt.want {
				t.Errorf("an audience of %v has her: %v", tt.groups, got)
			}
		})
	}
}

func TestScopeHolds(t *testing.T) {
	t.Parallel()
	asset := tableAsset(table)
	for _, tt := range []struct {
		name  string
		scope graph.Scope
		asset graph.Asset
		want  bool
	}{
		{"all of the source", graph.Scope{Source: "warehouse"}, asset, true},
		{"its container", graph.Scope{Source: "warehouse", Parent: dataset}, asset, true},
		{"the container itself", graph.Scope{Source: "warehouse", Parent: table}, asset, true},
		{"another container", graph.Scope{Source: "warehouse", Parent: other}, asset, false},
		{"another source", graph.Scope{Source: "registry", Parent: dataset}, asset, false},
		{"no source", graph.Scope{}, asset, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.scope.Holds(tt.asset); got != tt.want {
				t.Errorf("%+v holds it: %v", tt.scope, got)
			}
		})
	}
}
