package search

import "slices"

// ordered holds the slots of documents in some order, in blocks that are split
// when they are full, so that a new document moves few others. Whoever calls
// says where a place is: before is true for all slots that stand before it and
// for no other.
type ordered struct{ blocks [][]uint32 }

// find returns the place behind all that stand before.
func (o *ordered) find(before func(slot uint32) bool) (block, at int) {
	block, _ = slices.BinarySearchFunc(o.blocks, before, func(b []uint32, before func(uint32) bool) int {
		if before(b[len(b)-1]) {
			return -1
		}
		return 1
	})
	if block == len(o.blocks) {
		return block, 0
	}
	at, _ = slices.BinarySearchFunc(o.blocks[block], before, func(slot uint32, before func(uint32) bool) int {
		if before(slot) {
			return -1
		}
		return 1
	})
	return block, at
}

// at returns the slot at a place; ok is false behind the last.
func (o *ordered) at(block, at int) (slot uint32, ok bool) {
	if block == len(o.blocks) {
		return 0, false
	}
	return o.blocks[block][at], true
}

func (o *ordered) insert(slot uint32, before func(slot uint32) bool) {
	block, at := o.find(before)
	switch {
	case len(o.blocks) == 0:
		o.blocks = append(o.blocks, nil)
	case block == len(o.blocks):
		block, at = block-1, len(o.blocks[block-1])
	}
	b := slices.Insert(o.blocks[block], at, slot)
	o.blocks[block] = b
	if len(b) > maxBlock {
		half := len(b) / 2
		o.blocks[block] = slices.Clone(b[:half])
		o.blocks = slices.Insert(o.blocks, block+1, slices.Clone(b[half:]))
	}
}

// remove takes out the slot that stands at the place.
func (o *ordered) remove(before func(slot uint32) bool) {
	block, at := o.find(before)
	if o.blocks[block] = slices.Delete(o.blocks[block], at, at+1); len(o.blocks[block]) == 0 {
		o.blocks = slices.Delete(o.blocks, block, block+1)
	}
}

func (o *ordered) clone() ordered {
	var c ordered
	for _, b := range o.blocks {
		c.blocks = append(c.blocks, slices.Clone(b))
	}
	return c
}

// from gives the slots from a place on, until emit says that it is enough.
func (o *ordered) from(before func(slot uint32) bool, emit func(slot uint32) bool) {
	block, at := o.find(before)
	for ; block < len(o.blocks); block, at = block+1, 0 {
		for _, slot := range o.blocks[block][at:] {
			if !emit(slot) {
				return
			}
		}
	}
}
