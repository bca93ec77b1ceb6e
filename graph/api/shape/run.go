package shape

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"cadastre.dev/cadastre/graph"
)

// Run is a commit by which a source changed the catalog, or by which that was
// undone.
type Run struct {
	Revision graph.Revision
	At       time.Time
	Actor    string
	// Undid is the run that this one took back, UndoneBy the one that took
	// this back; nil where there is none.
	Undid, UndoneBy *graph.Revision
	Changes         []Changes
}

// Changes counts what was done to items of one sort.
type Changes struct {
	// What is assets, columns and so on, as the audit log counts them.
	What                  string
	Began, Changed, Ended int
}

// NewRun shows a run; counts are as the audit log has them, "assets.began".
func NewRun(revision graph.Revision, at time.Time, actor string, undid, undoneBy graph.Revision, counts map[string]int) Run {
	r := Run{Revision: revision, At: at, Actor: actor, Undid: present(undid), UndoneBy: present(undoneBy)}
	by := map[string]Changes{}
	for key, n := range counts {
		what, how, _ := strings.Cut(key, ".")
		c := by[what]
		c.add(how, n)
		by[what] = c
	}
	r.Changes = sortedChanges(by)
	return r
}

func present(r graph.Revision) *graph.Revision {
	if r == 0 {
		return nil
	}
	return &r
}

func (c *Changes) add(how string, n int) {
	switch how {
	case "began":
		c.Began += n
	case "changed":
		c.Changed += n
	case "ended":
		c.Ended += n
	}
}

// CountChanges counts a delta by the sort of item.
func CountChanges(delta graph.Delta) []Changes {
	by := map[string]Changes{}
	for _, change := range delta {
		what := sortOf(change.Item())
		c := by[what]
		switch change.(type) {
		case graph.Began:
			c.Began++
		case graph.Changed:
			c.Changed++
		case graph.Ended:
			c.Ended++
		}
		by[what] = c
	}
	return sortedChanges(by)
}

// sorts are the sorts of item in the order in which they are told.
func sorts() []string {
	return []string{"assets", "columns", "owners", "grants", "tags", "annotations", "statements", "edges"}
}

func sortOf(i graph.Item) string {
	switch i.(type) {
	case graph.Asset:
		return "assets"
	case graph.Column:
		return "columns"
	case graph.Owner:
		return "owners"
	case graph.Grant:
		return "grants"
	case graph.Tag:
		return "tags"
	case graph.Annotation:
		return "annotations"
	case graph.Statement:
		return "statements"
	}
	return "edges"
}

func sortedChanges(by map[string]Changes) []Changes {
	out := make([]Changes, 0, len(by))
	for what, c := range by {
		c.What = what
		out = append(out, c)
	}
	rank := func(c Changes) int { return slices.Index(sorts(), c.What) }
	slices.SortFunc(out, func(a, b Changes) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a.What, b.What)) })
	return out
}

// UndoRun says what undoing a run changes.
type UndoRun struct {
	// Run is the revision that is undone, and Made the one that does so; nil
	// where it was only asked.
	Run     graph.Revision
	Made    *graph.Revision
	Source  string
	Changes []Changes
	// LaterTotal counts the items that later commits changed; Later names
	// some of their assets of which the person may know.
	LaterTotal int
	Later      []graph.Ref
}
