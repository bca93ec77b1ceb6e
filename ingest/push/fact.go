package push

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
)

// fact is one fact as it is written; exactly one of its fields is set.
type fact struct {
	Asset     *asset   `json:"asset"`
	Edge      *edge    `json:"edge"`
	Removed   *removed `json:"removed"`
	ScopeDone *scope   `json:"scopeDone"`
}

// asset is an asset with all that belongs to it.
type asset struct {
	Ref         string            `json:"ref"`
	Kind        string            `json:"kind"`
	Parent      string            `json:"parent"`
	Location    string            `json:"location"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Labels      map[string]string `json:"labels"`
	Definition  string            `json:"definition"`
	Unread      string            `json:"unread"`
	Columns     []column          `json:"columns"`
	Owners      []owner           `json:"owners"`
	Grants      []grant           `json:"grants"`
	Tags        []tag             `json:"tags"`
}

type column struct {
	Path        string `json:"path"`
	Type        string `json:"type"`
	Mode        string `json:"mode"`
	Description string `json:"description"`
}

type owner struct {
	Principal string `json:"principal"`
	Role      string `json:"role"`
}

type grant struct {
	Principal string `json:"principal"`
	Role      string `json:"role"`
}

type tag struct {
	// Column is the path; empty for a tag on the asset itself.
	Column     string   `json:"column"`
	Label      string   `json:"label"`
	Form       string   `json:"form"`
	Confidence float64  `json:"confidence"`
	Evidence   []string `json:"evidence"`
}

type edge struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Kind     string `json:"kind"`
	Function string `json:"function"`
	Masking  bool   `json:"masking"`
	Outcome  string `json:"outcome"`
}

type removed struct {
	Asset string `json:"asset"`
	Edge  *edge  `json:"edge"`
}

type scope struct {
	// Parent is the container; empty for the whole source.
	Parent string `json:"parent"`
}

// take turns a fact into facts of the graph.
func (r *reader) take(at string, f fact) error {
	set := 0
	for _, is := range []bool{f.Asset != nil, f.Edge != nil, f.Removed != nil, f.ScopeDone != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		r.fault(at, fmt.Sprintf("says %d things", set), "write exactly one of asset, edge, removed and scopeDone")
		return nil
	}
	switch {
	case f.Asset != nil:
		return r.asset(join(at, "asset"), *f.Asset)
	case f.Edge != nil:
		if e, ok := r.edge(join(at, "edge"), *f.Edge); ok {
			r.add(join(at, "edge"), graph.EdgeSeen{Edge: e})
		}
	case f.Removed != nil:
		r.removed(join(at, "removed"), *f.Removed)
	default:
		parent := graph.Ref{}
		if f.ScopeDone.Parent != "" {
			parent = r.ref(join(at, "scopeDone.parent"), f.ScopeDone.Parent, false)
		}
		r.add(join(at, "scopeDone"), graph.ScopeDone{Scope: graph.Scope{Parent: parent}})
	}
	return nil
}

func (r *reader) add(at string, f graph.Fact) {
	r.batch.Facts, r.places = append(r.batch.Facts, f), append(r.places, at)
}

// sign makes all facts the source's own, which may stand behind them in the
// body, and asks of them what is asked of every source's.
func (r *reader) sign() {
	says := graph.Provenance{Kind: graph.BySource, Name: r.batch.Source}
	for i, f := range r.batch.Facts {
		switch is := f.(type) {
		case graph.AssetSeen:
			is.Asset.Source = r.batch.Source
			for n := range is.Owners {
				is.Owners[n].Provenance = says
			}
			for n := range is.Grants {
				is.Grants[n].Provenance = says
			}
			f = is
		case graph.TagSeen:
			is.Tag.Provenance = says
			f = is
		case graph.ScopeDone:
			is.Scope.Source = r.batch.Source
			f = is
		}
		r.batch.Facts[i] = f
		if err := ingest.CheckFact(r.batch.Source, f); err != nil {
			r.fault(r.places[i], strings.TrimPrefix(err.Error(), "fact: "), "correct it")
		}
	}
}

func (r *reader) asset(at string, a asset) error {
	if len(a.Columns) > r.limits.Columns {
		return fmt.Errorf("%s has %d columns, more than %d: %w", at, len(a.Columns), r.limits.Columns, ErrTooLarge)
	}
	if n := len(a.Owners) + len(a.Grants) + len(a.Tags); n > r.limits.Columns {
		return fmt.Errorf("%s has %d owners, grants and tags, more than %d: %w", at, n, r.limits.Columns, ErrTooLarge)
	}
	before := len(r.wrong) + r.more
	ref := r.ref(join(at, "ref"), a.Ref, false)
	if other, ok := r.batch.at[ref]; ok && !ref.IsZero() {
		r.fault(join(at, "ref"), fmt.Sprintf("is told by %s already", other), "tell each asset once")
	}
	r.batch.at[ref] = at
	r.oneOf(join(at, "kind"), a.Kind, kinds())
	var parent graph.Ref
	if a.Parent != "" {
		parent = r.ref(join(at, "parent"), a.Parent, false)
	}
	for _, f := range [][2]string{{"location", a.Location}, {"title", a.Title}, {"description", a.Description}, {"definition", a.Definition}, {"unread", a.Unread}} {
		r.text(join(at, f[0]), f[1])
	}
	for _, key := range slices.Sorted(maps.Keys(a.Labels)) {
		r.name(join(at, "labels"), key, true)
		r.text(join(at, "labels."+key), a.Labels[key])
	}
	seen := graph.AssetSeen{Asset: graph.Asset{
		Ref: ref, Kind: graph.Kind(a.Kind), Parent: parent, Location: a.Location, Title: a.Title,
		Description: a.Description, Labels: a.Labels, Definition: a.Definition, Unread: a.Unread,
	}}
	seen.Columns = r.columns(at, ref, a.Columns)
	r.people(at, &seen, a)
	tags := r.tags(at, ref, seen.Columns, a.Tags)
	if len(r.wrong)+r.more > before {
		return nil
	}
	r.add(at, seen)
	for i, t := range tags {
		r.add(fmt.Sprintf("%s.tags[%d]", at, i), graph.TagSeen{Tag: t})
	}
	return nil
}

func (r *reader) columns(at string, ref graph.Ref, columns []column) []graph.Column {
	if len(columns) == 0 {
		return nil
	}
	out := make([]graph.Column, 0, len(columns))
	once := make(map[string]bool, len(columns))
	for i, c := range columns {
		is := graph.Column{Ref: ref.Column(c.Path), Position: i, Type: c.Type, Mode: graph.Mode(c.Mode), Description: c.Description}
		if is.Mode == "" {
			is.Mode = graph.ModeNullable
		}
		if !isName(c.Path) || !isName(c.Type) || once[is.Key()] || !isMode(is.Mode) || !isText(c.Description) {
			here := fmt.Sprintf("%s.columns[%d]", at, i)
			r.name(here+".path", c.Path, true)
			r.name(here+".type", c.Type, true)
			r.oneOf(here+".mode", string(is.Mode), []string{string(graph.ModeNullable), string(graph.ModeRequired), string(graph.ModeRepeated)})
			r.text(here+".description", c.Description)
			if once[is.Key()] {
				r.fault(here+".path", fmt.Sprintf("%q is the path of another column", c.Path), "give each column a path of its own")
			}
		}
		once[is.Key()] = true
		out = append(out, is)
	}
	return out
}

// people reads owners and grants.
func (r *reader) people(at string, seen *graph.AssetSeen, a asset) {
	says := graph.Provenance{Kind: graph.BySource}
	once := map[string]bool{}
	for i, o := range a.Owners {
		here := fmt.Sprintf("%s.owners[%d]", at, i)
		is := graph.Owner{Asset: seen.Asset.Ref, Principal: o.Principal, Role: graph.OwnerRole(o.Role), Provenance: says}
		if is.Role == "" {
			is.Role = graph.OwnerAccountable
		}
		r.principal(here+".principal", o.Principal, "user:", "group:", "team:")
		r.oneOf(here+".role", string(is.Role), []string{string(graph.OwnerAccountable), string(graph.OwnerTechnical)})
		r.once(here, is.Key(), once)
		seen.Owners = append(seen.Owners, is)
	}
	for i, g := range a.Grants {
		here := fmt.Sprintf("%s.grants[%d]", at, i)
		is := graph.Grant{On: seen.Asset.Ref, Principal: g.Principal, Role: g.Role, Provenance: says}
		r.principal(here+".principal", g.Principal, "user:", "group:", "domain:", "special:", "view:", "dataset:")
		r.name(here+".role", g.Role, true)
		r.once(here, "grant "+is.Key(), once)
		seen.Grants = append(seen.Grants, is)
	}
}

func (r *reader) tags(at string, ref graph.Ref, columns []graph.Column, tags []tag) []graph.Tag {
	out := make([]graph.Tag, 0, len(tags))
	once, there := map[string]bool{}, make(map[string]bool, len(columns))
	for _, c := range columns {
		there[c.Key()] = true
	}
	for i, t := range tags {
		here := fmt.Sprintf("%s.tags[%d]", at, i)
		is := graph.Tag{
			Ref: ref.Column(t.Column), Label: t.Label, State: graph.TagProposed, Form: graph.TagForm(t.Form), Confidence: t.Confidence,
			Evidence: t.Evidence, Provenance: graph.Provenance{Kind: graph.BySource},
		}
		if is.Form == "" {
			is.Form = graph.FormClear
		}
		if is.Confidence == 0 {
			is.Confidence = 1
		}
		if t.Column != "" && !there[is.Ref.Key()] {
			r.fault(here+".column", fmt.Sprintf("%q is no column of the asset", t.Column), "name one of its columns, or none for the asset itself")
		}
		if is.Confidence < 0 || is.Confidence > 1 {
			r.fault(here+".confidence", fmt.Sprintf("%v is not above 0 and up to 1", t.Confidence), "leave it out where you are sure")
		}
		r.name(here+".label", t.Label, true)
		r.oneOf(here+".form", string(is.Form), []string{string(graph.FormClear), string(graph.FormPseudonymous)})
		for _, e := range t.Evidence {
			r.text(here+".evidence", e)
		}
		r.once(here, is.Key(), once)
		out = append(out, is)
	}
	return out
}

func (r *reader) edge(at string, e edge) (graph.Edge, bool) {
	before := len(r.wrong) + r.more
	is := graph.Edge{Kind: graph.EdgeKind(e.Kind), Function: e.Function, Masking: e.Masking, Outcome: graph.Outcome(e.Outcome), Because: graph.EvidencePush}
	columns := strings.Contains(e.From, "#")
	is.From, is.To = r.ref(at+".from", e.From, columns), r.ref(at+".to", e.To, columns)
	if is.Kind == "" {
		is.Kind = graph.EdgeReads
		if columns {
			is.Kind = graph.EdgeTransformation
		}
	}
	if is.Outcome == "" {
		is.Outcome = graph.OutcomeExact
	}
	r.oneOf(at+".kind", string(is.Kind), edgeKinds())
	r.oneOf(at+".outcome", string(is.Outcome), []string{string(graph.OutcomeExact), string(graph.OutcomePartial)})
	r.name(at+".function", e.Function, false)
	return is, len(r.wrong)+r.more == before
}

func (r *reader) removed(at string, gone removed) {
	if (gone.Asset == "") == (gone.Edge == nil) {
		r.fault(at, "names both an asset and an edge, or neither", "name one of the two")
		return
	}
	if gone.Edge != nil {
		if e, ok := r.edge(at+".edge", *gone.Edge); ok {
			r.add(at, graph.EdgeGone{Edge: e})
		}
		return
	}
	if ref := r.ref(at+".asset", gone.Asset, false); !ref.IsZero() {
		r.batch.Gone = append(r.batch.Gone, ref)
	}
}
