package main

import (
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
	"cadastre.dev/cadastre/internal/serve"
)

// What the commands print with --json where the answer is no document of its
// own already. Keys are lower case with underscores; lists are never null.

type searchAnswer struct {
	Total   int         `json:"total"`
	HasNext bool        `json:"has_next"`
	Hits    []hitAnswer `json:"hits"`
	// Facets count the values of each attribute over all hits, the twenty most
	// frequent; FacetsMore says how many others there are.
	Facets     map[string]map[string]int `json:"facets"`
	FacetsMore map[string]int            `json:"facets_more"`
}

type hitAnswer struct {
	Ref        graph.Ref        `json:"ref"`
	Kind       graph.Kind       `json:"kind"`
	Source     string           `json:"source"`
	Visibility graph.Visibility `json:"visibility"`
	Owners     []string         `json:"owners"`
	// Why says in words why the hit stands where it stands.
	Why     string      `json:"why"`
	Columns []graph.Ref `json:"columns"`
}

func newSearchAnswer(r search.Result) searchAnswer {
	out := searchAnswer{Total: r.Total, HasNext: r.HasNext, Hits: []hitAnswer{}, Facets: map[string]map[string]int{}, FacetsMore: map[string]int{}}
	for _, h := range r.Hits {
		hit := hitAnswer{Ref: h.Asset.Ref, Kind: h.Asset.Kind, Source: h.Asset.Source, Visibility: h.Visibility, Owners: orNone(h.Owners), Why: h.Why, Columns: []graph.Ref{}}
		for _, c := range h.Columns {
			hit.Columns = append(hit.Columns, c.Ref)
		}
		out.Hits = append(out.Hits, hit)
	}
	for _, f := range r.Facets {
		counts := map[string]int{}
		for _, v := range f.Values {
			counts[v.Value] = v.Count
		}
		out.Facets[f.Attribute], out.FacetsMore[f.Attribute] = counts, f.More
	}
	return out
}

type lineageAnswer struct {
	Nodes    []nodeAnswer `json:"nodes"`
	Edges    []graph.Edge `json:"edges"`
	Complete bool         `json:"complete"`
	// Reasons say why the answer is not complete.
	Reasons []string `json:"reasons"`
}

type nodeAnswer struct {
	Ref        graph.Ref        `json:"ref"`
	Visibility graph.Visibility `json:"visibility"`
	// Distance is negative upwards.
	Distance int `json:"distance"`
	// More counts the neighbours that are not in the answer.
	More int `json:"more"`
}

func newLineageAnswer(r walk.Result) lineageAnswer {
	out := lineageAnswer{Nodes: []nodeAnswer{}, Edges: orNone(r.Edges), Complete: r.Complete, Reasons: orNone(r.Reasons)}
	for _, n := range r.Nodes {
		out.Nodes = append(out.Nodes, nodeAnswer(n))
	}
	return out
}

type planAnswer struct {
	// ID is the plan's hash, which apply takes.
	ID         string          `json:"id"`
	State      graph.PlanState `json:"state"`
	PlannedBy  string          `json:"planned_by"`
	ApprovedBy string          `json:"approved_by,omitempty"`
	PlannedAt  time.Time       `json:"planned_at"`
	ChangedAt  time.Time       `json:"changed_at"`
	// Done counts the steps that stand; Reason says why it stopped or went
	// stale.
	Done   int    `json:"done"`
	Reason string `json:"reason,omitempty"`
	// Plan is what was hashed.
	Plan graph.Plan `json:"plan"`
}

func newPlanAnswer(p graph.SavedPlan) planAnswer {
	return planAnswer{
		ID: p.ID, State: p.State, PlannedBy: p.PlannedBy, ApprovedBy: p.ApprovedBy, PlannedAt: p.PlannedAt, ChangedAt: p.ChangedAt,
		Done: p.Done, Reason: p.Reason, Plan: p.Plan,
	}
}

type sandboxAnswer struct {
	Root     string `json:"root"`
	BigQuery string `json:"bigquery"`
	Registry string `json:"registry"`
	Issuer   string `json:"issuer"`
}

func newSandboxAnswer(a serve.SandboxAddresses) sandboxAnswer { return sandboxAnswer(a) }

// orNone keeps a list from being null.
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
