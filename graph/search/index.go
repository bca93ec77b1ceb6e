package search

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"cadastre.dev/cadastre/graph"
)

// Doc is an asset as it is searched.
type Doc struct {
	Asset graph.Asset
	// Owners are written as Owner.Principal.
	Owners []string
	// Columns are in the order of the schema.
	Columns []DocColumn
	// Labels are those of the effective tags on the asset and its columns,
	// without LabelNone, each once.
	Labels []string
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
	inStructure
	inDescription
)

// posting says that a word stands in a document.
type posting struct {
	slot   uint32
	fields field
}

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
}

// entry is a document with what ranking needs of it.
type entry struct {
	doc   Doc
	words map[string]field
	// name is the asset's name in lower case; size its number of words.
	name string
	size int
	live bool
}

// New returns an empty index.
func New() *Index {
	return &Index{slots: map[graph.Ref]uint32{}, terms: map[string][]posting{}}
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
	e := newEntry(d)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(d.Asset.Ref)
	slot := uint32(len(x.docs))
	if n := len(x.free); n > 0 {
		slot, x.free = x.free[n-1], x.free[:n-1]
		x.docs[slot] = e
	} else {
		x.docs = append(x.docs, e)
	}
	x.slots[d.Asset.Ref] = slot
	for word, fields := range e.words {
		x.insert(word, posting{slot, fields})
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
	for word := range x.docs[slot].words {
		list := x.terms[word]
		at, _ := slices.BinarySearchFunc(list, posting{slot: slot}, bySlot)
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

func bySlot(a, b posting) int { return int(a.slot) - int(b.slot) }

func newEntry(d Doc) entry {
	e := entry{doc: d, words: map[string]field{}, name: strings.ToLower(d.Asset.Ref.Base()), live: true}
	put := func(text string, f field) {
		for _, w := range words(text) {
			e.words[w] |= f
		}
	}
	put(d.Asset.Ref.Base(), inName)
	e.size = len(words(d.Asset.Ref.Base()))
	put(strings.TrimSuffix(d.Asset.Ref.Name, d.Asset.Ref.Base()), inStructure)
	for _, c := range d.Columns {
		put(c.Ref.Path, inStructure)
		put(c.Description, inDescription)
	}
	put(d.Asset.Title, inDescription)
	put(d.Asset.Description, inDescription)
	for _, l := range d.Labels {
		put(l, inDescription)
	}
	for key, value := range d.Asset.Labels {
		put(key, inDescription)
		put(value, inDescription)
	}
	return e
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
		x.sorted = slices.Sorted(maps.Keys(x.terms))
		x.mu.Unlock()
	}
}

// expand returns the words of the index that a word of a query stands for: all
// that begin with it, or, where there is none and it is long enough not to
// mean anything, those one edit away. exact says whether they begin with it.
func (x *Index) expand(word string) (found []string, exact bool) {
	at, _ := slices.BinarySearch(x.sorted, word)
	for ; at < len(x.sorted) && strings.HasPrefix(x.sorted[at], word); at++ {
		found = append(found, x.sorted[at])
	}
	if len(found) > 0 || len([]rune(word)) < 4 {
		return found, true
	}
	for _, w := range x.sorted {
		if oneEdit(word, w) {
			found = append(found, w)
		}
	}
	return found, false
}
