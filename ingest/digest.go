package ingest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Digest stands for all that a source said of one asset in a run. Equal
// digests mean that it said the same, in whatever order.
type Digest [16]byte

// digestVersion begins what is hashed. It changes where a fact of the same
// state is written otherwise than before, so that all is compared anew.
const digestVersion = "facts 1\n"

// digestOf is the digest of one fact. Owners and grants have no order; columns
// have theirs in their positions.
func digestOf(f graph.Fact) (Digest, error) {
	if seen, ok := f.(graph.AssetSeen); ok {
		f = sorted(seen)
	}
	data, err := json.Marshal(f)
	if err != nil {
		return Digest{}, fmt.Errorf("fact %T: %w: %w", f, err, graph.ErrInvalid)
	}
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s%T\n", digestVersion, f)
	_, _ = h.Write(data)
	return Digest(h.Sum(nil)[:16]), nil
}

// sorted returns an asset's fact in the one form in which it is hashed: lists
// without order by key, and no list where it is empty.
func sorted(f graph.AssetSeen) graph.AssetSeen {
	f.Owners = slices.Clone(f.Owners)
	slices.SortStableFunc(f.Owners, func(a, b graph.Owner) int { return strings.Compare(a.Key(), b.Key()) })
	f.Grants = slices.Clone(f.Grants)
	slices.SortStableFunc(f.Grants, func(a, b graph.Grant) int { return strings.Compare(a.Key(), b.Key()) })
	if len(f.Columns) == 0 {
		f.Columns = nil
	}
	if len(f.Owners) == 0 {
		f.Owners = nil
	}
	if len(f.Grants) == 0 {
		f.Grants = nil
	}
	return f
}

// together is the digest of all facts of a group, given theirs in order.
func together(facts []Digest) Digest {
	h := sha256.New()
	for _, d := range facts {
		_, _ = h.Write(d[:])
	}
	return Digest(h.Sum(nil)[:16])
}

// group is what a run says of one asset: that it is there, its tags, and the
// edges that begin at it. No fact of another group touches an item that this
// one replaces, so that each is compared alone.
type group struct {
	// parts are the digests of its facts, sorted, each once.
	parts  []Digest
	digest Digest
	// facts are in the order in which they came. None is kept of an asset that
	// was told whole and is as the last run left it.
	facts []graph.Fact
	// seen says that the asset was told whole.
	seen bool
	// unchanged says that the source itself says so.
	unchanged bool
	// dropped says that the facts so far are those of the last run, more that
	// others came after.
	dropped, more bool
}

// groupOf names the asset that a fact speaks of; false for a scope.
func groupOf(f graph.Fact) (graph.Ref, bool) {
	switch f := f.(type) {
	case graph.AssetSeen:
		return f.Asset.Ref, true
	case graph.AssetUnchanged:
		return f.Ref, true
	case graph.TagSeen:
		return f.Tag.Ref.Asset(), true
	case graph.EdgeSeen:
		// Who knows where an edge begins tells of it: graph.Observe.
		return f.Edge.From.Asset(), true
	case graph.EdgeGone:
		return f.Edge.From.Asset(), true
	}
	return graph.Ref{}, false
}

// facts collects what a run says, by asset.
type facts struct {
	source string
	// last are the digests of the source's last runs.
	last   map[graph.Ref]Digest
	groups map[graph.Ref]*group
	scopes []graph.Scope
}

func newFacts(source string, last map[graph.Ref]Digest) *facts {
	return &facts{source: source, last: last, groups: map[graph.Ref]*group{}}
}

// take receives a fact that makes sense. What is as the last run left it is
// not kept, so that a run over what did not change needs little memory.
func (c *facts) take(f graph.Fact) error {
	ref, ok := groupOf(f)
	if !ok {
		if done, ok := f.(graph.ScopeDone); ok && !slices.Contains(c.scopes, done.Scope) {
			c.scopes = append(c.scopes, done.Scope)
		}
		return nil
	}
	g := c.groups[ref]
	if g == nil {
		g = &group{}
		c.groups[ref] = g
	}
	if _, ok := f.(graph.AssetUnchanged); ok {
		g.unchanged = true
		return nil
	}
	d, err := digestOf(f)
	if err != nil {
		return err
	}
	return g.add(f, d, c.last[ref])
}

// add adds a fact. To say one thing twice is to say it once; to say two things
// of one asset is a fault, for the order would decide.
func (g *group) add(f graph.Fact, d, last Digest) error {
	at, there := slices.BinarySearchFunc(g.parts, d, func(a, b Digest) int { return bytes.Compare(a[:], b[:]) })
	if there {
		return nil
	}
	if seen, ok := f.(graph.AssetSeen); ok {
		if g.seen {
			return fmt.Errorf("fact: asset %s is told twice in one run, and differently: %w", seen.Asset.Ref, graph.ErrInvalid)
		}
		g.seen = true
	}
	g.parts = slices.Insert(g.parts, at, d)
	g.digest = together(g.parts)
	switch {
	case g.dropped:
		g.more = true
	case g.seen && g.digest == last:
		g.dropped, g.facts = true, nil
		return nil
	}
	g.facts = append(g.facts, f)
	return nil
}

// known returns the digest to keep of a group that was compared; false where
// none may stand for it, because the order of its facts would matter, or
// because the facts were not all there to be compared.
func (g *group) known() (Digest, bool) {
	if g.more || g.unchanged {
		return Digest{}, false
	}
	once := make(map[string]bool, len(g.facts))
	for _, f := range g.facts {
		key := keyOf(f)
		if once[key] {
			return Digest{}, false
		}
		once[key] = true
	}
	return g.digest, true
}

// keyOf names what a fact says something of.
func keyOf(f graph.Fact) string {
	switch f := f.(type) {
	case graph.TagSeen:
		return "tag " + f.Tag.Key()
	case graph.EdgeSeen:
		return "edge " + f.Edge.Key()
	case graph.EdgeGone:
		return "edge " + f.Edge.Key()
	}
	return "asset"
}

// toCompare returns the assets of which something must be compared with what
// is known, sorted: those of which something new is said, and those that ended.
func (c *facts) toCompare(ended []graph.Ref) []graph.Ref {
	gone := make(map[graph.Ref]bool, len(ended))
	for _, ref := range ended {
		gone[ref] = true
	}
	refs := slices.Clone(ended)
	for ref, g := range c.groups {
		if len(g.facts) > 0 && g.digest != c.last[ref] && !gone[ref] {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, graph.CompareRefs)
	return slices.Compact(refs)
}

// about returns what is said of some assets, and of the scopes that may hold
// them.
func (c *facts) about(refs []graph.Ref, gone map[graph.Ref]bool) []graph.Fact {
	var list []graph.Fact
	for _, ref := range refs {
		if c.isThere(ref) {
			list = append(list, graph.AssetUnchanged{Ref: ref})
		}
		if g := c.groups[ref]; g != nil {
			list = append(list, g.facts...)
		}
		if gone[ref] {
			list = append(list, graph.ScopeDone{Scope: graph.Scope{Source: c.source, Parent: ref}})
		}
	}
	for _, scope := range c.scopes {
		list = append(list, graph.ScopeDone{Scope: scope})
	}
	return list
}

// isThere says whether the run saw the asset itself.
func (c *facts) isThere(ref graph.Ref) bool {
	g := c.groups[ref]
	return g != nil && (g.seen || g.unchanged)
}
