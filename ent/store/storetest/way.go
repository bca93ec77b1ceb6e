package storetest

import (
	"slices"
	"strings"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/walk"
	"github.com/google/go-cmp/cmp"
)

// waysAreToldWholeOrNot carries tags down random lineage, as the program does,
// and compares what a reader is told of them with what each table that their
// evidence names would allow. The names are searched for in the text itself,
// so that the law does not rest on how evidence is read.
func waysAreToldWholeOrNot(t *testing.T, open Open) {
	var whole, reduced int
	for seed := range uint64(8) {
		w, s := newWorld(200+seed), open(t, store.Config{})
		now := w.carried()
		put(t, s, items(now.Sorted())...)
		for range 25 {
			f := w.filter()
			seen := judge(now, f)
			r := reader(t, s, f, 0)
			told := must[map[graph.Ref][]graph.Tag](t)(r.Tags(t.Context(), slices.Collect(mapKeys(seen))...))
			snapshot := must[graph.Snapshot](t)(r.Snapshot(t.Context(), graph.Scope{}))
			for _, i := range now.Sorted() {
				tag, ok := i.(graph.Tag)
				if !ok || seen[tag.About()] != graph.Visible {
					continue
				}
				if tag.Provenance.Kind == graph.ByPropagation {
					if named := tag.Provenance.Name + strings.Join(tag.Evidence, "\n"); namesLessThanVisible(named, seen) {
						tag.Provenance, tag.Evidence = graph.Provenance{Kind: graph.ByPropagation}, nil
						reduced++
					} else {
						whole++
					}
				}
				if !slices.ContainsFunc(told[tag.About()], func(got graph.Tag) bool { return cmp.Equal(tag, got) }) {
					t.Fatalf("seed %d, %+v: Tags does not tell\n%+v\nbut\n%+v", seed, f, tag, told[tag.About()])
				}
				if got, _ := snapshot.Get(tag); !cmp.Equal(graph.Item(tag), got) {
					t.Fatalf("seed %d, %+v: Snapshot tells\n%+v\nwant\n%+v", seed, f, got, tag)
				}
			}
		}
	}
	if whole < 20 || reduced < 20 {
		t.Errorf("%d tags told whole and %d reduced: too few to mean anything", whole, reduced)
	}
}

// namesLessThanVisible says whether a text names a table that is not visible.
func namesLessThanVisible(text string, seen map[graph.Ref]graph.Visibility) bool {
	for n := range worldTables {
		if strings.Contains(text, token(n)) && seen[tableRef(n)] != graph.Visible {
			return true
		}
	}
	return false
}

// carried draws tables, lineage among their columns, tags on some of them, and
// all that follows.
func (w world) carried() graph.Snapshot {
	now := w.tables()
	var (
		edges []graph.Edge
		tags  []graph.Tag
	)
	for range 40 {
		edges = append(edges, w.edge().(graph.Edge))
	}
	for range 8 {
		tags = append(tags, graph.Tag{
			Ref: w.column(), Label: one(w, "user.contact.email", "user.name"), State: graph.TagConfirmed, Form: graph.FormClear,
			Confidence: 1, Provenance: graph.Provenance{Kind: graph.ByDetector, Name: "made up"},
		})
	}
	for range 4 {
		now.Put(graph.Owner{Asset: w.table(), Principal: w.principal(), Role: graph.OwnerTechnical})
	}
	putItems(now, edges)
	putItems(now, tags)
	putItems(now, walk.Propagate(edges, tags))
	return now
}

func putItems[T graph.Item](into graph.Snapshot, items []T) {
	for _, i := range items {
		into.Put(i)
	}
}

// aWayThatCannotBeRead is told of no principal, whatever made it unreadable:
// only the program itself, which sees everything, still has it.
func aWayThatCannotBeRead(t *testing.T, open Open) {
	from, over, to := tableRef(0).Column("id"), tableRef(1).Column("id"), tableRef(2).Column("id")
	good := []string{from.String() + " → " + over.String() + " (identity)", over.String() + " → " + to.String() + " (identity)"}
	for _, c := range []struct {
		name, origin string
		evidence     []string
		told         bool
	}{
		{"as it was written", from.String(), good, true},
		{"from the asset that holds the column", from.Asset().String(), good, true},
		{"without evidence", from.String(), nil, false},
		{"in other words", from.String(), []string{"it came from " + over.String()}, false},
		{"without its middle", from.String(), []string{good[0], to.String() + " → " + to.String() + " (identity)"}, false},
		{"without its end", from.String(), good[:1], false},
		{"without its beginning", from.String(), good[1:], false},
		{"with a line behind", from.String(), append(slices.Clip(good), "so it is"), false},
		{"from elsewhere", over.String(), good, false},
		{"from nowhere", "", good, false},
		{"from what is no ref", "a#b#c", good, false},
	} {
		s := open(t, store.Config{})
		tag := graph.Tag{
			Ref: to, Label: "user.name", State: graph.TagProposed, Form: graph.FormClear, Confidence: 1, Evidence: c.evidence,
			Provenance: graph.Provenance{Kind: graph.ByPropagation, Name: c.origin},
		}
		all := graph.NewSnapshot(tag)
		for n := range 3 {
			all.Put(graph.Asset{Ref: tableRef(n), Kind: graph.KindTable, Source: "warehouse"})
		}
		put(t, s, items(all.Sorted())...)
		want := tag
		if !c.told {
			want.Evidence, want.Provenance.Name = nil, ""
		}
		tables := graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"table"}}}}}
		for _, view := range []struct {
			name   string
			filter graph.Filter
			want   graph.Tag
		}{{"a principal who sees all tables", tables, want}, {"the program", graph.Everything(), tag}} {
			r := reader(t, s, view.filter, 0)
			got := must[map[graph.Ref][]graph.Tag](t)(r.Tags(t.Context(), to.Asset()))[to.Asset()]
			if diff := cmp.Diff([]graph.Tag{view.want}, got); diff != "" {
				t.Errorf("%s, for %s (-want +got):\n%s", c.name, view.name, diff)
			}
			for _, v := range must[[]store.Version](t)(r.History(t.Context(), to)) {
				if got, ok := v.Item.(graph.Tag); ok && !cmp.Equal(view.want, got) {
					t.Errorf("%s, history for %s:\n%s", c.name, view.name, cmp.Diff(view.want, got))
				}
			}
		}
	}
}
