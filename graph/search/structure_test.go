package search

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
)

// Law: the dictionary finds by beginning and by one edit what looking at every
// word finds, whatever came in which order.
func TestDictionaryEqualsLookingAtEveryWord(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 20))
		var d dictionary
		ids := map[string]uint32{}
		draw := func() string {
			word := make([]rune, shortPrefix+1+r.IntN(5))
			for i := range word {
				word[i] = pick(r, 'a', 'b', 'c', 'ö', '1')
			}
			return string(word)
		}
		for range 4000 {
			word := draw()
			id := d.id(word)
			if was, ok := ids[word]; ok && was != id {
				t.Fatalf("%q is number %d and %d", word, was, id)
			}
			ids[word] = id
		}
		for range 200 {
			asked := draw()
			matching := func(means func(word string) bool) (want []uint32) {
				for word, id := range ids {
					if means(word) {
						want = append(want, id)
					}
				}
				slices.Sort(want)
				return want
			}
			same := func(what string, want, got []uint32) {
				t.Helper()
				slices.Sort(got)
				if diff := gocmp.Diff(want, slices.Compact(got)); diff != "" {
					t.Fatalf("seed %d, %s %q (-want +got):\n%s", seed, what, asked, diff)
				}
			}
			var begun, near []uint32
			d.beginning(asked, func(id uint32) { begun = append(begun, id) })
			same("beginning with", matching(func(word string) bool { return strings.HasPrefix(word, asked) }), begun)
			if canBeNear(asked) {
				d.near(asked, func(id uint32) { near = append(near, id) })
				same("near", matching(func(word string) bool { return naiveOneEdit(asked, word) }), near)
			}
		}
	}
}

// Law: an order holds what was put in and not taken out, sorted, and gives all
// that is not before a place.
func TestOrderIsSorted(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 21))
	var o ordered
	in := map[uint32]bool{}
	before := func(n uint32) func(uint32) bool { return func(slot uint32) bool { return slot < n } }
	for step := range 20_000 {
		n := r.Uint32N(3000)
		if in[n] {
			o.remove(before(n))
			delete(in, n)
		} else {
			o.insert(n, before(n))
			in[n] = true
		}
		if step%1000 != 0 {
			continue
		}
		from := r.Uint32N(3000)
		var want, got []uint32
		for _, n := range slices.Sorted(maps.Keys(in)) {
			if n >= from {
				want = append(want, n)
			}
		}
		o.from(before(from), func(n uint32) bool { got = append(got, n); return true })
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("step %d, from %d (-want +got):\n%s", step, from, diff)
		}
	}
}

// Law: postings give back what was added and not swept, whether they are one,
// few or so many that they are kept in another form.
func TestPostingsEqualASet(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, fewPostings, fewPostings + 2, 3 * fewSlots, 150_000} {
		r := rand.New(rand.NewPCG(uint64(n), 22))
		size := uint32(max(200, 2*n))
		var p postings
		want := map[uint32]field{}
		for len(want) < n {
			slot := r.Uint32N(size)
			if want[slot] == 0 {
				want[slot] = field(1 + r.IntN(1<<fieldBits-1))
				p.add(newPosting(slot, want[slot]))
			}
		}
		gone := make(bitmap, size/64+1)
		for range size / 3 {
			slot := r.Uint32N(size)
			gone.add(slot)
		}
		for range 2 {
			var f found
			for i := range f {
				f[i] = make(bitmap, size/64+1)
			}
			p.into(&f)
			for slot := range size {
				got := field(0)
				for i := range f {
					if f[i].has(slot) {
						got |= 1 << i
					}
				}
				if got != want[slot] {
					t.Fatalf("of %d, slot %d stands in fields %b, want %b", n, slot, got, want[slot])
				}
			}
			p.without(gone)
			maps.DeleteFunc(want, func(slot uint32, _ field) bool { return gone.has(slot) })
		}
		all := make(bitmap, size/64+1)
		for i := range all {
			all[i] = ^uint64(0)
		}
		if p.without(all); p.first != 0 || p.rest != nil {
			t.Errorf("of %d, something is left: %+v", n, p)
		}
	}
}

// Law: documents that come and go leave no more behind than what stands.
func TestWhatIsGoneIsSweptAway(t *testing.T) {
	t.Parallel()
	x := New()
	const standing = 200
	for n := range 40 * standing {
		d := described(table("d", fmt.Sprintf("t%d", n%standing), "email"), fmt.Sprintf("version %d", n))
		d.Owners = []string{fmt.Sprintf("user:%d", n%7)}
		x.Put(d)
	}
	if slots := len(x.entries); slots > 3*standing || x.Len() != standing {
		t.Errorf("%d documents take %d slots", x.Len(), slots)
	}
	last := 40*standing - 1
	if r := query(t, x, Query{Text: fmt.Sprint("version ", last)}, graph.Everything()); r.Total != 1 {
		t.Errorf("the last version is found %d times", r.Total)
	}
	if r := query(t, x, Query{Text: "version 4017"}, graph.Everything()); r.Total != 0 {
		t.Errorf("%d versions that are gone are found", r.Total)
	}
	for n := range standing {
		x.Remove(table("d", fmt.Sprintf("t%d", n)).Asset.Ref)
	}
	for len(x.sweep.dead)+len(x.sweep.going) > minDead {
		// Each change sweeps a part, one that changes nothing too.
		x.Remove(graph.BigQueryRef("p", "d", "none"))
	}
	for id, p := range x.terms {
		var f found
		for i := range f {
			f[i] = make(bitmap, len(x.live))
		}
		p.into(&f)
		for _, slot := range x.free {
			if f[0].has(slot) || f[1].has(slot) || f[2].has(slot) || f[3].has(slot) {
				t.Fatalf("word %d stands in slot %d, which is free", id, slot)
			}
		}
	}
	if x.Len() != 0 || len(x.free) == 0 {
		t.Errorf("%d documents are left and %d slots free", x.Len(), len(x.free))
	}
}

// Law: a filter that was driven out by others is judged anew and shows the
// same, and filters that differ in how values are divided are told apart.
func TestFiltersDoNotMix(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 23))
	docs := randomDocs(r, 60)
	x := indexOf(docs)
	filters := []graph.Filter{
		{Visible: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"table", "view"}}}}},
		{Visible: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"tableview"}}}}},
		{Visible: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"table"}}, {Attribute: graph.AttributeKind, In: []string{"view"}}}}},
		{Visible: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"table"}}}, {{Attribute: graph.AttributeKind, In: []string{"view"}}}}},
		{Visible: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"table"}}}}, Discoverable: []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{"view"}}}}},
		{Visible: []graph.Clause{{{Attribute: "what nobody knows", In: []string{"table"}}}}},
		{Visible: []graph.Clause{{{Attribute: graph.AttributeNamespace, In: []string{"bigquery"}}}}},
		{Visible: []graph.Clause{{{Attribute: graph.AttributeNamespace, In: []string{"kafka"}}}}},
		{Visible: []graph.Clause{{{Attribute: graph.AttributeParent}}}},
	}
	for ref := range docs {
		filters = append(filters, graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeRef, In: []string{ref.String(), "%", "bigquery/none"}}}}})
	}
	for n := range maxViews {
		filters = append(filters, graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeOwner, In: []string{fmt.Sprint("user:", n), pick(r, "user:ana", "team:x", "user:b")}}}}})
	}
	for range 2 {
		for i, f := range filters {
			want, _ := naive{docs: docs, filter: f}.query(Query{})
			if diff := gocmp.Diff(want, refsOf(query(t, x, Query{First: maxFirst}, f))); diff != "" {
				t.Errorf("filter %d (-want +got):\n%s", i, diff)
			}
		}
	}
	if len(x.views.last) != maxViews || x.maxViews() != maxViews {
		t.Errorf("%d views are kept", len(x.views.last))
	}
}

// Usage decides between hits that are otherwise equal, by its order of
// magnitude and up to a cap, and never before the stage or the length of a
// name.
func TestUsageBreaksTies(t *testing.T) {
	t.Parallel()
	x := New()
	for name, usage := range map[string]int{
		"orders_b": 100, "orders_c": 127, "orders_a": 2, "orders": 0, "orders_x_y": 1 << 40, "orders_z": 1 << 40, "orders_y": maxUsage, "orders_w": -5,
	} {
		d := table("d", name)
		d.Usage = usage
		x.Put(d)
	}
	unread := described(table("d", "notes"), "orders")
	unread.Usage = 1 << 40
	x.Put(unread)
	var got []string
	for _, h := range query(t, x, Query{Text: "orders"}, graph.Everything()).Hits {
		got = append(got, h.Asset.Ref.Base())
	}
	want := []string{"orders", "orders_y", "orders_z", "orders_b", "orders_c", "orders_a", "orders_w", "orders_x_y", "notes"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
}

// Law: compareLower says of a text what comparing it in lower case says.
func FuzzCompareLower(f *testing.F) {
	for _, s := range [][2]string{{"a", "B"}, {"Ab", "ab"}, {"größe", "GRÖSSE"}, {"İ", "i"}, {"abc", "ab"}, {"ab", "abö"}, {"Z", "a"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		lower := strings.ToLower(b)
		if got, want := compareLower(a, lower), cmp.Compare(strings.ToLower(a), lower); got != want {
			t.Fatalf("%q against %q: %d, want %d", a, lower, got, want)
		}
	})
}
