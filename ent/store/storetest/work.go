package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"github.com/google/go-cmp/cmp"
)

func plans(t *testing.T, open Open) {
	s := open(t, store.Config{})
	plan := graph.Plan{Catalog: s.Catalog(), Target: "warehouse", Steps: []graph.Step{{Kind: graph.StepGrant, Why: "so"}}}
	do := func(fn func(tx *store.Tx) (graph.SavedPlan, error)) (saved graph.SavedPlan, err error) {
		_, err = s.Commit(t.Context(), boss, "plan", func(tx *store.Tx) error {
			saved, err = fn(tx)
			return err
		})
		return saved, err
	}
	save := func(p graph.Plan) (graph.SavedPlan, error) {
		return do(func(tx *store.Tx) (graph.SavedPlan, error) { return tx.SavePlan(t.Context(), p) })
	}
	move := func(id string, m store.PlanMove) (graph.SavedPlan, error) {
		return do(func(tx *store.Tx) (graph.SavedPlan, error) { return tx.MovePlan(t.Context(), id, m) })
	}
	saved, err := save(plan)
	if hash, _ := plan.Hash(); err != nil || saved.ID != hash || saved.State != graph.PlanPlanned || saved.PlannedBy != boss.ID {
		t.Fatalf("saved %+v, %v", saved, err)
	}
	approved, err := move(saved.ID, store.PlanMove{From: []graph.PlanState{graph.PlanPlanned}, To: graph.PlanApproved})
	if err != nil || approved.ApprovedBy != boss.ID || approved.State != graph.PlanApproved {
		t.Errorf("approved %+v, %v", approved, err)
	}
	if again, err := save(plan); err != nil || again.State != graph.PlanApproved {
		t.Errorf("saved again: %+v, %v, want it approved as it was", again, err)
	}
	if _, err := save(graph.Plan{Catalog: "another"}); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("a plan of another catalog: %v, want invalid", err)
	}
	if _, err := move("unknown", store.PlanMove{}); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("an unknown plan: %v, want not found", err)
	}
	blocked, err := save(graph.Plan{Catalog: s.Catalog(), Findings: []graph.Finding{{Level: graph.FindingBlock}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := move(blocked.ID, store.PlanMove{From: []graph.PlanState{graph.PlanPlanned}, To: graph.PlanApproved}); !errors.Is(err, graph.ErrDenied) {
		t.Errorf("approve a blocked plan: %v, want denied", err)
	}
	wantOneApplies(t, saved.ID, move)
	further, err := move(saved.ID, store.PlanMove{From: []graph.PlanState{graph.PlanApplying}, To: graph.PlanApplying, Done: 1})
	if err != nil || further.Done != 1 || further.State != graph.PlanApplying {
		t.Errorf("further %+v, %v", further, err)
	}
	stopped, err := move(saved.ID, store.PlanMove{From: []graph.PlanState{graph.PlanApplying}, To: graph.PlanStopped, Done: 1, Reason: "no quota"})
	if err != nil || stopped.Done != 1 || stopped.Reason != "no quota" {
		t.Errorf("stopped %+v, %v", stopped, err)
	}
	wantPlans(t, s, saved.ID, stopped)
}

// wantOneApplies lets many take one approved plan: compare and set lets one.
func wantOneApplies(t *testing.T, id string, move func(string, store.PlanMove) (graph.SavedPlan, error)) {
	t.Helper()
	var (
		group sync.WaitGroup
		taken atomic.Int64
	)
	for range 6 {
		group.Go(func() {
			_, err := move(id, store.PlanMove{From: []graph.PlanState{graph.PlanApproved}, To: graph.PlanApplying})
			if err == nil {
				taken.Add(1)
			} else if !errors.Is(err, graph.ErrConflict) {
				t.Errorf("take the plan: %v, want a conflict", err)
			}
		})
	}
	group.Wait()
	if taken.Load() != 1 {
		t.Errorf("%d took the plan, want 1", taken.Load())
	}
}

func wantPlans(t *testing.T, s *store.Store, id string, want graph.SavedPlan) {
	t.Helper()
	r := all(t, s)
	if diff := cmp.Diff(want, must[graph.SavedPlan](t)(r.Plan(t.Context(), id))); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	first := must[store.List[graph.SavedPlan]](t)(r.Plans(t.Context(), store.Page{First: 1}))
	second := must[store.List[graph.SavedPlan]](t)(r.Plans(t.Context(), store.Page{First: 1, After: first.Next}))
	if len(first.Items) != 1 || len(second.Items) != 1 || second.Items[0].ID != id || second.Next != "" {
		t.Errorf("plans are %+v, then %+v, want the newest first", first, second)
	}
	// That it got further while it was applied is no event of its own, and
	// what is empty is not told.
	type did struct {
		Action string
		Detail map[string]string
	}
	var recorded []did
	for _, e := range events(t, s) {
		if e.Object == id {
			recorded = append(recorded, did{e.Action, e.Detail})
		}
	}
	if diff := cmp.Diff([]did{
		{"plan", map[string]string{"target": "warehouse", "steps": "1"}},
		{"approve", map[string]string{"from": "planned", "to": "approved", "done": "0"}},
		{"apply", map[string]string{"from": "approved", "to": "applying", "done": "0"}},
		{"apply", map[string]string{"from": "applying", "to": "stopped", "done": "1", "reason": "no quota"}},
	}, recorded); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	if r.Revision() != 0 {
		t.Errorf("plans made revision %d", r.Revision())
	}
}

func ledger(t *testing.T, open Open) {
	s := open(t, store.Config{})
	deny := graph.Decision{Audience: "analysts", Class: "a", Effect: graph.EffectDeny, Rules: []graph.Rule{{ID: "default", Why: "so"}}}
	mask := deny
	mask.Effect, mask.Method = graph.EffectMask, "null"
	brief := deny
	brief.Class = "z"
	other := graph.Decision{Audience: "fraud", Class: "b", Effect: graph.EffectAllow}
	hold := func(ds ...graph.Decision) graph.Revision {
		t.Helper()
		return must[graph.Revision](t)(s.Commit(t.Context(), boss, "decide", func(tx *store.Tx) error { return tx.HoldDecisions(t.Context(), ds) }))
	}
	first := hold(deny, other)
	if again := hold(other, deny); again != first {
		t.Errorf("the same decisions made revision %d", again)
	}
	second := hold(mask, other)
	third := hold(mask)
	_, err := s.Commit(t.Context(), boss, "decide and think again", func(tx *store.Tx) error {
		return errors.Join(tx.HoldDecisions(t.Context(), []graph.Decision{mask, brief}), tx.HoldDecisions(t.Context(), []graph.Decision{mask}))
	})
	if err != nil {
		t.Fatal(err)
	}
	wantHeld := []graph.Held{{Decision: deny, Began: first, Ended: second}, {Decision: other, Began: first, Ended: third}, {Decision: mask, Began: second}}
	if diff := cmp.Diff(wantHeld, must[[]graph.Held](t)(all(t, s).Decisions(t.Context()))); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	then := must[[]graph.Held](t)(reader(t, s, graph.Everything(), second).Decisions(t.Context(), "b", "c"))
	if diff := cmp.Diff([]graph.Held{{Decision: other, Began: first}}, then); diff != "" {
		t.Errorf("ledger then, of one class (-want +got):\n%s", diff)
	}
	if _, err := reader(t, s, graph.Filter{}, 0).Decisions(t.Context()); !errors.Is(err, graph.ErrDenied) {
		t.Errorf("all classes, for whom something may be hidden: %v, want denied", err)
	}
	if got := must[[]graph.Held](t)(reader(t, s, graph.Filter{}, 0).Decisions(t.Context(), "a")); len(got) != 2 {
		t.Errorf("%d lines of a class that is known, want 2", len(got))
	}
	_, err = s.Commit(t.Context(), boss, "decide", func(tx *store.Tx) error {
		return tx.HoldDecisions(t.Context(), []graph.Decision{deny, mask})
	})
	if !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("two decisions for one class: %v, want invalid", err)
	}
}

func cursors(t *testing.T, open Open) {
	s := open(t, store.Config{})
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	want := store.Cursor{Source: "b", Cursor: []byte{0, 1}, CrawledAt: at, Problems: []string{"403 on p.d"}}
	for _, c := range []store.Cursor{{Source: "b", CrawledAt: at.Add(-time.Hour)}, want, {Source: "a", CrawledAt: at}} {
		rev, err := s.Commit(t.Context(), boss, "crawl", func(tx *store.Tx) error { return tx.PutCursor(t.Context(), c) })
		if err != nil || rev != 0 {
			t.Errorf("put cursor: revision %d, %v, want none", rev, err)
		}
	}
	if diff := cmp.Diff(want, must[store.Cursor](t)(s.Cursor(t.Context(), "b"))); diff != "" {
		t.Errorf("cursor (-want +got):\n%s", diff)
	}
	if list := must[[]store.Cursor](t)(s.Cursors(t.Context())); len(list) != 2 || list[0].Source != "a" || len(events(t, s)) != 0 {
		t.Errorf("cursors are %+v with %d events, want two by name and none", list, len(events(t, s)))
	}
}

func sessions(t *testing.T, open Open) {
	clock := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	s := open(t, store.Config{Now: func() time.Time { return clock }})
	keep := s.Sessions()
	find := func(token string) string {
		t.Helper()
		data, found, err := keep.Find(token)
		if err != nil || found != (data != nil) {
			t.Errorf("find: %q, %v, %v", data, found, err)
		}
		return string(data)
	}
	for _, data := range []string{"one", "two"} {
		if err := keep.Commit("token", []byte(data), clock.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := find("token"); got != data {
			t.Errorf("found %q, want %q", got, data)
		}
	}
	if got := find("another"); got != "" {
		t.Errorf("found %q for a token of nobody", got)
	}
	clock = clock.Add(time.Hour)
	if got := find("token"); got != "" {
		t.Errorf("found %q of an expired session", got)
	}
	if err := errors.Join(keep.Commit("new", []byte("x"), clock.Add(time.Hour)), keep.Delete("new"), keep.Delete("new")); err != nil {
		t.Error(err)
	}
	if got := find("new"); got != "" {
		t.Errorf("found %q of a deleted session", got)
	}
}
