package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/ingest"
)

func (b *bench) activity(who graph.Principal) []shape.Activity {
	b.t.Helper()
	jobs, err := b.app.Activity(b.t.Context(), who)
	if err != nil {
		b.t.Fatal(err)
	}
	return jobs
}

// work starts the jobs with one crawl of the warehouse due.
func (b *bench) work() {
	b.t.Helper()
	if err := errors.Join(b.app.StartCrawl(b.t.Context(), system(), "warehouse", ""), b.app.startJobs(b.t.Context())); err != nil {
		b.t.Fatal(err)
	}
}

func noStatements(since ingest.Cursor, _ func(graph.Statement) error) (ingest.Cursor, error) {
	return since, nil
}

// A crawl tells how much it has seen while it goes on, in its own process and
// in another, to those who operate the sources: the count is of what may be
// hidden from others.
func TestARunningCrawlTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	seen, end := make(chan struct{}), make(chan struct{})
	b.on(&script{name: "warehouse", list: noStatements, crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		for i := range 250 {
			asset := people()
			asset.Ref = graph.BigQueryRef("shop", "raw", fmt.Sprint("t", i))
			if err := emit(graph.AssetSeen{Asset: asset}); err != nil {
				return nil, err
			}
		}
		close(seen)
		<-end
		return ingest.Cursor("one"), emit(graph.ScopeDone{Scope: graph.Scope{Source: "warehouse"}})
	}})
	other, err := Open(t.Context(), b.app.config, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}()
	b.work()
	<-seen
	nobody := graph.Principal{ID: "nobody@shop.example"}
	if got := b.activity(nobody); len(got) != 1 || got[0].State != stateRunning || got[0].Done != 0 {
		t.Errorf("somebody who does not operate is told %+v", got)
	}
	got := b.activity(system())
	if len(got) != 1 || got[0].State != stateRunning || got[0].Done != 200 || got[0].Attempt != 1 || got[0].Attempts != 5 || got[0].StartedAt == nil || got[0].NextAt != nil || got[0].EndedAt != nil {
		t.Errorf("here it is told as %+v", got)
	}
	elsewhere, err := other.Activity(t.Context(), system())
	if err != nil || len(elsewhere) != 1 || elsewhere[0].State != stateRunning || elsewhere[0].Done != 100 {
		t.Errorf("in another process it is told as %+v, %v: the first count is noted at once", elsewhere, err)
	}
	close(end)
	b.worked()
	if got := b.activity(nobody); len(got) > 0 {
		t.Errorf("at the end there is %+v", got)
	}
}

// What failed and is tried again says when, and to those who operate why. It
// succeeds in the end, and is gone.
func TestARetryIsShown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var runs atomic.Int32
	b.on(&script{name: "warehouse", list: noStatements, crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		if runs.Add(1) < 2 {
			return nil, errors.New("table secrets has a strange type")
		}
		return ingest.Cursor("one"), peopleSeen(emit)
	}})
	b.work()
	var got []shape.Activity
	until(t, "it is tried again", func(context.Context) bool {
		got = b.activity(system())
		return len(got) == 1 && got[0].State == stateRetrying
	})
	if got[0].NextAt == nil || got[0].Attempt != 1 || !strings.Contains(got[0].Error, "table secrets has a strange type") {
		t.Errorf("it is told as %+v", got[0])
	}
	for _, j := range b.activity(graph.Principal{ID: "nobody@shop.example"}) {
		if j.Error != "" {
			t.Errorf("somebody who does not operate is told %q", j.Error)
		}
	}
	b.worked()
	if got := b.activity(system()); len(got) > 0 || runs.Load() != 2 {
		t.Errorf("after %d runs there is %+v", runs.Load(), got)
	}
}

// A job that was given up stays a problem of its source, until it succeeds.
func TestAJobThatWasGivenUpStaysAProblem(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var broken atomic.Bool
	broken.Store(true)
	b.on(&script{name: "warehouse", list: noStatements, crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		if broken.Load() {
			return nil, fmt.Errorf("dataset hr: %w", graph.ErrDenied)
		}
		return ingest.Cursor("one"), peopleSeen(emit)
	}})
	b.work()
	b.worked()
	got := b.activity(system())
	if len(got) != 1 || got[0].State != stateFailed || got[0].EndedAt == nil || got[0].NextAt != nil || !strings.Contains(got[0].Error, "dataset hr") {
		t.Fatalf("it is told as %+v", got)
	}
	problems := func(who graph.Principal) []string {
		t.Helper()
		sources, err := b.app.Sources(t.Context(), who)
		if err != nil || len(sources) != 1 {
			t.Fatal(sources, err)
		}
		return sources[0].Problems
	}
	if p := problems(system()); len(p) != 1 || !strings.Contains(p[0], "dataset hr") {
		t.Errorf("the problems are %q", p)
	}
	if p := problems(graph.Principal{ID: "nobody@shop.example"}); len(p) > 0 {
		t.Errorf("somebody who does not operate is told %q", p)
	}
	broken.Store(false)
	if err := b.app.StartCrawl(t.Context(), system(), "warehouse", ""); err != nil {
		t.Fatal(err)
	}
	b.worked()
	if got, p := b.activity(system()), problems(system()); len(got) > 0 || len(p) > 0 {
		t.Errorf("after a success there is %+v, %q", got, p)
	}
}

// A failure of which the run could keep nothing is told from its job.
func TestAFailureWithoutATraceIsToldFromItsJob(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app.sources = nil
	if err := b.app.startJobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.on(&script{name: "warehouse", list: noStatements})
	if err := b.app.StartCrawl(t.Context(), system(), "warehouse", ""); err != nil {
		t.Fatal(err)
	}
	// Named and not configured any more: nothing of it can be crawled or kept.
	b.app.sources = nil
	b.worked()
	problems, err := b.app.problems(t.Context(), "warehouse")
	if err != nil || len(problems) != 1 || !strings.Contains(problems[0], "crawl of warehouse was given up after 1 runs") || !strings.Contains(problems[0], "crawl the source again") {
		t.Errorf("the problems are %q, %v", problems, err)
	}
	if problems, err := b.app.problems(t.Context(), "other"); err != nil || len(problems) > 0 {
		t.Errorf("another source has %q, %v", problems, err)
	}
}

// The board notes a job's progress at first and then now and then, however
// often it is told.
func TestProgressIsNotedNowAndThen(t *testing.T) {
	t.Parallel()
	b := newBoard(nil)
	var noted []tally
	b.begin("crawl", "a", func(t tally) { noted = append(noted, t) })
	for i := range 1000 {
		b.set("crawl", "a", i, 0)
	}
	if !slices.Equal(noted, []tally{{0, 0}}) {
		t.Errorf("noted %v", noted)
	}
	b.at[jobName{"crawl", "a"}].noted = time.Now().Add(-noteEvery)
	b.set("crawl", "a", 1000, 0)
	if !slices.Equal(noted, []tally{{0, 0}, {1000, 0}}) {
		t.Errorf("noted %v", noted)
	}
	b.set("crawl", "b", 1, 0) // begun by nobody: shown all the same
	if got, here := b.get("crawl", "b"); !here || got.Done != 1 {
		t.Errorf("it stands at %v", got)
	}
	if got := tallyOf([]byte(`{"done":3,"total":4}`)); got != (tally{3, 4}) || tallyOf(nil) != (tally{}) || tallyOf([]byte("x")) != (tally{}) {
		t.Errorf("read back %v", got)
	}
}
