package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"cadastre.dev/cadastre/graph"
)

// world draws random catalogs. Every table and topic has a name that is found
// nowhere by chance ("qx07"), so that a trace of it can be searched for in
// anything printed.
type world struct{ *rand.Rand }

func newWorld(seed uint64) world {
	return world{rand.New(rand.NewPCG(seed, 7))} //nolint:gosec // the same seed must draw the same catalog
}

const (
	worldContainers = 3
	worldTables     = 14
)

func container(n int) graph.Ref { return graph.BigQueryRef("p", fmt.Sprintf("d%d", n)) }

// token is the word by which a trace of a table is found.
func token(n int) string { return fmt.Sprintf("qx%02d", n) }

func tableRef(n int) graph.Ref {
	if n%5 == 4 {
		return graph.Ref{Namespace: "kafka://broker:9092", Name: token(n)}
	}
	return graph.BigQueryRef("p", fmt.Sprintf("d%d", n%worldContainers), token(n))
}

func (w world) table() graph.Ref { return tableRef(w.IntN(worldTables)) }

func (w world) column() graph.Ref {
	return w.table().Column(one(w, "id", "Email", "address", "address.City", "items[].sku"))
}

func (w world) principal() string {
	return one(w, "user:ana@example.org", "user:bo@example.org", "group:analysts", "group:fraud")
}

func one[T any](w world, of ...T) T { return of[w.IntN(len(of))] }

// item draws an item of any type.
func (w world) item() graph.Item {
	switch w.IntN(11) {
	case 0, 1:
		return w.asset()
	case 2, 3:
		return graph.Column{
			Ref: w.column(), Position: w.IntN(5), Type: one(w, "STRING", "INT64"), Mode: graph.ModeNullable,
			Description: one(w, "", "made up"), PolicyTags: one(w, nil, []string{"taxonomy/1"}),
		}
	case 4:
		return graph.Owner{Asset: w.table(), Principal: w.principal(), Role: one(w, graph.OwnerTechnical, graph.OwnerAccountable), Provenance: w.provenance()}
	case 5:
		on := one(w, w.table(), container(w.IntN(worldContainers)))
		return graph.Grant{On: on, Principal: one(w, w.principal(), "view:"+w.table().String()), Role: "READER", Provenance: w.provenance()}
	case 6, 7:
		return w.tag()
	case 8:
		return w.edge()
	case 9:
		return w.annotation()
	}
	return w.statement()
}

func (w world) asset() graph.Item {
	if w.IntN(6) == 0 {
		return graph.Asset{Ref: container(w.IntN(worldContainers)), Kind: graph.KindDataset, Source: "warehouse"}
	}
	ref := w.table()
	a := graph.Asset{
		Ref: ref, Kind: one(w, graph.KindTable, graph.KindView, graph.KindTopic), Source: one(w, "warehouse", "streams"), Parent: ref.Parent(),
		Title: one(w, "", "a title"), Labels: one(w, nil, map[string]string{"domain": "billing"}),
	}
	if a.Kind == graph.KindView {
		a.Definition = "SELECT * FROM " + w.table().Name
	}
	return a
}

func (w world) provenance() graph.Provenance {
	kind := one(w, graph.BySource, graph.ByPerson, graph.ByDetector)
	return graph.Provenance{Kind: kind, Name: "somebody", Why: one(w, "", "a reason")}
}

func (w world) tag() graph.Item {
	t := graph.Tag{
		Ref: one(w, w.column(), w.table()), Label: one(w, "user.contact.email", "user.name", graph.LabelNone),
		State: one(w, graph.TagProposed, graph.TagConfirmed, graph.TagRejected), Form: graph.FormClear,
		Confidence: float64(1+w.IntN(10)) / 10, Evidence: one(w, nil, []string{"the name says so"}), Provenance: w.provenance(),
	}
	if w.IntN(3) == 0 {
		from, over := w.column(), w.column()
		t.Provenance = graph.Provenance{Kind: graph.ByPropagation, Name: from.String(), Why: "down from " + from.Name}
		t.Evidence = one(w,
			[]string{"made from " + over.Name},
			[]string{from.String() + " → " + over.String() + " (identity)", over.String() + " → " + t.Ref.String() + " (identity)"},
		)
	}
	return t
}

func (w world) annotation() graph.Item {
	return graph.Annotation{
		Ref: one(w, w.column(), w.table()), Attribute: one(w, graph.AttributeTitle, graph.AttributeDescription),
		Value: one(w, "said of it", "billing by hand"), Provenance: w.provenance(),
	}
}

func (w world) edge() graph.Item {
	from, to := w.column(), w.column()
	if w.IntN(4) == 0 {
		from, to = from.Asset(), to.Asset()
	}
	return graph.Edge{
		From: from, To: to, Kind: one(w, graph.EdgeIdentity, graph.EdgeFilter), Function: one(w, "", "LOWER"), Masking: w.IntN(5) == 0,
		Outcome: w.outcome(), Because: graph.EvidenceView, Statement: one(w, "", to.Asset().String()),
	}
}

func (w world) outcome() graph.Outcome {
	return one(w, graph.OutcomeExact, graph.OutcomePartial, graph.OutcomeFailed)
}

// statement draws the statement of a table. Its text names another table only
// where it was not understood: what an exact one reads, its edges say.
func (w world) statement() graph.Item {
	target := w.table()
	s := graph.Statement{
		ID: target.String(), Source: "warehouse", Because: graph.EvidenceView, Dialect: "bigquery", Target: target,
		SQL: "SELECT 1", Author: "user:ana@example.org", Outcome: w.outcome(),
	}
	if s.Outcome != graph.OutcomeExact {
		s.SQL = "SELECT * FROM " + w.table().Name
		s.Unresolved, s.Reason = []string{w.table().Name}, w.table().Name+" is not known"
	}
	if w.IntN(8) == 0 {
		s.ID, s.Target = fmt.Sprintf("job:%d", w.IntN(3)), graph.Ref{}
	}
	return s
}

// next draws what a catalog may become.
func (w world) next(was graph.Snapshot) graph.Snapshot {
	now := maps.Clone(was)
	if now == nil {
		now = graph.Snapshot{}
	}
	keys := slices.Sorted(maps.Keys(was))
	for range w.IntN(1 + len(keys)/4) {
		delete(now, keys[w.IntN(len(keys))])
	}
	for range 1 + w.IntN(60) {
		now.Put(w.item())
	}
	w.settle(now)
	return now
}

// settle gives views and exact statements texts that name just what their
// edges say they read; what was not understood names any table.
func (w world) settle(now graph.Snapshot) {
	reads := map[string]string{}
	for _, i := range now.Sorted() {
		if e, ok := i.(graph.Edge); ok {
			reads[e.Statement] += " " + e.From.Name
		}
	}
	texts := map[string]string{}
	for _, i := range now.Sorted() {
		if s, ok := i.(graph.Statement); ok && s.Outcome == graph.OutcomeExact && reads[s.ID] != "" {
			s.SQL = "SELECT * FROM" + reads[s.ID]
			texts[s.ID] = s.SQL
			now.Put(s)
		}
	}
	for _, i := range now.Sorted() {
		if a, ok := i.(graph.Asset); ok && a.Kind == graph.KindView {
			if a.Definition = texts[a.Ref.String()]; a.Definition == "" {
				a.Definition = "SELECT * FROM " + w.table().Name
			}
			now.Put(a)
		}
	}
}

// tables draws a catalog in which every table stands.
func (w world) tables() graph.Snapshot {
	now := graph.Snapshot{}
	for n := range worldTables {
		now.Put(graph.Asset{Ref: tableRef(n), Kind: graph.KindTable, Source: "warehouse", Parent: tableRef(n).Parent()})
	}
	return now
}

// filter draws what a principal may know.
func (w world) filter() graph.Filter {
	f := graph.Filter{Visible: w.clauses()}
	if w.IntN(2) == 0 {
		f.Discoverable = w.clauses()
	}
	return f
}

func (w world) clauses() []graph.Clause {
	var clauses []graph.Clause
	for range w.IntN(3) {
		clause := graph.Clause{w.condition()}
		if w.IntN(2) == 0 {
			clause = append(clause, w.condition())
		}
		clauses = append(clauses, clause)
	}
	return clauses
}

func (w world) condition() graph.Condition {
	some := func(draw func() string) []string {
		var values []string
		for range w.IntN(4) {
			values = append(values, draw())
		}
		return values
	}
	switch w.IntN(7) {
	case 0:
		return graph.Condition{Attribute: graph.AttributeRef, In: some(func() string { return w.table().String() })}
	case 1:
		return graph.Condition{Attribute: graph.AttributeNamespace, In: some(func() string { return one(w, "bigquery", "kafka://broker:9092", "none") })}
	case 2:
		return graph.Condition{Attribute: graph.AttributeKind, In: some(func() string { return one(w, "table", "view", "dataset") })}
	case 3:
		return graph.Condition{Attribute: graph.AttributeSource, In: some(func() string { return one(w, "warehouse", "streams") })}
	case 4:
		return graph.Condition{Attribute: graph.AttributeParent, In: some(func() string {
			return one(w, container(w.IntN(worldContainers)).String(), graph.Ref{}.String(), "")
		})}
	case 5:
		return graph.Condition{Attribute: graph.AttributeOwner, In: some(w.principal)}
	}
	return graph.Condition{Attribute: "unheard of", In: []string{"table"}}
}

// judge says by the filter alone how much may be known of each asset. Of the
// owners those count whom a person named, and those of the roles in which no
// person named any.
func judge(s graph.Snapshot, f graph.Filter) map[graph.Ref]graph.Visibility {
	owners := map[graph.Ref][]string{}
	for _, i := range s {
		o, ok := i.(graph.Owner)
		if !ok {
			continue
		}
		counts := true
		for _, j := range s {
			if other, ok := j.(graph.Owner); ok && other.Asset == o.Asset && other.Role == o.Role && other.Provenance.Kind == graph.ByPerson {
				counts = o.Provenance.Kind == graph.ByPerson
			}
		}
		if counts {
			owners[o.Asset] = append(owners[o.Asset], o.Principal)
		}
	}
	seen := map[graph.Ref]graph.Visibility{}
	for n := range worldContainers {
		seen[container(n)] = graph.Hidden
	}
	for n := range worldTables {
		seen[tableRef(n)] = graph.Hidden
	}
	for _, i := range s {
		if a, ok := i.(graph.Asset); ok {
			seen[a.Ref] = f.Of(a, owners[a.Ref])
		}
	}
	return seen
}
