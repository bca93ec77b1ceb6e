package serve

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/graph/walk"
	"cadastre.dev/cadastre/policy/view"
	bigqueryview "cadastre.dev/cadastre/policy/view/bigquery"
)

// thing is an asset of a random catalog. All that is said of it bears words
// that stand nowhere else, so that a trace of it can be searched for: name in
// its ref, body in what describes it, column in its columns' paths, owner in
// its owner.
type thing struct {
	asset                     graph.Asset
	name, body, column, owner string
	columns                   []graph.Column
	// base is what a published view is made over.
	base *thing
}

// words are the words of a thing that may give it away.
func (t thing) words() []string {
	return slices.DeleteFunc([]string{t.name, t.body, t.column, t.owner}, func(w string) bool { return w == "" })
}

// allWords are the words of all things.
func (e *estate) allWords() []string {
	var out []string
	for _, t := range e.things {
		out = append(out, t.words()...)
	}
	return out
}

// mark draws the nth word of a sort. The words of one sort differ by few
// letters, so that a typo in one leads to another.
func mark(sort string, n int) string {
	return sort + string([]byte{'a' + byte(n/169%13), 'a' + byte(n/13%13), 'a' + byte(n%13)})
}

// decoy is the word that stands for another in a catalog where that must not
// be known. It is no other's word, and sorts the other way round.
func decoy(w string) string {
	end := []byte(w[len(w)-3:])
	for i, c := range end {
		end[i] = 'z' - (c - 'a')
	}
	return w[:len(w)-3] + string(end)
}

// estate draws a random catalog with its history.
type estate struct {
	*rand.Rand
	things []*thing
	naming view.Naming
}

const (
	estateDatasets = 4
	estateTables   = 14
)

func newEstate(seed uint64) *estate {
	e := &estate{Rand: rand.New(rand.NewPCG(seed, 23)), naming: view.Naming{Project: "p", Prefix: "views", Home: "EU"}}
	for range estateDatasets {
		t := e.add(graph.KindDataset, "warehouse")
		t.asset.Ref = graph.BigQueryRef("p", t.name)
	}
	for range estateTables {
		t := e.add(one(e, graph.KindTable, graph.KindView, graph.KindMaterializedView, graph.KindExternalTable, graph.KindSnapshot, graph.KindTable, graph.KindView), one(e, "warehouse", "lake"))
		t.asset.Ref = graph.BigQueryRef(one(e, e.things[:estateDatasets]...).asset.Ref.Name, t.name)
		t.asset.Parent, t.asset.Location = t.asset.Ref.Parent(), one(e, "EU", "EU", "US", "")
		e.draw(t)
	}
	for _, kind := range []graph.Kind{graph.KindTopic, graph.KindTopic, graph.KindTopic, graph.KindSubject, graph.KindSubject, graph.KindJob, graph.KindModel, graph.KindDashboard, graph.KindBucket} {
		t := e.add(kind, one(e, "streams", "boards"))
		t.asset.Ref = graph.Ref{Namespace: "kafka://broker:9092", Name: t.name}
		if kind != graph.KindTopic {
			t.asset.Ref = graph.Ref{Namespace: "boards", Name: "team/" + t.name}
		}
		e.draw(t)
	}
	for _, audience := range []string{"analysts", "fraud"} {
		container := e.add(graph.KindDataset, "warehouse")
		container.name, container.asset.Ref = "", e.naming.Container(audience, "EU")
		for range 3 {
			e.publish(container.asset.Ref, e.things[estateDatasets+e.IntN(estateTables)])
		}
	}
	return e
}

func (e *estate) add(kind graph.Kind, source string) *thing {
	// The numbers lie apart by few, so that some are one letter from another.
	n := len(e.things)*2 + 14
	t := &thing{name: mark("zqj", n), body: mark("vkx", n), column: mark("cwq", n), owner: mark("wpj", n)}
	t.asset = graph.Asset{Kind: kind, Source: source}
	e.things = append(e.things, t)
	return t
}

// publish adds a view over a base as we name it, with some of its columns.
func (e *estate) publish(container graph.Ref, base *thing) {
	ref := e.naming.View(container, base.asset.Ref)
	if slices.ContainsFunc(e.things, func(t *thing) bool { return t.asset.Ref == ref }) {
		return
	}
	t := e.add(graph.KindView, "warehouse")
	t.name, t.base, t.asset.Ref, t.asset.Parent, t.asset.Location = "", base, ref, container, "EU"
	base.asset.Location = "EU"
	for _, c := range base.columns {
		c.Ref = ref.Column(c.Ref.Path)
		t.columns = append(t.columns, c)
	}
}

// draw gives a thing its columns, some of them nested.
func (e *estate) draw(t *thing) {
	put := func(path, kind string, mode graph.Mode) {
		t.columns = append(t.columns, graph.Column{
			Ref: t.asset.Ref.Column(path), Position: len(t.columns), Type: kind, Mode: mode, Description: one(e, "", "is "+t.body),
			PolicyTags: one(e, nil, []string{"taxonomy/" + t.body}),
		})
	}
	put("id", "INT64", graph.ModeRequired)
	put("email_"+t.column, "STRING", graph.ModeNullable)
	if e.IntN(2) == 0 {
		put("place", "RECORD", graph.ModeNullable)
		put("place.city_"+t.column, "STRING", graph.ModeNullable)
	}
	if e.IntN(2) == 0 {
		put("items", "RECORD", graph.ModeRepeated)
		put("items[].sku_"+t.column, "STRING", graph.ModeNullable)
	}
}

// moment is a catalog at a revision, with what is recorded beside it.
type moment struct {
	items  graph.Snapshot
	events []audit.Event
}

// clock is an asset that changes with every moment, so that each is a revision
// whatever else there is.
func clock(n int) graph.Asset {
	return graph.Asset{Ref: graph.Ref{Namespace: "clock", Name: "clock"}, Kind: graph.KindBucket, Source: "clock", Description: fmt.Sprint(n)}
}

// history draws a catalog that changes: assets come, change and end.
func (e *estate) history(moments int) []moment {
	var out []moment
	for n := range moments {
		now := graph.NewSnapshot(clock(n))
		for _, t := range e.things {
			if e.IntN(8) > 0 {
				e.stand(now, t)
			}
		}
		e.relate(now)
		out = append(out, moment{now, e.record()})
	}
	return out
}

// stand puts a thing and what is its own into a catalog.
func (e *estate) stand(now graph.Snapshot, t *thing) {
	a := t.asset
	a.Title, a.Description, a.Unread = one(e, "", "Title "+t.body), one(e, "", "It is "+t.body), one(e, "", "", "no right to read "+t.body)
	a.Labels = one(e, nil, map[string]string{"domain": one(e, "billing", "people"), "note": t.body})
	if a.Kind == graph.KindSubject {
		a.Definition = "record " + t.body
	}
	now.Put(a)
	for _, c := range t.columns {
		now.Put(c)
	}
	for range e.IntN(3) {
		now.Put(graph.Owner{
			Asset: a.Ref, Principal: one(e, "user:p0@corp.example", "user:p1@corp.example", "group:g0@corp.example", "group:g1@corp.example", "team:"+t.owner),
			Role: one(e, graph.OwnerAccountable, graph.OwnerTechnical), Provenance: e.provenance(t),
		})
	}
	for range e.IntN(3) {
		said := graph.Annotation{Ref: a.Ref, Attribute: one(e, graph.AttributeTitle, graph.AttributeDescription), Value: "Said of " + t.body, Provenance: e.provenance(t)}
		if len(t.columns) > 0 && e.IntN(2) == 0 {
			said.Ref, said.Attribute = one(e, t.columns...).Ref, graph.AttributeDescription
		}
		if said.Provenance.Kind != graph.BySource {
			now.Put(said)
		}
	}
	for range e.IntN(4) {
		tag := graph.Tag{
			Ref: a.Ref, Label: one(e, "user.contact.email", "user.name", "user.financial", graph.LabelNone),
			State: one(e, graph.TagProposed, graph.TagProposed, graph.TagConfirmed, graph.TagRejected), Form: one(e, graph.FormClear, graph.FormPseudonymous),
			Confidence: float64(1+e.IntN(10)) / 10, Evidence: []string{"because of " + t.body}, Provenance: e.provenance(t),
		}
		if len(t.columns) > 0 && e.IntN(4) > 0 {
			tag.Ref = one(e, t.columns...).Ref
		}
		now.Put(tag)
	}
	for _, c := range t.columns {
		if strings.HasPrefix(c.Ref.Path, "email") && e.IntN(2) == 0 {
			now.Put(graph.Tag{Ref: c.Ref, Label: "user.contact.email", State: graph.TagConfirmed, Form: graph.FormClear, Confidence: 1, Provenance: graph.Provenance{Kind: graph.BySource, Name: a.Source}})
		}
	}
	if e.naming.Owns(a.Ref.Parent()) {
		now.Put(graph.Grant{On: a.Ref, Principal: "group:g2@corp.example", Role: "READER", Provenance: graph.Provenance{Kind: graph.BySource, Name: a.Source}})
	}
	for range e.IntN(3) {
		other := one(e, e.things...)
		now.Put(graph.Grant{
			On: a.Ref, Principal: one(e, "group:g2@corp.example", "user:"+t.owner+"@corp.example", "view:"+other.asset.Ref.String(), "dataset:"+other.asset.Ref.String()),
			Role: one(e, "READER", "roles/bigquery.admin", graph.RoleAuthorized), Provenance: graph.Provenance{Kind: graph.BySource, Name: a.Source},
		})
	}
}

func (e *estate) provenance(t *thing) graph.Provenance {
	kind := one(e, graph.BySource, graph.ByPerson, graph.ByDetector)
	name := map[graph.ProvenanceKind]string{graph.BySource: t.asset.Source, graph.ByPerson: "p1@corp.example", graph.ByDetector: "names"}[kind]
	return graph.Provenance{Kind: kind, Name: name, Why: one(e, "", "I know "+t.body)}
}

// relate draws lineage with the SQL it was learned from, and carries tags down.
func (e *estate) relate(now graph.Snapshot) {
	for _, t := range e.things {
		item, stands := now.Get(t.asset)
		if !stands || len(t.columns) == 0 || e.IntN(4) == 0 {
			continue
		}
		a := item.(graph.Asset)
		switch {
		case a.Kind.IsView():
			s := e.statement(now, t, graph.EvidenceView)
			a.Definition = s.SQL
			now.Put(a)
		case a.Ref.Namespace == graph.NamespaceBigQuery:
			e.statement(now, t, graph.EvidenceJob)
		default:
			from := one(e, e.things...)
			now.Put(graph.Edge{From: from.asset.Ref, To: a.Ref, Kind: graph.EdgeReads, Outcome: e.outcome(), Because: one(e, graph.EvidenceConnector, graph.EvidenceSchema, graph.EvidencePerson)})
		}
	}
	var edges []graph.Edge
	var tags []graph.Tag
	for _, i := range now.Sorted() {
		switch i := i.(type) {
		case graph.Edge:
			edges = append(edges, i)
		case graph.Tag:
			tags = append(tags, i)
		}
	}
	for _, t := range walk.Propagate(edges, tags) {
		now.Put(t)
	}
}

func (e *estate) outcome() graph.Outcome {
	return one(e, graph.OutcomeExact, graph.OutcomeExact, graph.OutcomePartial, graph.OutcomeFailed)
}

// statement draws the SQL that makes a thing. The text of an exact one names
// what its edges say it reads, any other names what it likes.
func (e *estate) statement(now graph.Snapshot, t *thing, because graph.EvidenceKind) graph.Statement {
	s := graph.Statement{ID: t.asset.Ref.String(), Source: t.asset.Source, Because: because, Dialect: "bigquery", Target: t.asset.Ref, Outcome: e.outcome()}
	if because == graph.EvidenceJob {
		s.ID = "job:" + fmt.Sprintf("%x", e.Uint64())
	}
	if t.base != nil {
		return e.publishedAs(now, t, s)
	}
	s.SQL = "SELECT 1"
	for range 1 + e.IntN(3) {
		from := one(e, e.things...)
		if len(from.columns) == 0 || e.IntN(6) == 0 {
			now.Put(graph.Edge{From: from.asset.Ref, To: t.asset.Ref, Kind: graph.EdgeReads, Outcome: s.Outcome, Because: because, Statement: s.ID})
			s.SQL += " FROM " + from.asset.Ref.Name
			continue
		}
		for range 1 + e.IntN(2) {
			c, to := one(e, from.columns...), one(e, t.columns...)
			now.Put(graph.Edge{
				From: c.Ref, To: to.Ref, Kind: one(e, graph.EdgeIdentity, graph.EdgeIdentity, graph.EdgeTransformation, graph.EdgeAggregation, graph.EdgeFilter, graph.EdgeJoin),
				Function: one(e, "", "LOWER", "LOWER"), Masking: e.IntN(5) == 0, Outcome: s.Outcome, Because: because, Statement: s.ID,
			})
			s.SQL += " " + c.Ref.Path + " FROM " + from.asset.Ref.Name
		}
	}
	if s.Outcome != graph.OutcomeExact {
		other := one(e, e.things...)
		s.SQL += " JOIN " + other.asset.Ref.Name + " ON " + other.column
		s.Unresolved, s.Reason = []string{other.asset.Ref.Name}, other.asset.Ref.Name+" is not known"
	}
	now.Put(s)
	return s
}

// publishedAs writes a view as we publish it, over the leaves of its base.
func (e *estate) publishedAs(now graph.Snapshot, t *thing, s graph.Statement) graph.Statement {
	def := view.Definition{View: t.asset.Ref, Base: t.base.asset.Ref, Audience: "analysts", Keys: e.naming.Keys("EU")}
	for _, c := range t.base.columns {
		if c.IsRecord() || strings.Contains(c.Ref.Path, ".") {
			continue
		}
		effect, method := graph.EffectAllow, ""
		if e.IntN(2) == 0 {
			effect, method = graph.EffectMask, "null"
		}
		def.Fields = append(def.Fields, view.Field{Name: c.Name(), Path: c.Ref.Path, Type: c.Type, Mode: c.Mode, Effect: effect, Method: method})
		now.Put(graph.Edge{From: c.Ref, To: t.asset.Ref.Column(c.Ref.Path), Kind: graph.EdgeIdentity, Outcome: graph.OutcomeExact, Because: s.Because, Statement: s.ID})
	}
	sql, err := bigqueryview.Dialect{}.SQL(def)
	if err != nil {
		panic(err) // impossible: the columns are of types that every view may show
	}
	s.SQL, s.Outcome = sql, graph.OutcomeExact
	now.Put(s)
	return s
}

// record draws events that name things.
func (e *estate) record() []audit.Event {
	var out []audit.Event
	for range 4 {
		on, beside := one(e, e.things...), one(e, e.things...)
		out = append(out, audit.Event{Action: one(e, "read", "tag"), Object: on.asset.Ref.String(), Detail: map[string]string{"beside": beside.asset.Ref.String(), "why": beside.body}})
	}
	return out
}

func one[T any](r interface{ IntN(n int) int }, of ...T) T { return of[r.IntN(len(of))] }

// prefix is the beginning of a word, long enough to be found by few.
func (e *estate) prefix(w string) string { return w[:min(len(w), 3+e.IntN(4))] }

// typo is a word with one letter changed.
func (e *estate) typo(w string) string {
	if w == "" {
		return w
	}
	at := e.IntN(len(w))
	return w[:at] + string(rune('a'+e.IntN(26))) + w[at+1:]
}

// anyWord is a word of some thing, or one that it shares with others.
func (e *estate) anyWord() string {
	t := one(e, e.things...)
	w := one(e, append(t.words(), "id", "email", "city", "views", "billing", "user", "p", "team", "")...)
	switch e.IntN(4) {
	case 0:
		return e.prefix(w)
	case 1:
		return e.typo(w)
	case 2:
		return strings.TrimSpace(w + " " + one(e, "", "email", "id"))
	}
	return w
}
