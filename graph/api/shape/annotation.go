package shape

import (
	"slices"

	"cadastre.dev/cadastre/graph"
)

// OwnerSaid is an owner as one witness names them.
type OwnerSaid struct {
	Principal, Role string
	Provenance      graph.Provenance
	Effective       bool
}

// NewOwnersSaid shows all whom anybody names, and which of them count.
func NewOwnersSaid(owners []graph.Owner) []OwnerSaid {
	effective := graph.EffectiveOwners(owners)
	out := make([]OwnerSaid, 0, len(owners))
	for _, o := range owners {
		out = append(out, OwnerSaid{
			Principal: o.Principal, Role: string(o.Role), Provenance: o.Provenance,
			Effective: slices.Contains(effective, o),
		})
	}
	return out
}

// AnnotateInput is what a person says of an asset or column.
type AnnotateInput struct {
	Ref                   graph.Ref
	Attribute, Value, Was string
	Reason                *string
}

// Request is the input as the program takes it.
func (in AnnotateInput) Request() graph.AnnotateRequest {
	return graph.AnnotateRequest{
		Ref: in.Ref, Attribute: graph.TextAttribute(in.Attribute), Value: in.Value, Was: &in.Was, Reason: orEmpty(in.Reason),
	}
}

// OwnInput names the owners of an asset in a role.
type OwnInput struct {
	Ref             graph.Ref
	Role            string
	Principals, Was []string
	Reason          *string
}

// Request is the input as the program takes it.
func (in OwnInput) Request() graph.OwnRequest {
	return graph.OwnRequest{
		Ref: in.Ref, Role: graph.OwnerRole(in.Role), Principals: in.Principals, Was: append([]string{}, in.Was...), Reason: orEmpty(in.Reason),
	}
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// AnnotatePayload is what came of saying something.
type AnnotatePayload struct {
	Assets   []Asset
	Revision graph.Revision
}
