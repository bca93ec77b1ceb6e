package policy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"cadastre.dev/cadastre/graph"
)

// company is the configuration that the cases are decided under.
func company() Data {
	kind := func(k string) graph.Clause {
		return graph.Clause{{Attribute: graph.AttributeKind, In: []string{k}}}
	}
	staff := []string{"staff@example.org"}
	return Data{
		Audiences: []graph.Audience{
			{Name: "analysts", Groups: []string{"analysts@example.org"}, Purpose: "analytics"},
			{Name: "fraud", Groups: []string{"fraud@example.org"}, Purpose: "fraud_detection"},
			{Name: "service", Groups: []string{"service@example.org"}, Purpose: "customer_service"},
			{Name: "billing", Groups: []string{"billing@example.org"}, Purpose: "billing"},
			{Name: "aimless", Groups: []string{"aimless@example.org"}},
		},
		Roles: map[string][]string{
			"analyst": {"analysts@example.org"}, "owner": {"owners@example.org"},
			"auditor": {"auditors@example.org"}, "publisher": {"publishers@example.org"}, "administrator": {"admins@example.org"},
			"break_glass": {"oncall@example.org"},
		},
		Domains: map[string][]string{"customer": {"owners@example.org"}, "network": {"grid@example.org"}},
		Containers: map[string][]graph.Ref{
			"analysts": {graph.BigQueryRef("p", "for_analysts")},
			"fraud":    {graph.BigQueryRef("p", "for_fraud")},
		},
		Visibility: []VisibilityGrant{
			{Groups: staff, Visibility: graph.Visible, Where: kind("topic")},
			{Groups: staff, Visibility: graph.Discoverable, Where: kind("table")},
		},
	}
}

func engine(t testing.TB, config Config) *Engine {
	t.Helper()
	if config.Data.Audiences == nil {
		config.Data = company()
	}
	e, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// readCases reads policy/cases/name and refuses keys that no case has.
func readCases[C any](t *testing.T, name string) []C {
	t.Helper()
	file, err := os.Open(filepath.Join("cases", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var cases []C
	if err := decoder.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

type columnCase struct {
	Name, Audience, Type, Assessment, Want string
	Labels, Rules, Overruled               []string
}

func (c columnCase) question() Question {
	facts := graph.ColumnFacts{Assessment: graph.Tagged, Type: "STRING"}
	if c.Type != "" {
		facts.Type = c.Type
	}
	if c.Assessment != "" {
		facts.Assessment = graph.Assessment(c.Assessment)
	}
	for _, l := range c.Labels {
		words := append(strings.Fields(l), "confirmed", "clear")
		fact := graph.LabelFact{Label: words[0], State: graph.TagState(words[1]), Form: graph.FormClear}
		if words[2] == string(graph.FormPseudonymous) {
			fact.Form = graph.FormPseudonymous
		}
		facts.Labels = append(facts.Labels, fact)
	}
	return Question{Audience: c.Audience, Facts: facts}
}

func TestColumnCases(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	for _, c := range readCases[columnCase](t, "column.yaml") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			got, err := e.Explain(t.Context(), c.question())
			if err != nil {
				t.Fatal(err)
			}
			d := got.Decision
			if effect := strings.TrimSpace(strings.Join([]string{string(d.Effect), d.Method, d.Domain}, " ")); effect != c.Want {
				t.Errorf("effect %q, want %q", effect, c.Want)
			}
			if diff := cmp.Diff(c.Rules, ids(d.Rules)); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.Overruled, ids(got.Overruled)); diff != "" {
				t.Errorf("overruled (-want +got):\n%s", diff)
			}
			if d.Policy != e.Hash() || d.Class != e.Class(c.question().Facts) || d.Audience != c.Audience {
				t.Errorf("decision of %q, %q by %q", d.Audience, d.Class, d.Policy)
			}
		})
	}
}

func ids(rules []graph.Rule) []string {
	var out []string
	for _, r := range rules {
		out = append(out, r.ID)
	}
	return out
}

type visibilityCase struct {
	Name, Rule, ID string
	Groups, Owners []string
	Asset          struct{ Kind, Parent, Ref string }
	Want           graph.Visibility
}

func TestVisibilityCases(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	for _, c := range readCases[visibilityCase](t, "visibility.yaml") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			filter, err := e.Filter(t.Context(), graph.Principal{ID: c.ID, Groups: c.Groups})
			if err != nil {
				t.Fatal(err)
			}
			asset := graph.Asset{Kind: graph.Kind(c.Asset.Kind), Ref: ref(t, c.Asset.Ref), Parent: ref(t, c.Asset.Parent)}
			if got := filter.Of(asset, c.Owners); got != c.Want {
				t.Errorf("%s, want %s; filter %v", got, c.Want, filter)
			}
		})
	}
}

func ref(t *testing.T, text string) graph.Ref {
	t.Helper()
	var r graph.Ref
	if err := r.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return r
}

type actionCase struct {
	Name, Action, ID, Domain, Rule string
	Groups, Owners                 []string
	Want                           bool
}

func TestActionCases(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	for _, c := range readCases[actionCase](t, "action.yaml") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			asset := graph.Asset{Ref: graph.BigQueryRef("p", "raw", "customers"), Labels: map[string]string{"domain": c.Domain}}
			got, rules, err := e.May(t.Context(), graph.Principal{ID: c.ID, Groups: c.Groups}, graph.Action(c.Action), asset, c.Owners)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.Want || len(rules) == 0 || rules[0].ID != c.Rule {
				t.Errorf("%v by %v, want %v by %s", got, rules, c.Want, c.Rule)
			}
		})
	}
}

// Every rule that speaks to people has a case.
func TestEveryRuleHasACase(t *testing.T) {
	t.Parallel()
	met := []string{"person.roles"} // speaks through the rules that use it
	for _, c := range readCases[columnCase](t, "column.yaml") {
		met = append(met, c.Rules...)
		met = append(met, c.Overruled...)
	}
	for _, c := range readCases[visibilityCase](t, "visibility.yaml") {
		met = append(met, c.Rule)
	}
	for _, c := range readCases[actionCase](t, "action.yaml") {
		met = append(met, c.Rule)
	}
	for _, id := range ruleIDs(t) {
		if !slices.Contains(met, id) {
			t.Errorf("rule %s has no case", id)
		}
	}
}
