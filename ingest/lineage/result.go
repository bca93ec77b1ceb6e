package lineage

import "cadastre.dev/cadastre/graph"

// result returns what is known of the source's statements and what takes its
// place.
func (u *update) result() (was, now graph.Snapshot) {
	was, now = graph.Snapshot{}, graph.Snapshot{}
	for id, s := range u.known {
		was.Put(s)
		for _, e := range u.edges[id] {
			was.Put(e)
		}
		if u.works[id] == nil && s.Because == graph.EvidenceView {
			continue
		}
		if w := u.works[id]; w == nil || !u.replaces(w) {
			now.Put(s)
			for _, e := range u.edges[id] {
				now.Put(e)
			}
		}
	}
	for _, w := range u.works {
		if !u.replaces(w) {
			continue
		}
		now.Put(stored(w.statement, *w.analysis))
		for _, e := range w.edges {
			now.Put(e)
		}
	}
	return was, now
}

// replaces says whether what was found takes the place of what is known.
func (u *update) replaces(w *work) bool {
	if w.analysis == nil {
		return false
	}
	known, ok := u.known[w.statement.ID]
	if !ok || w.analysis.Outcome != graph.OutcomeUnanalyzed || known.Outcome == graph.OutcomeUnanalyzed {
		return true
	}
	return w.statement.Because == graph.EvidenceView && known.SQL != w.statement.SQL
}

func (u *update) report(now graph.Snapshot) Report {
	r := Report{Unlisted: u.unseen}
	for _, item := range now {
		s, ok := item.(graph.Statement)
		if !ok {
			continue
		}
		switch s.Outcome {
		case graph.OutcomeExact:
			r.Exact++
		case graph.OutcomePartial:
			r.Partial++
		case graph.OutcomeFailed:
			r.Failed++
		case graph.OutcomeUnanalyzed:
			r.Unanalyzed++
		}
		if w := u.works[s.ID]; w == nil || !u.replaces(w) {
			r.Kept++
		}
	}
	return r
}
