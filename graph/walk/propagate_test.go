package walk_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
	"cadastre.dev/cadastre/graph/walk"
)

// carried writes propagated tags as "t#c label form confidence from".
func carried(tags []graph.Tag) []string {
	var out []string
	for _, t := range tags {
		from, _ := graph.ParseRef(t.Provenance.Name)
		out = append(out, fmt.Sprintf("%s %s %s %.1f from %s", short(t.Ref), t.Label, t.Form, t.Confidence, short(from)))
	}
	return out
}

func TestPropagateInTheCompany(t *testing.T) {
	t.Parallel()
	c := graphtest.NewCompany()
	got := carried(walk.Propagate(graphtest.Of[graph.Edge](c.Items), graphtest.Of[graph.Tag](c.Items)))
	want := []string{
		"customers#email user.contact.email clear 1.0 from customers_raw#contact.email",
		"customers#email_hash user.contact.email pseudonymous 1.0 from customers_raw#contact.email",
		"customers#name user.name clear 0.8 from customers_raw#name",
		"customersPerCity#someEmail user.contact.email clear 1.0 from customers_raw#contact.email",
		"customers_raw#contact.phone user.contact.phone_number clear 1.0 from customers#contact.phone",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("propagated (-want +got):\n%s", diff)
	}
}

// The table of what carries a label, and in which form it arrives.
func TestWhatCarriesALabel(t *testing.T) {
	t.Parallel()
	from, to := column("a", "x"), column("b", "x")
	for _, tt := range []struct {
		name string
		edge graph.Edge
		want graph.TagForm
	}{
		{"identity", graphtest.Identity(from, to, ""), graph.FormClear},
		{"a known transformation", graphtest.Through(from, to, graph.EdgeTransformation, "LOWER", ""), graph.FormClear},
		{"an unknown transformation", graphtest.Through(from, to, graph.EdgeTransformation, "vault.f", ""), graph.FormClear},
		{"a mask", graphtest.Masked(from, to, "SHA256", ""), graph.FormPseudonymous},
		{"MIN", graphtest.Through(from, to, graph.EdgeAggregation, "MIN", ""), graph.FormClear},
		{"MAX", graphtest.Through(from, to, graph.EdgeAggregation, "MAX", ""), graph.FormClear},
		{"SUM, for a group may have one member", graphtest.Through(from, to, graph.EdgeAggregation, "SUM", ""), graph.FormClear},
		{"ANY_VALUE", graphtest.Through(from, to, graph.EdgeAggregation, "any_value", ""), graph.FormClear},
		{"ARRAY_AGG", graphtest.Through(from, to, graph.EdgeAggregation, "ARRAY_AGG", ""), graph.FormClear},
		{"an unknown aggregate", graphtest.Through(from, to, graph.EdgeAggregation, "vault.agg", ""), graph.FormClear},
		{"COUNT", graphtest.Through(from, to, graph.EdgeAggregation, "COUNT", ""), ""},
		{"count in small letters", graphtest.Through(from, to, graph.EdgeAggregation, "count", ""), ""},
		{"AVG", graphtest.Through(from, to, graph.EdgeAggregation, "AVG", ""), ""},
		{"ARRAY_LENGTH", graphtest.Through(from, to, graph.EdgeTransformation, "ARRAY_LENGTH", ""), ""},
		{"APPROX_COUNT_DISTINCT", graphtest.Through(from, to, graph.EdgeAggregation, "APPROX_COUNT_DISTINCT", ""), ""},
		{"window", graphtest.Through(from, to, graph.EdgeWindow, "RANK", ""), ""},
		{"filter", graphtest.Through(from, to, graph.EdgeFilter, "", ""), ""},
		{"join", graphtest.Through(from, to, graph.EdgeJoin, "", ""), ""},
		{"group", graphtest.Through(from, to, graph.EdgeGroup, "", ""), ""},
		{"an edge of assets", graph.Edge{From: from.Asset(), To: to.Asset(), Kind: graph.EdgeReads}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tags := walk.Propagate([]graph.Edge{tt.edge}, []graph.Tag{graphtest.Confirmed(from, "l", "olu")})
			if tt.want == "" {
				if len(tags) != 0 {
					t.Errorf("carries %v", tags)
				}
				return
			}
			want := []graph.Tag{{
				Ref: to, Label: "l", State: graph.TagProposed, Form: tt.want, Confidence: 1,
				Provenance: graph.Provenance{Kind: graph.ByPropagation, Name: from.String()},
			}}
			if diff := cmp.Diff(want, tags, cmpopts.IgnoreFields(graph.Tag{}, "Evidence")); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
			if way, ok := walk.Way(tags[0]); !ok || !slices.Equal(way, []graph.Ref{from, to}) {
				t.Errorf("way of %q: %v, %v", tags[0].Evidence, way, ok)
			}
		})
	}
}

func TestPropagateStories(t *testing.T) {
	t.Parallel()
	a, b, c, d := column("a", "x"), column("b", "x"), column("c", "x"), column("d", "x")
	chain := []graph.Edge{graphtest.Identity(a, b, ""), graphtest.Identity(b, c, ""), graphtest.Identity(c, d, "")}
	pseudonymous := graphtest.Confirmed(a, "l", "olu")
	pseudonymous.Form = graph.FormPseudonymous
	propagated := walk.Propagate(chain, []graph.Tag{graphtest.Confirmed(a, "l", "olu")})
	for _, tt := range []struct {
		name  string
		edges []graph.Edge
		tags  []graph.Tag
		want  []string
	}{
		{
			name: "all the way down", edges: chain, tags: []graph.Tag{graphtest.Confirmed(a, "l", "olu")},
			want: []string{"b#x l clear 1.0 from a#x", "c#x l clear 1.0 from a#x", "d#x l clear 1.0 from a#x"},
		},
		{
			name: "the nearest origin is named", edges: chain, tags: []graph.Tag{graphtest.Confirmed(a, "l", "olu"), graphtest.Proposed(c, "l", "names", 0.7)},
			want: []string{"b#x l clear 1.0 from a#x", "d#x l clear 0.7 from c#x"},
		},
		{
			name: "a rejection stops what would come through", edges: chain,
			tags: []graph.Tag{graphtest.Confirmed(a, "l", "olu"), graphtest.Rejected(b, "l", "olu")},
		},
		{
			name: "a rejection of another label stops nothing", edges: chain[:1],
			tags: []graph.Tag{graphtest.Confirmed(a, "l", "olu"), graphtest.Rejected(b, "m", "olu")}, want: []string{"b#x l clear 1.0 from a#x"},
		},
		{
			name: "a rejection is gone round on another way", edges: append(slices.Clone(chain), graphtest.Identity(a, c, "")),
			tags: []graph.Tag{graphtest.Confirmed(a, "l", "olu"), graphtest.Rejected(b, "l", "olu")},
			want: []string{"c#x l clear 1.0 from a#x", "d#x l clear 1.0 from a#x"},
		},
		{
			name: "the origin's own rejection carries nothing", edges: chain,
			tags: []graph.Tag{graphtest.Declared(a, "l", "warehouse"), graphtest.Rejected(a, "l", "olu")},
		},
		{name: "what was propagated is no cause", edges: chain, tags: propagated},
		{name: "that nothing is personal is not carried", edges: chain, tags: []graph.Tag{graphtest.Confirmed(a, graph.LabelNone, "olu")}},
		{
			name: "a tag on an asset is carried from its columns", edges: chain[:1],
			tags: []graph.Tag{graphtest.Confirmed(a.Asset(), "l", "olu")}, want: []string{"b#x l clear 1.0 from a"},
		},
		{
			name: "a tag on a record is carried from its fields", tags: []graph.Tag{graphtest.Confirmed(column("a", "r"), "l", "olu")},
			edges: []graph.Edge{graphtest.Identity(column("a", "r[].s.x"), b, ""), graphtest.Identity(column("a", "rest"), c, "")},
			want:  []string{"b#x l clear 1.0 from a#r"},
		},
		{
			name: "what came to a record goes on from its fields", tags: []graph.Tag{graphtest.Confirmed(a, "l", "olu")},
			edges: []graph.Edge{graphtest.Identity(a, column("b", "r"), ""), graphtest.Identity(column("b", "r.x"), c, "")},
			want:  []string{"b#r l clear 1.0 from a#x", "c#x l clear 1.0 from a#x"},
		},
		{
			name: "but not from a field of which a person spoke", edges: []graph.Edge{graphtest.Identity(column("a", "r.x"), b, "")},
			tags: []graph.Tag{graphtest.Confirmed(column("a", "r"), "l", "olu"), graphtest.Confirmed(column("a", "r.x"), graph.LabelNone, "olu")},
		},
		{
			name: "pseudonymous stays so", edges: chain[:1], tags: []graph.Tag{pseudonymous}, want: []string{"b#x l pseudonymous 1.0 from a#x"},
		},
		{
			name: "clear wins over a shorter masked way", tags: []graph.Tag{graphtest.Confirmed(a, "l", "olu")},
			edges: append(slices.Clone(chain), graphtest.Masked(a, d, "SHA256", "")),
			want:  []string{"b#x l clear 1.0 from a#x", "c#x l clear 1.0 from a#x", "d#x l clear 1.0 from a#x"},
		},
		{
			name: "what came masked is masked further down", tags: []graph.Tag{graphtest.Confirmed(a, "l", "olu")},
			edges: []graph.Edge{graphtest.Masked(a, b, "SHA256", ""), graphtest.Identity(b, c, "")},
			want:  []string{"b#x l pseudonymous 1.0 from a#x", "c#x l pseudonymous 1.0 from a#x"},
		},
		{
			name: "clear data arrives where the pseudonymous was known", edges: chain[:1],
			tags: []graph.Tag{graphtest.Confirmed(a, "l", "olu"), func() graph.Tag {
				t := graphtest.Confirmed(b, "l", "olu")
				t.Form = graph.FormPseudonymous
				return t
			}()},
			want: []string{"b#x l clear 1.0 from a#x"},
		},
		{
			name: "a cycle ends", edges: append(slices.Clone(chain), graphtest.Identity(d, a, "")), tags: []graph.Tag{graphtest.Confirmed(b, "l", "olu")},
			want: []string{"a#x l clear 1.0 from b#x", "c#x l clear 1.0 from b#x", "d#x l clear 1.0 from b#x"},
		},
		{
			name: "paths of BigQuery fold", edges: []graph.Edge{graphtest.Identity(column("a", "X"), b, "")},
			tags: []graph.Tag{graphtest.Confirmed(a, "l", "olu")}, want: []string{"b#x l clear 1.0 from a#x"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, carried(walk.Propagate(tt.edges, tt.tags))); diff != "" {
				t.Errorf("propagated (-want +got):\n%s", diff)
			}
		})
	}
}

func randomTags(r *rand.Rand, n int) []graph.Tag {
	tags := graph.Snapshot{}
	for range n {
		t := graphtest.RandomTag(r)
		switch r.IntN(6) {
		case 0:
			t.Ref = t.Ref.Asset()
		case 1:
			t.Ref = t.Ref.Column("c")
		}
		tags.Put(t)
	}
	return graphtest.Of[graph.Tag](tags.Sorted())
}

// Law: the result depends neither on the order of edges and tags nor on what
// was propagated before, and what comes out has its way told.
func TestPropagateIsAFixpoint(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 4))
		edges, tags := randomEdges(r, 20), randomTags(r, 6)
		want := walk.Propagate(edges, tags)
		again := slices.DeleteFunc(slices.Clone(tags), func(t graph.Tag) bool { return t.Provenance.Kind == graph.ByPropagation })
		again = append(again, want...)
		r.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if diff := cmp.Diff(want, walk.Propagate(edges, again)); diff != "" {
			t.Fatalf("seed %d (-first +again):\n%s", seed, diff)
		}
		for _, tag := range want {
			way, ok := walk.Way(tag)
			if !ok || len(way) < 2 || !strings.HasPrefix(way[0].String(), tag.Provenance.Name) {
				t.Fatalf("seed %d: %v came by %v, %v", seed, tag, way, ok)
			}
		}
	}
}

// reach is the naive way: a label and form is on a column if it is on one that
// an edge carries it from, or on what holds that, until nothing changes.
func reach(edges []graph.Edge, tags []graph.Tag) map[string]graph.TagForm {
	at := map[string]graph.TagForm{}
	stops, spoken := map[string]bool{}, map[string]bool{}
	said := map[string][]graph.Tag{}
	for _, t := range tags {
		if t.Provenance.Kind != graph.ByPropagation {
			said[t.Ref.Key()] = append(said[t.Ref.Key()], t)
		}
		if t.Provenance.Kind == graph.ByPerson {
			spoken[t.Ref.Key()] = true
			stops[t.Label+" "+t.Ref.Key()] = t.State == graph.TagRejected
		}
	}
	for key, of := range said {
		for _, t := range graph.EffectiveTags(of) {
			if t.Label != graph.LabelNone {
				at[t.Label+" "+key] = t.Form
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, e := range edges {
			if !e.Kind.CarriesValue() || e.Function == "COUNT" || e.From.Key() == e.To.Key() {
				continue
			}
			holders := []graph.Ref{e.From}
			if !spoken[e.From.Key()] {
				holders = append(holders, e.From.Asset())
				if strings.HasPrefix(e.From.Path, "c.") {
					holders = append(holders, e.From.Column("c"))
				}
			}
			for _, label := range []string{graphtest.LabelEmail, graphtest.LabelName} {
				for _, holder := range holders {
					changed = carryOne(at, stops, label+" "+holder.Key(), label+" "+e.To.Key(), e.Masking) || changed
				}
			}
		}
	}
	return at
}

// carryOne carries one label one step, and says whether that changed anything.
func carryOne(at map[string]graph.TagForm, stops map[string]bool, from, to string, masking bool) bool {
	form, ok := at[from]
	if !ok || stops[to] {
		return false
	}
	if masking {
		form = graph.FormPseudonymous
	}
	if was, ok := at[to]; ok && (was == graph.FormClear || form == graph.FormPseudonymous) {
		return false
	}
	at[to] = form
	return true
}

// Law: together with what was there, the propagated tags are just what the
// naive way reaches, in just that form.
func TestPropagateEqualsTheNaiveWay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 5))
		edges, tags := randomEdges(r, 20), randomTags(r, 6)
		want, seeds := reach(edges, tags), reach(nil, tags)
		got := map[string]graph.TagForm{}
		for key, form := range seeds {
			got[key] = form
		}
		for _, t := range walk.Propagate(edges, tags) {
			got[t.Label+" "+t.Ref.Key()] = t.Form
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d (-naive +propagated):\n%s", seed, diff)
		}
	}
}

// Law: nothing is forgotten. Whatever holds for a column, by its own tags or by
// those of what it lies in, is said of each column that an edge carries it to,
// or a person rejected it there.
func TestNothingIsForgotten(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 7))
		edges, tags := randomEdges(r, 20), randomTags(r, 8)
		tags = slices.DeleteFunc(tags, func(t graph.Tag) bool { return t.Provenance.Kind == graph.ByPropagation })
		tags = append(tags, walk.Propagate(edges, tags)...)
		byKey := map[string][]graph.Tag{}
		for _, t := range tags {
			byKey[t.Ref.Key()] = append(byKey[t.Ref.Key()], t)
		}
		for _, e := range edges {
			if !e.Kind.CarriesValue() || e.Function == "COUNT" || e.From.Key() == e.To.Key() {
				continue
			}
			for _, tag := range graph.EffectiveTags(graph.TagsFor(e.From, byKey)) {
				said := slices.ContainsFunc(byKey[e.To.Key()], func(t graph.Tag) bool { return t.Label == tag.Label })
				if tag.Label != graph.LabelNone && !said {
					t.Fatalf("seed %d: %s on %s is forgotten on %s", seed, tag.Label, e.From, e.To)
				}
			}
		}
	}
}

// Law: an edge less never carries more, so that what lost its cause ends.
func TestPropagatedTagsEndWithTheirCause(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 6))
		edges, tags := randomEdges(r, 20), randomTags(r, 6)
		whole := graph.Snapshot{}
		for _, tag := range walk.Propagate(edges, tags) {
			whole.Put(tag)
		}
		for _, tag := range walk.Propagate(edges[1:], tags) {
			if _, ok := whole.Get(tag); !ok {
				if seeded := reach(nil, tags)[tag.Label+" "+tag.Ref.Key()]; seeded == "" {
					t.Fatalf("seed %d: without %v there is %v", seed, edges[0].Key(), tag)
				}
			}
		}
		if left := walk.Propagate(edges, nil); len(left) != 0 {
			t.Fatalf("seed %d: without cause: %v", seed, left)
		}
	}
}

func TestWayOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	a, b, c := column("a", "x"), column("b", "x"), column("c (x → y)", "x")
	right := walk.Propagate([]graph.Edge{graphtest.Identity(a, b, "")}, []graph.Tag{graphtest.Confirmed(a, "l", "olu")})[0]
	for _, tt := range []struct {
		name   string
		change func(*graph.Tag)
	}{
		{"a person's tag", func(t *graph.Tag) { t.Provenance.Kind = graph.ByPerson }},
		{"no evidence", func(t *graph.Tag) { t.Evidence = nil }},
		{"an origin that is no ref", func(t *graph.Tag) { t.Provenance.Name = "x" }},
		{"another origin", func(t *graph.Tag) { t.Provenance.Name = b.String() }},
		{"another column", func(t *graph.Tag) { t.Ref = a }},
		{"words", func(t *graph.Tag) { t.Evidence = []string{"because"} }},
		{"words in brackets", func(t *graph.Tag) { t.Evidence = []string{"because (of it)"} }},
		{"a ref that reads as a step", func(t *graph.Tag) {
			*t = walk.Propagate([]graph.Edge{graphtest.Identity(c, b, "")}, []graph.Tag{graphtest.Confirmed(c, "l", "olu")})[0]
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tag := right
			tt.change(&tag)
			if way, ok := walk.Way(tag); ok {
				t.Errorf("read as %v", way)
			}
		})
	}
}

func TestAWayIsToldInSentences(t *testing.T) {
	t.Parallel()
	topic := graph.Ref{Namespace: "kafka://broker:9092", Name: "customers", Path: "contact.email"}
	raw, core := graph.BigQueryRef("p", "raw", "customers").Column("contact.email"), graph.BigQueryRef("p", "core", "customers").Column("email")
	last := graph.BigQueryRef("p", "report", "value").Column("key")
	propagated := func(edges ...graph.Edge) graph.Tag {
		tags := walk.Propagate(edges, []graph.Tag{graphtest.Confirmed(edges[0].From, "l", "olu")})
		return tags[slices.IndexFunc(tags, func(t graph.Tag) bool { return t.Ref == edges[len(edges)-1].To })]
	}
	masking := graphtest.Through(core, last, graph.EdgeTransformation, "SHA256", "")
	masking.Masking = true
	detected := graphtest.Proposed(core, "l", "names", 0.9)
	for _, tt := range []struct {
		name string
		tag  graph.Tag
		want []string
	}{
		{"a copy", propagated(graphtest.Identity(topic, raw, "")), []string{"Copied from contact.email of the topic customers."}},
		{"a function", propagated(graphtest.Through(raw, core, graph.EdgeTransformation, "LOWER", "")), []string{"Computed by LOWER from contact.email of p.raw.customers."}},
		{"an expression", propagated(graphtest.Through(raw, core, graph.EdgeTransformation, "", "")), []string{"Computed from contact.email of p.raw.customers."}},
		{
			"the nearest first", propagated(graphtest.Identity(topic, raw, ""), graphtest.Identity(raw, core, ""), masking),
			[]string{"Masked by SHA256 from email of p.core.customers.", "That is copied from contact.email of p.raw.customers.", "That is copied from contact.email of the topic customers."},
		},
		{"a detector's own words", detected, detected.Evidence},
		{"none", graphtest.Confirmed(core, "l", "olu"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, walk.Tell(tt.tag)); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// Law: whatever refs are called, a way that is read is the one that was gone.
func FuzzWay(f *testing.F) {
	f.Add("bigquery", "p.d.t", "a", "LOWER")
	f.Add("a → b", "c (d)", "e → f (g)", ") → (")
	f.Fuzz(func(t *testing.T, namespace, name, path, function string) {
		from := graph.Ref{Namespace: namespace, Name: name, Path: path}
		to := graph.Ref{Namespace: name, Name: namespace, Path: function}
		if namespace == "" || name == "" || path == "" || function == "" {
			return
		}
		edge := graphtest.Through(from, to, graph.EdgeTransformation, function, "")
		for _, tag := range walk.Propagate([]graph.Edge{edge}, []graph.Tag{graphtest.Confirmed(from, "l", "olu")}) {
			if way, ok := walk.Way(tag); ok && !slices.Equal(way, []graph.Ref{from, to}) {
				t.Fatalf("%q was read as %v", tag.Evidence, way)
			}
		}
	})
}

func BenchmarkPropagate(b *testing.B) {
	edges := estate(6, 100, 50)
	var tags []graph.Tag
	for t := range 100 {
		for c := range 10 {
			tags = append(tags, graphtest.Confirmed(column(fmt.Sprintf("l0_t%d", t), fmt.Sprintf("c%d", c)), fmt.Sprintf("label.%d", c), "olu"))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		walk.Propagate(edges, tags)
	}
	b.ReportMetric(float64(len(walk.Propagate(edges, tags))), "tags")
}

func ExamplePropagate() {
	raw, core := graph.BigQueryRef("p", "d", "raw").Column("email"), graph.BigQueryRef("p", "d", "core").Column("hash")
	tags := walk.Propagate(
		[]graph.Edge{{From: raw, To: core, Kind: graph.EdgeTransformation, Function: "SHA256", Masking: true}},
		[]graph.Tag{{Ref: raw, Label: "user.contact.email", State: graph.TagConfirmed, Form: graph.FormClear, Confidence: 1, Provenance: graph.Provenance{Kind: graph.ByPerson, Name: "olu@example.org"}}},
	)
	for _, t := range tags {
		fmt.Println(t.Ref, t.State, t.Form, t.Evidence)
	}
	// Output:
	// bigquery/p.d.core#hash proposed pseudonymous [bigquery/p.d.raw#email → bigquery/p.d.core#hash (transformation SHA256, masking)]
}
