package search

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"sync"

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
	// Usage is how often the asset was read in the window that its source
	// reports; 0 where that is not known. It decides between hits that are
	// otherwise equal and counts no further than maxUsage.
	Usage int
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
)

// Index holds documents. Queries run side by side; Put and Remove wait for
// them, and each takes the time of one document, however many there are.
//
// A document has a slot and is never changed there: one that is replaced or
// taken out leaves its words behind, which no query sees any more and which
// later changes sweep away little by little.
type Index struct {
	mu    sync.RWMutex
	words dictionary
	// letters are the numbers of what words begin with.
	letters map[string]uint32
	// terms holds the postings of each word by its number.
	terms   []postings
	entries []entry
	columns columnar
	free    []uint32
	// live are the slots that hold a document.
	live  bitmap
	count int
	// ranked holds the slots as hits stand within a stage, plain as they
	// would without usage: so those stand that are only discoverable. Until a
	// document has any usage the two are one, and ranked is not kept.
	ranked, plain ordered
	used          bool
	// bySize and byFullSize hold the slots by how many words the name and
	// the whole name have, as far as a query can have so many.
	bySize, byFullSize [maxWords + 1]slots
	places             interned[place]
	paths              interned[path]
	views              views
	sweep              sweep
	buffers            sync.Pool
}

// entry is a document with what ranking and showing need of it.
type entry struct {
	// base is the last part of the asset's name, of size words; the rest of
	// the ref is its place.
	base  string
	place uint32
	size  uint16
	usage uint8
	// paths are the numbers of the columns' paths in the order of the schema,
	// each a varint.
	paths string
}

// place is what the refs of many assets begin with: namespace and containers.
type place struct {
	namespace, container string
	terms                []uint32
	size                 int
}

// path is a column's path, which many assets have.
type path struct {
	text  string
	terms []uint32
}

// New returns an empty index.
func New() *Index { return &Index{columns: newColumnar()} }

// Len returns how many documents there are.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.count
}

// Put adds a document or replaces the one of the same ref. Nothing of it is
// kept but what the index copies.
func (x *Index) Put(d Doc) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(d.Asset.Ref)
	slot := x.slot()
	postings := x.fill(slot, d)
	slices.Sort(postings)
	for i, p := range postings {
		// Those of one word follow each other and become one.
		if i+1 < len(postings) && p.slot() == postings[i+1].slot() {
			postings[i+1] |= p
			continue
		}
		x.terms[p.slot()].add(newPosting(slot, p.fields()))
	}
	x.live.add(slot)
	x.count++
	x.order(slot)
	x.views.put(&x.columns, slot, d)
	x.sweepSome()
}

// order gives a new document its place.
func (x *Index) order(slot uint32) {
	r := x.rank(slot, graph.Visible)
	if r.Usage > 0 && !x.used {
		x.used, x.ranked = true, x.plain.clone()
	}
	if x.used {
		x.ranked.insert(slot, x.before(r, graph.Visible))
	}
	r.Usage = 0
	x.plain.insert(slot, x.before(r, graph.Discoverable))
}

// Remove takes a document out; one that is not there stays away.
func (x *Index) Remove(ref graph.Ref) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(ref)
	x.sweepSome()
}

func (x *Index) remove(ref graph.Ref) {
	slot, ok := x.slotOf(ref)
	if !ok {
		return
	}
	if x.used {
		x.ranked.remove(x.before(x.rank(slot, graph.Visible), graph.Visible))
	}
	x.plain.remove(x.before(x.rank(slot, graph.Discoverable), graph.Discoverable))
	x.live.drop(slot)
	x.count--
	x.views.drop(&x.columns, slot)
	x.entries[slot] = entry{}
	x.sweep.dead = append(x.sweep.dead, slot)
}

// slot returns one that is free, with room for it in every bitmap.
func (x *Index) slot() uint32 {
	if n := len(x.free); n > 0 {
		slot := x.free[n-1]
		x.free = x.free[:n-1]
		return slot
	}
	slot := uint32(len(x.entries))
	x.entries = append(x.entries, entry{})
	x.columns.grow()
	if need := int(slot>>6) + 1; need > len(x.live) {
		x.live = append(x.live, 0)
		x.views.grow()
		if x.sweep.gone != nil {
			x.sweep.gone = append(x.sweep.gone, 0)
		}
	}
	return slot
}

// slotOf finds the document of a ref: where it stands without usage follows
// from the ref alone.
func (x *Index) slotOf(ref graph.Ref) (uint32, bool) {
	base := ref.Base()
	r := rank{Size: len(words(base)), Name: strings.ToLower(base), Ref: ref.String()}
	slot, ok := x.plain.at(x.plain.find(x.before(r, graph.Discoverable)))
	return slot, ok && x.ref(slot) == ref
}

// ref puts the ref of a document together again.
func (x *Index) ref(slot uint32) graph.Ref {
	e := &x.entries[slot]
	in := &x.places.all[e.place]
	return graph.Ref{Namespace: in.namespace, Name: in.container + e.base}
}

// fill writes a document into a slot and returns where its words stand, with
// the number of the word in place of the slot.
func (x *Index) fill(slot uint32, d Doc) []posting {
	var out []posting
	put := func(terms []uint32, f field) {
		for _, id := range terms {
			out = append(out, newPosting(id, f))
		}
	}
	ref := d.Asset.Ref
	e := entry{base: strings.Clone(ref.Base()), usage: usageOf(d.Usage)}
	container := strings.TrimSuffix(ref.Name, e.base)
	e.place = x.places.id(ref.Namespace+begin+container, func() place {
		in := place{namespace: strings.Clone(ref.Namespace), container: strings.Clone(container)}
		in.terms, in.size = x.termsOf(container)
		return in
	})
	in := x.places.all[e.place]
	put(in.terms, inContainer)
	base, size := x.termsOf(e.base)
	put(base, inName)
	e.size = uint16(min(size, 1<<16-1))
	x.measure(slot, size, size+in.size)
	var paths []byte
	for _, c := range d.Columns {
		id := x.paths.id(c.Ref.Path, func() path {
			terms, _ := x.termsOf(c.Ref.Path)
			return path{text: strings.Clone(c.Ref.Path), terms: terms}
		})
		paths = binary.AppendUvarint(paths, uint64(id))
		put(x.paths.all[id].terms, inColumn)
	}
	e.paths = string(paths)
	for text := range prose(d) {
		terms, _ := x.termsOf(text)
		put(terms, inDescription)
	}
	x.entries[slot] = e
	x.columns.put(slot, d)
	return out
}

func (x *Index) measure(slot uint32, size, fullSize int) {
	if size <= maxWords {
		x.bySize[size].add(slot)
	}
	if fullSize <= maxWords {
		x.byFullSize[fullSize].add(slot)
	}
}

// prose gives the texts of a document that describe it.
func prose(d Doc) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		texts := append([]string{d.Asset.Title, d.Asset.Description}, d.Labels...)
		texts = append(texts, d.Said...)
		for key, value := range d.Asset.Labels {
			texts = append(texts, key, value)
		}
		for _, text := range texts {
			if !yield(text) {
				return
			}
		}
		for _, c := range d.Columns {
			if c.Description != "" && !yield(c.Description) {
				return
			}
		}
	}
}

// termsOf returns the numbers of the words of a text and of what they begin
// with, and how many words there are.
func (x *Index) termsOf(text string) (terms []uint32, size int) {
	each(text, func(word string, _ Span) {
		word = strings.ToLower(word)
		terms = append(terms, x.term(word))
		letters := 0
		for at := range word {
			if letters > 0 {
				terms = append(terms, x.beginning(word[:at]))
			}
			if letters++; letters > shortPrefix {
				break
			}
		}
		if letters <= shortPrefix {
			terms = append(terms, x.beginning(word))
		}
		size++
	})
	return terms, size
}

// beginning returns the number of what stands for all words that begin so.
func (x *Index) beginning(letters string) uint32 {
	if id, ok := x.letters[letters]; ok {
		return id
	}
	if x.letters == nil {
		x.letters = map[string]uint32{}
	}
	id := x.term(begin + letters)
	x.letters[strings.Clone(letters)] = id
	return id
}

func (x *Index) term(word string) uint32 {
	id := x.words.id(word)
	for uint32(len(x.terms)) <= id {
		x.terms = append(x.terms, postings{})
	}
	return id
}

// maxUsage is the number of uses beyond which more make no difference: what
// everybody reads must not keep everybody from finding anything else.
const maxUsage = 1000

// usageOf tells uses apart by their order of magnitude.
func usageOf(uses int) uint8 { return uint8(bits.Len(uint(max(0, min(uses, maxUsage))))) }

// sweep takes the words of documents that are gone out of the postings.
type sweep struct {
	// dead are slots whose words still stand there.
	dead []uint32
	// going are the slots that are being swept, gone the same as a set;
	// terms up to next are done.
	going []uint32
	gone  bitmap
	next  int
}

const (
	// minDead is how many dead slots are worth a sweep; in a large index an
	// eighth of its documents.
	minDead = 64
	// sweptAtOnce is how many words a change sweeps.
	sweptAtOnce = 1024
)

// sweepSome goes on with the sweep, begins one where there is enough to sweep,
// and frees the slots at the end of it.
func (x *Index) sweepSome() {
	s := &x.sweep
	if s.going == nil {
		if len(s.dead) < max(minDead, x.count/8) {
			return
		}
		s.going, s.dead, s.next = s.dead, nil, 0
		s.gone = make(bitmap, len(x.live))
		for _, slot := range s.going {
			s.gone.add(slot)
		}
	}
	end := min(s.next+sweptAtOnce, len(x.terms))
	for i := s.next; i < end; i++ {
		x.terms[i].without(s.gone)
	}
	if s.next = end; end < len(x.terms) {
		return
	}
	for i := range x.bySize {
		x.bySize[i].without(s.gone)
		x.byFullSize[i].without(s.gone)
	}
	x.free = append(x.free, s.going...)
	s.going, s.gone = nil, nil
}
