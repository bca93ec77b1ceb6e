package graph_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
)

// said makes a tag in short: who says in which state that a column bears a
// label.
func said(by graph.ProvenanceKind, state graph.TagState, label string) graph.Tag {
	return graph.Tag{
		Ref: table.Column("a"), Label: label, State: state, Form: graph.FormClear, Confidence: 0.5,
		Provenance: graph.Provenance{Kind: by, Name: string(by)},
	}
}

func TestEffectiveTagsAndAssessment(t *testing.T) {
	t.Parallel()
	pseudonymous := said(graph.BySource, graph.TagProposed, "email")
	pseudonymous.Form = graph.FormPseudonymous
	sure := said(graph.ByDetector, graph.TagProposed, "email")
	sure.Confidence = 0.9
	for _, tt := range []struct {
		name string
		tags []graph.Tag
		want []graph.Tag
		is   graph.Assessment
	}{
		{name: "no tag: untouched", is: graph.Untouched},
		{
			name: "a proposal protects at once", is: graph.Tagged,
			tags: []graph.Tag{said(graph.ByDetector, graph.TagProposed, "email")},
			want: []graph.Tag{said(graph.ByDetector, graph.TagProposed, "email")},
		},
		{
			name: "a person's rejection beats a source's confirmation", is: graph.Untouched,
			tags: []graph.Tag{said(graph.BySource, graph.TagConfirmed, "email"), said(graph.ByPerson, graph.TagRejected, "email")},
		},
		{
			name: "a person's confirmation beats a source's rejection", is: graph.Tagged,
			tags: []graph.Tag{said(graph.BySource, graph.TagRejected, "email"), said(graph.ByPerson, graph.TagConfirmed, "email")},
			want: []graph.Tag{said(graph.ByPerson, graph.TagConfirmed, "email")},
		},
		{
			name: "among others a rejection beats a confirmation", is: graph.Untouched,
			tags: []graph.Tag{said(graph.BySource, graph.TagRejected, "email"), said(graph.ByDetector, graph.TagConfirmed, "email")},
		},
		{
			name: "a confirmation beats a proposal", is: graph.Tagged,
			tags: []graph.Tag{sure, said(graph.BySource, graph.TagConfirmed, "email")},
			want: []graph.Tag{said(graph.BySource, graph.TagConfirmed, "email")},
		},
		{
			name: "clear beats pseudonymous", is: graph.Tagged,
			tags: []graph.Tag{pseudonymous, said(graph.ByPropagation, graph.TagProposed, "email")},
			want: []graph.Tag{said(graph.ByPropagation, graph.TagProposed, "email")},
		},
		{
			name: "the surer beats the less sure", is: graph.Tagged,
			tags: []graph.Tag{said(graph.ByPropagation, graph.TagProposed, "email"), sure},
			want: []graph.Tag{sure},
		},
		{
			name: "labels are sorted", is: graph.Tagged,
			tags: []graph.Tag{said(graph.BySource, graph.TagConfirmed, "name"), said(graph.BySource, graph.TagConfirmed, "email")},
			want: []graph.Tag{said(graph.BySource, graph.TagConfirmed, "email"), said(graph.BySource, graph.TagConfirmed, "name")},
		},
		{
			name: "looked at, nothing personal", is: graph.AssessedNone,
			tags: []graph.Tag{said(graph.ByPerson, graph.TagConfirmed, graph.LabelNone)},
			want: []graph.Tag{said(graph.ByPerson, graph.TagConfirmed, graph.LabelNone)},
		},
		{
			name: "that nothing is personal is not believed as a proposal", is: graph.Untouched,
			tags: []graph.Tag{said(graph.ByDetector, graph.TagProposed, graph.LabelNone)},
			want: []graph.Tag{said(graph.ByDetector, graph.TagProposed, graph.LabelNone)},
		},
		{
			name: "a label beside none wins: in doubt it is personal", is: graph.Tagged,
			tags: []graph.Tag{said(graph.ByPerson, graph.TagConfirmed, graph.LabelNone), said(graph.ByDetector, graph.TagProposed, "email")},
			want: []graph.Tag{said(graph.ByDetector, graph.TagProposed, "email"), said(graph.ByPerson, graph.TagConfirmed, graph.LabelNone)},
		},
		{
			name: "none, once a person rejected the label beside it", is: graph.AssessedNone,
			tags: []graph.Tag{
				said(graph.ByPerson, graph.TagConfirmed, graph.LabelNone),
				said(graph.ByDetector, graph.TagProposed, "email"), said(graph.ByPerson, graph.TagRejected, "email"),
			},
			want: []graph.Tag{said(graph.ByPerson, graph.TagConfirmed, graph.LabelNone)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, graph.EffectiveTags(tt.tags), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("effective tags (-want +got):\n%s", diff)
			}
			if got := graph.Assess(tt.tags); got != tt.is {
				t.Errorf("assessed as %s, want %s", got, tt.is)
			}
		})
	}
}

// Law: what is effective does not depend on the order of witnesses, there is
// one tag a label, and none is rejected.
func TestEffectiveTagsOfAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 7))
		witnesses := graph.Snapshot{}
		for range 8 {
			tag := graphtest.RandomTag(r)
			tag.Ref = table.Column("a")
			witnesses.Put(tag)
		}
		tags := graphtest.Of[graph.Tag](witnesses.Sorted())
		want := graph.EffectiveTags(tags)
		r.Shuffle(len(tags), func(i, j int) { tags[i], tags[j] = tags[j], tags[i] })
		if diff := cmp.Diff(want, graph.EffectiveTags(tags)); diff != "" {
			t.Fatalf("seed %d: another order, other tags:\n%s", seed, diff)
		}
		for i, tag := range want {
			if tag.State == graph.TagRejected || (i > 0 && want[i-1].Label >= tag.Label) {
				t.Fatalf("seed %d: %v", seed, want)
			}
		}
	}
}

// Law: a proposal more never makes a column less protected.
func TestProposalsOnlyProtect(t *testing.T) {
	t.Parallel()
	rank := []graph.Assessment{graph.AssessedNone, graph.Untouched, graph.Tagged}
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 8))
		var tags []graph.Tag
		for range r.IntN(5) {
			tag := graphtest.RandomTag(r)
			tag.Ref = table.Column("a")
			tags = append(tags, tag)
		}
		more := append(slices.Clone(tags), said(graph.ByDetector, graph.TagProposed, "another"))
		before, after := slices.Index(rank, graph.Assess(tags)), slices.Index(rank, graph.Assess(more))
		if after < before {
			t.Fatalf("seed %d: %s became %s by a proposal", seed, rank[before], rank[after])
		}
	}
}
