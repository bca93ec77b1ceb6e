package serve

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
)

func noon() time.Time { return time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC) }

func mustParse(t *testing.T, text string) cron.Schedule {
	t.Helper()
	when, err := parseSchedule(text, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestSchedulesAreRead(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		text string
		zone *time.Location
		next string // after noon of 1 May 2031, in UTC; empty: it is a fault
		want string
	}{
		{"0 * * * *", time.UTC, "2031-05-01T13:00:00Z", ""},
		{"@hourly", time.UTC, "2031-05-01T13:00:00Z", ""},
		{"@every 15m", time.UTC, "2031-05-01T12:15:00Z", ""},
		{"30 2 * * *", time.UTC, "2031-05-02T02:30:00Z", ""},
		{"30 2 * * *", berlin, "2031-05-02T00:30:00Z", ""},
		{"@daily", berlin, "2031-05-01T22:00:00Z", ""},
		{"0 6 * * MON-FRI", time.UTC, "2031-05-02T06:00:00Z", ""},
		{"", time.UTC, "", "five fields"},
		{"hourly", time.UTC, "", "five fields"},
		{"0 * * *", time.UTC, "", "five fields"},
		{"0 0 * * * *", time.UTC, "", "five fields"},
		{"61 * * * *", time.UTC, "", "five fields"},
		{"0 0 30 2 *", time.UTC, "", "no such day"},
		{"@every 10s", time.UTC, "", "shortest pause"},
		{"@reboot", time.UTC, "", "five fields"},
		{"CRON_TZ=Asia/Tokyo 0 * * * *", time.UTC, "", "time_zone"},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			when, err := parseSchedule(test.text, test.zone)
			if test.next == "" {
				mustBe(t, err, graph.ErrInvalid)
				if !strings.Contains(err.Error(), test.want) {
					t.Errorf("it says %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := nextRun(when, noon(), noon()).Format(time.RFC3339); got != test.next {
				t.Errorf("next is %s, want %s", got, test.next)
			}
		})
	}
}

// Law: whatever the schedule and however long nothing ran, a moment that has
// passed is made up for by exactly one run, at the first look after it.
func TestEachMomentIsRunOnceAndAMissedOneAtTheNextLook(t *testing.T) {
	t.Parallel()
	texts := []string{"* * * * *", "*/7 * * * *", "@hourly", "30 2 * * *", "@every 90s", "@every 25m", "0 6 * * 1", "@monthly"}
	rng := rand.New(rand.NewPCG(7, 1)) //nolint:gosec // a test's chance
	for _, text := range texts {
		when := mustParse(t, text)
		now := noon()
		last := now
		for range 500 {
			// A look, then seconds or days until the next.
			now = now.Add(time.Duration(rng.Int64N(int64([]time.Duration{time.Second, time.Minute, time.Hour, 72 * time.Hour}[rng.IntN(4)])) + 1))
			passed := !when.Next(last).After(now)
			if due := !nextRun(when, last, now).After(now); due != passed {
				t.Fatalf("%s: last %v, now %v: due is %v, a moment passed: %v", text, last, now, due, passed)
			}
			if passed {
				last = now
				if !nextRun(when, last, now).After(now) {
					t.Fatalf("%s: due again at once at %v", text, now)
				}
			}
		}
	}
}

func TestAClockThatWasWrongHoldsNothingUp(t *testing.T) {
	t.Parallel()
	when := mustParse(t, "@hourly")
	for _, test := range []struct {
		name string
		last time.Time
		want time.Time
	}{
		{"never", time.Time{}, noon()},
		{"a moment ago", noon().Add(-time.Minute), noon()},
		{"just now", noon(), noon().Add(time.Hour)},
		{"a minute ahead, by another machine's clock", noon().Add(time.Minute), noon().Add(time.Hour)},
		{"a year ahead", noon().AddDate(1, 0, 0), noon()},
	} {
		if got := nextRun(when, test.last, noon()); !got.Equal(test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// onSchedule is a bench with a source that is crawled hourly, and its clock.
func onSchedule(t *testing.T) (*bench, *time.Time) {
	t.Helper()
	b, at := newBench(t), noon()
	b.app.now = func() time.Time { return at }
	b.app.config.Sources = []SourceConfig{{Name: "warehouse", Schedule: "@hourly"}, {Name: "by hand"}}
	b.on(&script{name: "warehouse", crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		return ingest.Cursor("one"), peopleSeen(emit)
	}})
	return b, &at
}

func (b *bench) look() (wake time.Time) {
	b.t.Helper()
	wake, err := b.app.makeDue(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return wake
}

// worked waits until nothing is due, and works it.
func (b *bench) worked() {
	b.t.Helper()
	if err := b.app.Settle(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func TestTheClockMakesCrawlsDue(t *testing.T) {
	t.Parallel()
	b, at := onSchedule(t)
	if wake := b.look(); len(b.due()) != 1 || wake.After(at.Add(lookAgain)) {
		t.Fatalf("at first %v is due, next look %v", b.due(), wake)
	}
	b.look()
	if got := b.due(); len(got) != 1 || got[0] != "crawl" {
		t.Errorf("looking twice makes due %v", got)
	}
	*at = at.Add(59*time.Minute + 30*time.Second)
	if wake := b.look(); !wake.Equal(noon().Add(time.Hour)) || len(b.due()) != 1 {
		t.Errorf("just before the hour %v is due, next look %v", b.due(), wake)
	}
	due, err := b.app.store.Due(t.Context())
	if err != nil || len(due) != 1 || !due["crawl:warehouse"].Equal(noon()) {
		t.Errorf("noted is %v, %v", due, err)
	}
	*at = at.Add(time.Minute)
	b.look()
	if got := b.due(); len(got) != 1 {
		t.Errorf("while one still waits %v are due", got)
	}
}

// A crawl by hand counts: the schedule goes on from there.
func TestACrawlByHandPutsTheNextOff(t *testing.T) {
	t.Parallel()
	b, at := onSchedule(t)
	b.app.config.Sources[0].Schedule = "@every 2h"
	if err := b.app.crawl(t.Context(), "warehouse"); err != nil {
		t.Fatal(err)
	}
	before := len(b.due()) // the analysis that follows
	*at = at.Add(119 * time.Minute)
	b.look()
	if got := b.due(); len(got) != before {
		t.Errorf("before its time %v is due", got)
	}
	sources, err := b.app.Sources(t.Context(), system())
	if err != nil || len(sources) != 1 || sources[0].Schedule == nil || *sources[0].Schedule != "@every 2h" || !sources[0].NextCrawlAt.Equal(noon().Add(2*time.Hour)) {
		t.Errorf("the source is told as %+v, %v", sources, err)
	}
	*at = at.Add(time.Minute)
	b.look()
	if got := b.due(); len(got) != before+1 {
		t.Errorf("at its time %v is due", got)
	}
}

// Two programs that look at the same clock make one job due, and note it once.
func TestTwoProgramsMakeOneJobDue(t *testing.T) {
	t.Parallel()
	b, _ := onSchedule(t)
	config := b.app.config
	config.Sources = nil // wired by the script below
	other, err := Open(t.Context(), config, Options{Now: b.app.now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}()
	other.config.Sources, other.sources = b.app.config.Sources, b.app.sources
	var looking sync.WaitGroup
	for range 4 {
		for _, app := range []*App{b.app, other} {
			looking.Go(func() {
				if _, err := app.makeDue(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	looking.Wait()
	if got := b.due(); len(got) != 1 {
		t.Errorf("due are %v", got)
	}
	// One that looked a moment too late changes nothing.
	if err := other.makeOneDue(t.Context(), scheduled{name: "crawl:warehouse", when: mustParse(t, "@hourly"), job: store.CrawlArgs{Source: "late"}}, time.Time{}, noon()); err != nil {
		t.Error(err)
	}
	if got := b.due(); len(got) != 1 {
		t.Errorf("after a late look %v are due", got)
	}
}

// A crawl that takes longer than its schedule's pause is not queued behind
// itself.
func TestARunningCrawlMakesTheNextSuperfluous(t *testing.T) {
	t.Parallel()
	b, at := onSchedule(t)
	began, end := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.on(&script{name: "warehouse", crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		once.Do(func() { close(began) })
		<-end
		return ingest.Cursor("one"), peopleSeen(emit)
	}, list: func(since ingest.Cursor, _ func(graph.Statement) error) (ingest.Cursor, error) { return since, nil }})
	b.look()
	if err := b.app.startJobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-began
	*at = at.Add(time.Hour)
	b.look()
	if got := b.due(); len(got) != 1 {
		t.Errorf("beside the one that runs: %v", got)
	}
	if due, err := b.app.store.Due(t.Context()); err != nil || !due["crawl:warehouse"].Equal(*at) {
		t.Errorf("its moment is not noted: %v, %v", due, err)
	}
	close(end)
	b.worked()
}

func TestAScheduleThatCannotBeReadIsAFaultOfTheConfiguration(t *testing.T) {
	t.Parallel()
	_, err := LoadConfig(writeConfig(t, `
time_zone: Middle/Earth
sources: [{name: w, schedule: "every now and then", bigquery: {projects: [p]}}, {name: v, schedule: "@daily", bigquery: {projects: [p]}}]
`), nil)
	mustBe(t, err, graph.ErrInvalid)
	for _, want := range []string{`time_zone: "Middle/Earth"`, "sources.w.schedule", "five fields"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not tell %q: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "sources.v") {
		t.Errorf("it tells of a good one: %v", err)
	}
	b := newBench(t)
	b.app.config.TimeZone = "Middle/Earth"
	_, err = b.app.makeDue(t.Context())
	mustBe(t, err, graph.ErrInvalid)
	b.app.config.TimeZone, b.app.config.Sources = "", []SourceConfig{{Name: "w", Schedule: "x"}}
	_, err = b.app.Sources(t.Context(), system())
	mustBe(t, errors.Join(err), graph.ErrInvalid)
}
