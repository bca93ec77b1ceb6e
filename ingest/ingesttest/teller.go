package ingesttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
)

// Teller is a source that tells by chance: of few assets that others tell of
// too, so that whatever may meet meets.
type Teller struct {
	name string
	rnd  *rand.Rand
	// said is what it last said, by asset; unchanged is only told of those.
	said  map[graph.Ref][]graph.Fact
	facts []graph.Fact
	err   error
}

// NewTeller makes a source of a name with its own chance.
func NewTeller(name string, rnd *rand.Rand) *Teller {
	return &Teller{name: name, rnd: rnd, said: map[graph.Ref][]graph.Fact{}}
}

// Shuffle puts what it last told in another order, but for the scopes at the
// end.
func (s *Teller) Shuffle() {
	n := len(s.facts)
	if n > 0 {
		if _, ok := s.facts[n-1].(graph.ScopeDone); ok {
			n--
		}
	}
	s.rnd.Shuffle(n, func(i, j int) { s.facts[i], s.facts[j] = s.facts[j], s.facts[i] })
}

// Name is the one it was made with.
func (s *Teller) Name() string { return s.name }

// Crawl tells what Tell decided.
func (s *Teller) Crawl(_ context.Context, _ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
	for _, f := range s.facts {
		if err := emit(f); err != nil {
			return nil, err
		}
	}
	return ingest.Cursor("1"), s.err
}

func (s *Teller) ref() graph.Ref {
	return graph.BigQueryRef("p", fmt.Sprintf("d%d", s.rnd.IntN(2)), fmt.Sprintf("t%d", s.rnd.IntN(4)))
}

// Tell decides what the next run says.
func (s *Teller) Tell() {
	s.facts, s.err = nil, nil
	for n := range 8 {
		ref := graph.BigQueryRef("p", "d0", fmt.Sprintf("t%d", n))
		if s.rnd.IntN(5) == 0 {
			continue
		}
		last := s.said[ref]
		switch what := s.rnd.IntN(8); {
		case len(last) > 0 && what < 4:
			s.facts = append(s.facts, last...)
		case len(last) > 0 && what == 4:
			s.facts = append(s.facts, graph.AssetUnchanged{Ref: ref})
		default:
			last = s.about(ref)
			s.said[ref] = last
			s.facts = append(s.facts, last...)
		}
	}
	s.rnd.Shuffle(len(s.facts), func(i, j int) { s.facts[i], s.facts[j] = s.facts[j], s.facts[i] })
	switch s.rnd.IntN(4) {
	case 0:
		s.facts = append(s.facts, graph.ScopeDone{Scope: graph.Scope{Source: s.name}})
	case 1:
		s.facts = append(s.facts, graph.ScopeDone{Scope: graph.Scope{Source: s.name, Parent: graph.BigQueryRef("p", "d1")}})
	case 2:
		s.err = ingest.Partial([]graph.Finding{{What: "a part was closed"}})
	}
}

// about is all that it says of an asset: sometimes the asset itself, which may
// move to another container, and sometimes tags and edges alone.
func (s *Teller) about(ref graph.Ref) []graph.Fact {
	var out []graph.Fact
	says := graph.Provenance{Kind: graph.BySource, Name: s.name}
	if s.rnd.IntN(4) > 0 {
		seen := graph.AssetSeen{Asset: graph.Asset{Ref: ref, Kind: graph.KindTable, Source: s.name, Parent: graph.BigQueryRef("p", fmt.Sprintf("d%d", s.rnd.IntN(2)))}}
		if s.rnd.IntN(5) == 0 {
			seen.Asset.Unread = "denied"
		} else {
			for i := range s.rnd.IntN(3) {
				seen.Columns = append(seen.Columns, graph.Column{Ref: ref.Column(fmt.Sprintf("c%d", i)), Position: i, Type: []string{"STRING", "INTEGER"}[s.rnd.IntN(2)], Mode: graph.ModeNullable})
			}
		}
		for _, who := range []string{"user:a", "user:b"}[:s.rnd.IntN(3)] {
			seen.Owners = append(seen.Owners, graph.Owner{Asset: ref, Principal: who, Role: graph.OwnerTechnical, Provenance: says})
			seen.Grants = append(seen.Grants, graph.Grant{On: ref, Principal: who, Role: "READER", Provenance: says})
		}
		out = append(out, seen)
	}
	if s.rnd.IntN(2) == 0 {
		out = append(out, graph.TagSeen{Tag: graph.Tag{Ref: ref.Column("c0"), Label: "user", State: graph.TagProposed, Form: graph.FormClear, Confidence: float64(1+s.rnd.IntN(2)) / 2, Provenance: says}})
	}
	if s.rnd.IntN(2) == 0 {
		edge := graph.Edge{From: ref, To: s.ref(), Kind: graph.EdgeReads, Outcome: graph.OutcomeExact, Because: []graph.EvidenceKind{graph.EvidenceConnector, graph.EvidencePush}[s.rnd.IntN(2)]}
		out = append(out, graph.EdgeSeen{Edge: edge})
		if s.rnd.IntN(3) == 0 {
			out[len(out)-1] = graph.EdgeGone{Edge: edge}
		}
	}
	return out
}

// Somebody is what somebody else changes in a catalog as it stands: a person
// tags or draws an edge, or the last delta is undone.
func Somebody(rnd *rand.Rand, all graph.Snapshot, history []graph.Delta) graph.Delta {
	ref := graph.BigQueryRef("p", "d0", fmt.Sprintf("t%d", rnd.IntN(4)))
	person := graph.Provenance{Kind: graph.ByPerson, Name: "ana"}
	now, was := graph.Snapshot{}, graph.Snapshot{}
	switch rnd.IntN(3) {
	case 0:
		now.Put(graph.Tag{Ref: ref.Column("c0"), Label: "user", State: []graph.TagState{graph.TagConfirmed, graph.TagRejected}[rnd.IntN(2)], Confidence: 1, Provenance: person})
	case 1:
		now.Put(graph.Edge{From: ref, To: graph.BigQueryRef("p", "d0", "t1"), Kind: graph.EdgeReads, Outcome: graph.OutcomeExact, Because: graph.EvidencePerson})
	default:
		return undo(all, history)
	}
	for _, item := range now {
		if known, ok := all.Get(item); ok {
			was.Put(known)
		}
	}
	return graph.Diff(was, now)
}

// undo takes back the last delta as far as nobody changed its items since.
func undo(now graph.Snapshot, history []graph.Delta) graph.Delta {
	if len(history) == 0 {
		return nil
	}
	var back graph.Delta
	for _, change := range history[len(history)-1] {
		standing, ok := now.Get(change.Item())
		switch change := change.(type) {
		case graph.Began:
			if ok && reflect.DeepEqual(standing, change.Now) {
				back = append(back, graph.Ended{Was: change.Now})
			}
		case graph.Changed:
			if ok && reflect.DeepEqual(standing, change.Now) {
				back = append(back, graph.Changed{Was: change.Now, Now: change.Was})
			}
		case graph.Ended:
			if !ok {
				back = append(back, graph.Began{Now: change.Was})
			}
		}
	}
	return back
}
