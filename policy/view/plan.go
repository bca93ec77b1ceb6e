package view

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Plan returns what turns the present state of a target into the desired one.
// It is pure, and its answer does not depend on any order in its input. When
// the plan has been applied, planning again gives no step.
//
// Steps that take away come first: rights are revoked and views dropped before
// anything is made, and audiences are let in last.
//
// What cannot be planned becomes a finding, and what stands of it is left as
// it is; the rest is planned. An error, graph.ErrInvalid, says that the
// configuration itself is wrong.
func Plan(d Desired, p Present, dialect Dialect) (graph.Plan, error) {
	if err := d.Names.check(d.Audiences); err != nil {
		return graph.Plan{}, fmt.Errorf("plan views: %w", err)
	}
	pl := &planner{
		d: d, p: p, dialect: dialect,
		wanted: map[graph.Ref]bool{}, kept: map[graph.Ref]bool{}, keptNames: map[string]bool{},
		refused: map[graph.Ref]bool{}, touched: map[graph.Ref]bool{},
		needs: map[graph.Ref]*need{}, links: map[link]bool{}, direct: map[direct]int{},
	}
	for _, b := range d.Bases {
		if d.isBase(b.Asset) && d.mayShow(b) {
			pl.base(b)
		}
	}
	pl.leftovers()
	pl.containers()
	pl.authorizations()
	pl.readers()
	pl.directReaders()
	return pl.plan(), nil
}

// planner gathers what one plan is made of.
type planner struct {
	d        Desired
	p        Present
	dialect  Dialect
	steps    []graph.Step
	findings []graph.Finding
	// wanted are the views that should stand. Those that could not be planned
	// are neither made nor dropped: kept has them by ref, keptNames by name
	// where nothing could be planned over their base in any container.
	wanted, kept map[graph.Ref]bool
	keptNames    map[string]bool
	// refused are containers that a finding already names.
	refused map[graph.Ref]bool
	// touched is every object that a step writes or relies on.
	touched map[graph.Ref]bool
	// needs are our containers that must exist, links what must authorize
	// which of them.
	needs map[graph.Ref]*need
	links map[link]bool
	// direct counts the views that hide something from an audience of which
	// a base's container or the base lets a principal read all.
	direct map[direct]int
}

// need is a container that must exist, with what must be in it.
type need struct {
	audience, location string
	keys               map[string]bool
}

// link is an authorization: of the views of a container, by a source.
type link struct {
	source, container graph.Ref
	audience          string
}

// direct is a right to read past the views.
type direct struct {
	on                  graph.Ref
	audience, principal string
	role                string
}

func (pl *planner) base(b Base) {
	ref, location := b.Asset.Ref, b.Asset.Location
	source, ok := pl.p.Containers[ref.Parent()]
	table, there := pl.p.Bases[ref]
	switch {
	case location == "":
		pl.keep(b, "location-unknown", "The catalog does not know where it lies.", "Crawl its source again.")
		return
	case !ok || !there:
		pl.keep(b, "base-missing", "It is not in the warehouse, or the publisher may not see it.", "Crawl its source again, or let the publisher read it.")
		return
	case !strings.EqualFold(source.Location, location):
		pl.keep(b, "location", fmt.Sprintf("The catalog has it in %s, the warehouse in %s.", location, source.Location), "Crawl its source again.")
		return
	}
	s, err := newSchema(b.Columns)
	if err != nil {
		pl.keep(b, "unbuildable", sentence(err), "Rename or repair the column in the base.")
		return
	}
	pl.chain(b)
	for _, a := range pl.d.Audiences {
		pl.view(b, s, table, a)
	}
}

// view plans what one audience gets of a base.
func (pl *planner) view(b Base, s schema, table Table, a graph.Audience) {
	got := pl.d.show(s, a.Name, pl.dialect)
	if len(got.fields) == 0 {
		return
	}
	container := pl.d.Names.Container(a.Name, b.Asset.Location)
	keys := pl.d.Names.Keys(b.Asset.Location)
	ref := pl.d.Names.View(container, b.Asset.Ref)
	if pl.protected(b, a, got.fields, table) || pl.moved(b, ref, got.fields, table) ||
		!pl.usable(container, b.Asset.Location) || (len(got.domains) > 0 && !pl.usable(keys, b.Asset.Location)) {
		pl.kept[ref] = true
		return
	}
	present, stands := pl.p.Views[ref]
	if stands && !present.Managed {
		pl.find(ref, graph.FindingBlock, "foreign-view", "Something that Cadastre did not make has the name of a view to be.", "Remove or rename it.", b.Asset.Ref)
		return
	}
	def := Definition{View: ref, Base: b.Asset.Ref, Audience: a.Name, Fields: got.fields, Keys: keys, KeyIDs: map[string]string{}}
	for _, domain := range got.domains {
		def.KeyIDs[domain] = pl.d.keyID(domain)
	}
	sql, err := pl.dialect.SQL(def)
	if err != nil {
		pl.kept[ref] = true
		pl.find(b.Asset.Ref, levelOf(present), "unbuildable", sentence(err), "Rename or repair the column in the base.")
		return
	}
	pl.wanted[ref] = true
	pl.require(def, b.Asset.Location)
	pl.noteDirect(b, a, got)
	if stands && present.SQL == sql {
		return
	}
	pl.viewStep(def, got, sql, present, stands)
}

// viewStep adds the step that makes or replaces a view.
func (pl *planner) viewStep(def Definition, got shown, sql string, present View, stands bool) {
	step := graph.Step{
		Kind: graph.StepCreateView, Object: def.View, Audience: def.Audience, Base: def.Base,
		Why:   fmt.Sprintf("%s gets %s of %s.", def.Audience, got.summary(), def.Base.Name),
		After: sql, Columns: got.effects, Undo: "Drop the view.",
	}
	if stands {
		step.Kind, step.Before, step.Undo = graph.StepReplaceView, present.SQL, "Put the former text of the view back."
		if present.Edited {
			pl.find(def.View, graph.FindingWarn, "edited-view", "Somebody changed the view since Cadastre wrote it.", "The plan puts it back; find out who and why.", def.Base)
		} else if reading, ok := pl.dialect.Read(present.SQL); ok {
			for i := range step.Columns {
				step.Columns[i].Was = cmp.Or(reading.Effects[step.Columns[i].Path], graph.EffectDeny)
			}
		}
	}
	pl.add(step)
	pl.touch(def.Base, def.Base.Parent(), def.View.Parent())
	if len(def.KeyIDs) > 0 {
		pl.touch(def.Keys)
	}
}

func (s shown) summary() string {
	return fmt.Sprintf("%d of %d columns (%d as they are, %d masked, %d left out)",
		s.allowed+s.masked, len(s.effects), s.allowed, s.masked, len(s.effects)-s.allowed-s.masked)
}

// protected reports visible leaves that the warehouse protects itself. Through
// a view its protection still meets the reader, who would be refused or get
// the hash of a masked value: one plane must be chosen.
func (pl *planner) protected(b Base, a graph.Audience, fields []Field, table Table) bool {
	var names []string
	tagged := map[string]string{}
	for _, c := range b.Columns {
		if len(c.PolicyTags) > 0 {
			tagged[fold(c.Ref.Path)] = c.PolicyTags[0]
		}
	}
	visit(fields, func(f Field) {
		path := fold(f.Path)
		if by := cmp.Or(table.Columns[path].Protection, tagged[path]); by != "" {
			names = append(names, f.Path+" ("+by+")")
		}
	})
	if len(names) == 0 {
		return false
	}
	slices.Sort(names)
	pl.find(b.Asset.Ref, graph.FindingBlock, "protected", fmt.Sprintf("A column is protected by the warehouse itself: %s. A view for %s cannot show it.", strings.Join(names, ", "), a.Name),
		"Take the policy tag or data policy off the column, or deny it to the audience.")
	return true
}

// moved reports visible leaves that the warehouse has no more, or otherwise.
func (pl *planner) moved(b Base, ref graph.Ref, fields []Field, table Table) bool {
	var names []string
	visit(fields, func(f Field) {
		shape, ok := table.Columns[fold(f.Path)]
		if !ok || !sameType(shape.Type, f.Type) || (shape.Mode == graph.ModeRepeated) != (f.Mode == graph.ModeRepeated) {
			names = append(names, f.Path)
		}
	})
	if len(names) == 0 {
		return false
	}
	slices.Sort(names)
	pl.find(b.Asset.Ref, levelOf(pl.p.Views[ref]), "schema-moved", fmt.Sprintf("The warehouse has no longer, or otherwise: %s.", strings.Join(names, ", ")), "Crawl its source again.")
	return true
}

// usable says whether one of our containers can be used or made. One that
// stands without our mark, or elsewhere, is reported once.
func (pl *planner) usable(ref graph.Ref, location string) bool {
	c, ok := pl.p.Containers[ref]
	switch {
	case !ok:
		return true
	case pl.refused[ref]:
		return false
	case !c.Managed:
		pl.find(ref, graph.FindingBlock, "foreign-container", "A container that Cadastre did not make has the name of ours.", "Remove it, choose another prefix, or give it Cadastre's label.")
	case !strings.EqualFold(c.Location, location):
		pl.find(ref, graph.FindingBlock, "location", fmt.Sprintf("The container lies in %s and its bases in %s: a view cannot cross.", c.Location, location), "Remove the container, so that it can be made where the bases are.")
	default:
		return true
	}
	pl.refused[ref] = true
	return false
}

// require notes what a view needs beside itself.
func (pl *planner) require(def Definition, location string) {
	container := def.View.Parent()
	if pl.needs[container] == nil {
		pl.needs[container] = &need{audience: def.Audience, location: location}
	}
	pl.links[link{def.Base.Parent(), container, def.Audience}] = true
	if len(def.KeyIDs) == 0 {
		return
	}
	pl.links[link{def.Keys, container, def.Audience}] = true
	if pl.needs[def.Keys] == nil {
		pl.needs[def.Keys] = &need{location: location, keys: map[string]bool{}}
	}
	for _, id := range def.KeyIDs {
		pl.needs[def.Keys].keys[id] = true
	}
}

// keep reports a base over which nothing can be planned. What stands of it
// stays.
func (pl *planner) keep(b Base, code, what, do string) {
	level := graph.FindingWarn
	for _, a := range pl.d.Audiences {
		ref := pl.d.Names.View(pl.d.Names.Container(a.Name, b.Asset.Location), b.Asset.Ref)
		pl.keptNames[ref.Base()] = true
		if code != "base-missing" && levelOf(pl.p.Views[ref]) == graph.FindingBlock {
			level = graph.FindingBlock
		}
	}
	pl.find(b.Asset.Ref, level, code, what, do)
}

// levelOf says how much it matters that a view cannot be planned: one that
// stands may show what is no longer decided.
func levelOf(v View) graph.FindingLevel {
	if v.Managed {
		return graph.FindingBlock
	}
	return graph.FindingWarn
}

// find notes a finding; about are the assets that its sentences name beside
// ref.
func (pl *planner) find(ref graph.Ref, level graph.FindingLevel, code, what, do string, about ...graph.Ref) {
	pl.findings = append(pl.findings, graph.Finding{Ref: ref, Level: level, Code: code, What: what, Do: do, About: about})
}

func (pl *planner) add(s graph.Step) {
	pl.steps = append(pl.steps, s)
	pl.touch(s.Object)
}

func (pl *planner) touch(refs ...graph.Ref) {
	for _, r := range refs {
		pl.touched[r] = true
	}
}

// plan sorts everything and adds the preconditions.
func (pl *planner) plan() graph.Plan {
	out := graph.Plan{Catalog: pl.d.Catalog, Target: pl.d.Target, Revision: pl.d.Revision, Policy: pl.d.Policy}
	for _, a := range pl.d.Audiences {
		out.Audiences = append(out.Audiences, a.Name)
	}
	slices.Sort(out.Audiences)
	for _, ref := range sortedRefs(pl.touched) {
		if parent := ref.Parent(); pl.d.Names.Owns(parent) && pl.touched[parent] && pl.p.version(parent) == "" {
			continue // its container must not exist, which says as much
		}
		out.Preconditions = append(out.Preconditions, graph.Precondition{Object: ref, Etag: pl.p.version(ref)})
	}
	slices.SortFunc(pl.steps, func(a, b graph.Step) int {
		return cmp.Or(cmp.Compare(stepRank(a.Kind), stepRank(b.Kind)), graph.CompareRefs(a.Object, b.Object),
			strings.Compare(a.Principal, b.Principal), strings.Compare(a.Role, b.Role), strings.Compare(a.After, b.After))
	})
	slices.SortFunc(pl.findings, compareFindings)
	out.Steps, out.Findings = pl.steps, slices.CompactFunc(pl.findings, func(a, b graph.Finding) bool { return compareFindings(a, b) == 0 })
	return out
}

// stepRank orders the kinds: first what takes away, last what lets in.
func stepRank(k graph.StepKind) int {
	return slices.Index([]graph.StepKind{
		graph.StepRevoke, graph.StepDropView, graph.StepCreateContainer, graph.StepPutKey,
		graph.StepReplaceView, graph.StepCreateView, graph.StepAuthorize, graph.StepGrant,
	}, k)
}

func compareFindings(a, b graph.Finding) int {
	level := func(l graph.FindingLevel) int {
		return slices.Index([]graph.FindingLevel{graph.FindingBlock, graph.FindingWarn, graph.FindingInfo}, l)
	}
	return cmp.Or(cmp.Compare(level(a.Level), level(b.Level)), strings.Compare(a.Code, b.Code),
		graph.CompareRefs(a.Ref, b.Ref), strings.Compare(a.What, b.What), strings.Compare(a.Do, b.Do))
}

// version returns what a precondition on an object says.
func (p Present) version(ref graph.Ref) string {
	return cmp.Or(p.Containers[ref].Etag, p.Views[ref].Etag, p.Bases[ref].Version)
}

// sentence writes an error for people, without its kind.
func sentence(err error) string {
	text := strings.TrimSuffix(err.Error(), ": "+graph.ErrInvalid.Error())
	if !errors.Is(err, graph.ErrInvalid) {
		text = err.Error()
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
