package search

import "math/bits"

// bitmap is a set of slots, one bit each.
type bitmap []uint64

func (b bitmap) has(slot uint32) bool { return b[slot>>6]&(1<<(slot&63)) != 0 }

func (b bitmap) add(slot uint32) { b[slot>>6] |= 1 << (slot & 63) }

func (b bitmap) drop(slot uint32) { b[slot>>6] &^= 1 << (slot & 63) }

func (b bitmap) count() int {
	n := 0
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}

// each calls emit with the slots in rising order.
func (b bitmap) each(emit func(slot uint32)) {
	for i, word := range b {
		for ; word != 0; word &= word - 1 {
			emit(uint32(i<<6 | bits.TrailingZeros64(word)))
		}
	}
}

// posting says in which document a word stands, and there in which fields.
type posting uint32

func newPosting(slot uint32, f field) posting { return posting(slot<<fieldBits | uint32(f)) }

func (p posting) slot() uint32 { return uint32(p) >> fieldBits }

func (p posting) fields() field { return field(p & (1<<fieldBits - 1)) }

// postings are those of one word. Most words of an estate stand in one asset,
// so that the first has its place here; zero where there is none. A slot is
// added once, and what it held is taken out before another document gets it.
type postings struct {
	first posting
	rest  *rest
}

// rest holds the postings behind the first: few as they came, many as a set of
// slots for each field.
type rest struct {
	few  []posting
	many *[fieldBits]slots
}

// fewPostings is how many a word has before each takes a bit or two bytes in
// the sets rather than four in the list.
const fewPostings = 256

func (p *postings) add(one posting) {
	switch {
	case p.first == 0 && p.rest == nil:
		p.first = one
		return
	case p.rest == nil:
		p.rest = &rest{}
	}
	r := p.rest
	if r.many == nil {
		if r.few = append(r.few, one); len(r.few) <= fewPostings {
			return
		}
		r.many = new([fieldBits]slots)
		for _, one := range r.few {
			addTo(r.many, one)
		}
		r.few = nil
		return
	}
	addTo(r.many, one)
}

func addTo(many *[fieldBits]slots, one posting) {
	for f := range many {
		if one.fields()&(1<<f) != 0 {
			many[f].add(one.slot())
		}
	}
}

// found are the documents in which a word of a query stands, by field.
type found [fieldBits]bitmap

func (f *found) add(one posting) {
	for i := range f {
		if one.fields()&(1<<i) != 0 {
			f[i].add(one.slot())
		}
	}
}

// into adds all postings to what was found.
func (p *postings) into(f *found) {
	if p.first != 0 {
		f.add(p.first)
	}
	if p.rest == nil {
		return
	}
	for _, one := range p.rest.few {
		f.add(one)
	}
	if p.rest.many != nil {
		for i := range f {
			p.rest.many[i].into(f[i])
		}
	}
}

// without takes out the postings of the slots.
func (p *postings) without(gone bitmap) {
	if p.first != 0 && gone.has(p.first.slot()) {
		p.first = 0
	}
	if p.rest == nil {
		return
	}
	kept := p.rest.few[:0]
	for _, one := range p.rest.few {
		if !gone.has(one.slot()) {
			kept = append(kept, one)
		}
	}
	p.rest.few = kept
	left := len(kept)
	if p.rest.many != nil {
		for i := range p.rest.many {
			left += p.rest.many[i].without(gone)
		}
	}
	if left == 0 {
		p.rest = nil
	}
}

// slots is a set of slots in parts of 65,536.
type slots []part

// part holds the low halves of its slots, as they came or as a bitmap, which
// is smaller from some number on.
type part struct {
	few  []uint16
	many *[partWords]uint64
}

const (
	partBits  = 16
	partWords = 1 << partBits / 64
	fewSlots  = 4 * partWords
)

func (s *slots) add(slot uint32) {
	high, low := slot>>partBits, uint16(slot)
	for uint32(len(*s)) <= high {
		*s = append(*s, part{})
	}
	p := &(*s)[high]
	if p.many == nil {
		if p.few = append(p.few, low); len(p.few) <= fewSlots {
			return
		}
		p.many = new([partWords]uint64)
		for _, low := range p.few {
			bitmap(p.many[:]).add(uint32(low))
		}
		p.few = nil
		return
	}
	bitmap(p.many[:]).add(uint32(low))
}

func (s slots) into(b bitmap) {
	for high, p := range s {
		at := b[high*partWords:]
		for _, low := range p.few {
			at.add(uint32(low))
		}
		if p.many != nil {
			for i, word := range p.many[:min(partWords, len(at))] {
				at[i] |= word
			}
		}
	}
}

// without takes slots out and returns how many are left.
func (s slots) without(gone bitmap) (left int) {
	for high := range s {
		p, at := &s[high], gone[high*partWords:]
		if p.many != nil {
			for i := range min(partWords, len(at)) {
				p.many[i] &^= at[i]
			}
			n := bitmap(p.many[:]).count()
			if left += n; n == 0 {
				p.many = nil
			}
			continue
		}
		kept := p.few[:0]
		for _, low := range p.few {
			if !at.has(uint32(low)) {
				kept = append(kept, low)
			}
		}
		p.few = kept
		left += len(kept)
	}
	return left
}
