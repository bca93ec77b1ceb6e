package serve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

// A class is what the policy reads of a column, and nothing that it does not:
// one decision then serves all columns that cannot be told apart.
func TestAClassFollowsWhatThePolicyReads(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	email := leaf(people(), "email", "STRING", 0)
	confirmed := word(email.Ref, "user.contact.email", graph.TagConfirmed)
	base := graph.NewSnapshot(people(), email, confirmed)
	classOf := func(items graph.Snapshot) graph.Class {
		all := b.app.assess(items)
		if len(all) != 1 {
			t.Fatalf("%d columns were assessed", len(all))
		}
		return all[0].class
	}
	for _, test := range []struct {
		name   string
		change func() graph.Item
		same   bool
	}{
		{"a description", func() graph.Item { c := email; c.Description = "mail"; return c }, true},
		{"a position", func() graph.Item { c := email; c.Position = 9; return c }, true},
		{"a mode", func() graph.Item { c := email; c.Mode = graph.ModeRepeated; return c }, true},
		{"the case of a type", func() graph.Item { c := email; c.Type = "string"; return c }, true},
		{"another type", func() graph.Item { c := email; c.Type = "INT64"; return c }, false},
		{"the asset's title", func() graph.Item { a := people(); a.Title = "People"; return a }, true},
		{"the asset's source", func() graph.Item { a := people(); a.Source = "other"; return a }, true},
		{"the asset's kind", func() graph.Item { a := people(); a.Kind = graph.KindView; return a }, true},
		{"the asset's domain", func() graph.Item { a := people(); a.Labels = map[string]string{"domain": "sales"}; return a }, true},
		{"who said it", func() graph.Item { tag := confirmed; tag.Provenance.Name = "otto@shop.example"; return tag }, true},
		{"why it was said", func() graph.Item { tag := confirmed; tag.Provenance.Why = "because"; return tag }, true},
		{"another form", func() graph.Item { tag := confirmed; tag.Form = graph.FormPseudonymous; return tag }, false},
		{"a rejection", func() graph.Item { tag := confirmed; tag.State = graph.TagRejected; return tag }, false},
		{"one label more", func() graph.Item { return word(email.Ref, "user.name", graph.TagConfirmed) }, false},
		{"a label on the asset of a column that a person spoke of", func() graph.Item { return word(people().Ref, "user.name", graph.TagConfirmed) }, true},
		{"a word about another column", func() graph.Item { return word(people().Ref.Column("other"), "user.name", graph.TagConfirmed) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			changed := graph.NewSnapshot(people(), email, confirmed)
			changed.Put(test.change())
			if got := classOf(changed) == classOf(base); got != test.same {
				t.Errorf("the class is the same: %v, want %v", got, test.same)
			}
		})
	}
}

// The ledger is a history without gaps: at each revision at which decisions
// were made, one line holds for each class and audience that there is, and
// none for a class that there is not.
func TestTheLedgerHasOneLineForEachClassAtEachRevision(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			b, random := newBench(t), rand.New(rand.NewPCG(seed, 1))
			columns := []graph.Column{leaf(people(), "email", "STRING", 0), leaf(people(), "born", "DATE", 1), leaf(people(), "id", "INT64", 2)}
			b.put(people(), columns[0], columns[1], columns[2])
			b.decided()
			labels := []string{"user.contact.email", "user.name", "user.financial", graph.LabelNone}
			states := []graph.TagState{graph.TagConfirmed, graph.TagRejected}
			for range 12 {
				tag := word(columns[random.IntN(len(columns))].Ref, labels[random.IntN(len(labels))], states[random.IntN(len(states))])
				if random.IntN(3) == 0 {
					b.end(tag)
				} else {
					b.put(tag)
				}
				b.decided()
				b.holdsOneLineEach()
			}
		})
	}
}

// holdsOneLineEach compares the ledger at the newest revision with the classes
// that there are.
func (b *bench) holdsOneLineEach() {
	b.t.Helper()
	r := b.reader(0)
	want := map[string]bool{}
	for _, c := range b.app.assess(b.now) {
		for _, audience := range b.app.Audiences() {
			want[audience.Name+" "+string(c.class)] = true
		}
	}
	held, err := r.Decisions(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, h := range held {
		line := h.Decision.Audience + " " + string(h.Decision.Class)
		if h.Began == 0 || h.Began > r.Revision() || (h.Ended != 0 && h.Ended <= h.Began) {
			b.t.Errorf("a line holds from %d to %d at revision %d", h.Began, h.Ended, r.Revision())
		}
		if h.Ended != 0 {
			continue
		}
		if seen[line] || !want[line] {
			b.t.Errorf("twice or for nothing: %s", line)
		}
		seen[line] = true
	}
	if len(seen) != len(want) {
		b.t.Errorf("%d lines hold, %d are wanted", len(seen), len(want))
	}
}

// Over a sequence of tags a class's line begins and ends where the decisions
// followed, and the past stays as it was.
func TestALineBeginsAndEndsWithItsClass(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	email := leaf(people(), "email", "STRING", 0)
	tag := word(email.Ref, "user.contact.email", graph.TagConfirmed)
	b.put(people(), email)
	b.decided()
	b.put(tag)
	class := b.app.assess(b.now)[0].class
	lines := func() (out []graph.Held) {
		held, err := b.reader(0).Decisions(t.Context(), class)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range held {
			if h.Decision.Audience == "analysts" {
				out = append(out, h)
			}
		}
		return out
	}
	if got := lines(); len(got) > 0 {
		t.Fatalf("before the decisions followed there is %+v", got)
	}
	b.decided()
	began := b.reader(0).Revision()
	first := lines()
	if len(first) != 1 || first[0].Began != began || first[0].Ended != 0 || first[0].Decision.Effect != graph.EffectMask {
		t.Fatalf("the line that began at %d is %+v", began, first)
	}
	b.decided()
	if again := b.reader(0).Revision(); again != began {
		t.Errorf("deciding the same again made revision %d after %d", again, began)
	}
	b.end(tag)
	b.decided()
	ended := b.reader(0).Revision()
	if got := lines(); len(got) != 1 || got[0].Began != began || got[0].Ended != ended {
		t.Errorf("ended at %d, the line is %+v", ended, got)
	}
	b.put(tag)
	b.decided()
	if got := lines(); len(got) != 2 || got[0].Ended != ended || got[1].Ended != 0 || got[1].Began <= ended {
		t.Errorf("said again, the lines are %+v", got)
	}
	then, err := b.reader(began).Decisions(t.Context(), class)
	if err != nil || len(then) != 2 || then[0].Ended != 0 || then[1].Ended != 0 {
		t.Errorf("as of revision %d the lines are %+v, %v", began, then, err)
	}
}

// What cannot succeed by trying again is given up; the rest is tried again.
func TestAJobIsTriedAgainWhereThatMayHelp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, kind string
		err        error
		final      bool
	}{
		{"an unreachable source", "crawl", graph.ErrUnavailable, true},
		{"a database that is away during a crawl", "crawl", store.ErrOutage, false},
		{"a source and then the database", "crawl", errors.Join(graph.ErrUnavailable, store.ErrOutage), false},
		{"a crawl that was begun again", "crawl", store.ErrTaken, false},
		{"an unreachable target", "apply", graph.ErrUnavailable, false},
		{"a conflict", "decide", graph.ErrConflict, false},
		{"a fault", "crawl", errors.New("disk I/O error"), false},
		{"what makes no sense", "analyze", graph.ErrInvalid, true},
		{"what is forbidden", "crawl", graph.ErrDenied, true},
		{"what is not there", "apply", graph.ErrNotFound, true},
		{"what is stale", "apply", graph.ErrStale, true},
		{"the end of time", "crawl", context.DeadlineExceeded, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := isFinal(test.kind, fmt.Errorf("%s: %w", test.kind, test.err)); got != test.final {
				t.Errorf("given up: %v, want %v", got, test.final)
			}
		})
	}
}

func TestAJobIsToldByWhatItIsAbout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		args interface{ Kind() string }
		want string
	}{
		{"crawl", store.CrawlArgs{Source: "warehouse"}, "warehouse"},
		{"analyze", store.AnalyzeArgs{Source: "registry"}, "registry"},
		{"apply", store.ApplyArgs{Plan: "feed"}, "feed"},
		{"undo", store.UndoArgs{Plan: "beef"}, "beef"},
		{"decide", store.DecideArgs{}, ""},
		{"propagate", store.PropagateArgs{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := subjectOf(test.args); got != test.want || test.args.Kind() != test.name {
				t.Errorf("%s is about %q, want %q", test.args.Kind(), got, test.want)
			}
		})
	}
}
