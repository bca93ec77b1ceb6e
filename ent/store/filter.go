package store

import (
	"slices"

	"cadastre.dev/cadastre/ent/gen/asset"
	"cadastre.dev/cadastre/ent/gen/owner"
	"cadastre.dev/cadastre/graph"
	entsql "entgo.io/ent/dialect/sql"
)

// compile writes clauses as a predicate over the rows of assets that hold at a
// revision. It says of every asset what graph.Filter.Of says; a law of the
// tests compares the two.
func compile(dialect string, clauses []graph.Clause, at graph.Revision) *entsql.Predicate {
	some := make([]*entsql.Predicate, 0, len(clauses))
	for _, clause := range clauses {
		all := []*entsql.Predicate{always()}
		for _, c := range clause {
			all = append(all, condition(dialect, c, at))
		}
		some = append(some, entsql.And(all...))
	}
	if len(some) == 0 {
		return never()
	}
	return entsql.Or(some...)
}

func condition(dialect string, c graph.Condition, at graph.Revision) *entsql.Predicate {
	switch c.Attribute {
	case graph.AttributeRef:
		return in(colKey, c.In)
	case graph.AttributeNamespace:
		return in(asset.FieldNamespace, c.In)
	case graph.AttributeKind:
		return in(asset.FieldKind, c.In)
	case graph.AttributeSource:
		return in(asset.FieldSource, c.In)
	case graph.AttributeParent:
		return in(asset.FieldParent, parents(c.In))
	case graph.AttributeOwner:
		return entsql.In(colAbout, owned(dialect, c.In, at))
	}
	return never()
}

// owned selects the assets that one of the principals owns, of the owners that
// count: a person's of a role stand in place of all others of that role, as
// graph.EffectiveOwners has it.
func owned(dialect string, principals []string, at graph.Revision) *entsql.Selector {
	b := entsql.Dialect(dialect)
	named, other := entsql.Table(owner.Table).As("named"), entsql.Table(owner.Table).As("other")
	byPerson := b.Select(other.C(colKey)).From(other).Where(entsql.And(
		entsql.ColumnsEQ(other.C(colAbout), named.C(colAbout)), entsql.ColumnsEQ(other.C(owner.FieldRole), named.C(owner.FieldRole)),
		entsql.EQ(other.C(owner.FieldProvenanceKind), string(graph.ByPerson)), holdsIn(other, at),
	))
	return b.Select(named.C(colAbout)).From(named).Where(entsql.And(
		in(named.C(owner.FieldPrincipal), principals), holdsIn(named, at),
		entsql.Or(entsql.EQ(named.C(owner.FieldProvenanceKind), string(graph.ByPerson)), entsql.NotExists(byPerson)),
	))
}

// holdsIn is holds for one of several tables of a query.
func holdsIn(t *entsql.SelectTable, at graph.Revision) *entsql.Predicate {
	ended := t.C(colEnded)
	return entsql.And(entsql.LTE(t.C(colBegan), int64(at)), entsql.Or(entsql.IsNull(ended), entsql.GT(ended, int64(at))))
}

// parents writes the values of a condition as they stand in the database,
// where an asset without parent has "".
func parents(values []string) []string {
	var out []string
	for _, v := range values {
		switch v {
		case "":
		case graph.Ref{}.String():
			out = append(out, "")
		default:
			out = append(out, v)
		}
	}
	return out
}

func always() *entsql.Predicate {
	return entsql.P(func(b *entsql.Builder) { b.WriteString("1 = 1") })
}

func never() *entsql.Predicate {
	return entsql.P(func(b *entsql.Builder) { b.WriteString("1 = 0") })
}

// unconditional says whether a clause holds for every asset.
func unconditional(clauses []graph.Clause) bool {
	return slices.ContainsFunc(clauses, func(c graph.Clause) bool { return len(c) == 0 })
}
