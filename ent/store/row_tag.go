package store

import (
	"fmt"

	"cadastre.dev/cadastre/ent/gen/grant"
	"cadastre.dev/cadastre/ent/gen/owner"
	"cadastre.dev/cadastre/ent/gen/tag"
	"cadastre.dev/cadastre/graph"
)

func ownerTable() table {
	return table{
		word: "owners",
		name: owner.Table,
		payload: []string{
			owner.FieldPrincipal, owner.FieldRole,
			owner.FieldProvenanceKind, owner.FieldProvenanceName, owner.FieldProvenanceWhy,
		},
		row:   func() row { return new(ownerRow) },
		order: []string{colAbout, colKey},
	}
}

type ownerRow struct {
	principal string
	role      graph.OwnerRole
	says      graph.Provenance
}

func (r *ownerRow) fields() []any {
	return []any{&r.principal, &r.role, &r.says.Kind, &r.says.Name, &r.says.Why}
}

func (r *ownerRow) put(i graph.Item) error {
	o, ok := i.(graph.Owner)
	if !ok {
		return wrongRow(r, i)
	}
	*r = ownerRow{principal: o.Principal, role: o.Role, says: o.Provenance}
	return nil
}

func (r *ownerRow) item(_ string, about graph.Ref) (graph.Item, error) {
	return graph.Owner{Asset: about, Principal: r.principal, Role: r.role, Provenance: r.says}, nil
}

func grantTable() table {
	return table{
		word: "grants",
		name: grant.Table,
		payload: []string{
			grant.FieldPrincipal, grant.FieldRole,
			grant.FieldProvenanceKind, grant.FieldProvenanceName, grant.FieldProvenanceWhy,
		},
		row:   func() row { return new(grantRow) },
		order: []string{colAbout, colKey},
	}
}

type grantRow struct {
	principal, role string
	says            graph.Provenance
}

func (r *grantRow) fields() []any {
	return []any{&r.principal, &r.role, &r.says.Kind, &r.says.Name, &r.says.Why}
}

func (r *grantRow) put(i graph.Item) error {
	g, ok := i.(graph.Grant)
	if !ok {
		return wrongRow(r, i)
	}
	*r = grantRow{principal: g.Principal, role: g.Role, says: g.Provenance}
	return nil
}

func (r *grantRow) item(_ string, about graph.Ref) (graph.Item, error) {
	return graph.Grant{On: about, Principal: r.principal, Role: r.role, Provenance: r.says}, nil
}

func tagTable() table {
	return table{
		word: "tags",
		name: tag.Table,
		payload: []string{
			tag.FieldPath, tag.FieldLabel, tag.FieldState, tag.FieldForm, tag.FieldConfidence, tag.FieldEvidence,
			tag.FieldProvenanceKind, tag.FieldProvenanceName, tag.FieldProvenanceWhy,
		},
		row:   func() row { return new(tagRow) },
		order: []string{colAbout, colKey},
	}
}

type tagRow struct {
	path, label string
	state       graph.TagState
	form        graph.TagForm
	confidence  float64
	evidence    string
	says        graph.Provenance
}

func (r *tagRow) fields() []any {
	return []any{&r.path, &r.label, &r.state, &r.form, &r.confidence, &r.evidence, &r.says.Kind, &r.says.Name, &r.says.Why}
}

func (r *tagRow) put(i graph.Item) error {
	t, ok := i.(graph.Tag)
	if !ok {
		return wrongRow(r, i)
	}
	evidence, err := putJSON(len(t.Evidence), t.Evidence)
	*r = tagRow{path: t.Ref.Path, label: t.Label, state: t.State, form: t.Form, confidence: t.Confidence, evidence: evidence, says: t.Provenance}
	return err
}

func (r *tagRow) item(_ string, about graph.Ref) (graph.Item, error) {
	ref := about.Column(r.path)
	evidence, err := getJSON[[]string](r.evidence)
	if err != nil {
		return nil, fmt.Errorf("evidence of %s: %w", ref, err)
	}
	return graph.Tag{
		Ref: ref, Label: r.label, State: r.state, Form: r.form, Confidence: r.confidence,
		Evidence: evidence, Provenance: r.says,
	}, nil
}
