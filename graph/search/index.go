package search

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"cadastre.dev/cadastre/graph"
)

// Doc is an asset as it is searched. Title and descriptions are those that
// count.
type Doc struct {
	Asset graph.Asset
	// Owners are written as Owner.Principal.
	Owners []string
	// Columns are in the order of the schema.
	Columns []DocColumn
	// Labels are those of the effective tags on the asset and its columns,
	// without LabelNone, each once.
	Labels []string
	// Said is what else is said of the asset and its columns: the words that
	// stand beside those which count.
	Said []string
}

// DocColumn is a column as it is searched.
type DocColumn struct {
	Ref         graph.Ref
	Description string
}

// field says where in a document a word stands; several may be set.
type field uint8

const (
	inName field = 1 << iota
	inContainer
	inColumn
	inDescription

	fieldBits = 4
	// open are the fields that whoever may only discover an asset knows of:
	// both are told by its ref.
	open = inName | inContainer
)

// posting says in which document a word stands, and there in which fields.
type posting uint32

func newPosting(slot uint32, f field) posting { return posting(slot<<fieldBits | uint32(f)) }

func (p posting) slot() uint32 { return uint32(p) >> fieldBits }

func (p posting) fields() field { return field(p & (1<<fieldBits - 1)) }

// Index holds documents. Queries run side by side; Put and Remove wait for
// them.
type Index struct {
	mu    sync.RWMutex
	slots map[graph.Ref]uint32
	docs  []entry
	free  []uint32
	// terms holds the postings of each word by rising slot.
	terms map[string][]posting
	// sorted holds the words in order; nil after a change of the set of
	// words, and made again by the next query.
	sorted []string
	facets facetValues
}

// entry is a document with what ranking and counting need of it.
type entry struct {
	doc Doc
	// ref is the asset's, name the last part of its name in lower case.
	ref, name string
	// nameWords and fullWords are the words of name and of the whole name,
	// joined; size is how many name has.
	nameWords, fullWords string
	size                 int
	counted              counted
}

// New returns an empty index.
func New() *Index {
	return &Index{slots: map[graph.Ref]uint32{}, terms: map[string][]posting{}, facets: facetValues{ids: map[facetValue]uint32{}}}
}

// Len returns how many documents there are.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.slots)
}

// Put adds a document or replaces the one of the same ref. The index keeps it;
// the caller must not change it afterwards.
func (x *Index) Put(d Doc) {
	words := wordsOf(d)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(d.Asset.Ref)
	slot := uint32(len(x.docs))
	if n := len(x.free); n > 0 {
		slot, x.free = x.free[n-1], x.free[:n-1]
	} else {
		x.docs = append(x.docs, entry{})
	}
	x.docs[slot] = newEntry(d, &x.facets)
	x.slots[d.Asset.Ref] = slot
	for word, fields := range words {
		x.insert(word, newPosting(slot, fields))
	}
}

// Remove takes a document out; one that is not there stays away.
func (x *Index) Remove(ref graph.Ref) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(ref)
}

func (x *Index) insert(word string, p posting) {
	list, known := x.terms[word]
	if !known {
		x.sorted = nil
	}
	at, _ := slices.BinarySearchFunc(list, p, bySlot)
	x.terms[word] = slices.Insert(list, at, p)
}

func (x *Index) remove(ref graph.Ref) {
	slot, ok := x.slots[ref]
	if !ok {
		return
	}
	for word := range wordsOf(x.docs[slot].doc) {
		list := x.terms[word]
		at, _ := slices.BinarySearchFunc(list, newPosting(slot, 0), bySlot)
		if list = slices.Delete(list, at, at+1); len(list) == 0 {
			delete(x.terms, word)
			x.sorted = nil
			continue
		}
		x.terms[word] = list
	}
	delete(x.slots, ref)
	x.docs[slot] = entry{}
	x.free = append(x.free, slot)
}

func bySlot(a, b posting) int { return int(a.slot()) - int(b.slot()) }

func newEntry(d Doc, facets *facetValues) entry {
	base := words(d.Asset.Ref.Base())
	return entry{
		doc: d, ref: d.Asset.Ref.String(), name: strings.ToLower(d.Asset.Ref.Base()),
		nameWords: strings.Join(base, " "), fullWords: strings.Join(words(d.Asset.Ref.Name), " "), size: len(base),
		counted: facets.of(d),
	}
}

// wordsOf returns the words of a document and where they stand.
func wordsOf(d Doc) map[string]field {
	found := map[string]field{}
	put := func(text string, f field) {
		for _, w := range words(text) {
			found[w] |= f
		}
	}
	put(d.Asset.Ref.Base(), inName)
	put(strings.TrimSuffix(d.Asset.Ref.Name, d.Asset.Ref.Base()), inContainer)
	for _, c := range d.Columns {
		put(c.Ref.Path, inColumn)
		put(c.Description, inDescription)
	}
	put(d.Asset.Title, inDescription)
	put(d.Asset.Description, inDescription)
	for _, l := range d.Labels {
		put(l, inDescription)
	}
	for _, s := range d.Said {
		put(s, inDescription)
	}
	for key, value := range d.Asset.Labels {
		put(key, inDescription)
		put(value, inDescription)
	}
	return found
}

// lockSorted locks for reading with the words sorted. A change between sorting
// and locking makes it sort again.
func (x *Index) lockSorted() {
	for {
		x.mu.RLock()
		if x.sorted != nil || len(x.terms) == 0 {
			return
		}
		x.mu.RUnlock()
		x.mu.Lock()
		if x.sorted == nil {
			x.sorted = slices.Sorted(maps.Keys(x.terms))
		}
		x.mu.Unlock()
	}
}

// beginning returns the words of the index that begin with a word.
func (x *Index) beginning(word string) []string {
	from, _ := slices.BinarySearch(x.sorted, word)
	to := from
	for to < len(x.sorted) && strings.HasPrefix(x.sorted[to], word) {
		to++
	}
	return x.sorted[from:to]
}

// near returns the words of the index that are one edit away from a word.
func (x *Index) near(word string) []string {
	var found []string
	for _, w := range x.sorted {
		if oneEdit(word, w) {
			found = append(found, w)
		}
	}
	return found
}

// canBeNear says whether a word is long enough that one edit does not make
// anything of it.
func canBeNear(word string) bool { return utf8.RuneCountInString(word) >= 4 }
