package serve

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
)

// Law: whatever the policy says, what is hidden from somebody shows in none of
// the app's answers to them, and asking for it is answered as asking for
// nothing.
func TestNothingHiddenShowsUnderRandomPolicies(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	all, err := h.app().reader(t.Context(), system(), 0)
	if err != nil {
		t.Fatal(err)
	}
	items, err := all.Snapshot(t.Context(), graph.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	var assets []graph.Asset
	owners := map[graph.Ref][]string{}
	for _, item := range items.Sorted() {
		switch item := item.(type) {
		case graph.Asset:
			assets = append(assets, item)
		case graph.Owner:
			owners[item.Asset] = append(owners[item.Asset], item.Principal)
		}
	}
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 7))
		policy := randomVisibility(r, assets)
		h.reopen(func(c *Config) { c.Policy.Visibility = policy })
		who := graph.Principal{ID: "sam@lumen.example", Name: "Sam", Groups: []string{"some@lumen.example"}}
		filter, err := h.app().policy.Filter(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		answers := h.allAnswers(t, who, assets)
		for _, a := range assets {
			switch filter.Of(a, owners[a.Ref]) {
			case graph.Hidden:
				mustNotShow(t, answers, a.Ref, fmt.Sprintf("seed %d: hidden %s", seed, a.Ref))
			case graph.Discoverable:
				if strings.Contains(answers, quoted(a.Ref.String()+"#")) {
					t.Errorf("seed %d: columns of %s, which is only discoverable, show", seed, a.Ref)
				}
			case graph.Visible:
			}
		}
		if t.Failed() {
			t.Fatalf("policy %+v", policy)
		}
	}
}

// quoted is how a ref, or how it begins, stands in a JSON answer.
func quoted(ref string) string { return `"` + ref }

// mustNotShow holds that neither an asset nor a column of it is in the
// answers.
func mustNotShow(t *testing.T, answers string, ref graph.Ref, what string) {
	t.Helper()
	for _, end := range []string{`"`, "#"} {
		if strings.Contains(answers, quoted(ref.String()+end)) {
			t.Errorf("%s shows", what)
		}
	}
}

// randomVisibility lets a group see or discover some of the assets, by every
// attribute.
func randomVisibility(r *rand.Rand, assets []graph.Asset) []VisibilityConfig {
	var out []VisibilityConfig
	for range r.IntN(4) {
		some := assets[r.IntN(len(assets))]
		where := []map[string][]string{
			{"ref": {some.Ref.String()}},
			{"kind": {string(some.Kind)}},
			{"source": {some.Source}},
			{"parent": {some.Parent.String()}},
			{"namespace": {some.Ref.Namespace}},
			{"owner": {"team:billing"}},
			{"kind": {string(some.Kind)}, "source": {some.Source}},
		}[r.IntN(7)]
		out = append(out, VisibilityConfig{
			Groups: []string{"some@lumen.example"}, Where: where,
			Visibility: []string{"visible", "discoverable"}[r.IntN(2)],
		})
	}
	return out
}

// allAnswers are all that the app tells somebody, as JSON. Errors are left
// out: they repeat what was asked, and are held to be those of what is not.
func (h *house) allAnswers(t *testing.T, who graph.Principal, assets []graph.Asset) string {
	t.Helper()
	var out strings.Builder
	tell := func(answer any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	app, ctx := h.app(), t.Context()
	refs := make([]graph.Ref, len(assets))
	for i, a := range assets {
		refs[i] = a.Ref
	}
	for _, text := range []string{"", "customers", "email", "lumen", "name"} {
		found, err := app.Search(ctx, who, search.Query{Text: text, First: 200})
		// Facets by container count what is visible and name its parents.
		found.Facets = slices.DeleteFunc(found.Facets, func(f search.Facet) bool { return f.Attribute == "parent" })
		for i := range found.Hits {
			found.Hits[i].Asset.Parent = graph.Ref{}
		}
		tell(found, err)
	}
	explained, err := app.ExplainColumns(ctx, who, refs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range explained {
		tell(list, nil)
	}
	views, err := app.Views(ctx, who, refs...)
	if err != nil {
		t.Fatal(err)
	}
	for base, list := range views {
		tell(base, nil)
		tell(list, nil)
	}
	tell(app.Inbox(ctx, who))
	tell(app.Sources(ctx, who))
	tell(app.Activity(ctx, who))
	plans, _, err := app.Plans(ctx, who, 50, "")
	tell(plans, err)
	for _, ref := range refs {
		h.askAbout(t, who, ref, tell)
	}
	return out.String()
}

// askAbout asks for one asset by name.
func (h *house) askAbout(t *testing.T, who graph.Principal, ref graph.Ref, tell func(any, error)) {
	t.Helper()
	missing := graph.BigQueryRef("lumen-prod", "raw", "never_was")
	same := func(what string, of func(graph.Ref) error) {
		err, wants := of(ref), of(missing)
		if err != nil && wants != nil && strings.ReplaceAll(err.Error(), ref.String(), "X") != strings.ReplaceAll(wants.Error(), missing.String(), "X") && !isKnown(h, who, ref) {
			t.Errorf("%s of what is hidden is answered %v, of what is not %v", what, err, wants)
		}
	}
	same("lineage", func(r graph.Ref) error {
		for _, d := range []walk.Direction{walk.Up, walk.Down} {
			found, err := h.app().Lineage(t.Context(), who, walk.Query{Root: r, Direction: d, Depth: 9, Limit: 500})
			if err != nil {
				return err
			}
			tell(found, nil)
		}
		return nil
	})
	same("history", func(r graph.Ref) error {
		found, err := h.app().History(t.Context(), who, r, 100, "")
		for i := range found.Edges {
			found.Edges[i].Node.At = time.Time{}
		}
		tell(found, err)
		return err
	})
	same("explaining", func(r graph.Ref) error {
		_, err := h.app().Explain(t.Context(), who, r.Column("created_at"), "")
		return err
	})
	same("tagging", func(r graph.Ref) error {
		_, _, err := h.app().Tag(t.Context(), who, []graph.TagRequest{{Ref: r, Label: "user.name", State: "confirmed"}})
		return err
	})
	same("describing", func(r graph.Ref) error {
		_, err := h.app().Annotate(t.Context(), who, []graph.AnnotateRequest{{Ref: r, Attribute: graph.AttributeTitle, Value: "said"}})
		return err
	})
	same("owning", func(r graph.Ref) error {
		_, err := h.app().Own(t.Context(), who, []graph.OwnRequest{{Ref: r, Role: graph.OwnerTechnical, Principals: []string{"user:a@b"}}})
		return err
	})
	same("what is said", func(r graph.Ref) error {
		said, err := h.app().SaidOf(t.Context(), who, r)
		if err == nil {
			tell(said, nil)
		}
		return err
	})
	same("who is named", func(r graph.Ref) error {
		owners, err := h.app().OwnersOf(t.Context(), who, r)
		if err == nil {
			tell(owners, nil)
		}
		return err
	})
}

// isKnown says whether somebody may at least know of an asset.
func isKnown(h *house, who graph.Principal, ref graph.Ref) bool {
	r, err := h.app().reader(h.t.Context(), who, 0)
	if err != nil {
		return false
	}
	_, err = r.Asset(h.t.Context(), ref)
	return err == nil
}
