package graph_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
)

// Law: what Compare tells turns the attributes of one version into those of
// the other, and tells nothing of two that are alike.
func TestCompareTellsAllThatDiffers(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	differing := 0
	for range 20_000 {
		was, now := graphtest.RandomItem(r), graphtest.RandomItem(r)
		if graph.CompareItems(was, now) != 0 {
			continue
		}
		said := map[string]string{}
		for _, a := range graph.Attributes(was) {
			said[a.Name] = a.Value
		}
		changes := graph.Compare(was, now)
		for _, c := range changes {
			if said[c.Name] != c.From || c.From == c.To {
				t.Fatalf("%+v is said to have been %+v", was, c)
			}
			said[c.Name] = c.To
			if c.To == "" {
				delete(said, c.Name)
			}
		}
		want := map[string]string{}
		for _, a := range graph.Attributes(now) {
			want[a.Name] = a.Value
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Fatalf("from %+v to %+v (-want +got):\n%s", was, now, diff)
		}
		if len(changes) > 0 {
			differing++
		}
	}
	if differing < 100 {
		t.Errorf("only %d pairs differed", differing)
	}
}

func TestCompareReadsLikeASentence(t *testing.T) {
	t.Parallel()
	c := graph.Column{Ref: graph.BigQueryRef("p", "d", "t").Column("c"), Type: "STRING", Mode: graph.ModeNullable}
	described := c
	described.Description, described.PolicyTags = "an address", []string{"pii", "eu"}
	for _, tt := range []struct {
		name     string
		was, now graph.Item
		want     []graph.AttributeChange
	}{
		{name: "nothing", was: c, now: c},
		{name: "what began", now: c, want: []graph.AttributeChange{{Name: "type", To: "STRING"}, {Name: "mode", To: "nullable"}, {Name: "position", To: "1"}}},
		{name: "what ended", was: c, want: []graph.AttributeChange{{Name: "type", From: "STRING"}, {Name: "mode", From: "nullable"}, {Name: "position", From: "1"}}},
		{name: "what changed", was: c, now: described, want: []graph.AttributeChange{{Name: "description", To: "an address"}, {Name: "policy tags", To: "pii, eu"}}},
		{
			name: "labels by rising key", was: graph.Asset{Labels: map[string]string{"b": "2", "a": "1"}}, now: graph.Asset{Labels: map[string]string{"a": "1"}},
			want: []graph.AttributeChange{{Name: "labels", From: "a=1, b=2", To: "a=1"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, graph.Compare(tt.was, tt.now)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
