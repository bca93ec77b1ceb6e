package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// The limits of BigQuery, which are the tightest of any target.
const (
	maxDepth   = 15
	maxColumns = 10_000
)

// schema is a base's columns as a tree, made once for all audiences.
type schema struct {
	roots []*node
	// leaves counts the columns that bear values.
	leaves int
}

type node struct {
	column   Column
	children []*node
}

// newSchema refuses, with graph.ErrInvalid, what a view could not name without
// doubt: columns without a name or of one name but for case, fields without
// their record, too deep nesting.
func newSchema(columns []Column) (schema, error) {
	if len(columns) > maxColumns {
		return schema{}, fmt.Errorf("%d columns, more than %d: %w", len(columns), maxColumns, graph.ErrInvalid)
	}
	sorted := slices.Clone(columns)
	slices.SortStableFunc(sorted, func(a, b Column) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), strings.Compare(a.Ref.Path, b.Ref.Path))
	})
	var s schema
	byPath := make(map[string]*node, len(sorted))
	for _, c := range sorted {
		if err := checkName(c); err != nil {
			return schema{}, err
		}
		if _, twice := byPath[fold(c.Ref.Path)]; twice {
			return schema{}, fmt.Errorf("column %q: the name is there twice: %w", c.Ref.Path, graph.ErrInvalid)
		}
		n := &node{column: c}
		byPath[fold(c.Ref.Path)] = n
	}
	for _, c := range sorted {
		n := byPath[fold(c.Ref.Path)]
		if !c.IsRecord() {
			s.leaves++
		}
		parentPath := graph.ParentPath(c.Ref.Path)
		if parentPath == "" {
			s.roots = append(s.roots, n)
			continue
		}
		parent, ok := byPath[fold(parentPath)]
		if !ok || !parent.column.IsRecord() || fold(graph.ChildPath(parent.column.Column, c.Name())) != fold(c.Ref.Path) {
			return schema{}, fmt.Errorf("column %q: no record holds it: %w", c.Ref.Path, graph.ErrInvalid)
		}
		parent.children = append(parent.children, n)
	}
	for _, n := range s.roots {
		if err := n.checkDepth(1); err != nil {
			return schema{}, err
		}
	}
	return s, nil
}

func checkName(c Column) error {
	name := c.Name()
	if strings.TrimSpace(name) == "" {
		return fmt.Errorf("column %q: without a name: %w", c.Ref.Path, graph.ErrInvalid)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 || r == 0x85 }) {
		return fmt.Errorf("column %q: a control character in its name: %w", c.Ref.Path, graph.ErrInvalid)
	}
	return nil
}

func (n *node) checkDepth(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("column %q: nested deeper than %d: %w", n.column.Ref.Path, maxDepth, graph.ErrInvalid)
	}
	for _, c := range n.children {
		if err := c.checkDepth(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

// fold is how column paths are compared: BigQuery's are without regard to case.
func fold(path string) string { return strings.ToLower(path) }

// shown is what one audience gets of a base.
type shown struct {
	// fields is the tree of what is visible; a record without a visible leaf
	// is not in it.
	fields []Field
	// effects are those of every leaf, in the order of the base.
	effects []graph.ColumnEffect
	// domains are the key domains of the masked leaves, sorted.
	domains []string
	// allowed and masked count the visible leaves.
	allowed, masked int
}

// hides says whether the audience gets less than the base has.
func (s shown) hides() bool { return s.allowed < len(s.effects) }

// show applies the decisions to every leaf.
func (d Desired) show(s schema, audience string, dialect Dialect) shown {
	out := shown{effects: make([]graph.ColumnEffect, 0, s.leaves)}
	out.fields = d.showNodes(s.roots, audience, dialect, &out)
	slices.Sort(out.domains)
	out.domains = slices.Compact(out.domains)
	return out
}

func (d Desired) showNodes(nodes []*node, audience string, dialect Dialect, out *shown) []Field {
	var fields []Field
	for _, n := range nodes {
		c := n.column
		f := Field{Name: c.Name(), Path: c.Ref.Path, Type: c.Type, Mode: c.Mode}
		if c.IsRecord() {
			if f.Fields = d.showNodes(n.children, audience, dialect, out); len(f.Fields) > 0 {
				fields = append(fields, f)
			}
			continue
		}
		decision := d.decide(c, audience, dialect)
		out.effects = append(out.effects, graph.ColumnEffect{Path: c.Ref.Path, Effect: decision.Effect, Method: decision.Method, Rules: decision.Rules})
		f.Effect, f.Method, f.Domain = decision.Effect, decision.Method, decision.Domain
		switch decision.Effect {
		case graph.EffectAllow:
			out.allowed++
			fields = append(fields, f)
		case graph.EffectMask:
			out.masked++
			if decision.Domain != "" {
				out.domains = append(out.domains, decision.Domain)
			}
			fields = append(fields, f)
		default:
		}
	}
	return fields
}

// decide returns the decision on a leaf; whatever is doubtful is denied, with
// a rule that says so.
func (d Desired) decide(c Column, audience string, dialect Dialect) graph.Decision {
	if !c.isAssessed() {
		return denied("view.untouched", "Nobody has looked at this column yet.", nil)
	}
	decision, ok := d.Decisions[Asked{audience, c.Class}]
	if !ok {
		return denied("view.undecided", "The policy has no decision on this column.", nil)
	}
	switch decision.Effect {
	case graph.EffectAllow:
		decision.Method, decision.Domain = "", ""
		return decision
	case graph.EffectMask:
		if !dialect.Masks(decision.Method, c.Type) {
			return denied("view.unmaskable", fmt.Sprintf("The method %q cannot mask a column of type %s here.", decision.Method, c.Type), decision.Rules)
		}
		return decision
	case graph.EffectDeny:
		return denied("", "", decision.Rules)
	default:
		return denied("view.unknown", fmt.Sprintf("The effect %q is not known.", decision.Effect), decision.Rules)
	}
}

func denied(id, why string, rules []graph.Rule) graph.Decision {
	if id != "" {
		rules = append([]graph.Rule{{ID: id, Why: why}}, rules...)
	}
	return graph.Decision{Effect: graph.EffectDeny, Rules: rules}
}

// visit calls f for every leaf of fields.
func visit(fields []Field, f func(Field)) {
	for _, field := range fields {
		if field.IsRecord() {
			visit(field.Fields, f)
		} else {
			f(field)
		}
	}
}

// sameType compares two spellings of a column type: BigQuery's older names are
// the same as GoogleSQL's, and parameters do not matter.
func sameType(a, b string) bool { return canonicalType(a) == canonicalType(b) }

func canonicalType(t string) string {
	name, _, _ := strings.Cut(t, "(")
	name = strings.ToUpper(strings.TrimSpace(name))
	switch name {
	case "INTEGER":
		return "INT64"
	case "FLOAT":
		return "FLOAT64"
	case "BOOLEAN":
		return "BOOL"
	case "STRUCT":
		return "RECORD"
	case "DECIMAL":
		return "NUMERIC"
	case "BIGDECIMAL":
		return "BIGNUMERIC"
	}
	return name
}
