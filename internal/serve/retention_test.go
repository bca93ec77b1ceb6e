package serve

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/ingest"
)

// aged is a bench on which the table of people was renamed each day, for five
// days, and on which history is kept for so many days.
func aged(t *testing.T, keep int) (*bench, func(days int)) {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := newBenchAt(t, func() time.Time { return now })
	b.app.config.History.KeepDays = keep
	for day := range 5 {
		asset := people()
		asset.Title = fmt.Sprintf("day %d", day)
		b.put(asset)
		now = now.AddDate(0, 0, 1)
	}
	return b, func(days int) { now = now.AddDate(0, 0, days) }
}

// Nothing is forgotten unless it is said; then what is older is gone, and
// whoever asks for it is told so.
func TestHistoryIsKeptAsConfigured(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		keep int
		// floor is 0 where nothing goes.
		floor graph.Revision
	}{
		{name: "for ever by default", keep: 0},
		{name: "longer than there is any", keep: 6},
		{name: "all there is", keep: 5},
		{name: "the last days", keep: 2, floor: 4},
		{name: "a day", keep: 1, floor: 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, _ := aged(t, tt.keep)
			ctx, app := t.Context(), b.app
			for range 2 {
				if err := app.retain(ctx); err != nil {
					t.Fatal(err)
				}
			}
			standing, err := app.Standing(ctx, app.LocalPrincipal())
			if err != nil || standing.Since != max(tt.floor, 1) || standing.ForgottenAt.IsZero() != (tt.floor == 0) || standing.Head != 5 {
				t.Errorf("the standing is %+v, %v", standing, err)
			}
			for at := graph.Revision(1); at <= 5; at++ {
				then, err := app.AsOf(ctx, graph.Moment{Revision: at})
				if at < tt.floor {
					mustBe(t, err, graph.ErrNotFound)
					if !strings.Contains(err.Error(), "removed under retention on 2026-03-06") {
						t.Errorf("as of %d: %v", at, err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				found, err := app.Search(graph.WithAsOf(ctx, then), app.LocalPrincipal(), search.Query{Text: fmt.Sprintf("day %d", at-1)})
				if err != nil || found.Total != 1 {
					t.Errorf("as of %d %d are found, %v", at, found.Total, err)
				}
			}
			told := 0
			for _, f := range app.Doctor(ctx) {
				if f.Code == "history-removed" && strings.Contains(f.What, fmt.Sprintf("revision %d", tt.floor)) {
					told++
				}
			}
			if forgotten := countEvents(t, app, "forget"); (told > 0) != (tt.floor > 0) || (forgotten == 1) != (tt.floor > 0) {
				t.Errorf("the doctor tells %d times and the log %d times that something went", told, forgotten)
			}
			history, err := app.History(ctx, app.LocalPrincipal(), people().Ref, 50, "")
			if err != nil || history.Complete != (tt.floor == 0) || len(history.Edges) != 5-int(tt.floor) {
				t.Errorf("the history has %d entries and is complete: %v, %v", len(history.Edges), history.Complete, err)
			}
		})
	}
}

func countEvents(t *testing.T, a *App, action string) int {
	t.Helper()
	n := 0
	for e, err := range a.store.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Action == action {
			n++
		}
	}
	return n
}

// What was forgotten does not break the audit log, nor what is kept of
// decisions.
func TestEvidenceOutlivesHistory(t *testing.T) {
	t.Parallel()
	b, later := aged(t, 1)
	name := leaf(people(), "name", "STRING", 0)
	b.put(name, word(name.Ref, "user.name", graph.TagConfirmed))
	b.decided()
	before, err := b.reader(0).Decisions(t.Context())
	if err != nil || len(before) == 0 {
		t.Fatal(len(before), err)
	}
	b.put(word(name.Ref, "user.name", graph.TagRejected))
	b.decided()
	later(30)
	if err := b.app.retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := b.reader(0).Decisions(t.Context())
	if err != nil || len(after) <= len(before) {
		t.Errorf("%d lines of the ledger were %d, %v", len(after), len(before), err)
	}
	report, err := b.app.VerifyAudit(t.Context(), KeptAudit{})
	if err != nil || !report.OK || report.Events == 0 {
		t.Errorf("the audit log says %+v, %v", report, err)
	}
}

// A server makes retention due when it starts and at each tick, as a job.
func TestRetentionIsDueAtStartAndDaily(t *testing.T) {
	t.Parallel()
	b, later := aged(t, 3)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	tick := make(chan time.Time)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.app.keepRetaining(ctx, tick)
	}()
	floor := func(want graph.Revision) {
		t.Helper()
		until(t, fmt.Sprintf("the floor is revision %d", want), func(ctx context.Context) bool {
			if err := b.app.Settle(ctx); err != nil {
				t.Fatal(err)
			}
			floor, err := b.app.store.Floor(ctx)
			return err == nil && floor.Revision == want
		})
	}
	floor(3)
	later(1)
	tick <- time.Now()
	floor(4)
	stop()
	<-done
}

// Lineage that was analyzed at a revision which was forgotten since is
// analyzed anew, instead of failing for ever.
func TestASourceIsAnalyzedAfterItsRevisionWasForgotten(t *testing.T) {
	t.Parallel()
	b, later := aged(t, 1)
	source := &script{
		name:  "warehouse",
		crawl: func(ingest.Cursor, func(graph.Fact) error) (ingest.Cursor, error) { return ingest.Cursor("c"), nil },
		list:  func(since ingest.Cursor, _ func(graph.Statement) error) (ingest.Cursor, error) { return since, nil },
	}
	b.on(source)
	if err := b.app.analyze(t.Context(), "warehouse"); err != nil {
		t.Fatal(err)
	}
	last, err := b.app.lastAnalyzed(t.Context(), "warehouse")
	if err != nil || last.Revision != 5 {
		t.Fatalf("%+v, %v", last, err)
	}
	b.put(leaf(people(), "name", "STRING", 0))
	later(10)
	if err := b.app.retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last, err := b.app.lastAnalyzed(t.Context(), "warehouse"); err != nil || last.Revision != 0 {
		t.Errorf("what was analyzed at a revision that is gone counts: %+v, %v", last, err)
	}
	if err := b.app.analyze(t.Context(), "warehouse"); err != nil {
		t.Error(err)
	}
}

func TestKeepingForLessThanNothingIsAFault(t *testing.T) {
	t.Parallel()
	for _, days := range []string{"-1", "400000"} {
		_, err := LoadConfig("", []string{"CADASTRE_HISTORY__KEEP_DAYS=" + days, "CADASTRE_DATA_DIR=" + filepath.Join(t.TempDir(), "d")})
		mustBe(t, err, graph.ErrInvalid)
		if !strings.Contains(err.Error(), "history.keep_days") {
			t.Error(err)
		}
	}
}
