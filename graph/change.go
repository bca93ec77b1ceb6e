package graph

import (
	"maps"
	"slices"
)

// Change is what is different. The set is sealed: Began, Changed and Ended.
// Changes know nothing of the sources that led to them.
type Change interface {
	// Item returns the item as it is now, or as it was where it ended.
	Item() Item
	change()
}

// Began says that an item was not there and now is.
type Began struct{ Now Item }

// Changed says that an item is there as before, with other content.
type Changed struct{ Was, Now Item }

// Ended says that an item is no longer there. Its history stays.
type Ended struct{ Was Item }

// Item returns the item that began.
func (c Began) Item() Item { return c.Now }

// Item returns the item with its new content.
func (c Changed) Item() Item { return c.Now }

// Item returns the item as it last was.
func (c Ended) Item() Item { return c.Was }

func (Began) change()   {}
func (Changed) change() {}
func (Ended) change()   {}

// Delta is a set of changes in the order in which they are committed: assets
// before what belongs to them.
type Delta []Change

// Snapshot is a set of items by type and key: the catalog, or a part of it, at
// one moment.
type Snapshot map[string]Item

// NewSnapshot makes a snapshot of items; of two with one key the later stays.
func NewSnapshot(items ...Item) Snapshot {
	s := make(Snapshot, len(items))
	for _, i := range items {
		s.Put(i)
	}
	return s
}

// Put adds or replaces an item.
func (s Snapshot) Put(i Item) { s[snapshotKey(i)] = i }

// Get returns the item with the type and key of like, if there is one.
func (s Snapshot) Get(like Item) (Item, bool) {
	i, ok := s[snapshotKey(like)]
	return i, ok
}

// Sorted returns the items in the order of CompareItems.
func (s Snapshot) Sorted() []Item {
	out := make([]Item, 0, len(s))
	for _, key := range slices.Sorted(maps.Keys(s)) {
		out = append(out, s[key])
	}
	return out
}

// snapshotKey is an item's type and key in one; by it items sort as
// CompareItems orders them.
func snapshotKey(i Item) string { return string(rune('a'+itemRank(i))) + i.Key() }

// Diff returns what turns was into now: Apply(was, Diff(was, now)) equals now,
// and Diff(x, x) is empty. It is sorted, so that it does not depend on the
// order in which anything was seen.
func Diff(was, now Snapshot) Delta {
	changes := map[string]Change{}
	for key, item := range now {
		before, ok := was[key]
		switch {
		case !ok:
			changes[key] = Began{item}
		case !sameItem(before, item):
			changes[key] = Changed{before, item}
		}
	}
	for key, item := range was {
		if _, ok := now[key]; !ok {
			changes[key] = Ended{item}
		}
	}
	var delta Delta
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		delta = append(delta, changes[key])
	}
	return delta
}

// Apply returns was with the delta's changes made. It leaves was as it is.
func Apply(was Snapshot, delta Delta) Snapshot {
	now := make(Snapshot, len(was)+len(delta))
	for key, item := range was {
		now[key] = item
	}
	for _, c := range delta {
		switch c := c.(type) {
		case Began:
			now.Put(c.Now)
		case Changed:
			now.Put(c.Now)
		case Ended:
			delete(now, snapshotKey(c.Was))
		}
	}
	return now
}

// Observe returns the part of known that the facts replace, and what replaces
// it; Diff of the two is what a crawl changes.
//
// It keeps three promises. What a fact does not speak of stays: a person's
// tags and annotations, another source's edges. An asset ends only where ScopeDone names a
// scope that holds it, and its columns stay where the source could not read
// them. What ends with an asset is what sources said of it; a person's tags,
// owners and annotations stay, for the asset may come back. With an asset that
// another source takes over, what the former said of it ends.
func Observe(known Snapshot, facts []Fact) (was, now Snapshot) {
	o := observation{known: known, was: Snapshot{}, now: Snapshot{}, seen: map[Ref]bool{}, unread: map[Ref]bool{}}
	for _, f := range facts {
		switch f := f.(type) {
		case AssetSeen:
			o.seen[f.Asset.Ref] = true
			o.unread[f.Asset.Ref] = f.Asset.Unread != ""
		case AssetUnchanged:
			o.seen[f.Ref] = true
		}
	}
	replaced := o.replacedAssets(facts)
	for _, item := range known {
		if o.isReplaced(item, replaced) {
			o.was.Put(item)
		}
	}
	for _, f := range facts {
		o.record(f)
	}
	return o.was, o.now
}

type observation struct {
	known, was, now Snapshot
	// seen are the assets that are there, unread those whose columns the
	// source could not show.
	seen, unread map[Ref]bool
}

// replacedAssets returns the assets of which the facts say all there is: those
// seen, and those that a whole scope no longer holds. The value is the source
// that speaks.
func (o observation) replacedAssets(facts []Fact) map[Ref]string {
	replaced := map[Ref]string{}
	for _, f := range facts {
		switch f := f.(type) {
		case AssetSeen:
			replaced[f.Asset.Ref] = f.Asset.Source
		case ScopeDone:
			for _, item := range o.known {
				if a, ok := item.(Asset); ok && f.Scope.Holds(a) && !o.seen[a.Ref] {
					replaced[a.Ref] = a.Source
				}
			}
		}
	}
	return replaced
}

func (o observation) isReplaced(item Item, replaced map[Ref]string) bool {
	about := item.About()
	if e, ok := item.(Edge); ok && e.Statement == "" {
		// The source that knows where an edge begins tells of it, as a
		// registry tells which table its topic fills; the crawl of the table
		// says nothing of it.
		about = e.From.Asset()
	}
	source, ok := replaced[about]
	if !ok {
		return false
	}
	switch i := item.(type) {
	case Asset:
		return true
	case Column:
		return !o.unread[about]
	case Owner:
		return i.Provenance.Kind == BySource && (i.Provenance.Name == source || i.Provenance.Name == o.teller(about))
	case Grant:
		return i.Provenance.Name == source || i.Provenance.Name == o.teller(about)
	case Tag:
		return i.Provenance.Kind == BySource && (i.Provenance.Name == source || i.Provenance.Name == o.teller(about))
	case Edge:
		// A view's edges end with it; a job's are what once ran.
		fromView := i.Because == EvidenceView && !o.seen[about]
		pushed := i.Because == EvidencePush && o.seen[about]
		return i.Because != EvidencePerson && !pushed && (i.Statement == "" || fromView)
	case Statement:
		return i.Because == EvidenceView && !o.seen[i.Target]
	case Annotation:
		// People's, and no source's to take away.
		return false
	}
	return false
}

// teller returns the source that told of an asset until now. One that another
// takes over has no say in it any more: its owners and grants would let people
// see what it never read.
func (o observation) teller(asset Ref) string {
	was, _ := o.known.Get(Asset{Ref: asset})
	told, _ := was.(Asset)
	return told.Source
}

func (o observation) record(f Fact) {
	switch f := f.(type) {
	case AssetSeen:
		o.put(f.Asset)
		for _, c := range f.Columns {
			o.put(c)
		}
		for _, w := range f.Owners {
			o.put(w)
		}
		for _, g := range f.Grants {
			o.put(g)
		}
	case TagSeen:
		o.put(f.Tag)
	case EdgeSeen:
		o.put(f.Edge)
	case EdgeGone:
		if known, ok := o.known.Get(f.Edge); ok && known.(Edge).Because == EvidencePush {
			o.was.Put(known)
		}
	case AssetUnchanged, ScopeDone:
	}
}

// put records an item that may be known without being replaced, so that what
// is there already does not look new.
func (o observation) put(item Item) {
	if known, ok := o.known.Get(item); ok {
		o.was.Put(known)
	}
	o.now.Put(item)
}
