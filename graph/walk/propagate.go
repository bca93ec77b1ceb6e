package walk

import (
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// summaries are the functions whose result says nothing of a single value:
// counts, also of an array's elements, and moments. A tag stops there. Every
// other aggregate may give a value back (MIN, MAX, ANY_VALUE, ARRAY_AGG, STRING_AGG; SUM over a group of
// one), so tags go on through it.
var summaries = map[string]bool{
	"COUNT": true, "COUNTIF": true, "COUNT_IF": true, "APPROX_COUNT_DISTINCT": true, "COUNT_DISTINCT": true,
	"ARRAY_LENGTH": true,
	"AVG":          true, "STDDEV": true, "STDDEV_POP": true, "STDDEV_SAMP": true,
	"VARIANCE": true, "VAR_POP": true, "VAR_SAMP": true, "CORR": true, "COVAR_POP": true, "COVAR_SAMP": true,
}

// Propagate carries tags down the lineage and returns all tags that follow
// from it, sorted: the whole desired set, so that what is no longer in it has
// lost its cause and ends.
//
// What is carried is each effective tag that a person, a source or a detector
// put on a column. One on a record or an asset holds for the columns below it,
// as graph.TagsFor says, and is carried from those too. It goes along identities, transformations and all
// aggregates but summaries; windows, filters, joins and groups carry nothing.
// Past a masking function its form is pseudonymous: still personal, no longer
// clear. Where two ways meet, clear wins, then the shorter way since the value
// was last as clear as it arrives. It arrives as a proposal that names its
// origin and its way. A label that a person rejected on a column neither
// arrives there nor goes on from there.
//
// The result does not depend on the order of edges or tags, and cycles end.
func Propagate(edges []graph.Edge, tags []graph.Tag) []graph.Tag {
	p := newPropagation(edges, tags)
	var out []graph.Tag
	for _, label := range p.labels() {
		out = append(out, p.carry(label)...)
	}
	slices.SortFunc(out, func(a, b graph.Tag) int { return graph.CompareItems(a, b) })
	return out
}

// link is an edge that carries values, with the key of its target.
type link struct {
	edge graph.Edge
	to   string
}

type propagation struct {
	// next holds the edges that carry values, by the keys of what a tag may
	// lie on to be carried by them.
	next map[string][]*link
	// seeds are what is carried, by label; stops are (label, column) pairs
	// that a person rejected.
	seeds map[string][]graph.Tag
	stops map[[2]string]bool
}

func newPropagation(edges []graph.Edge, tags []graph.Tag) propagation {
	p := propagation{next: map[string][]*link{}, seeds: map[string][]graph.Tag{}, stops: map[[2]string]bool{}}
	said, spoken := map[string][]graph.Tag{}, map[string]bool{}
	for _, t := range tags {
		if t.Provenance.Kind == graph.ByPropagation {
			continue
		}
		key := t.Ref.Key()
		said[key] = append(said[key], t)
		if t.Provenance.Kind == graph.ByPerson {
			spoken[key] = true
			p.stops[[2]string{t.Label, key}] = t.State == graph.TagRejected
		}
	}
	edges = slices.DeleteFunc(slices.Clone(edges), func(e graph.Edge) bool { return !carries(e) })
	sortEdges(edges)
	for _, e := range edges {
		p.add(&link{e, e.To.Key()}, spoken[e.From.Key()])
	}
	for _, of := range said {
		for _, t := range graph.EffectiveTags(of) {
			if t.Label != graph.LabelNone {
				p.seeds[t.Label] = append(p.seeds[t.Label], t)
			}
		}
	}
	for _, seeds := range p.seeds {
		slices.SortFunc(seeds, func(a, b graph.Tag) int { return graph.CompareRefs(a.Ref, b.Ref) })
	}
	return p
}

// carries says whether a label goes along an edge. Nothing is news to a column
// that is made from itself.
func carries(e graph.Edge) bool {
	return e.From.IsColumn() && e.To.IsColumn() && e.From.Key() != e.To.Key() &&
		e.Kind.CarriesValue() && !summaries[strings.ToUpper(e.Function)]
}

// add puts an edge under its source and, unless a person spoke of that itself,
// under the records and the asset that hold it.
func (p propagation) add(l *link, spoken bool) {
	at := l.edge.From
	for {
		key := at.Key()
		p.next[key] = append(p.next[key], l)
		if spoken || !at.IsColumn() {
			return
		}
		at = at.Column(graph.ParentPath(at.Path))
	}
}

func (p propagation) labels() []string {
	labels := make([]string, 0, len(p.seeds))
	for label := range p.seeds {
		labels = append(labels, label)
	}
	slices.Sort(labels)
	return labels
}

// arrival is a label that reached a column, from another arrival along an
// edge; a seed is reached from nowhere.
type arrival struct {
	ref    graph.Ref
	key    string
	origin *graph.Tag
	form   graph.TagForm
	from   *arrival
	edge   *graph.Edge
}

// carry walks one label breadth first: first all that stays clear, then what
// is pseudonymous from the start or became so on its way.
func (p propagation) carry(label string) []graph.Tag {
	reached := map[string]*arrival{}
	var plain, hidden []*arrival
	for i := range p.seeds[label] {
		seed := &p.seeds[label][i]
		a := &arrival{ref: seed.Ref, key: seed.Ref.Key(), origin: seed, form: seed.Form}
		if seed.Form == graph.FormPseudonymous {
			hidden = append(hidden, a)
		} else {
			plain = append(plain, a)
		}
	}
	hidden = append(hidden, p.spread(label, plain, reached, false)...)
	p.spread(label, hidden, reached, true)
	var out []graph.Tag
	for _, a := range reached {
		if a.from != nil {
			out = append(out, a.tag(label))
		}
	}
	return out
}

// spread follows the edges from the front and returns what masking edges made
// pseudonymous, for a later round; with masked it follows those too.
func (p propagation) spread(label string, front []*arrival, reached map[string]*arrival, masked bool) []*arrival {
	var made []*arrival
	for len(front) > 0 {
		var next []*arrival
		for _, a := range front {
			if reached[a.key] != nil || (a.from != nil && p.stops[[2]string{label, a.key}]) {
				continue
			}
			reached[a.key] = a
			for _, l := range p.next[a.key] {
				if reached[l.to] != nil {
					continue
				}
				b := a.along(l)
				if l.edge.Masking && !masked {
					made = append(made, b)
				} else {
					next = append(next, b)
				}
			}
		}
		front = next
	}
	return made
}

func (a *arrival) along(l *link) *arrival {
	b := &arrival{ref: l.edge.To, key: l.to, origin: a.origin, form: a.form, from: a, edge: &l.edge}
	if l.edge.Masking {
		b.form = graph.FormPseudonymous
	}
	return b
}

func (a *arrival) tag(label string) graph.Tag {
	return graph.Tag{
		Ref: a.ref, Label: label, State: graph.TagProposed, Form: a.form, Confidence: a.origin.Confidence,
		Evidence:   a.way(),
		Provenance: graph.Provenance{Kind: graph.ByPropagation, Name: a.origin.Ref.String()},
	}
}

// way tells the edges from the origin on, one line each.
func (a *arrival) way() []string {
	var way []string
	for ; a.from != nil; a = a.from {
		way = append(way, step(*a.edge))
	}
	slices.Reverse(way)
	return way
}

func step(e graph.Edge) string {
	how := string(e.Kind)
	if e.Function != "" {
		how += " " + e.Function
	}
	if e.Masking {
		how += stepMasking
	}
	return e.From.String() + stepArrow + e.To.String() + stepHow + how + ")"
}
