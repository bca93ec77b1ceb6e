package view

import (
	"slices"

	"cadastre.dev/cadastre/graph"
)

// Desired is what should stand in a target, as the catalog and the policy have
// it at one revision. It always covers the whole target: a view in one of our
// containers that follows from nothing here is dropped.
type Desired struct {
	// Catalog, Target, Revision and Policy go into the plan as they are.
	Catalog  string
	Target   string
	Revision graph.Revision
	Policy   string
	// Names says how containers and views are called.
	Names Naming
	// Publisher is the principal as whom the target writes, "user:…". Its
	// ownership of our containers is no finding. Defaults to nobody: then
	// project owners alone may own them.
	Publisher string
	// Audiences are all configured audiences.
	Audiences []graph.Audience
	// Bases are all assets that may have views. What is no table or view of
	// the warehouse, and what lies in our own containers, is passed over.
	Bases []Base
	// Decisions are the policy's answers by audience and class. What is
	// missing is denied.
	Decisions map[Asked]graph.Decision
	// KeyIDs chooses the key row of a key domain, so that keys can be
	// rotated: domain → id. Defaults to the domain itself.
	KeyIDs map[string]string
	// DirectRead is the level of the finding that an audience can read, past
	// its view, a base of which the view hides something. Defaults to
	// graph.FindingBlock.
	DirectRead graph.FindingLevel
}

// Base is an asset that may have a view for each audience.
type Base struct {
	Asset graph.Asset
	// Columns are all columns at every depth, in any order.
	Columns []Column
	// Reads are the assets that a base which is itself a view reads, where
	// that is known.
	Reads []graph.Ref
	// Grants are rights on the asset itself, where the catalog knows of any;
	// those on its container are read from the target.
	Grants []graph.Grant
}

// Column is a column of a base with what decides about it.
type Column struct {
	graph.Column
	// Class is the column's access class.
	Class graph.Class
	// Assessment is what is known of its content. Whatever the decision says,
	// an untouched column, and one without an assessment, is left out.
	Assessment graph.Assessment
}

// Asked names a decision: what an audience gets of a class.
type Asked struct {
	Audience string
	Class    graph.Class
}

// Want lists what a target must read before planning.
type Want struct {
	// Names tells the target which other containers are ours: those of
	// audiences that are no more are reported too.
	Names Naming
	// Containers and Keys are the view and key containers to be, Sources the
	// containers of the bases. Each is sorted. What does not exist is left
	// out of the answer.
	Containers, Keys, Sources []graph.Ref
	// Bases are the assets of which some audience may be shown something.
	Bases []graph.Ref
}

// Want returns what a target must read so that d can be planned.
func (d Desired) Want() Want {
	containers, keys, sources := map[graph.Ref]bool{}, map[graph.Ref]bool{}, map[graph.Ref]bool{}
	w := Want{Names: d.Names}
	for _, b := range d.Bases {
		if !d.isBase(b.Asset) {
			continue
		}
		if d.mayShow(b) {
			w.Bases = append(w.Bases, b.Asset.Ref)
		}
		sources[b.Asset.Ref.Parent()] = true
		for _, r := range b.Reads {
			if parent := r.Parent(); !parent.IsZero() && !d.Names.Owns(parent) {
				sources[parent] = true
			}
		}
		if b.Asset.Location == "" {
			continue
		}
		keys[d.Names.Keys(b.Asset.Location)] = true
		for _, a := range d.Audiences {
			containers[d.Names.Container(a.Name, b.Asset.Location)] = true
		}
	}
	w.Containers, w.Keys, w.Sources = sortedRefs(containers), sortedRefs(keys), sortedRefs(sources)
	slices.SortFunc(w.Bases, graph.CompareRefs)
	w.Bases = slices.Compact(w.Bases)
	return w
}

// isBase says whether an asset may have views: it holds rows, lies in a
// container, and is not published by ourselves.
func (d Desired) isBase(a graph.Asset) bool {
	switch a.Kind {
	case graph.KindTable, graph.KindView, graph.KindMaterializedView, graph.KindExternalTable, graph.KindSnapshot:
		return !a.Ref.Parent().IsZero() && !d.Names.Owns(a.Ref.Parent())
	default:
		return false
	}
}

// mayShow says whether any audience may be shown anything of a base. Most of a
// large warehouse is not, and need not be read.
func (d Desired) mayShow(b Base) bool {
	for _, c := range b.Columns {
		if c.IsRecord() || !c.isAssessed() {
			continue
		}
		for _, a := range d.Audiences {
			if e := d.Decisions[Asked{a.Name, c.Class}].Effect; e == graph.EffectAllow || e == graph.EffectMask {
				return true
			}
		}
	}
	return false
}

// isAssessed says whether somebody or something has looked at the column.
func (c Column) isAssessed() bool {
	return c.Assessment == graph.Tagged || c.Assessment == graph.AssessedNone
}

// keyID returns the key row of a domain.
func (d Desired) keyID(domain string) string {
	if id, ok := d.KeyIDs[domain]; ok {
		return id
	}
	return domain
}

func sortedRefs(set map[graph.Ref]bool) []graph.Ref {
	refs := make([]graph.Ref, 0, len(set))
	for r := range set {
		refs = append(refs, r)
	}
	slices.SortFunc(refs, graph.CompareRefs)
	return refs
}
