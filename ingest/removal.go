package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"cadastre.dev/cadastre/graph"
)

// Removal says how much of a scope may end in one run before a person is
// asked: a permission that was taken away looks to a crawl like tables that
// are gone. Its zero value works.
type Removal struct {
	// Threshold is the share of a scope that may end unasked, from 0 to 1.
	// Defaults to 0.2; 1 never asks. Negative asks whatever ends.
	Threshold float64
	// Least is how many assets a scope holds for its share to be judged: of
	// three tables one may go without a word. Smaller containers count in the
	// scope of their source, and a source that would be left with nothing is
	// asked about whatever its size. Defaults to 5.
	Least int
}

func (r Removal) withDefaults() Removal {
	if r.Threshold == 0 {
		r.Threshold = 0.2
	}
	r.Threshold = max(r.Threshold, 0)
	if r.Least <= 0 {
		r.Least = 5
	}
	return r
}

// isTooMuch says whether a person is to be asked. A scope is the whole source
// or a container.
func (r Removal) isTooMuch(c count, whole bool) bool {
	if c.ends == 0 || r.Threshold >= 1 {
		return false
	}
	if whole && c.ends == c.of {
		return true
	}
	return c.of >= r.Least && float64(c.ends) > r.Threshold*float64(c.of)
}

// count says how many assets of a scope stood, and how many of them would end.
type count struct{ of, ends int }

// maxExamples is how many assets of a held removal are named to people.
const maxExamples = 20

// Held is a removal that waits for a person's word: the run committed nothing.
type Held struct {
	At time.Time `json:"at"`
	// Hash stands for the set of the assets; a person allows it by this.
	Hash   string      `json:"hash"`
	Scopes []HeldScope `json:"scopes"`
	// Total is how many assets would end in the scopes, Examples the first of
	// them.
	Total    int         `json:"total"`
	Examples []graph.Ref `json:"examples"`
	// Set holds a short hash of each asset, sorted, so that a later run can
	// tell whether it would end no others.
	Set []byte `json:"set"`
	// AllowedBy is who allowed it; empty while nobody did.
	AllowedBy string `json:"allowedBy,omitempty"`
}

// HeldScope is a scope of which too much would end.
type HeldScope struct {
	// Parent is the container; zero for the whole source.
	Parent graph.Ref `json:"parent,omitzero"`
	Ends   int       `json:"ends"`
	Of     int       `json:"of"`
}

// setHash is how many bytes stand for one asset in Held.Set.
const setHash = 8

func shortHash(ref graph.Ref) string {
	sum := sha256.Sum256([]byte(ref.Key()))
	return string(sum[:setHash])
}

// covers says whether the removal was allowed and holds all the assets.
func (h *Held) covers(refs []graph.Ref) bool {
	if h == nil || h.AllowedBy == "" {
		return false
	}
	held := make(map[string]bool, len(h.Set)/setHash)
	for part := range slices.Chunk(h.Set, setHash) {
		held[string(part)] = true
	}
	return !slices.ContainsFunc(refs, func(r graph.Ref) bool { return !held[shortHash(r)] })
}

// Finding tells people what is held back and how to allow it.
func (h *Held) Finding(source string) graph.Finding {
	parts := make([]string, 0, len(h.Scopes))
	for _, s := range h.Scopes {
		of := "source " + source
		if !s.Parent.IsZero() {
			of = s.Parent.String()
		}
		parts = append(parts, fmt.Sprintf("%d of %d assets (%d%%) of %s", s.Ends, s.Of, 100*s.Ends/s.Of, of))
	}
	return graph.Finding{
		Level: graph.FindingWarn, Code: CodeHeld,
		What: fmt.Sprintf("source %s would remove %s; nothing of this run was written", source, strings.Join(parts, ", ")),
		Do:   fmt.Sprintf("look whether they are really gone, then allow it with `cadastre crawl %s --remove %s` or on the page of sources", source, h.Hash),
	}
}

// standing counts what stood in the scopes that were seen whole, and lists
// what of it is no longer there.
type standing struct {
	whole   bool
	all     count
	parents map[graph.Ref]count
	ended   []asset
}

type asset struct{ ref, parent graph.Ref }

func (s *standing) add(a asset, there bool) {
	c := s.parents[a.parent]
	c.of, s.all.of = c.of+1, s.all.of+1
	if !there {
		c.ends, s.all.ends = c.ends+1, s.all.ends+1
		s.ended = append(s.ended, a)
	}
	if !a.parent.IsZero() {
		s.parents[a.parent] = c
	}
}

func (s *standing) refs() []graph.Ref {
	refs := make([]graph.Ref, 0, len(s.ended))
	for _, a := range s.ended {
		refs = append(refs, a.ref)
	}
	return refs
}

// judge returns what must be asked about; nil where nothing must.
func (s *standing) judge(r Removal, allowed *Held, now func() time.Time) *Held {
	r = r.withDefaults()
	held := &Held{}
	if s.whole && r.isTooMuch(s.all, true) {
		held.Scopes = append(held.Scopes, HeldScope{Ends: s.all.ends, Of: s.all.of})
	}
	tooMuch := map[graph.Ref]bool{}
	for parent, c := range s.parents {
		if r.isTooMuch(c, false) {
			tooMuch[parent] = true
			held.Scopes = append(held.Scopes, HeldScope{Parent: parent, Ends: c.ends, Of: c.of})
		}
	}
	if len(held.Scopes) == 0 {
		return nil
	}
	slices.SortFunc(held.Scopes, func(a, b HeldScope) int { return graph.CompareRefs(a.Parent, b.Parent) })
	everywhere := held.Scopes[0].Parent.IsZero()
	var refs []graph.Ref
	for _, a := range s.ended {
		if everywhere || tooMuch[a.parent] {
			refs = append(refs, a.ref)
		}
	}
	if allowed.covers(refs) {
		return nil
	}
	held.At = now().UTC()
	held.name(refs)
	return held
}

// name fills in which assets would end.
func (h *Held) name(refs []graph.Ref) {
	slices.SortFunc(refs, graph.CompareRefs)
	hashes := make([]string, 0, len(refs))
	for _, r := range refs {
		hashes = append(hashes, shortHash(r))
	}
	slices.Sort(hashes)
	h.Set = []byte(strings.Join(hashes, ""))
	sum := sha256.Sum256(h.Set)
	h.Hash = hex.EncodeToString(sum[:6])
	h.Total = len(refs)
	h.Examples = slices.Clone(refs[:min(len(refs), maxExamples)])
}
