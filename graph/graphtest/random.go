package graphtest

import (
	"fmt"
	"math/rand/v2"

	"cadastre.dev/cadastre/graph"
)

// RandomSnapshot returns a snapshot of about size items. Assets, columns and
// words are drawn from so few that two snapshots of one size have much in
// common, with the same and with other content.
func RandomSnapshot(r *rand.Rand, size int) graph.Snapshot {
	s := graph.Snapshot{}
	for range size {
		s.Put(RandomItem(r))
	}
	return s
}

// RandomItem returns an item of a random type, drawn as RandomSnapshot says.
func RandomItem(r *rand.Rand) graph.Item {
	switch r.IntN(8) {
	case 0:
		return graph.Asset{Ref: randomAsset(r), Kind: pick(r, graph.KindTable, graph.KindView), Source: pick(r, "one", "two"), Description: pick(r, "", "a", "b")}
	case 1:
		return graph.Column{Ref: randomColumn(r), Position: r.IntN(3), Type: pick(r, "STRING", "INT64"), Mode: graph.ModeNullable}
	case 2:
		return graph.Owner{Asset: randomAsset(r), Principal: pick(r, "user:a", "group:b"), Role: graph.OwnerTechnical, Provenance: randomProvenance(r)}
	case 3:
		return graph.Grant{On: randomAsset(r), Principal: pick(r, "user:a", "group:b"), Role: pick(r, "READER", "OWNER"), Provenance: randomProvenance(r)}
	case 4:
		return RandomTag(r)
	case 5:
		return graph.Statement{ID: fmt.Sprintf("job:%d", r.IntN(4)), Target: randomAsset(r), SQL: pick(r, "SELECT 1", "SELECT 2"), Outcome: graph.OutcomeExact, Because: graph.EvidenceJob}
	case 6:
		return RandomAnnotation(r)
	}
	return RandomEdge(r)
}

// RandomAnnotation returns what any witness says of one of few assets and
// columns.
func RandomAnnotation(r *rand.Rand) graph.Annotation {
	return graph.Annotation{
		Ref: pick(r, randomAsset(r), randomColumn(r)), Attribute: pick(r, graph.AttributeTitle, graph.AttributeDescription),
		Value: pick(r, "a", "b", "c"), Provenance: randomProvenance(r),
	}
}

// RandomTag returns a tag of any witness on one of few columns.
func RandomTag(r *rand.Rand) graph.Tag {
	return graph.Tag{
		Ref: randomColumn(r), Label: pick(r, LabelEmail, LabelName, graph.LabelNone),
		State: pick(r, graph.TagProposed, graph.TagConfirmed, graph.TagRejected), Form: pick(r, graph.FormClear, graph.FormPseudonymous),
		Confidence: pick(r, 0.5, 0.8, 1), Provenance: randomProvenance(r),
	}
}

// RandomEdge returns an edge between two of few columns; cycles come about.
func RandomEdge(r *rand.Rand) graph.Edge {
	return graph.Edge{
		From: randomColumn(r), To: randomColumn(r), Kind: pick(r, graph.EdgeIdentity, graph.EdgeTransformation, graph.EdgeAggregation, graph.EdgeFilter),
		Function: pick(r, "", "COUNT", "MAX", "LOWER"), Masking: r.IntN(4) == 0,
		Outcome: pick(r, graph.OutcomeExact, graph.OutcomePartial), Because: graph.EvidenceJob, Statement: pick(r, "", "job:1"),
	}
}

func randomAsset(r *rand.Rand) graph.Ref {
	return graph.BigQueryRef("p", "d", pick(r, "t", "u", "v", "w"))
}

func randomColumn(r *rand.Rand) graph.Ref { return randomAsset(r).Column(pick(r, "a", "b", "c.d")) }

func randomProvenance(r *rand.Rand) graph.Provenance {
	return graph.Provenance{
		Kind: pick(r, graph.ByPerson, graph.ByDetector, graph.BySource, graph.ByPropagation), Name: pick(r, "one", "two"),
	}
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }
