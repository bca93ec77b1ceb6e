package search

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// dictionary numbers the words of the index. They stand in order twice, read
// forward and backward, so that those that begin with a word lie together, and
// those one edit away share with it the first half of a word or nearly the
// second. A word stays when the last document that had it is gone: its number
// may be remembered, and a start makes the dictionary anew.
type dictionary struct {
	forward, backward wordList
	count             uint32
	// recent are words that were asked for lately: most words of a document
	// are those of others.
	recent map[string]uint32
}

// maxRecent bounds what is remembered.
const maxRecent = 1 << 15

// begin marks a word that stands for all that begin with the few letters or
// digits behind it: putting those together for each query would take the
// longest of all.
const (
	begin       = "\x00"
	shortPrefix = 2
)

// id returns the number of a word, a new one where there is none.
func (d *dictionary) id(word string) uint32 {
	if id, ok := d.recent[word]; ok {
		return id
	}
	if d.recent == nil || len(d.recent) >= maxRecent {
		d.recent = map[string]uint32{}
	}
	id, ok := d.forward.id(word)
	if !ok {
		id = d.count
		d.count++
		d.forward.insert(word, id)
		if !strings.HasPrefix(word, begin) {
			d.backward.insert(backward(word), id)
		}
	}
	d.recent[strings.Clone(word)] = id
	return id
}

// beginning gives the numbers of words that together stand wherever a word
// stands that begins so.
func (d *dictionary) beginning(word string, emit func(id uint32)) {
	if utf8.RuneCountInString(word) <= shortPrefix {
		if id, ok := d.forward.id(begin + word); ok {
			emit(id)
		}
		return
	}
	d.forward.beginning(word, func(_ []byte, id uint32) { emit(id) })
}

// near gives the numbers of the words one edit away, some twice. An edit
// touches at most two neighbours: where it lies behind the first half, that
// half is the same; where it begins in it, all behind those two is.
func (d *dictionary) near(word string, emit func(id uint32)) {
	runes := []rune(word)
	half := len(runes) / 2
	reversed := backward(word)
	d.forward.beginning(string(runes[:half]), func(w []byte, id uint32) {
		if oneEdit(word, string(w)) {
			emit(id)
		}
	})
	d.backward.beginning(backward(string(runes[half+1:])), func(w []byte, id uint32) {
		if oneEdit(reversed, string(w)) {
			emit(id)
		}
	})
}

// canBeNear says whether a word is long enough that one edit does not make
// anything of it.
func canBeNear(word string) bool { return utf8.RuneCountInString(word) >= 4 }

func backward(word string) string {
	runes := []rune(word)
	slices.Reverse(runes)
	return string(runes)
}

// wordList holds words in order, in blocks that are split when they are full,
// so that a new word moves few others.
type wordList struct{ blocks []*wordBlock }

// wordBlock holds words one behind the other: going through them waits for
// memory once for many.
type wordBlock struct {
	text []byte
	// ends says where each word ends in the text.
	ends []uint32
	ids  []uint32
}

// maxBlock is how many words a block holds.
const maxBlock = 256

func (b *wordBlock) word(i int) []byte {
	if i == 0 {
		return b.text[:b.ends[0]]
	}
	return b.text[b.ends[i-1]:b.ends[i]]
}

// find returns the place of a word, or where it would stand, and whether it is
// there.
func (l *wordList) find(word string) (block, at int, ok bool) {
	block, _ = slices.BinarySearchFunc(l.blocks, word, func(b *wordBlock, word string) int {
		if string(b.word(0)) <= word {
			return -1
		}
		return 1
	})
	if block = max(block-1, 0); len(l.blocks) == 0 {
		return 0, 0, false
	}
	b := l.blocks[block]
	low, high := 0, len(b.ids)
	for low < high {
		middle := (low + high) / 2
		if string(b.word(middle)) < word {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return block, low, low < len(b.ids) && string(b.word(low)) == word
}

func (l *wordList) id(word string) (uint32, bool) {
	block, at, ok := l.find(word)
	if !ok {
		return 0, false
	}
	return l.blocks[block].ids[at], true
}

// insert adds a word that is not there.
func (l *wordList) insert(word string, id uint32) {
	if len(l.blocks) == 0 {
		l.blocks = append(l.blocks, &wordBlock{text: []byte(word), ends: []uint32{uint32(len(word))}, ids: []uint32{id}})
		return
	}
	block, at, _ := l.find(word)
	b := l.blocks[block]
	from := uint32(0)
	if at > 0 {
		from = b.ends[at-1]
	}
	b.text = slices.Insert(b.text, int(from), []byte(word)...)
	b.ends = slices.Insert(b.ends, at, from)
	for i := at; i < len(b.ends); i++ {
		b.ends[i] += uint32(len(word))
	}
	b.ids = slices.Insert(b.ids, at, id)
	if len(b.ids) > maxBlock {
		l.blocks = slices.Insert(l.blocks, block+1, b.split())
	}
}

// split cuts off and returns the second half.
func (b *wordBlock) split() *wordBlock {
	half := len(b.ids) / 2
	cut := b.ends[half-1]
	second := &wordBlock{text: slices.Clone(b.text[cut:]), ids: slices.Clone(b.ids[half:]), ends: slices.Clone(b.ends[half:])}
	for i := range second.ends {
		second.ends[i] -= cut
	}
	b.text, b.ends, b.ids = slices.Clone(b.text[:cut]), slices.Clone(b.ends[:half]), slices.Clone(b.ids[:half])
	return second
}

// beginning gives the words that begin so, in order; emit must not keep them.
func (l *wordList) beginning(prefix string, emit func(word []byte, id uint32)) {
	block, at, _ := l.find(prefix)
	for ; block < len(l.blocks); block, at = block+1, 0 {
		b := l.blocks[block]
		for ; at < len(b.ids); at++ {
			word := b.word(at)
			if len(word) < len(prefix) || string(word[:len(prefix)]) != prefix {
				return
			}
			emit(word, b.ids[at])
		}
	}
}
