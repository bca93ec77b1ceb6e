package policy

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/rego"
)

func TestReadsIsLearnedFromTheRules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, module string
		want         graph.Projection
	}{
		{"nothing but the type, which the engine reads", `decision := 1`, graph.Projection{graph.FactType}},
		{"an attribute", `decision := 1 if input.column.kind == "table"`, graph.Projection{graph.FactKind, graph.FactType}},
		{"an attribute in brackets", `decision := 1 if input["column"]["source"] == "x"`, graph.Projection{graph.FactSource, graph.FactType}},
		{"an attribute in a function", `decision := f(1)
			f(_) := input.column.domain`, graph.Projection{graph.FactDomain, graph.FactType}},
		{"an element", `decision := 1 if input.column.labels[_].label == "user"`, graph.Projection{graph.FactLabels, graph.FactType}},
		{"the audience alone", `decision := 1 if input.audience == "x"`, graph.Projection{graph.FactType}},
		{"an attribute that is none", `decision := 1 if input.column.colour`, graph.Projection{graph.FactType}},
		{"the column as a whole", `decision := 1 if { c := input.column; c.kind }`, graph.AllFacts()},
		{"the input as a whole", `decision := f(input)
			f(i) := i.column.kind`, graph.AllFacts()},
		{"a computed name", `decision := 1 if { some k in ["kind"]; input.column[k] }`, graph.AllFacts()},
		{"a computed root", `decision := 1 if { some k in ["column"]; input[k].kind }`, graph.AllFacts()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := engine(t, Config{Bundle: bundle("package cadastre.column\n" + tt.module)})
			if diff := cmp.Diff(tt.want, e.Reads()); diff != "" {
				t.Errorf("reads (-want +got):\n%s", diff)
			}
		})
	}
	want := graph.Projection{graph.FactAssessment, graph.FactLabels, graph.FactType}
	if diff := cmp.Diff(want, engine(t, Config{}).Reads()); diff != "" {
		t.Errorf("the default policy reads (-want +got):\n%s", diff)
	}
}

// Facts that the policy does not read make no class; those that it reads do.
func TestClassFollowsWhatIsRead(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	base := graph.ColumnFacts{Assessment: graph.Tagged, Type: "STRING", Labels: []graph.LabelFact{{Label: "user.name"}, {Label: "user.contact.email"}}}
	tests := []struct {
		name   string
		change func(*graph.ColumnFacts)
		same   bool
	}{
		{"nothing", func(*graph.ColumnFacts) {}, true},
		{"source, unread", func(f *graph.ColumnFacts) { f.Source = "x" }, true},
		{"kind, unread", func(f *graph.ColumnFacts) { f.Kind = graph.KindView }, true},
		{"order of labels", func(f *graph.ColumnFacts) { slices.Reverse(f.Labels) }, true},
		{"type", func(f *graph.ColumnFacts) { f.Type = "INT64" }, false},
		{"assessment", func(f *graph.ColumnFacts) { f.Assessment = graph.Untouched }, false},
		{"a label", func(f *graph.ColumnFacts) { f.Labels = f.Labels[:1] }, false},
		{"a state", func(f *graph.ColumnFacts) { f.Labels[0].State = graph.TagProposed }, false},
		{"a form", func(f *graph.ColumnFacts) { f.Labels[0].Form = graph.FormPseudonymous }, false},
		{"a boundary moved", func(f *graph.ColumnFacts) {
			f.Labels[0] = graph.LabelFact{Label: "user.nam", State: "e"}
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			changed := base
			changed.Labels = slices.Clone(base.Labels)
			tt.change(&changed)
			if got := e.Class(changed) == e.Class(base); got != tt.same {
				t.Errorf("same class: %v, want %v", got, tt.same)
			}
		})
	}
}

func TestHashFollowsRulesAndData(t *testing.T) {
	t.Parallel()
	base := engine(t, Config{}).Hash()
	if again := engine(t, Config{}).Hash(); again != base {
		t.Errorf("one policy, two hashes: %s, %s", base, again)
	}
	data := company()
	data.Audiences[0].Purpose = "billing"
	if engine(t, Config{Data: data}).Hash() == base {
		t.Error("another purpose, the same hash")
	}
	if engine(t, Config{Bundle: bundle("package cadastre.column\ndecision := 1")}).Hash() == base {
		t.Error("other rules, the same hash")
	}
	tests := bundle("package cadastre.column\ndecision := 1")
	was := engine(t, Config{Bundle: tests}).Hash()
	tests["a_test.rego"] = &fstest.MapFile{Data: []byte("package x\nthis is no rego")}
	if engine(t, Config{Bundle: tests}).Hash() != was {
		t.Error("a test file changes the hash")
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	decision := "package cadastre.column\ndecision := 1"
	withData := func(json string) fstest.MapFS {
		b := bundle(decision)
		b["data.json"] = &fstest.MapFile{Data: []byte(json)}
		return b
	}
	tests := []struct {
		name   string
		config Config
		want   string
	}{
		{"no rules", Config{Bundle: fstest.MapFS{}}, "no rules"},
		{"no Rego", Config{Bundle: bundle("package x\nthis is no rego")}, "a.rego:2"},
		{"two faults at once", Config{Bundle: bundle("package x\n!", "package y\n!")}, "b.rego:2"},
		{"unknown function", Config{Bundle: bundle("package x\ny := nothing_like(1)")}, "a.rego:2"},
		{"unused variable", Config{Bundle: bundle("package x\ny if { z := 1 }")}, "a.rego:2"},
		{"data that is no JSON", Config{Bundle: withData("{")}, "data.json"},
		{"data over the configuration", Config{Bundle: withData(`{"config": {}}`)}, "data.config"},
		{"data over the methods", Config{Bundle: withData(`{"methods": {}}`)}, "data.methods"},
		{"vocabulary of texts", Config{Bundle: withData(`{"vocabulary": {"user": "x"}}`)}, "data.vocabulary"},
		{"audience without name", Config{Data: Data{Audiences: []graph.Audience{{Groups: []string{"g"}}}}}, "audiences[0]: no name"},
		{"audience without groups", Config{Data: Data{Audiences: []graph.Audience{{Name: "a"}}}}, `audience "a": no groups`},
		{"audience twice", Config{Data: Data{Audiences: []graph.Audience{{Name: "a", Groups: []string{"g"}}, {Name: "a", Groups: []string{"g"}}}}}, `second audience "a"`},
		{"purpose that is none", Config{Data: Data{Audiences: []graph.Audience{{Name: "a", Groups: []string{"g"}, Purpose: "fraud"}}}}, `purpose of audience "a": "fraud": want one of [analytics`},
		{"role that is none", Config{Data: Data{Audiences: []graph.Audience{}, Roles: map[string][]string{"auditors": {"g"}}}}, `role: "auditors": want one of [administrator analyst`},
		{"containers of nobody", Config{Data: Data{Audiences: []graph.Audience{}, Containers: map[string][]graph.Ref{"a": nil}}}, `no audience "a"`},
		{"visibility to nobody", Config{Data: Data{Audiences: []graph.Audience{}, Visibility: []VisibilityGrant{{Visibility: graph.Visible}}}}, "visibility[0]: no groups"},
		{"visibility that is none", Config{Data: Data{Audiences: []graph.Audience{}, Visibility: []VisibilityGrant{{Groups: []string{"g"}, Visibility: graph.Hidden}}}}, `"hidden"`},
		{"visibility where nothing is", Config{Data: Data{Audiences: []graph.Audience{}, Visibility: []VisibilityGrant{{Groups: []string{"g"}, Visibility: graph.Visible, Where: graph.Clause{{Attribute: "colour"}}}}}}, `"colour"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(t.Context(), tt.config)
			if !errors.Is(err, graph.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New = %v, want ErrInvalid that says %q", err, tt.want)
			}
		})
	}
}

// A grant without conditions holds for every asset, as a nil clause and as an
// empty one.
func TestAVisibilityGrantWithoutConditionsHoldsForAll(t *testing.T) {
	t.Parallel()
	for _, where := range []graph.Clause{nil, {}} {
		e := engine(t, Config{Data: Data{
			Audiences:  []graph.Audience{},
			Visibility: []VisibilityGrant{{Groups: []string{"g"}, Visibility: graph.Discoverable, Where: where}},
		}})
		filter, err := e.Filter(t.Context(), graph.Principal{ID: "x", Groups: []string{"g"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := filter.Of(graph.Asset{Kind: graph.KindJob}, nil); got != graph.Discoverable {
			t.Errorf("where %v: %s", where, got)
		}
		stranger, err := e.Filter(t.Context(), graph.Principal{ID: "x", Groups: []string{"h"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := stranger.Of(graph.Asset{Kind: graph.KindJob}, nil); got != graph.Hidden {
			t.Errorf("where %v, a stranger: %s", where, got)
		}
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	asset := graph.Asset{Kind: graph.KindTable, Source: "warehouse", Labels: map[string]string{"domain": "customer", "team": "crm"}}
	tag := func(label string, state graph.TagState, by graph.ProvenanceKind) graph.Tag {
		return graph.Tag{Label: label, State: state, Form: graph.FormClear, Confidence: 1, Provenance: graph.Provenance{Kind: by}}
	}
	facts := func(a graph.Assessment, typ string, labels ...graph.LabelFact) graph.ColumnFacts {
		return graph.ColumnFacts{
			Assessment: a, Type: typ, Domain: "customer", Kind: graph.KindTable, Source: "warehouse",
			Labels: append([]graph.LabelFact{}, labels...),
		}
	}
	email := graph.LabelFact{Label: "user.contact.email", State: graph.TagConfirmed, Form: graph.FormClear}
	tests := []struct {
		name, typ string
		tags      []graph.Tag
		want      graph.ColumnFacts
	}{
		{"untouched", "STRING", nil, facts(graph.Untouched, "STRING")},
		{"older name of a type", "INTEGER", nil, facts(graph.Untouched, "INT64")},
		{"parameters of a type", "numeric(10,2)", nil, facts(graph.Untouched, "NUMERIC")},
		{"unknown type", "varchar2", nil, facts(graph.Untouched, "VARCHAR2")},
		{"assessed none", "STRING", []graph.Tag{tag("none", graph.TagConfirmed, graph.ByPerson)}, facts(graph.AssessedNone, "STRING")},
		{"a proposal to be none is nothing yet", "STRING", []graph.Tag{tag("none", graph.TagProposed, graph.ByDetector)}, facts(graph.Untouched, "STRING")},
		{"a person's word wins", "STRING", []graph.Tag{
			tag("user.contact.email", graph.TagProposed, graph.ByDetector), tag("user.contact.email", graph.TagConfirmed, graph.ByPerson),
		}, facts(graph.Tagged, "STRING", email)},
		{"rejected labels are left out", "STRING", []graph.Tag{
			tag("user.name", graph.TagRejected, graph.ByPerson), tag("user.contact.email", graph.TagConfirmed, graph.BySource),
		}, facts(graph.Tagged, "STRING", email)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Facts(graph.Column{Type: tt.typ}, asset, tt.tags)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

// The vocabulary is complete: whoever chooses a label reads what it means, and
// the parent of a label is one too.
func TestVocabulary(t *testing.T) {
	t.Parallel()
	labels := engine(t, Config{}).Vocabulary()
	keys := map[string]bool{}
	for _, l := range labels {
		keys[l.Key] = true
	}
	if !slices.IsSortedFunc(labels, func(a, b Label) int { return strings.Compare(a.Key, b.Key) }) {
		t.Error("labels are not sorted")
	}
	for _, l := range labels {
		if l.Title == "" || !strings.HasSuffix(l.Description, ".") || l.Sensitivity == "" {
			t.Errorf("%s: %+v: want a title, a sentence and a sensitivity", l.Key, l)
		}
		if l.Special != strings.HasPrefix(l.Key, "user.special.") {
			t.Errorf("%s: special is %v", l.Key, l.Special)
		}
	}
	for _, key := range []string{
		"user", "user.name", "user.contact.email", "user.contact.phone", "user.contact.address", "user.financial.iban",
		"user.financial.card", "user.unique_id", "user.demographic.date_of_birth", "user.behavior.energy_usage",
		"user.content.free_text", "user.location.precise",
	} {
		if !keys[key] {
			t.Errorf("no label %s", key)
		}
	}
	if keys[graph.LabelNone] {
		t.Errorf("%q is no label of the vocabulary: it says that there is none", graph.LabelNone)
	}
}

// A bundle that names no purposes and roles leaves them open.
func TestABundleMayLeavePurposesAndRolesOpen(t *testing.T) {
	t.Parallel()
	data := Data{
		Audiences: []graph.Audience{{Name: "a", Groups: []string{"g"}, Purpose: "anything"}},
		Roles:     map[string][]string{"anybody": {"g"}},
	}
	if _, err := New(t.Context(), Config{Data: data, Bundle: bundle("package cadastre.column\ndecision := 1")}); err != nil {
		t.Error(err)
	}
}

// Every purpose names sensitivities that exist, and never what no purpose may
// read.
func TestPurposesNameSensitivitiesThatExist(t *testing.T) {
	t.Parallel()
	_, data, err := read(rego.Bundle())
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(data["purposes"])
	if err != nil {
		t.Fatal(err)
	}
	var purposes map[string]struct {
		Title, Description string
		Clear              []string
		Pseudonymous       bool
	}
	if err := json.Unmarshal(encoded, &purposes); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, l := range engine(t, Config{}).Vocabulary() {
		known[l.Sensitivity] = true
	}
	for name, p := range purposes {
		if p.Title == "" || !strings.HasSuffix(p.Description, ".") {
			t.Errorf("purpose %s: %+v: want a title and a sentence", name, p)
		}
		for _, s := range p.Clear {
			if !known[s] || slices.Contains([]string{"special", "credential", "content", "government", "unspecified"}, s) {
				t.Errorf("purpose %s reads %s in the clear", name, s)
			}
		}
	}
	if got := slices.Sorted(maps.Keys(purposes)); !slices.Contains(got, "fraud_detection") || !slices.Contains(got, "analytics") {
		t.Errorf("purposes %v", got)
	}
}

// What an engine hands out is the caller's own.
func TestAnEngineIsImmutable(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	e.Audiences()[0].Name = "changed"
	e.Vocabulary()[0].Key = "changed"
	e.Reads()[0] = "changed"
	if e.Audiences()[0].Name == "changed" || e.Vocabulary()[0].Key == "changed" || e.Reads()[0] == "changed" {
		t.Error("the engine changed")
	}
}

func TestAnEngineIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	questions := corpus(e, 20, 100)
	want, err := e.Decide(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got, err := e.Decide(t.Context(), questions)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("Decide: %v\n%s", err, diff)
			}
			if _, err := e.Filter(t.Context(), graph.Principal{ID: "x"}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
