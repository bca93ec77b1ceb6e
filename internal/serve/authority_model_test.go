package serve

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/walk"
)

// seer is a principal with what the policy gives them.
type seer struct {
	who    graph.Principal
	filter graph.Filter
	// plans says that they answer for plans and so see them whole, operates
	// that they crawl and so are told what went wrong. The others say what
	// else they may do.
	plans, operates, audits, administers, breaks bool
}

// judge says by the filter alone how much may be known of each asset that
// stands: the brute force with which every answer is compared.
func (s seer) judge(items graph.Snapshot) func(graph.Ref) graph.Visibility {
	owners := map[graph.Ref][]graph.Owner{}
	seen := map[graph.Ref]graph.Visibility{}
	for _, i := range items {
		if o, ok := i.(graph.Owner); ok {
			owners[o.Asset] = append(owners[o.Asset], o)
		}
	}
	for _, i := range items {
		if a, ok := i.(graph.Asset); ok {
			seen[a.Ref] = s.filter.Of(a, graph.Principals(owners[a.Ref]))
		}
	}
	return func(ref graph.Ref) graph.Visibility {
		if v, ok := seen[ref.Asset()]; ok {
			return v
		}
		return graph.Hidden
	}
}

// all says that nothing is less than visible to them.
func (s seer) all() bool {
	return slices.ContainsFunc(s.filter.Visible, func(c graph.Clause) bool { return len(c) == 0 })
}

// hidesNothing says that they may know of everything that it is there.
func (s seer) hidesNothing() bool {
	return s.all() || slices.ContainsFunc(s.filter.Discoverable, func(c graph.Clause) bool { return len(c) == 0 })
}

// reduce returns what may be known of a catalog, item by item.
func (s seer) reduce(items graph.Snapshot) []graph.Item {
	see := s.judge(items)
	telling := s.telling(items, see)
	var out []graph.Item
	for _, i := range items.Sorted() {
		v := see(i.About())
		switch i := i.(type) {
		case graph.Asset:
			if v == graph.Discoverable {
				i = graph.Asset{Ref: i.Ref, Kind: i.Kind}
			}
			if i.Kind.IsView() && telling(i.Ref.String()) {
				i.Definition = ""
			}
			out = keep(out, i, v != graph.Hidden)
		case graph.Owner:
			if v == graph.Discoverable {
				i.Provenance = graph.Provenance{Kind: i.Provenance.Kind}
			}
			out = keep(out, i, v != graph.Hidden)
		case graph.Tag:
			out = keep(out, s.shown(i, see), v == graph.Visible)
		case graph.Statement:
			if telling(i.ID) {
				i.SQL, i.Unresolved, i.Reason = "", nil, ""
			}
			out = keep(out, i, v == graph.Visible)
		case graph.Grant:
			_, name, isAsset := strings.Cut(i.Principal, ":")
			holder, err := graph.ParseRef(name)
			isAsset = isAsset && err == nil
			out = keep(out, i, v == graph.Visible && (!isAsset || s.all() || see(holder) != graph.Hidden))
		case graph.Edge:
			from, to := see(i.From), v
			if from != graph.Visible || to != graph.Visible {
				i.From, i.To, i.Statement, i.Function = i.From.Asset(), i.To.Asset(), "", ""
			}
			out = keep(out, i, from != graph.Hidden && to != graph.Hidden && (from == graph.Visible || to == graph.Visible))
		case graph.Column, graph.Annotation:
			out = keep(out, i, v == graph.Visible)
		}
	}
	return out
}

func keep(out []graph.Item, i graph.Item, ok bool) []graph.Item {
	if ok {
		return append(out, i)
	}
	return out
}

// telling says which statements may name what is less than visible: all but
// those that were understood whole and read only what is visible.
func (s seer) telling(items graph.Snapshot, see func(graph.Ref) graph.Visibility) func(id string) bool {
	safe, reads := map[string]bool{}, map[string]bool{}
	for _, i := range items {
		if e, ok := i.(graph.Edge); ok {
			visible := see(e.From) == graph.Visible
			safe[e.Statement] = visible && (safe[e.Statement] || !reads[e.Statement])
			reads[e.Statement] = true
		}
	}
	exact := map[string]bool{}
	for _, i := range items {
		if st, ok := i.(graph.Statement); ok {
			exact[st.ID] = st.Outcome == graph.OutcomeExact
		}
	}
	return func(id string) bool { return !s.all() && (!exact[id] || !safe[id]) }
}

// mayKnowPlan says whether they may see a plan: it touches only what is
// visible and names nothing hidden, as it stands or as it last stood.
func (s seer) mayKnowPlan(moments []moment, p graph.Plan) bool {
	if s.plans || s.all() {
		return true
	}
	last := func(ref graph.Ref) (graph.Visibility, bool) {
		for n := len(moments) - 1; n >= 0; n-- {
			a, stood := moments[n].items.Get(graph.Asset{Ref: ref})
			if !stood {
				continue
			}
			// Who owns it is asked of the newest moment: the owners of what
			// has ended have ended too.
			with := graph.NewSnapshot(a)
			for _, i := range moments[len(moments)-1].items {
				if o, ok := i.(graph.Owner); ok && o.Asset == ref {
					with.Put(o)
				}
			}
			return s.judge(with)(ref), true
		}
		return graph.Hidden, false
	}
	ok := true
	name := func(ref graph.Ref, least graph.Visibility) {
		if v, was := last(ref.Asset()); was && (v == graph.Hidden || least == graph.Visible && v != graph.Visible) {
			ok = false
		}
	}
	for _, step := range p.Steps {
		name(step.Base, graph.Visible)
		name(step.Object, graph.Discoverable)
	}
	for _, f := range p.Findings {
		name(f.Ref, graph.Visible)
		for _, about := range f.About {
			name(about, graph.Discoverable)
		}
	}
	for _, c := range p.Preconditions {
		name(c.Object, graph.Discoverable)
	}
	return ok
}

// known is the text of all that they may know of an account, at its end alone
// or at any of its moments.
func (s seer) known(e *estate, a account, ever bool) string {
	var b strings.Builder
	first := len(a.moments) - 1
	if ever {
		first = 0
	}
	for n, m := range a.moments {
		if n >= first {
			b.WriteString(written(s.reduce(m.items)))
		}
		if s.all() {
			b.WriteString(written(m.events)) // the log is read whole at any time
		}
	}
	if s.operates {
		b.WriteString(written(a.problems))
	}
	for _, d := range a.plans {
		switch {
		case s.plans:
			b.WriteString(written(d.plan))
		case s.mayKnowPlan(a.moments, d.plan) && !ever:
			// A plan may name what has ended, and nothing that they could
			// never know.
			past, plan := s.known(e, a, true), written(d.plan)
			for _, w := range e.allWords() {
				if strings.Contains(plan, w) && strings.Contains(past, w) {
					b.WriteString(w + "\n")
				}
			}
		}
	}
	return b.String()
}

// remembered is the text of what they may know of an account, at its end alone
// or at any of its moments, with the histories of all that they then see.
func (s seer) remembered(e *estate, a account, ever bool) string {
	var b strings.Builder
	b.WriteString(s.known(e, a, ever))
	for n := range a.moments {
		if ever || n == len(a.moments)-1 {
			see := s.judge(a.moments[n].items)
			for _, m := range a.moments[:n+1] {
				s.recall(&b, m.items, see)
			}
		}
	}
	return b.String()
}

// recall writes what the histories of visible assets tell of a moment.
func (s seer) recall(b *strings.Builder, items graph.Snapshot, see func(graph.Ref) graph.Visibility) {
	for _, i := range items {
		if see(i.About()) != graph.Visible {
			continue
		}
		switch i := i.(type) {
		case graph.Asset:
			if i.Kind.IsView() && !s.all() {
				i.Definition = ""
			}
			b.WriteString(written(i))
		case graph.Tag:
			b.WriteString(written(s.shown(i, see)))
		case graph.Column, graph.Owner, graph.Annotation:
			b.WriteString(written(i))
		case graph.Grant:
			if s.hidesNothing() {
				b.WriteString(written(i))
			}
		}
	}
}

// shown is a tag as they are shown it: without its way where that leads through
// what is less than visible.
func (s seer) shown(tag graph.Tag, see func(graph.Ref) graph.Visibility) graph.Tag {
	if tag.Provenance.Kind == graph.ByPropagation && !s.all() {
		way, ok := walk.Way(tag)
		if !ok || slices.ContainsFunc(way, func(r graph.Ref) bool { return see(r) != graph.Visible }) {
			tag.Evidence, tag.Provenance = nil, graph.Provenance{Kind: graph.ByPropagation}
		}
	}
	return tag
}

// written is how a value stands in JSON, on a line of its own.
func written(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // impossible: items and plans always have a form
	}
	return string(text) + "\n"
}

// forbidden are the words of a world that do not stand in what is known.
func forbidden(e *estate, known string) []string {
	var out []string
	for _, w := range e.allWords() {
		if !strings.Contains(known, w) {
			out = append(out, w)
		}
	}
	return out
}

// twin returns the account of a catalog in which what somebody must not know
// is not there. Where what they may know names it, another word stands.
func (s seer) twin(e *estate, a account) account {
	var pairs []string
	for _, w := range forbidden(e, s.remembered(e, a, true)) {
		pairs = append(pairs, w, decoy(w))
	}
	other := strings.NewReplacer(pairs...)
	out := account{decisions: a.decisions, problems: map[string][]string{}}
	for n := range a.moments {
		out.moments = append(out.moments, s.twinMoment(a.moments[n:], other))
	}
	for _, d := range a.plans {
		if s.mayKnowPlan(a.moments, d.plan) {
			out.plans = append(out.plans, d)
		}
	}
	if s.operates {
		see := s.judge(a.last())
		out.problems, out.crawled = a.problems, a.crawled
		out.held = namedIn(a.held, func(ref graph.Ref) bool { return see(ref) != graph.Hidden })
	}
	return out
}

// twinMoment is the twin of the first of some moments. Who sees an asset may
// know its history, so what is visible later stays as it was.
func (s seer) twinMoment(from []moment, other *strings.Replacer) moment {
	m, now := from[0], s.judge(from[0].items)
	later := make([]func(graph.Ref) graph.Visibility, 0, len(from))
	for _, l := range from {
		later = append(later, s.judge(l.items))
	}
	see := func(ref graph.Ref) graph.Visibility {
		if slices.ContainsFunc(later, func(judge func(graph.Ref) graph.Visibility) bool { return judge(ref) == graph.Visible }) {
			return graph.Visible
		}
		return now(ref)
	}
	out := moment{items: graph.NewSnapshot()}
	for _, i := range m.items.Sorted() {
		v := see(i.About())
		switch i := i.(type) {
		case graph.Asset:
			switch {
			case v == graph.Visible || i.Ref == clock(0).Ref:
				out.items.Put(replaced(i, other))
			case v == graph.Discoverable:
				out.items.Put(s.scrubbed(i))
			}
		case graph.Owner:
			if v == graph.Discoverable {
				i.Provenance = graph.Provenance{Kind: i.Provenance.Kind, Name: "elsewhere", Why: "for another reason"}
			}
			if v != graph.Hidden {
				out.items.Put(replaced(i, other))
			}
		case graph.Edge:
			// An edge from what is hidden stays, from what is not there: the
			// statement that made it reads something that must not be known.
			if v == graph.Visible || (v == graph.Discoverable && see(i.From) == graph.Visible) {
				out.items.Put(replaced(i, other))
			}
		case graph.Column:
			if v == graph.Visible {
				out.items.Put(replaced(i, other))
			}
		case graph.Annotation:
			if v == graph.Discoverable {
				i.Value, i.Provenance = "scrubbed", graph.Provenance{Kind: i.Provenance.Kind, Name: "elsewhere"}
			}
			if v != graph.Hidden {
				out.items.Put(replaced(i, other))
			}
		case graph.Tag:
			if v == graph.Visible {
				out.items.Put(replaced(i, other))
			}
		case graph.Grant:
			if v == graph.Visible {
				out.items.Put(replaced(i, other))
			}
		case graph.Statement:
			if v == graph.Visible {
				out.items.Put(replaced(i, other))
			}
		}
	}
	last := later[len(later)-1]
	for _, e := range m.events {
		ref, err := graph.ParseRef(e.Object)
		if s.all() || err == nil && last(ref) == graph.Visible {
			out.events = append(out.events, replaced(e, other))
		}
	}
	return out
}

// scrubbed is a discoverable asset with all else that it was made other. What
// the filter looks at stays, for it would be judged otherwise.
func (s seer) scrubbed(a graph.Asset) graph.Asset {
	out := graph.Asset{Ref: a.Ref, Kind: a.Kind, Source: a.Source, Parent: a.Parent, Location: "ASIA", Title: "scrubbed", Labels: map[string]string{"domain": "scrubbed"}}
	looks := func(at graph.Attribute) bool {
		return slices.ContainsFunc(slices.Concat(s.filter.Visible, s.filter.Discoverable), func(c graph.Clause) bool {
			return slices.ContainsFunc(c, func(c graph.Condition) bool { return c.Attribute == at })
		})
	}
	if !looks(graph.AttributeSource) {
		out.Source = "elsewhere"
	}
	if !looks(graph.AttributeParent) {
		out.Parent = graph.BigQueryRef("elsewhere", "scrubbed")
	}
	return out
}

// replaced writes a value with other words.
func replaced[T any](v T, other *strings.Replacer) T {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("%+v: %v", v, err)) // impossible: items always have a form
	}
	var out T
	if err := json.Unmarshal([]byte(other.Replace(string(text))), &out); err != nil {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	return out
}
