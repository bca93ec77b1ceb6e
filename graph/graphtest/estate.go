package graphtest

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Estate is the catalog of a made-up company of any size: projects and
// datasets by domain and layer, tables, shards, views and topics with flat,
// nested and repeated columns, descriptions, owners, labels, grants, tags and
// lineage. Some words stand in nearly every name and most in few, and each name
// has a number that no other has, as in real warehouses.
//
// Nothing is kept: whatever is asked of asset n is made anew from the seed and
// n alone, so that a million assets take no memory and two estates of one seed
// agree, as far as both go. It may be used concurrently.
type Estate struct {
	seed            uint64
	assets, columns int
}

// EstateSource is the name of the source that sees an Estate.
const EstateSource = "warehouse"

// perContainer is how many assets lie in one container.
const perContainer = 250

// NewEstate returns an estate of so many assets, beside the datasets that hold
// them, with so many columns an asset on average.
func NewEstate(seed uint64, assets, columns int) Estate {
	return Estate{seed: seed, assets: assets, columns: columns}
}

// Len returns how many assets there are, without their containers.
func (e Estate) Len() int { return e.assets }

// Containers returns how many containers hold them.
func (e Estate) Containers() int { return (e.assets + perContainer - 1) / perContainer }

// Facts gives what a crawl would see, container by container: the container,
// each of its assets with the tags that the source declares, and that the
// container was seen whole.
func (e Estate) Facts() iter.Seq[graph.Fact] {
	return func(yield func(graph.Fact) bool) {
		for k := range e.Containers() {
			container := e.Container(k)
			if !yield(container) {
				return
			}
			for n := k * perContainer; n < min((k+1)*perContainer, e.assets); n++ {
				seen := e.At(n)
				if !yield(seen) {
					return
				}
				for _, t := range declared(e.tags(n, seen.Columns)) {
					if !yield(graph.TagSeen{Tag: t}) {
						return
					}
				}
			}
			if !yield(graph.ScopeDone{Scope: graph.Scope{Source: EstateSource, Parent: container.Asset.Ref}}) {
				return
			}
		}
	}
}

// Assets gives the containers and assets alone, each container before what it
// holds.
func (e Estate) Assets() iter.Seq[graph.AssetSeen] {
	return func(yield func(graph.AssetSeen) bool) {
		for f := range e.Facts() {
			if seen, ok := f.(graph.AssetSeen); ok && !yield(seen) {
				return
			}
		}
	}
}

// Items gives all items of one asset after the other, as a store would hold
// them: the asset, its columns, owners, grants, tags of all witnesses, and the
// statement and edges that make it.
func (e Estate) Items() iter.Seq[graph.Item] {
	return func(yield func(graph.Item) bool) {
		for k := range e.Containers() {
			if !each(seenItems(e.Container(k)), yield) {
				return
			}
			for n := k * perContainer; n < min((k+1)*perContainer, e.assets); n++ {
				if !each(e.ItemsAt(n), yield) {
					return
				}
			}
		}
	}
}

// ItemsAt returns the items of asset n, as Items gives them.
func (e Estate) ItemsAt(n int) []graph.Item {
	seen := e.At(n)
	items := seenItems(seen)
	for _, t := range e.tags(n, seen.Columns) {
		items = append(items, t)
	}
	statement, edges := e.LineageAt(n)
	if statement.ID != "" {
		items = append(items, statement)
	}
	for _, edge := range edges {
		items = append(items, edge)
	}
	return items
}

// TagsAt returns what all witnesses say of the columns of asset n.
func (e Estate) TagsAt(n int) []graph.Tag { return e.tags(n, e.At(n).Columns) }

// Container returns the dataset that holds the assets from k×250 on.
func (e Estate) Container(k int) graph.AssetSeen {
	r := e.rand(k, drawContainer)
	ref := e.containerRef(k)
	group := "group:" + domainOf(k) + "-data@example.org"
	says := graph.Provenance{Kind: graph.BySource, Name: EstateSource}
	return graph.AssetSeen{
		Asset: graph.Asset{
			Ref: ref, Kind: graph.KindDataset, Source: EstateSource, Location: "EU",
			Description: pick(r, "", "What the team of "+domainOf(k)+" keeps"), Labels: map[string]string{"domain": domainOf(k), "layer": layerOf(k)},
		},
		Owners: []graph.Owner{{Asset: ref, Principal: group, Role: graph.OwnerAccountable, Provenance: says}},
		Grants: []graph.Grant{
			{On: ref, Principal: group, Role: "OWNER", Provenance: says},
			{On: ref, Principal: "group:analysts@example.org", Role: "READER", Provenance: says},
		},
	}
}

// At returns asset n with its columns, owners and grants.
func (e Estate) At(n int) graph.AssetSeen {
	r := e.rand(n, drawAsset)
	k := n / perContainer
	a := graph.Asset{Kind: kindOf(n), Source: EstateSource, Location: "EU"}
	name := e.name(r, n)
	if a.Kind == graph.KindTopic {
		a.Ref = graph.Ref{Namespace: "kafka://broker:9092", Name: domainOf(k) + "." + strings.ReplaceAll(name, "_", "-")}
	} else {
		parent := e.containerRef(k)
		a.Parent, a.Ref = parent, graph.Ref{Namespace: parent.Namespace, Name: parent.Name + "." + name}
	}
	if r.IntN(3) > 0 {
		a.Description = sentence(r, domainOf(k))
	}
	if r.IntN(4) == 0 {
		a.Labels = map[string]string{"team": pick(r, estateDomains()...), "tier": pick(r, "gold", "silver", "bronze")}
	}
	seen := graph.AssetSeen{Asset: a, Columns: e.columnsOf(r, a.Ref)}
	says := graph.Provenance{Kind: graph.BySource, Name: EstateSource}
	seen.Owners = []graph.Owner{{Asset: a.Ref, Principal: fmt.Sprintf("group:%s-%s@example.org", domainOf(k), pick(r, "data", "platform", "analytics")), Role: graph.OwnerAccountable, Provenance: says}}
	if r.IntN(5) == 0 {
		seen.Owners = append(seen.Owners, graph.Owner{Asset: a.Ref, Principal: fmt.Sprintf("user:p%03d@example.org", r.IntN(500)), Role: graph.OwnerTechnical, Provenance: says})
	}
	if r.IntN(10) == 0 {
		seen.Grants = []graph.Grant{{On: a.Ref, Principal: "group:" + pick(r, estateDomains()...) + "-data@example.org", Role: "READER", Provenance: says}}
	}
	if a.Kind.IsView() {
		seen.Asset.Definition = e.selectOf(n, seen.Columns)
	}
	return seen
}

// What is drawn for one number draws from a stream of its own.
const (
	drawAsset = iota
	drawContainer
	drawTags
	drawLineage
)

func (e Estate) rand(n, what int) *rand.Rand {
	return rand.New(rand.NewPCG(e.seed, uint64(n)<<3|uint64(what))) //nolint:gosec // nothing secret is drawn
}

func (e Estate) containerRef(k int) graph.Ref {
	return graph.BigQueryRef("acme-"+domainOf(k)+"-prod", fmt.Sprintf("%s_%s_%d", layerOf(k), domainOf(k), k))
}

func domainOf(k int) string { return estateDomains()[k%len(estateDomains())] }

func layerOf(k int) string {
	return estateLayers()[(k/len(estateDomains())+k)%len(estateLayers())]
}

// kindOf spreads the kinds evenly: of ten assets six are tables.
func kindOf(n int) graph.Kind {
	switch n % 10 {
	case 3, 7:
		return graph.KindView
	case 5:
		return graph.KindTopic
	case 9:
		return pick(rand.New(rand.NewPCG(1, uint64(n))), graph.KindMaterializedView, graph.KindExternalTable, graph.KindSnapshot) //nolint:gosec // nothing secret is drawn
	}
	return graph.KindTable
}

// name is unique in the estate by the number in it.
func (e Estate) name(r *rand.Rand, n int) string {
	entity := pick(r, estateEntities()...)
	switch r.IntN(6) {
	case 0: // one day of a sharded table
		return fmt.Sprintf("%s_%s_%d_2026%02d%02d", entity, coined(r), n, 1+r.IntN(12), 1+r.IntN(28))
	case 1:
		return fmt.Sprintf("stg_%s__%s_%d", coined(r), entity, n)
	case 2:
		return fmt.Sprintf("%s_%s_%s_v%d_%d", pick(r, "fct", "dim", "agg"), entity, pick(r, "daily", "monthly", "hourly", "history"), 1+r.IntN(3), n)
	case 3:
		return fmt.Sprintf("%s%s%d", entity, capital(coined(r)), n)
	case 4:
		return fmt.Sprintf("%s_per_%s_%d", entity, pick(r, estateEntities()...), n)
	}
	return fmt.Sprintf("%s_%s_%s_%d", entity, coined(r), pick(r, "raw", "clean", "events", "snapshot", "export"), n)
}

// declared are those that the source itself says.
func declared(tags []graph.Tag) (own []graph.Tag) {
	for _, t := range tags {
		if t.Provenance.Kind == graph.BySource {
			own = append(own, t)
		}
	}
	return own
}

func seenItems(seen graph.AssetSeen) []graph.Item {
	items := []graph.Item{seen.Asset}
	for _, c := range seen.Columns {
		items = append(items, c)
	}
	for _, o := range seen.Owners {
		items = append(items, o)
	}
	for _, g := range seen.Grants {
		items = append(items, g)
	}
	return items
}

func each[T any](all []T, yield func(T) bool) bool {
	for _, one := range all {
		if !yield(one) {
			return false
		}
	}
	return true
}
